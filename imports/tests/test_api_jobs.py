"""Imports and bulk operations for programs: how far they are, and what can be done with them."""

from typing import Any

import pytest

from accounts.models import User
from catalog import operations, products
from catalog.models import BulkOperation, ChangeSet, Product
from conftest import ApiClient
from core import progress
from core.leases import request_cancel
from imports.models import ImportJob
from imports.tests.importing import accepted, catalog, claimed, completed, csv_of, imported, woken

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,", "A-2,,,,")


def asked(api: ApiClient, task: str | int) -> Any:
    response = api.get(f"/api/imports/{task}")
    assert response.status_code == 200, response.content
    assert response["Cache-Control"] == "no-store"
    return response.json()


def told(body: Any) -> tuple[Any, ...]:
    return tuple(body[name] for name in ("status", "progress", "processed", "total", "message"))


def cancelled(text: str = TEXT) -> ImportJob:
    job = accepted(text)
    assert request_cancel(job)
    job.refresh_from_db()
    return job


def test_waiting_import_is_pending_and_says_when_to_ask_again(viewer_api: ApiClient) -> None:
    job = accepted(TEXT)

    response = viewer_api.get(f"/status/{job.pk}")

    assert told(response.json()) == ("pending", 0, 0, None, "Waiting for a worker.")
    assert response["Retry-After"] == "1"


def test_import_that_is_read_counts_its_rows_in_part(viewer_api: ApiClient) -> None:
    accepted(TEXT)
    job = claimed().row
    figures = {"attempt": 1, "read": 5000, "done": 5000, "total": 20_000, "percent": 8}
    progress.publish(job.progress_key, figures)

    body = asked(viewer_api, job.pk)

    assert told(body) == ("processing", 8, 1000, 20_000, "Reading: 5,000 rows of about 20,000.")
    assert (body["state"], body["read"], body["created"]) == ("reading", 5000, None)


def test_merge_goes_on_where_the_reading_ended(viewer_api: ApiClient) -> None:
    accepted(TEXT)
    job = claimed().row
    ImportJob.objects.update(state="merging", read=20_000, staged=19_000)
    last_of_reading = {"attempt": 1, "read": 20_000, "done": 20_000, "percent": 12}
    progress.publish(job.progress_key, last_of_reading)

    body = asked(viewer_api, job.pk)
    message = "Comparing the file with the catalog."
    assert told(body) == ("processing", 20, 4000, 20_000, message)

    merging = {"attempt": 1, "done": 9500, "total": 19_000, "percent": 60, "created": 19_000}
    progress.publish(job.progress_key, merging)

    body = asked(viewer_api, job.pk)
    message = "Merging: 9,500 of 19,000 rows."
    assert told(body) == ("processing", 60, 12_000, 20_000, message)

    progress.publish(job.progress_key, {"attempt": 1, "percent": 40, "waiting_for": 7})
    assert asked(viewer_api, job.pk)["message"] == "Waiting for import #7."


def test_running_import_that_is_to_be_cancelled_says_so(viewer_api: ApiClient) -> None:
    accepted(TEXT)
    job = claimed().row
    assert request_cancel(job)

    body = asked(viewer_api, job.pk)

    assert (body["status"], body["message"]) == ("processing", "The import is being cancelled.")
    assert body["cancel_requested"] is True


