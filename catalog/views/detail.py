"""The page of one product: what it is, and everything that happened to it."""

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.activity import undone_among
from catalog.history import LABELS, last_values, product_history
from catalog.models import Product


@require_safe
@permission_required("catalog.view_product", raise_exception=True)
def product_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One product; 410 with its history for one that only the log knows."""
    product = Product.objects.filter(pk=pk).first()
    field = request.GET.get("field", "")
    field = field if field in LABELS else ""
    cursor = request.GET.get("before", "")
    before = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else None
    history = product_history(pk, product, field=field, before=before)
    if product is None and not history.total:
        raise Http404
    last = None if product else last_values(pk)
    context = {
        "pk": pk,
        "product": product,
        "last": last,
        "sku": product.sku if product else (last or {}).get("sku", f"{pk:,}"),
        "title": product.name if product else (last or {}).get("name", "Deleted product"),
        "history": history,
        "undone": undone_among(entry.change_set.pk for entry in history.entries),
        "fields": LABELS,
        "field": field,
        "before": before,
        "kept_days": settings.CHANGE_RETENTION_DAYS,
    }
    return render(request, "catalog/detail.html", context, status=200 if product else 410)
