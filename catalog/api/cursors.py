"""Long lists by cursor: a page costs the same wherever it is, and nothing is lost or doubled."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.paging import link_header
from core.api.serializers import Paging, Query

#: Keys are PostgreSQL's bigint.
BIGGEST = 2**63 - 1


class Cursor(Query):
    """Where to go on: `next` of the answer before; left out, from the start."""

    cursor = serializers.IntegerField(min_value=1, max_value=BIGGEST, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=Paging.MOST, default=50)


class NextCursor(serializers.Serializer[Any]):
    """`next` is the cursor of what follows, null at the end."""

    next = serializers.IntegerField(allow_null=True)


def by_cursor(request: Request, items: Any, *, following: int | None, **more: Any) -> Response:
    """Answer with a part of a list, `{"items", "next"}`, and a Link header to what follows."""
    links = {} if following is None else {"next": {"cursor": str(following)}}
    return Response(
        {"items": items, "next": following, **more}, headers=link_header(request, links)
    )