def test_completed_import_has_all_that_is_known_of_it(editor_api: ApiClient) -> None:
    user = User.objects.get()
    job = completed(TEXT, name="prices.csv", user=user, delimiter=",")

    body = asked(editor_api, job.task_id)

    assert told(body) == ("completed", 100, 2, 2, "Imported: 1 created, 1 rejected.")
    for name in ("created_at", "started_at", "finished_at"):
        assert body.pop(name) == getattr(job, name).isoformat().replace("+00:00", "Z")
    assert body == {
        "id": job.pk,
        "task_id": f"import-{job.pk}",
        "kind": "import",
        "status": "completed",
        "state": "completed",
        "progress": 100,
        "total": 2,
        "processed": 2,
        "message": "Imported: 1 created, 1 rejected.",
        "attempt": 1,
        "cancel_requested": False,
        "error": None,
        "change_set": job.change_set_id,
        "created_by": "editor",
        "file_name": "prices.csv",
        "size": len(TEXT),
        "sha256": job.sha256,
        "options": {
            "encoding": "",
            "delimiter": ",",
            "decimal": "",
            "empty": "keep",
            "mode": "both",
            "missing": "keep",
            "review": "never",
        },
        "detected": {
            "encoding": "utf-8",
            "bom": False,
            "delimiter": ",",
            "header_line": 1,
            "columns": [
                {"header": name, "field": name}
                for name in ("sku", "name", "description", "price", "active")
            ],
            "ignored": [],
            "warnings": [],
        },
        "read": 2,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "duplicates": 0,
        "rejected": 1,
        "skipped": 0,
        "left_out": 0,
        "conflicts": 0,
        "deactivated": 0,
        "deleted": 0,
        "phases": job.phases,
        "undone": False,
        "repairs": None,
        "links": {
            "self": f"/api/imports/{job.pk}",
            "page": f"/imports/{job.pk}/",
            "progress": f"/api/progress/import-{job.pk}",
            "preview": f"/api/imports/{job.pk}/preview",
            "review": f"/api/imports/{job.pk}/review",
            "rejected": f"/api/imports/{job.pk}/rejected",
            "rejected_csv": f"/api/imports/{job.pk}/rejected.csv",
            "changes": f"/api/imports/{job.pk}/changes",
        },
    }


def test_failed_import_says_why(viewer_api: ApiClient) -> None:
    job = imported("a,b\n")

    body = asked(viewer_api, job.pk)

    assert told(body) == ("failed", 0, 0, None, job.error_message)
    assert body["error"] == {"code": "header_missing", "message": job.error_message}
    assert "Retry-After" not in viewer_api.get(f"/status/{job.pk}")


def test_cancelled_import_counts_as_failed(viewer_api: ApiClient) -> None:
    body = asked(viewer_api, cancelled().pk)

    assert (body["status"], body["state"], body["error"]) == ("failed", "cancelled", None)
    assert body["message"] == "The import was cancelled. Nothing was imported."


def test_running_operation_is_asked_for_by_its_task_id(viewer_api: ApiClient) -> None:
    operation = BulkOperation.objects.create(kind="delete_all", state="running", attempt=1)
    progress.publish(
        operation.progress_key, {"attempt": 1, "step": "writing", "done": 50, "total": 200}
    )

    body = asked(viewer_api, f"operation-{operation.pk}")

    message = "Deleting all products: writing."
    assert told(body) == ("processing", 25, 50, 200, message)
    assert (body["kind"], body["state"]) == ("delete_all", "running")
    assert body["task_id"] == f"operation-{operation.pk}"


def test_completed_operation_has_its_counts(viewer_api: ApiClient) -> None:
    completed(csv_of("A-1,One,,,", "A-2,Two,,,"))
    operation = operations.start(BulkOperation.Kind.DELETE, actor=None)

    body = asked(viewer_api, operation.task_id)

    assert told(body) == ("completed", 100, 2, 2, "Deleted 2 products.")
    assert (body["deleted"], body["left_alone"]) == (2, 0)
    assert body["change_set"] == operation.change_set_id


@pytest.mark.parametrize(
    "task",
    ["7", "import-7", "operation-7", "export-7", "import-", "abc", "-7", "import-٧", "9" * 18],
)
def test_task_that_does_not_exist_is_not_found(task: str, viewer_api: ApiClient) -> None:
    for path in (f"/api/imports/{task}", f"/status/{task}", f"/api/progress/{task}"):
        response = viewer_api.get(path)

        assert response.status_code == 404, path
        assert response["Content-Type"] == "application/problem+json"


def test_list_goes_by_pages_and_states(viewer_api: ApiClient) -> None:
    done, failed = completed(TEXT), imported("a,b\n")
    waiting = [accepted(TEXT), accepted(TEXT)]

    def numbers(query: str) -> list[int]:
        return [item["id"] for item in viewer_api.get(f"/api/imports{query}").json()["items"]]

    assert numbers("") == [waiting[1].pk, waiting[0].pk, failed.pk, done.pk]
    assert numbers("?state=running") == [waiting[1].pk, waiting[0].pk]
    assert numbers("?state=failed") == [failed.pk]
    page = viewer_api.get("/api/imports?limit=3&page=2")
    assert (page.json()["total"], page.json()["pages"]) == (4, 2)
    assert [item["id"] for item in page.json()["items"]] == [done.pk]
    assert 'rel="prev"' in page["Link"]
    assert viewer_api.get("/api/imports?state=odd").status_code == 400


