"""The list of products."""

from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.views.decorators.http import require_safe

from catalog.filters import ProductFilter
from catalog.listing import DEFAULT_ORDER, in_order, page_of
from catalog.models import ChangeSet, Product
from catalog.totals import total_of
from core.templatetags.figures import money

PAGE_SIZES = (25, 50, 100, 250)
PRICE = ("price_min", "price_max")
UPDATED = ("updated_after", "updated_before")


@dataclass(frozen=True)
class Chip:
    """A filter in force, or both ends of a range, and the URL of the same page without it."""

    label: str
    value: str
    url: str


@dataclass(frozen=True)
class PageSize:
    size: int
    url: str
    current: bool


@dataclass(frozen=True)
class Column:
    """A head of the table and the URL that sorts by it; `sorted` as in `aria-sort`, or ""."""

    name: str
    label: str
    classes: str
    url: str = ""
    sorted: str = ""


COLUMNS = (
    ("sku", "SKU", "c9", True),
    ("name", "Name", "", True),
    ("description", "Description", "d-none d-lg-table-cell", False),
    ("price", "Price", "c7 num", True),
    ("active", "Active", "c6", True),
    ("updated", "Updated", "c7", True),
)


@require_safe
@permission_required("catalog.view_product", raise_exception=True)
def product_list(request: HttpRequest) -> HttpResponse:
    """The list; the same URL answers htmx with the results alone."""
    everything = Product.objects.all()
    filterset = ProductFilter(request.GET, queryset=in_order(everything))
    size = _page_size(request.GET.get("size"))
    page = page_of(filterset.qs, number=request.GET.get("page"), size=size)
    narrowed = bool(filterset.in_force or filterset.problems)
    total = total_of(everything) if narrowed else page.paginator.total
    template = "catalog/list.html#results" if _is_fragment(request) else "catalog/list.html"
    return render(
        request,
        template,
        {
            "filterset": filterset,
            "problems": [
                (name, filterset.filters[name].label, problem)
                for name, problem in filterset.problems.items()
            ],
            "page": page,
            "total": total,
            # An empty catalog that once was none: the way back stands beside the way to fill it.
            "emptied_by": None if total.count else ChangeSet.objects.filter(deleted__gt=0).first(),
            "narrowed": narrowed,
            "chips": _chips(filterset, request.GET),
            "columns": _columns(request.GET, filterset),
            "page_sizes": [
                PageSize(each, _url(request.GET, size=str(each)), each == size)
                for each in PAGE_SIZES
            ],
            # The inputs for days can't show a time: one that a link asks for is shown as text.
            "by_day": all(_is_day(request.GET.get(name, "")) for name in UPDATED),
            "query": request.GET.urlencode(),
        },
    )


def _is_fragment(request: HttpRequest) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def _page_size(asked: str | None) -> int:
    return int(asked) if asked in {str(size) for size in PAGE_SIZES} else PAGE_SIZES[0]


def _url(query: QueryDict, **values: str) -> str:
    """The page's URL with some values replaced, or without them if "", from its first page on."""
    changed = query.copy()
    for name in ("page", *values, *(name for name in query if not query[name])):
        changed.pop(name, None)
    changed.update({name: value for name, value in values.items() if value})
    return f"?{changed.urlencode()}"


def _columns(query: QueryDict, filterset: ProductFilter) -> list[Column]:
    order = filterset.form.cleaned_data.get("ordering") or DEFAULT_ORDER
    columns = []
    for name, label, classes, sortable in COLUMNS:
        if not sortable:
            columns.append(Column(name, label, classes))
            continue
        down = f"-{name}"
        # The latest change and the active ones come first at the first click.
        first, second = (down, name) if name in ("updated", "active") else (name, down)
        after = second if order == first else first
        columns.append(
            Column(
                name,
                label,
                classes,
                url=_url(query, ordering="" if after == DEFAULT_ORDER else after),
                sorted={name: "ascending", down: "descending"}.get(order, ""),
            )
        )
    return columns


def _chips(filterset: ProductFilter, query: QueryDict) -> list[Chip]:
    values = filterset.in_force
    chips = []

    def add(label: str, value: str, *names: str) -> None:
        chips.append(Chip(label, value, _url(query, **dict.fromkeys(names, ""))))

    if "search" in values:
        add("Contains", values["search"], "search")
    for name in ("sku", "name", "description"):
        if name in values:
            add(f"{filterset.filters[name].label} contains", values[name], name)
    for name in ("active", "priced"):
        if name in values:
            add(str(filterset.filters[name].label), "yes" if values[name] else "no", name)
    for label, words, (first, last), show in (
        ("Price", ("from", "up to"), PRICE, money),
        ("Updated", ("since", "until"), UPDATED, _moment),
    ):
        ends = [name for name in (first, last) if name in values]
        if len(ends) == 2:
            add(label, f"{show(values[first])} to {show(values[last])}", *ends)
        elif ends:
            add(f"{label} {words[ends[0] == last]}", show(values[ends[0]]), *ends)
    return chips


def _moment(moment: datetime) -> str:
    """A day as a day, anything else to the second."""
    local = timezone.localtime(moment)
    is_day = (local.hour, local.minute, local.second) in ((0, 0, 0), (23, 59, 59))
    return format_date(local, "j M Y" if is_day else "j M Y, H:i:s")


def _is_day(text: str) -> bool:
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
