"""The page of a bulk operation, and the one that deletes everything."""

from datetime import timedelta
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from catalog import actions, operations, watching
from catalog.activity import undone_among
from catalog.models import BulkOperation, Product
from catalog.undoing import Left
from catalog.wording import chosen_by
from core.streams import event_stream

PHRASE = "delete all products"
# Of a deletion with its log, on two small cores: what the page says that it will take.
DELETED_A_SECOND = 60_000


@require_GET
@permission_required("catalog.view_bulkoperation", raise_exception=True)
def operation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One operation: live while it runs, then what came of it."""
    operation = get_object_or_404(
        BulkOperation.objects.select_related("created_by", "undoes", "change_set"), pk=pk
    )
    return render(
        request,
        "catalog/operation.html",
        {
            "operation": operation,
            "live": watching.figures(operation),
            "headline": watching.headline(operation),
            "left": [Left(**each) for each in operation.left],
            "chosen": chosen_by(operation, by_hand=operation.ids is not None),
            "undone": operation.change_set_id in undone_among([operation.change_set_id or 0]),
        },
    )


@require_GET
@never_cache
@permission_required("catalog.view_bulkoperation", raise_exception=True)
def operation_live(request: HttpRequest, pk: int) -> HttpResponse:
    """The live fragment, for browsers that poll."""
    operation = get_object_or_404(BulkOperation, pk=pk)
    return render(
        request,
        "catalog/operation.html#live",
        {
            "operation": operation,
            "live": watching.figures(operation),
            "headline": watching.headline(operation),
        },
    )


@require_GET
@permission_required("catalog.view_bulkoperation", raise_exception=True)
def operation_events(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The live fragment as Server-Sent Events."""
    operation = get_object_or_404(BulkOperation, pk=pk)
    return event_stream(operation.progress_key, watching.feed(operation.pk))


@require_POST
@permission_required("catalog.change_bulkoperation", raise_exception=True)
def operation_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a running operation to be cancelled."""
    operation = get_object_or_404(BulkOperation, pk=pk)
    if operations.cancel(operation, actor=cast(User, request.user)):
        messages.info(request, "The operation is being cancelled. Nothing of it will remain.")
    else:
        messages.warning(request, "The operation had already ended.")
    return redirect("catalog:operation", pk=pk)


@require_http_methods(["GET", "POST"])
@permission_required("catalog.delete_all_products", raise_exception=True)
def delete_all(request: HttpRequest) -> HttpResponse:
    """Delete every product, once the phrase is typed."""
    phrase = request.POST.get("phrase", "")
    if request.method == "POST" and phrase.strip() == PHRASE:
        operation = actions.delete_all(actor=cast(User, request.user))
        return redirect("catalog:operation", pk=operation.pk)
    counts = Product.objects.aggregate(products=Count("pk"), active=Count("pk", Q(active=True)))
    return render(
        request,
        "catalog/delete_all.html",
        {
            **counts,
            "phrase": PHRASE,
            "typed": phrase,
            "refused": request.method == "POST",
            "seconds": max(1, counts["products"] / DELETED_A_SECOND),
            "kept_days": settings.CHANGE_RETENTION_DAYS,
            "kept_until": timezone.now() + timedelta(days=settings.CHANGE_RETENTION_DAYS),
        },
        status=422 if request.method == "POST" else 200,
    )
