"""Progress as Server-Sent Events, for imports and bulk operations alike."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from catalog.models import BulkOperation
from core.streams import Event, event_stream
from imports.api.moments import COMPLETED, FAILED, PENDING, Moment, Task, moment_of
from imports.api.task_ids import path_parameter, visible_task
from imports.models import ImportJob

#: The id of the last event: who comes back with it has heard everything.
END: Final = "end"
REVIEW_RETRY_MILLISECONDS: Final = 10_000

LAST_EVENT_ID: Final = OpenApiParameter(
    "Last-Event-ID",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="Sent by an EventSource that comes back; after the last event the answer is 204.",
)


class ProgressView(ApiView):
    """How a task goes, as it happens."""

    permissions: ClassVar = {"GET": ()}
    http_method_names = ["get"]  # noqa: RUF012

    @extend_schema(
        operation_id="follow_progress",
        parameters=[path_parameter("task_id"), LAST_EVENT_ID],
        responses={
            (200, "text/event-stream"): OpenApiTypes.STR,
            204: OpenApiResponse(description="It is over, and you have heard it."),
        },
        tags=["Imports"],
    )
    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        """Follow an import or a bulk operation by Server-Sent Events.

        Each event is a JSON object without an event name: `{"status": "started", "message"}`,
        `{"status": "processing", "current", "total", "percent", "message"}`, and one last
        `{"status": "complete", "imported", "errors", "message"}` or `{"status": "error",
        "message"}`. `total` is null until it is known, and an estimate while a file is read. Of an
        import, `imported` counts rows created, updated and unchanged, `errors` those rejected. A
        bulk operation has `deleted`, `updated` or both beside them.

        While an import waits for its review the stream ends behind a `processing` whose `message`
        says so; an EventSource comes back by itself and hears how it goes on.
        """
        task = visible_task(request, task_id)
        if request.headers.get("Last-Event-ID") == END:
            return Response(status=204)
        return event_stream(f"api:{task.progress_key}", _source(type(task), task.pk))


def _source(model: type[Task], pk: int) -> Callable[[], Awaitable[list[Event]]]:
    @sync_to_async(thread_sensitive=False)
    def look() -> list[Event]:
        try:
            task: Task | None = model._default_manager.filter(pk=pk).first()
        finally:
            connection.close()
        if task is None:
            return [_last({"status": "error", "message": "It was removed."})]
        return events(task)

    return look


def events(task: Task) -> list[Event]:
    """What whoever comes now is to be told; of a task that is over its last event alone."""
    moment = moment_of(task)
    if moment.status == COMPLETED:
        return [_last({"status": "complete", **_came_of(task), "message": moment.message})]
    if moment.status == FAILED:
        return [_last({"status": "error", "message": moment.message})]
    started = _event({"status": "started", "message": "Processing started"})
    if task.state == ImportJob.State.REVIEW:
        # A person may take days: the stream ends, and who comes back does so at longer intervals.
        waits = Event("", _json(_figures(moment)), last=True, retry=REVIEW_RETRY_MILLISECONDS)
        return [started, waits]
    return [started] if moment.status == PENDING else [started, _event(_figures(moment))]


def _figures(moment: Moment) -> dict[str, Any]:
    return {
        "status": "processing",
        "current": moment.current,
        "total": moment.total,
        "percent": moment.percent,
        "message": moment.message,
    }


def _came_of(task: Task) -> dict[str, int]:
    if isinstance(task, ImportJob):
        return {
            "imported": task.created + task.updated + task.unchanged,
            "errors": task.rejected,
        }
    counts = {"imported": 0, "errors": task.left_alone}
    match BulkOperation.Kind(task.kind):
        case BulkOperation.Kind.DELETE | BulkOperation.Kind.DELETE_ALL:
            return {**counts, "deleted": task.deleted}
        case BulkOperation.Kind.UNDO:
            return {
                **counts,
                "created": task.created,
                "updated": task.updated,
                "deleted": task.deleted,
            }
    return {**counts, "updated": task.updated}


def _event(body: dict[str, Any]) -> Event:
    return Event("", _json(body))


def _last(body: dict[str, Any]) -> Event:
    return Event("", _json(body), last=True, id=END)


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)
