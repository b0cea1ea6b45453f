"""Lists page by page: the envelope, and links to the neighbours."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.paginator import EmptyPage, Paginator
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response


def paged(
    request: Request,
    paginator: "Paginator[Any]",
    *,
    number: int,
    show: Callable[[Sequence[Any]], Any],
) -> Response:
    """Answer with one page: `{"items", "total", "page", "pages"}` and a Link header (RFC 8288).

    Past the last page there are no items. `show` makes JSON of a page's rows.
    """
    try:
        rows: Sequence[Any] = list(paginator.page(number))
    except EmptyPage:
        rows = []
    pages = paginator.num_pages if paginator.count else 0
    body = {"items": show(rows), "total": paginator.count, "page": number, "pages": pages}
    links = {"first": 1, "prev": min(number - 1, pages), "next": number + 1, "last": pages}
    return Response(
        body,
        headers=link_header(
            request,
            {name: {"page": str(at)} for name, at in links.items() if 1 <= at <= pages},
        ),
    )


def link_header(request: Request, links: dict[str, dict[str, str]]) -> dict[str, str]:
    """A Link header of this URL with some parameters replaced, by relation; {} without any."""
    written = []
    for relation, values in links.items():
        query = QueryDict(request.META.get("QUERY_STRING", ""), mutable=True)
        for name, value in values.items():
            query[name] = value
        url = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        written.append(f'<{url}>; rel="{relation}"')
    return {"Link": ", ".join(written)} if written else {}
