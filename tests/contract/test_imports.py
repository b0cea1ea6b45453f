"""The public contract of imports: each row of the API's table, in each of its spellings."""

import asyncio
import json
from typing import Any, cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import StreamingHttpResponse
from django.test import Client

from catalog import operations
from catalog.models import BulkOperation
from conftest import ApiClient
from core import progress
from core.leases import request_cancel
from imports.api.progress import events
from imports.cleaning import reap_imports
from imports.models import ImportJob
from imports.tests.importing import accepted, claimed, completed, csv_of, imported, run_next

# Streams give their connection back, and with it a test's open transaction would go.
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,", "A-2,,,,")
MAYBE_INT = (int, type(None))
MAYBE_TEXT = (str, type(None))

TASK: dict[str, Any] = {
    "id": int, "task_id": str, "kind": str, "status": str, "state": str, "progress": int,
    "total": MAYBE_INT, "processed": int, "message": str, "attempt": int,
    "cancel_requested": bool, "error": (dict, type(None)), "change_set": MAYBE_INT,
    "created_by": MAYBE_TEXT, "created_at": str, "started_at": MAYBE_TEXT,
    "finished_at": MAYBE_TEXT, "links": dict,
}  # fmt: skip
JOB = TASK | {
    "file_name": str, "size": int, "sha256": str, "options": dict,
    "detected": (dict, type(None)), "read": int, "created": MAYBE_INT, "updated": MAYBE_INT,
    "unchanged": MAYBE_INT, "duplicates": MAYBE_INT, "rejected": int, "skipped": int,
    "left_out": int, "conflicts": int, "deactivated": int, "deleted": int, "phases": dict,
    "undone": bool, "repairs": MAYBE_INT,
}  # fmt: skip
OPERATION = TASK | {
    "created": int, "updated": int, "deleted": int, "unchanged": int, "left_alone": int,
}  # fmt: skip
PAGE = {"items": list, "total": int, "page": int, "pages": int}
PROBLEM = {"type": str, "title": str, "status": int, "detail": str}


def has_shape(body: Any, shape: dict[str, Any]) -> bool:
    """Exactly these members, each of its type; true is no integer here."""
    return body.keys() == shape.keys() and all(
        isinstance(body[name], kind) and (isinstance(body[name], bool) <= (kind is bool))
        for name, kind in shape.items()
    )


def cancelled() -> ImportJob:
    job = accepted(TEXT)
    assert request_cancel(job)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("path", ["/api/upload", "/upload"])
def test_upload(path: str, editor_api: ApiClient) -> None:
    file = SimpleUploadedFile("prices.csv", TEXT.encode(), "text/csv")

    response = editor_api.post(path, {"file": file, "empty": "keep"})

    job = ImportJob.objects.get()
    assert response.status_code == 202
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "task_id": f"import-{job.pk}",
        "job_id": job.pk,
        "message": "Processing started",
    }
    assert response["Location"] == f"/api/imports/{job.pk}"


def test_upload_address_for_people(viewer_client: Client) -> None:
    response = viewer_client.get("/upload")

    assert (response.status_code, response["Location"]) == (302, "/imports/")


JOB_PATHS = ["/api/uploads/{}", "/status/{}", "/api/imports/{}"]


@pytest.mark.parametrize("path", JOB_PATHS)
@pytest.mark.parametrize("spelling", ["{}", "import-{}"])
def test_job(path: str, spelling: str, viewer_api: ApiClient) -> None:
    def asked(job: ImportJob) -> dict[str, Any]:
        response = viewer_api.get(path.format(spelling.format(job.pk)))
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"
        assert response["Cache-Control"] == "no-store"
        body: dict[str, Any] = response.json()
        assert has_shape(body, JOB), body
        assert (body["id"], body["task_id"]) == (job.pk, f"import-{job.pk}")
        return body

    done, failed, stopped = completed(TEXT), imported("a,b\n"), cancelled()
    waiting = accepted(TEXT)

    body = asked(waiting)
    assert (body["status"], body["progress"], body["total"]) == ("pending", 0, None)
    running = claimed().row
    body = asked(running)
    assert (body["status"], body["progress"], body["processed"]) == ("processing", 0, 0)
    body = asked(done)
    assert (body["status"], body["progress"]) == ("completed", 100)
    assert (body["total"], body["processed"]) == (2, 2)
    assert [asked(job)["status"] for job in (failed, stopped)] == ["failed", "failed"]


@pytest.mark.parametrize("path", JOB_PATHS)
def test_operation_at_the_same_addresses(path: str, viewer_api: ApiClient) -> None:
    completed(TEXT)
    operation = operations.start(BulkOperation.Kind.DELETE_ALL, actor=None)

    response = viewer_api.get(path.format(operation.task_id))

    assert response.status_code == 200
    body = response.json()
    assert has_shape(body, OPERATION), body
    assert body["task_id"] == f"operation-{operation.pk}"
    assert (body["kind"], body["status"], body["deleted"]) == ("delete_all", "completed", 1)


