"""Sources: the list, one of them, its fetches, and fetching now."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from catalog.api.serializers import NoFields
from core.api.paging import paged
from core.api.problems import Problem
from core.api.serializers import Message, Paging
from core.outbound import UrlRefused, check_address
from imports import remembered
from imports.api.source_json import (
    FetchJson,
    FetchPageJson,
    SourceBody,
    SourceJson,
    SourcePageJson,
    show_fetch,
    show_fetches,
    show_sources,
)
from imports.fetches import fetching, sources
from imports.fetches import listing as source_listing
from imports.fetches.schedules import Schedule
from imports.fetches.sources import SourceRefused, access_from, access_of
from imports.models import Source
from imports.options import Options


class SourceListView(ApiView):
    """All sources."""

    permissions: ClassVar = {"GET": ("imports.view_source",), "POST": ("imports.add_source",)}
    queries: ClassVar = {"GET": Paging}

    @extend_schema(operation_id="list_sources", responses=SourcePageJson, tags=["Sources"])
    def get(self, request: Request) -> Response:
        """List sources by name, each with how it does."""
        pages = Paginator(source_listing.listed(), self.asked["limit"])
        return paged(request, pages, number=self.asked["page"], show=show_sources)

    @extend_schema(
        operation_id="create_source",
        request=SourceBody,
        responses={201: SourceJson},
        tags=["Sources"],
    )
    def post(self, request: Request) -> Response:
        """Create a source. Without a schedule it is fetched when somebody asks for it."""
        values = {"options": Options.usual(), **_values(self.read(SourceBody), source=None)}
        try:
            source = sources.create(actor=cast(User, request.user), **values)
        except SourceRefused as refused:
            raise _problem(refused) from refused
        return Response(
            show_sources([found(source.pk)])[0],
            status=201,
            headers={"Location": request.build_absolute_uri(f"/api/sources/{source.pk}")},
        )


class SourceView(ApiView):
    """One source."""

    permissions: ClassVar = {
        "GET": ("imports.view_source",),
        "PATCH": ("imports.change_source",),
        "DELETE": ("imports.delete_source",),
    }

    @extend_schema(operation_id="get_source", responses=SourceJson, tags=["Sources"])
    def get(self, request: Request, pk: int) -> Response:
        """Get a source and how it does."""
        return Response(show_sources([found(pk)])[0])

    @extend_schema(
        operation_id="change_source",
        request=SourceBody(partial=True),
        responses=SourceJson,
        tags=["Sources"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change some fields of a source; `options` and `schedule` are replaced as a whole."""
        source = found(pk)
        values = _values(self.read(SourceBody, partial=True), source=source)
        try:
            sources.change(source, actor=cast(User, request.user), **values)
        except SourceRefused as refused:
            raise _problem(refused) from refused
        return Response(show_sources([found(pk)])[0])

    @extend_schema(operation_id="delete_source", responses=Message, tags=["Sources"])
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a source with its schedule and its fetches; what it imported stays."""
        sources.delete(found(pk), actor=cast(User, request.user))
        return Response({"message": "Deleted"})


class FetchView(ApiView):
    """Fetching now."""

    permissions: ClassVar = {"POST": ("imports.add_importjob",)}
    #: The fetch is committed before a worker hears of it.
    commits_on_the_way = True

    @extend_schema(
        operation_id="fetch_source", request=None, responses={202: FetchJson}, tags=["Sources"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Fetch a source's file now; while a fetch is under way, that one is the answer. A file
        that is the one that was imported last is not imported again."""
        self.read(NoFields)
        fetch = fetching.fetch_now(found(pk), user=cast(User, request.user))
        location = request.build_absolute_uri(f"/api/sources/{pk}/fetches")
        return Response(show_fetch(fetch), status=202, headers={"Location": location})


class CancelFetchView(ApiView):
    """The end of a fetch that has not ended."""

    permissions: ClassVar = {"POST": ("imports.add_importjob",)}

    @extend_schema(
        operation_id="cancel_fetch",
        request=None,
        responses={200: FetchJson, 202: FetchJson},
        tags=["Sources"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a source's fetch. 202 if a worker has it, which then stops; nothing of it will
        remain. 409 if none is under way."""
        self.read(NoFields)
        source = found(pk)
        running = sources.under_way(source)
        if running is None or not fetching.cancel(source):
            raise Problem("wrong-state", f"No fetch of source {pk} is under way.")
        running.refresh_from_db()
        return Response(show_fetch(running), status=202 if running.is_running else 200)


class FetchListView(ApiView):
    """The fetches of a source."""

    permissions: ClassVar = {"GET": ("imports.view_fetch",)}
    queries: ClassVar = {"GET": Paging}

    @extend_schema(operation_id="list_fetches", responses=FetchPageJson, tags=["Sources"])
    def get(self, request: Request, pk: int) -> Response:
        """List a source's fetches, the newest first."""
        pages = Paginator(source_listing.history(found(pk)), self.asked["limit"])
        return paged(request, pages, number=self.asked["page"], show=show_fetches)


def found(pk: int) -> Source:
    """A source by its number; Http404 if there is none."""
    return get_object_or_404(source_listing.listed(), pk=pk)


def _options(chosen: Mapping[str, Any]) -> Options:
    """The options of a source's imports; a mapping is given by its name.

    Raises:
        Problem: `invalid`, there is no such mapping.
    """
    name = chosen.get("mapping", "")
    others = {key: value for key, value in chosen.items() if key != "mapping"}
    if not name:
        return Options.usual(**others)
    mapping = remembered.named().filter(name=name).first()
    if mapping is None:
        text = "There is no mapping of this name."
        raise Problem("invalid", text, errors={"options.mapping": text})
    others["decimal"] = others.get("decimal") or mapping.decimal
    return Options.usual(**others, mapping_id=mapping.pk)


def _values(body: Mapping[str, Any], *, source: Source | None) -> dict[str, Any]:
    """What `imports.fetches.sources` takes, from a body that was checked.

    Raises:
        Problem: `invalid`.
    """
    values = {name: body[name] for name in ("name", "enabled") if name in body}
    if "options" in body:
        values["options"] = _options(body["options"])
    if "schedule" in body:
        values["schedule"] = Schedule(**body["schedule"]) if body["schedule"] else None
    if {"url", "username", "password"} & body.keys():
        kept = access_of(source) if source is not None else None
        try:
            values["access"] = access_from(
                source,
                url=body.get("url") or (source.address if source else ""),
                username=body.get("username", kept.username if kept else ""),
                password=body.get("password"),
            )
            if kept is None or values["access"].url != kept.url:
                check_address(values["access"].url)
        except UrlRefused as refused:
            raise _problem(SourceRefused("url", str(refused))) from refused
        except SourceRefused as refused:
            raise _problem(refused) from refused
    return values


def _problem(refused: SourceRefused) -> Problem:
    text = str(refused)
    return Problem("invalid", text, errors={refused.field: text})