def test_waiting_import_is_cancelled_at_once(editor_api: ApiClient) -> None:
    job = accepted(TEXT)

    response = editor_api.send("POST", f"/api/imports/{job.pk}/cancel")

    assert response.status_code == 200, response.content
    assert response.json()["state"] == "cancelled"


def test_running_import_is_asked_to_stop(editor_api: ApiClient) -> None:
    accepted(TEXT)
    job = claimed().row

    response = editor_api.send("POST", f"/api/imports/{job.pk}/cancel")

    assert response.status_code == 202
    assert (response.json()["status"], response.json()["cancel_requested"]) == ("processing", True)


def test_import_that_ended_is_not_cancelled(editor_api: ApiClient) -> None:
    job = completed(TEXT)

    response = editor_api.send("POST", f"/api/imports/{job.pk}/cancel")

    assert (response.status_code, response.json()["type"]) == (409, "/api/docs#wrong-state")
    job.refresh_from_db()
    assert (job.state, job.cancel_requested) == ("completed", False)


def test_import_runs_again_and_says_what_changed_since(editor_api: ApiClient) -> None:
    job = cancelled()
    products.create(
        source="form", actor=None, sku="B", name="B", description="", price=None, active=True
    )

    response = editor_api.send("POST", f"/api/imports/{job.pk}/retry")

    assert response.status_code == 202, response.content
    body = response.json()
    assert (body["status"], body["newer_change_sets"]) == ("pending", 1)
    assert woken() == 1


def test_import_that_is_completed_does_not_run_again(editor_api: ApiClient) -> None:
    job = completed(TEXT)

    response = editor_api.send("POST", f"/api/imports/{job.pk}/retry")

    assert (response.status_code, response.json()["type"]) == (409, "/api/docs#wrong-state")
    job.refresh_from_db()
    assert job.state == "completed"


def test_small_import_is_undone_at_once(editor_api: ApiClient) -> None:
    job = completed(TEXT)

    response = editor_api.send("POST", f"/api/imports/{job.pk}/undo")

    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["deleted"], body["left_alone"]) == (1, 0)
    operation = BulkOperation.objects.get()
    assert (body["operation"], operation.created_by_id) == (operation.pk, editor_api.token.user_id)
    assert catalog() == []
    assert asked(editor_api, job.pk)["undone"] is True


def test_large_import_is_undone_by_a_worker(
    editor_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", 0)
    job = completed(TEXT)

    response = editor_api.send("POST", f"/api/imports/{job.pk}/undo")

    assert response.status_code == 202
    undo = asked(editor_api, response.json()["task_id"])
    assert (undo["kind"], undo["status"]) == ("undo", "pending")
    assert len(catalog()) == 1


def test_what_can_not_be_undone_is_refused(editor_api: ApiClient) -> None:
    nothing_new = [completed(TEXT), completed(TEXT)][1]
    old = completed(csv_of("A-9,Nine,,,"))
    ChangeSet.objects.filter(import_job=old).update(pruned_at=old.finished_at)
    before = list(Product.objects.values())

    for job in (nothing_new, old, cancelled()):
        response = editor_api.send("POST", f"/api/imports/{job.pk}/undo")
        assert (response.status_code, response.json()["type"]) == (409, "/api/docs#wrong-state")

    assert list(Product.objects.values()) == before
    assert BulkOperation.objects.count() == 0


def test_commit_of_an_import_that_does_not_wait_is_refused(editor_api: ApiClient) -> None:
    job = completed(TEXT)

    response = editor_api.send("POST", f"/api/imports/{job.pk}/commit")

    assert response.status_code == 409
    assert "does not wait for a review" in response.json()["detail"]
    assert editor_api.send("POST", "/api/imports/99/commit").status_code == 404


@pytest.mark.parametrize("call", ["cancel", "retry", "undo", "commit"])
def test_viewer_changes_nothing_and_a_body_is_an_error(
    call: str, viewer_api: ApiClient, editor_api: ApiClient
) -> None:
    job = accepted(TEXT)
    path = f"/api/imports/{job.pk}/{call}"

    assert viewer_api.send("POST", path).status_code == 403
    assert editor_api.send("POST", path, {"force": True}).status_code == 400

    job.refresh_from_db()
    assert (job.state, job.attempt) == ("queued", 0)
