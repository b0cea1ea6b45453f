"""Changes of products and bulk operations are counted once they are committed."""

import pytest

from catalog import metrics, operations, products
from catalog.models import BulkOperation, Product
from core.leases import claim_next, request_cancel
from core.tests.counting import told

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def make(*skus: str) -> list[Product]:
    return [
        products.create(
            source="form", actor=None, sku=sku, name=sku, description="", price=None, active=True
        )
        for sku in skus
    ]


def test_changes_are_counted_by_what_did_them_and_logged_with_their_change_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = make("A-1", "A-2", "A-3")
    operations.start(BulkOperation.Kind.DELETE, actor=None, ids=[each.pk for each in made[:2]])

    found = told(metrics.KEPT)
    assert {name: value for name, value in found.items() if name.startswith("product_")} == {
        "product_changes_total form created": 3,
        "product_changes_total bulk deleted": 2,
    }
    lines = [each for each in caplog.messages if each.startswith("change set written")]
    assert lines == [
        *["change set written: source=form created=1 updated=0 deleted=0"] * 3,
        "change set written: source=bulk created=0 updated=0 deleted=2",
    ]


def test_operation_is_counted_whether_it_runs_at_once_or_in_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make("A-1")
    operations.start(BulkOperation.Kind.DEACTIVATE, actor=None, query="")
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    operations.start(BulkOperation.Kind.ACTIVATE, actor=None, query="")
    lease = claim_next(BulkOperation, BulkOperation.State.RUNNING)
    assert lease is not None
    operations.run_operation(lease)
    cancelled = operations.start(BulkOperation.Kind.ACTIVATE, actor=None, query="")
    request_cancel(cancelled)

    found = told(metrics.KEPT)

    ended = [f"operations_ended_total {state}" for state in ("completed", "failed", "cancelled")]
    assert [found[name] for name in ended] == [2, 0, 1]
    assert found["operation_seconds_count activate"] == 1
    assert found["operation_seconds_count deactivate"] == 1
