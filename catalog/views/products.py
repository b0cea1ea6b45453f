"""The list of products and the page of one."""

from dataclasses import dataclass

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from catalog.filters import ProductFilter
from catalog.history import product_history
from catalog.models import Product

PAGE_SIZES = (25, 50, 100, 250)


@dataclass(frozen=True)
class Chip:
    """A filter in force and the URL of the same page without it."""

    label: str
    value: str
    url: str


@dataclass(frozen=True)
class PageSize:
    size: int
    url: str
    current: bool


@require_safe
@permission_required("catalog.view_product", raise_exception=True)
def product_list(request: HttpRequest) -> HttpResponse:
    """The list; the same URL answers htmx with the results alone."""
    filterset = ProductFilter(request.GET, queryset=Product.objects.order_by("-updated_at", "-id"))
    size = _page_size(request.GET.get("size"))
    page = Paginator(filterset.qs, size).get_page(request.GET.get("page"))
    template = "catalog/list.html#results" if _is_fragment(request) else "catalog/list.html"
    return render(
        request,
        template,
        {
            "filterset": filterset,
            "page": page,
            "total": Product.objects.count(),
            "chips": _chips(filterset, request.GET),
            "page_sizes": [
                PageSize(each, _url_with(request.GET, size=str(each)), each == size)
                for each in PAGE_SIZES
            ],
            "query": _without(request.GET, "page").urlencode(),
        },
    )


@require_safe
@permission_required("catalog.view_product", raise_exception=True)
def product_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One product: its fields and everything that happened to it."""
    product = get_object_or_404(Product, pk=pk)
    return render(
        request, "catalog/detail.html", {"product": product, "history": product_history(product)}
    )


def _is_fragment(request: HttpRequest) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def _page_size(asked: str | None) -> int:
    return int(asked) if asked in {str(size) for size in PAGE_SIZES} else PAGE_SIZES[0]


def _without(query: QueryDict, *names: str) -> QueryDict:
    rest = query.copy()
    for name in names:
        rest.pop(name, None)
    return rest


def _url_with(query: QueryDict, **values: str) -> str:
    """The page's URL with some values replaced, from its first page on."""
    changed = _without(query, "page", *values)
    changed.update(values)
    return f"?{changed.urlencode()}"


def _chips(filterset: ProductFilter, query: QueryDict) -> list[Chip]:
    chips = []
    for name, each in filterset.filters.items():
        value = str(query.get(name, ""))
        if value:
            shown = {"true": "yes", "false": "no"}.get(value, value)
            chips.append(Chip(str(each.label), shown, _url_with(_without(query, name))))
    return chips
