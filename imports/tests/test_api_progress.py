"""Progress as Server-Sent Events: the shapes that programs rely on."""

import asyncio
import json
from typing import Any, cast

import pytest
from django.http import StreamingHttpResponse

from accounts.models import User
from catalog import operations
from catalog.models import BulkOperation
from conftest import ApiClient
from core import progress
from core.leases import request_cancel
from imports.api.progress import events
from imports.models import ImportJob
from imports.tests.importing import accepted, claimed, completed, csv_of, imported

# A stream gives its connection back, and with it a test's open transaction would go.
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,", "A-2,Two,,,", "A-3,,,,")


def sent(api: ApiClient, task: str | int) -> bytes:
    """All that the stream of a task that is over sends."""
    response = api.get(f"/api/progress/{task}")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-store"

    async def read() -> bytes:
        content = cast("StreamingHttpResponse", response).streaming_content
        async with asyncio.timeout(5):
            return b"".join([chunk async for chunk in content])  # type: ignore[union-attr]

    return asyncio.run(read())


def told(task: ImportJob | BulkOperation) -> list[Any]:
    """What whoever comes now is told; no event has a name."""
    found = events(task)
    assert {event.name for event in found} == {""}
    return [json.loads(event.data) for event in found]


STARTED = {"status": "started", "message": "Processing started"}


def test_waiting_import_has_started() -> None:
    assert told(accepted(TEXT)) == [STARTED]


def test_running_import_tells_how_far_it_is() -> None:
    accepted(TEXT)
    job = claimed().row
    assert told(job)[1] == {
        "status": "processing", "current": 0, "total": None, "percent": 0,
        "message": "Reading: 0 rows.",
    }  # fmt: skip
    figures = {"attempt": 1, "read": 5000, "done": 5000, "total": 20_000, "percent": 8}
    progress.publish(job.progress_key, figures)

    assert told(job) == [
        STARTED,
        {
            "status": "processing", "current": 1000, "total": 20_000, "percent": 8,
            "message": "Reading: 5,000 rows of about 20,000.",
        },
    ]  # fmt: skip


def test_completed_import_answers_with_its_last_event_and_ends(viewer_api: ApiClient) -> None:
    completed(csv_of("A-1,One,,,"))
    job = completed(TEXT)

    assert sent(viewer_api, job.task_id) == (
        b"retry: 1000\n\n"
        b"id: end\n"
        b'data: {"status": "complete", "imported": 2, "errors": 1,'
        b' "message": "Imported: 1 created, 1 unchanged, 1 rejected."}\n\n'
    )


def test_bare_number_is_an_import(viewer_api: ApiClient) -> None:
    job = completed(TEXT)

    assert sent(viewer_api, job.pk) == sent(viewer_api, job.task_id)


def test_failed_and_cancelled_imports_are_errors(viewer_api: ApiClient) -> None:
    failed, cancelled = imported("a,b\n"), accepted(TEXT)
    assert request_cancel(cancelled)
    cancelled.refresh_from_db()

    assert told(failed) == [{"status": "error", "message": failed.error_message}]
    message = "The import was cancelled. Nothing was imported."
    assert told(cancelled) == [{"status": "error", "message": message}]
    assert sent(viewer_api, cancelled.pk).startswith(b"retry: 1000\n\nid: end\ndata: ")


def test_deletion_of_many_completes_with_how_many_were_deleted(viewer_api: ApiClient) -> None:
    completed(TEXT)
    operation = operations.start(BulkOperation.Kind.DELETE, actor=None)

    assert sent(viewer_api, operation.task_id).endswith(
        b'data: {"status": "complete", "imported": 0, "errors": 0, "deleted": 2,'
        b' "message": "Deleted 2 products."}\n\n'
    )


def test_other_operations_complete_with_what_they_did() -> None:
    job = completed(TEXT)
    switched = operations.start(BulkOperation.Kind.DEACTIVATE, actor=None)
    assert job.change_set is not None
    undone = operations.start_undo(job.change_set, actor=None)

    assert told(switched) == [
        {
            "status": "complete", "imported": 0, "errors": 0, "updated": 2,
            "message": "Deactivated 2 products.",
        }
    ]  # fmt: skip
    assert told(undone) == [
        {
            "status": "complete", "imported": 0, "errors": 2, "created": 0, "updated": 0,
            "deleted": 0, "message": f"Undid change set #{job.change_set_id:,}. 2 left alone.",
        }
    ]  # fmt: skip


def test_running_operation_tells_how_far_it_is() -> None:
    operation = BulkOperation.objects.create(kind="delete", state="running", attempt=1)
    figures = {"attempt": 1, "step": "writing", "done": 20, "total": 80}
    progress.publish(operation.progress_key, figures)

    assert told(operation) == [
        STARTED,
        {
            "status": "processing", "current": 20, "total": 80, "percent": 25,
            "message": "Deleting products: writing.",
        },
    ]  # fmt: skip


def test_operation_that_ended_without_effect_is_an_error() -> None:
    states = {"cancelled": "The operation was cancelled. Nothing was changed.", "failed": "Broken."}
    for state, message in states.items():
        operation = BulkOperation(kind="delete", state=state, error_message="Broken.")

        assert told(operation) == [{"status": "error", "message": message}]


def test_listener_who_heard_the_end_is_sent_away(viewer_api: ApiClient) -> None:
    job = completed(TEXT)

    response = viewer_api.get(f"/api/progress/{job.pk}", headers={"Last-Event-ID": "end"})

    assert (response.status_code, response.content) == (204, b"")


def test_without_a_role_nothing_is_told(db: None) -> None:
    api = ApiClient(User.objects.create_user("nobody", password="correct horse"))
    job = completed(TEXT)
    operation = operations.start(BulkOperation.Kind.DELETE, actor=None)

    for task in (job, operation):
        assert api.get(f"/api/progress/{task.task_id}").status_code == 403
        assert api.get(f"/status/{task.task_id}").status_code == 403
