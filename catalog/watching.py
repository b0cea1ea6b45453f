"""What the page of an operation shows while it waits, runs and ends.

The figures come from Valkey, where the worker puts them several times a second, or from the row,
which is a second behind. Everything here is the same for all who watch, so it is made once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from asgiref.sync import sync_to_async
from django.db import connection
from django.template.loader import render_to_string

from catalog.models import BulkOperation
from core import progress
from core.streams import Event

#: What an operation is doing and, once it is completed, has done to its products.
VERBS: Final = {
    BulkOperation.Kind.ACTIVATE: ("Activating", "Activated"),
    BulkOperation.Kind.DEACTIVATE: ("Deactivating", "Deactivated"),
    BulkOperation.Kind.DELETE: ("Deleting", "Deleted"),
    BulkOperation.Kind.DELETE_ALL: ("Deleting all", "Deleted all"),
    BulkOperation.Kind.UNDO: ("Undoing", "Undid"),
}
STEPS: Final = {
    "": "Waiting for a worker",
    "waiting": "Waiting until nobody else writes products",
    "comparing": "Comparing",
    "writing": "Writing",
}
# Before that much has passed, rates and the time left would be guesses.
TELLING_SECONDS = 0.5


@dataclass(frozen=True)
class OperationFigures:
    """The moment of an operation: products done of products in all (None while unknown)."""

    step: str
    percent: int
    done: int
    total: int | None
    per_second: int | None
    seconds_left: float | None


def figures(operation: BulkOperation) -> OperationFigures:
    """Put an operation and its newest figures together."""
    if operation.is_finished:
        completed = operation.state == BulkOperation.State.COMPLETED
        written = operation.created + operation.updated + operation.deleted
        rate = round(written / operation.seconds) if operation.seconds and written else None
        return OperationFigures("", 100 if completed else 0, written, operation.total, rate, None)
    found = progress.latest(operation.progress_key) or operation.progress
    if found.get("attempt", operation.attempt) != operation.attempt:
        found = {}
    done, total, seconds = found.get("done", 0), found.get("total"), found.get("seconds", 0.0)
    telling = done and total and seconds > TELLING_SECONDS
    return OperationFigures(
        step=STEPS[found.get("step", "")],
        percent=100 * done // total if total else 0,
        done=done,
        total=total,
        per_second=round(done / seconds) if telling else None,
        seconds_left=round(seconds * (total - done) / done, 1) if telling else None,
    )


def headline(operation: BulkOperation) -> str:
    """What it does, or did, in words and figures: Deactivated 412 products."""
    doing, done = VERBS[BulkOperation.Kind(operation.kind)]
    completed = operation.state == BulkOperation.State.COMPLETED
    if operation.kind == BulkOperation.Kind.UNDO:
        return f"{done if completed else doing} change set #{operation.undoes_id or 0:,}"
    if not completed:
        return f"{doing} products"
    count = operation.updated + operation.deleted
    return f"{done} {count:,} product{'' if count == 1 else 's'}"


def feed(operation_pk: int) -> Callable[[], Awaitable[list[Event]]]:
    """The source of an operation's event stream: its `live` fragment, `done` behind the last."""

    @sync_to_async(thread_sensitive=False)
    def look() -> list[Event]:
        try:
            operation = BulkOperation.objects.get(pk=operation_pk)
            html = render_to_string(
                "catalog/operation.html#live",
                {
                    "operation": operation,
                    "live": figures(operation),
                    "headline": headline(operation),
                },
            )
        finally:
            connection.close()
        events = [Event("live", html)]
        if operation.is_finished:
            events.append(Event("done", operation.state, last=True))
        return events

    return look