@pytest.mark.parametrize("path", [*JOB_PATHS, "/api/progress/{}"])
def test_job_that_is_not_there(path: str, viewer_api: ApiClient) -> None:
    for name in ("7", "import-7", "operation-7", "nonsense"):
        response = viewer_api.get(path.format(name))

        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"
        assert has_shape(response.json(), PROBLEM)


# --- GET /api/progress/{task_id} ----------------------------------------------------------------

STARTED = {"status": str, "message": str}
PROCESSING = {
    "status": str, "current": int, "total": MAYBE_INT, "percent": int, "message": str,
}  # fmt: skip
COMPLETE = {"status": str, "imported": int, "errors": int, "message": str}
ERROR = {"status": str, "message": str}


def stream(api: ApiClient, task: str | int) -> list[str]:
    """The blocks of the event stream of a task that is over."""
    response = api.get(f"/api/progress/{task}")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"

    async def read() -> bytes:
        content = cast("StreamingHttpResponse", response).streaming_content
        async with asyncio.timeout(5):
            return b"".join([chunk async for chunk in content])  # type: ignore[union-attr]

    retry, *blocks, rest = asyncio.run(read()).decode().split("\n\n")
    assert (retry, rest) == ("retry: 1000", "")
    return blocks


def last(api: ApiClient, task: str | int) -> dict[str, Any]:
    (block,) = stream(api, task)
    head, data = block.split("\n")
    assert head == "id: end"
    body: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return body


@pytest.mark.parametrize("spelling", ["{}", "import-{}"])
def test_progress_of_an_import_that_is_over(spelling: str, viewer_api: ApiClient) -> None:
    body = last(viewer_api, spelling.format(completed(TEXT).pk))
    assert has_shape(body, COMPLETE)
    assert (body["status"], body["imported"], body["errors"]) == ("complete", 1, 1)

    for job in (imported("a,b\n"), cancelled()):
        body = last(viewer_api, spelling.format(job.pk))
        assert has_shape(body, ERROR)
        assert body["status"] == "error"


def test_progress_of_an_import_on_its_way() -> None:
    waiting = accepted(TEXT)
    (started,) = [json.loads(event.data) for event in events(waiting)]
    assert has_shape(started, STARTED)
    assert started["status"] == "started"

    running = claimed().row
    for total in (None, 5000):
        figures = {"attempt": 1, "read": 2000, "total": total, "percent": 14}
        progress.publish(running.progress_key, figures)
        _, processing = [json.loads(event.data) for event in events(running)]
        assert has_shape(processing, PROCESSING)
        assert processing["status"] == "processing"
        assert (processing["current"], processing["total"]) == (400, total)
        assert processing["percent"] == 14


@pytest.mark.parametrize("kind", [BulkOperation.Kind.DELETE, BulkOperation.Kind.DELETE_ALL])
def test_progress_of_a_bulk_delete(kind: BulkOperation.Kind, viewer_api: ApiClient) -> None:
    completed(TEXT)
    operation = operations.start(kind, actor=None)

    body = last(viewer_api, f"operation-{operation.pk}")

    assert has_shape(body, COMPLETE | {"deleted": int})
    assert (body["status"], body["deleted"]) == ("complete", 1)


def test_progress_of_another_bulk_action(viewer_api: ApiClient) -> None:
    completed(TEXT)
    operation = operations.start(BulkOperation.Kind.DEACTIVATE, actor=None)

    body = last(viewer_api, f"operation-{operation.pk}")

    assert has_shape(body, COMPLETE | {"updated": int})
    assert (body["status"], body["updated"]) == ("complete", 1)


def test_progress_for_a_browser_that_comes_back_after_the_end(viewer_api: ApiClient) -> None:
    job = completed(TEXT)

    response = viewer_api.get(f"/api/progress/{job.task_id}", headers={"Last-Event-ID": "end"})

    assert response.status_code == 204


# --- /api/imports and what belongs to one -------------------------------------------------------


def test_list_of_imports(viewer_api: ApiClient) -> None:
    completed(TEXT)
    imported("a,b\n")

    response = viewer_api.get("/api/imports?page=1&limit=50")

    assert response.status_code == 200
    body = response.json()
    assert has_shape(body, PAGE)
    assert (body["total"], body["page"], body["pages"]) == (2, 1, 1)
    assert all(has_shape(item, JOB) for item in body["items"])
    assert len(viewer_api.get("/api/imports?state=failed").json()["items"]) == 1


def refused(response: Any) -> bool:
    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    return has_shape(response.json(), PROBLEM) and (
        response.json()["type"] == "/api/docs#wrong-state"
    )


def test_cancel(editor_api: ApiClient) -> None:
    waiting = accepted(TEXT)
    path = f"/api/imports/{waiting.pk}/cancel"

    response = editor_api.send("POST", path)

    assert response.status_code == 200
    assert has_shape(response.json(), JOB)
    assert response.json()["state"] == "cancelled"
    assert refused(editor_api.send("POST", path))
    accepted(TEXT)
    running = claimed().row
    assert editor_api.send("POST", f"/api/imports/{running.pk}/cancel").status_code == 202


