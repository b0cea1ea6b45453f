"""Products as a download: those of the list's filters, or a selection that another view made."""

from typing import cast

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from catalog.export import NoRoom, export_csv, headers_alone
from catalog.filters import InvalidFilter, filtered, settled
from catalog.models import Product


@require_safe
@permission_required("catalog.view_product", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """The products of the list's filters; a filter that can't be read is never left out."""
    try:
        products, query = filtered(request.GET), settled(request.GET)
    except InvalidFilter as invalid:
        reasons = list(invalid.problems.values())
        context = {"reasons": reasons, "query": request.GET.urlencode()}
        return render(request, "catalog/not_exported.html", context, status=400)
    if request.method == "HEAD":
        return headers_alone()
    return export_response(request, products, query=query)


def export_response(
    request: HttpRequest, queryset: QuerySet[Product], *, query: str = ""
) -> HttpResponseBase:
    """Products as a download, or a page that says why there is none."""
    try:
        return export_csv(queryset, actor=cast(User, request.user), query=query)
    except NoRoom as full:
        context = {"reasons": [str(full)], "query": query, "no_room": True}
        return render(request, "catalog/not_exported.html", context, status=507)
