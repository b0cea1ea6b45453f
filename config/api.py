"""The API's description of itself: for programs, and as a page for people."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from core.api.problems import KINDS

METHODS = ("get", "post", "put", "patch", "delete")


class SchemaView(ApiView):
    """The schema, for whoever is signed in."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ()}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """The whole API in OpenAPI 3.1."""
        return Response(schema())


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The page of the documentation, for whoever has a role."""
    if not request.user.has_perm("catalog.view_product"):
        return render(request, "no_role.html", status=403)
    described = schema()
    return render(
        request,
        "api/docs.html",
        {"info": described["info"], "groups": _groups(described), "kinds": KINDS},
    )


@require_safe
def old_docs(request: HttpRequest) -> HttpResponse:
    """Where the documentation was looked for before."""
    return redirect("api_docs")


@cache
def schema() -> dict[str, Any]:
    """The whole API, whoever asks; made once in a process, for nothing in it changes."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    described: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return described


def _groups(described: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls by tag, in the order of the tags."""
    calls = [
        {
            **operations[method],
            "method": method.upper(),
            "path": path,
            "scope": operations[method]["x-scope"],
        }
        for path, operations in described["paths"].items()
        for method in METHODS
        if method in operations
    ]
    groups = [
        {**tag, "calls": [call for call in calls if tag["name"] in call["tags"]]}
        for tag in described["tags"]
    ]
    return [group for group in groups if group["calls"]]
