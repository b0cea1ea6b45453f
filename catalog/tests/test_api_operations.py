"""Operations for programs: how far they are, what came of them, how to stop them."""

import pytest

from accounts.models import AuditEntry, User
from catalog import operations, products
from catalog.models import BulkOperation, Product
from conftest import ApiClient
from core import progress
from core.leases import claim_next

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Kind = BulkOperation.Kind


def made(sku: str = "A-1") -> Product:
    return products.create(
        source="form", actor=None, sku=sku, name="One", description="", price=None, active=True
    )


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch, editor: User) -> BulkOperation:
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    made()
    return operations.start(Kind.DEACTIVATE, actor=editor, query="")


def test_operation_that_is_over_says_what_came_of_it(viewer_api: ApiClient, editor: User) -> None:
    made()
    operation = operations.start(Kind.DEACTIVATE, actor=editor, query="")

    response = viewer_api.get(f"/api/operations/{operation.pk}")

    assert response.status_code == 200
    operation.refresh_from_db()
    body = dict(response.json())
    assert operation.finished_at is not None
    assert body.pop("finished_at") == operation.finished_at.isoformat().replace("+00:00", "Z")
    assert body.pop("started_at") <= response.json()["finished_at"]
    assert body.pop("created_at")
    assert body.pop("seconds") == operation.seconds
    assert body.pop("per_second") is not None
    assert body == {
        "id": operation.pk,
        "task_id": f"operation-{operation.pk}",
        "kind": "deactivate",
        "state": "completed",
        "cancel_requested": False,
        "message": "Deactivated 1 product",
        "actor": "editor",
        "step": "",
        "percent": 100,
        "done": 1,
        "total": 1,
        "seconds_left": None,
        "created": 0,
        "updated": 1,
        "deleted": 0,
        "unchanged": 0,
        "left_alone": 0,
        "left": [],
        "change_set": operation.change_set_id,
        "undoes": None,
    }


def test_operation_that_waits_or_runs_says_how_far_it_is(
    viewer_api: ApiClient, queued: BulkOperation
) -> None:
    path = f"/api/operations/{queued.pk}"
    waiting = viewer_api.get(path).json()
    assert claim_next(BulkOperation, "running") is not None
    figures = {"attempt": 1, "step": "writing", "done": 5, "total": 20, "seconds": 1.0}
    progress.publish(queued.progress_key, figures)
    running = viewer_api.get(path).json()

    assert (waiting["state"], waiting["step"]) == ("queued", "Waiting for a worker")
    assert (waiting["percent"], waiting["total"], waiting["started_at"]) == (0, None, None)
    assert (running["state"], running["step"], running["percent"]) == ("running", "Writing", 25)
    assert (running["done"], running["total"], running["seconds_left"]) == (5, 20, 3.0)


def test_failure_says_why(viewer_api: ApiClient, queued: BulkOperation) -> None:
    BulkOperation.objects.update(state="failed", error_message="The change set is gone.")

    body = viewer_api.get(f"/api/operations/{queued.pk}").json()

    assert (body["state"], body["message"]) == ("failed", "The change set is gone.")


def test_cancel_stops_what_waits_and_is_audited(
    editor_api: ApiClient, editor: User, queued: BulkOperation
) -> None:
    path = f"/api/operations/{queued.pk}/cancel"

    response = editor_api.send("POST", path)

    assert response.status_code == 200
    assert (response.json()["state"], response.json()["cancel_requested"]) == ("cancelled", True)
    entry = AuditEntry.objects.get(action="operation_cancelled")
    assert (entry.actor, entry.target) == (editor, "Deactivating products")
    assert entry.details == {"operation": queued.pk}

    again = editor_api.send("POST", path)

    assert again.status_code == 409
    assert again.json()["type"] == "/api/docs#wrong-state"
    assert AuditEntry.objects.filter(action="operation_cancelled").count() == 1
    assert Product.objects.get().active


def test_cancel_of_what_runs_is_asked_of_its_worker(
    editor_api: ApiClient, queued: BulkOperation
) -> None:
    assert claim_next(BulkOperation, "running") is not None

    response = editor_api.send("POST", f"/api/operations/{queued.pk}/cancel")

    body = response.json()
    assert response.status_code == 202
    assert (body["state"], body["cancel_requested"]) == ("running", True)


def test_viewer_cancels_nothing(viewer_api: ApiClient, queued: BulkOperation) -> None:
    assert viewer_api.send("POST", f"/api/operations/{queued.pk}/cancel").status_code == 403

    queued.refresh_from_db()
    assert (queued.state, queued.cancel_requested) == ("queued", False)
    assert not AuditEntry.objects.filter(action="operation_cancelled").exists()


def test_operation_that_is_none_is_not_found(editor_api: ApiClient) -> None:
    assert editor_api.get("/api/operations/1").status_code == 404
    assert editor_api.send("POST", "/api/operations/1/cancel").status_code == 404