def test_retry(editor_api: ApiClient) -> None:
    path = f"/api/imports/{cancelled().pk}/retry"

    response = editor_api.send("POST", path)

    assert response.status_code == 202
    assert has_shape(response.json(), JOB | {"newer_change_sets": int})
    assert response.json()["status"] == "pending"
    assert refused(editor_api.send("POST", path))


def test_undo(editor_api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    job = completed(TEXT)
    path = f"/api/imports/{job.pk}/undo"

    response = editor_api.send("POST", path)

    assert response.status_code == 200
    assert has_shape(
        response.json(),
        {
            "created": int, "updated": int, "deleted": int, "unchanged": int, "left_alone": int,
            "left": list, "message": str, "change_set": int, "operation": int,
        },
    )  # fmt: skip
    assert response.json()["deleted"] == 1
    assert refused(editor_api.send("POST", f"/api/imports/{cancelled().pk}/undo"))
    monkeypatch.setattr(operations, "AT_ONCE", 0)
    response = editor_api.send("POST", path)
    assert response.status_code == 202
    assert has_shape(response.json(), {"task_id": str, "message": str})
    assert response["Location"].endswith(f"/api/progress/{response.json()['task_id']}")


def test_commit(editor_api: ApiClient) -> None:
    assert refused(editor_api.send("POST", f"/api/imports/{completed(TEXT).pk}/commit"))
    waits = imported(csv_of("A-1,Two,,,"), review="always")

    response = editor_api.send("POST", f"/api/imports/{waits.pk}/commit")

    assert response.status_code == 202
    assert has_shape(response.json(), JOB)
    assert (response.json()["status"], response.json()["state"]) == ("pending", "queued")
    assert refused(editor_api.send("POST", f"/api/imports/{waits.pk}/commit"))
    assert run_next().state == "completed"


def test_import_that_waits_for_a_review(editor_api: ApiClient) -> None:
    waits = imported(TEXT, review="always")

    body = editor_api.get(f"/status/{waits.pk}").json()
    assert has_shape(body, JOB)
    assert body["status"] == "pending"
    assert f"POST /api/imports/{waits.pk}/commit" in body["message"]
    started, processing = [
        json.loads(block.splitlines()[-1].removeprefix("data: "))
        for block in stream(editor_api, waits.pk)
    ]
    assert has_shape(started, STARTED)
    assert has_shape(processing, PROCESSING)
    assert processing["message"] == body["message"]
    body = editor_api.get(f"/api/imports/{waits.pk}/preview").json()
    assert has_shape(
        body, {"counts": dict, "rejected_rows": list, "refused": type(None), "review": dict}
    )
    page = editor_api.get(f"/api/imports/{waits.pk}/review?class=new").json()
    assert has_shape(page, PAGE)
    assert [row["sku"] for row in page["items"]] == ["A-1"]
    assert editor_api.send("POST", f"/api/imports/{waits.pk}/cancel").status_code == 200
    reap_imports()


def test_preview(editor_api: ApiClient) -> None:
    assert refused(editor_api.get(f"/api/imports/{completed(csv_of('B,B,,,')).pk}/preview"))
    waiting = accepted(TEXT)

    response = editor_api.get(f"/api/imports/{waiting.pk}/preview")

    assert response.status_code == 200
    body = response.json()
    assert has_shape(body, {"counts": dict, "rejected_rows": list, "refused": type(None)})
    assert body["counts"] == {
        "read": 2, "created": 1, "updated": 0, "unchanged": 0, "duplicates": 0, "rejected": 1,
    }  # fmt: skip
    (row,) = body["rejected_rows"]
    assert has_shape(row, {"line": int, "problems": list})


def test_changes(viewer_api: ApiClient) -> None:
    job = completed(csv_of("A-1,One,,,", "A-2,Two,,,"))

    response = viewer_api.get(f"/api/imports/{job.pk}/changes?limit=1")

    assert response.status_code == 200
    body = response.json()
    assert has_shape(body, {"items": list, "next": int})
    (first,) = body["items"]
    assert (first["sku"], first["kind"], first["before"]) == ("A-1", "created", None)
    rest = viewer_api.get(f"/api/imports/{job.pk}/changes?cursor={body['next']}").json()
    assert ([item["sku"] for item in rest["items"]], rest["next"]) == (["A-2"], None)


def test_rejected(viewer_api: ApiClient) -> None:
    job = completed(TEXT)

    response = viewer_api.get(f"/api/imports/{job.pk}/rejected?cause=name_empty")

    assert response.status_code == 200
    body = response.json()
    assert has_shape(body, PAGE | {"causes": list})
    (row,) = body["items"]
    shape = {"line": int, "row": int, "sku": str, "repaired_by": MAYBE_INT, "problems": list}
    assert has_shape(row, shape)
    assert row["problems"][0].keys() == {"code", "column", "value", "message"}
    assert body["causes"][0].keys() == {
        "code", "title", "count", "example_line", "example_value", "remedy",
    }  # fmt: skip


def test_rejected_csv(viewer_api: ApiClient) -> None:
    job = completed(TEXT)

    response = viewer_api.get(f"/api/imports/{job.pk}/rejected.csv")

    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment;")
    response.close()
