"""Actions on many products: what they change, what they record, what they leave alone."""

from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from catalog import operations, products
from catalog.filters import InvalidFilter
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.signals import ProductsChanged, products_changed
from core.leases import claim_next, request_cancel

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

# A heartbeat has a connection of its own, which sees what is committed.
committed = pytest.mark.django_db(transaction=True)

Kind = BulkOperation.Kind


def make(*skus: str, **values: Any) -> list[Product]:
    return [
        products.create(
            source="form",
            actor=None,
            sku=sku,
            name=values.get("name", f"Name of {sku}"),
            description="",
            price=None,
            active=values.get("active", True),
        )
        for sku in skus
    ]


def counts(operation: BulkOperation) -> tuple[int, int, int, int, int]:
    return (
        operation.created,
        operation.updated,
        operation.deleted,
        operation.unchanged,
        operation.left_alone,
    )


def run_in_the_worker(operation: BulkOperation) -> BulkOperation:
    lease = claim_next(BulkOperation, BulkOperation.State.RUNNING)
    assert lease is not None
    assert lease.row.pk == operation.pk
    operations.run_operation(lease)
    operation.refresh_from_db()
    return operation


@pytest.fixture
def as_if_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything goes to the worker, in chunks of two."""
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    monkeypatch.setattr(operations, "CHUNK", 2)


def test_few_products_are_switched_at_once_in_one_change_set(editor: User) -> None:
    a, b, c = make("A-1", "A-2", "A-3")
    products.update(c.pk, source="form", actor=None, active=False)
    told: list[ProductsChanged] = []

    def hear(change: ProductsChanged, **kwargs: Any) -> None:
        told.append(change)

    products_changed.connect(hear)
    try:
        operation = operations.start(Kind.DEACTIVATE, actor=editor, ids=[a.pk, b.pk, c.pk])
    finally:
        products_changed.disconnect(hear)

    assert operation.state == "completed"
    assert operation.total == 3
    assert counts(operation) == (0, 2, 0, 1, 0)
    change_set = operation.change_set
    assert change_set is not None
    assert (change_set.source, change_set.actor, change_set.updated) == ("bulk", editor, 2)
    assert list(
        ProductChange.objects.filter(change_set=change_set)
        .order_by("product_id")
        .values_list("product_id", "sku", "kind", "before")
    ) == [(a.pk, "A-1", "u", {"active": True}), (b.pk, "A-2", "u", {"active": True})]
    assert not Product.objects.filter(active=True).exists()
    assert told == [ProductsChanged(change_set.pk, "bulk", 0, 2, 0)]


def test_what_changes_nothing_leaves_no_change_set(editor: User) -> None:
    make("A-1")
    before = ChangeSet.objects.count()

    operation = operations.start(Kind.ACTIVATE, actor=editor)

    assert counts(operation) == (0, 0, 0, 1, 0)
    assert operation.change_set is None
    assert ChangeSet.objects.count() == before


def test_all_that_match_a_filter_are_deleted_and_recorded_whole(editor: User) -> None:
    a, b = make("A-1", "B-1", name="Bolt")
    products.update(a.pk, source="form", actor=None, price="12.90")
    a.refresh_from_db()

    operation = operations.start(Kind.DELETE, actor=editor, query="sku=a-")

    assert counts(operation) == (0, 0, 1, 0, 0)
    assert list(Product.objects.values_list("pk", flat=True)) == [b.pk]
    change = ProductChange.objects.get(change_set=operation.change_set)
    assert change.before is not None
    assert change.before.pop("created_at").startswith(f"{a.created_at:%Y-%m-%dT%H:%M:%S}")
    assert change.before.pop("updated_at").startswith(f"{a.updated_at:%Y-%m-%dT%H:%M:%S}")
    assert (change.sku, change.kind, change.before) == (
        "A-1",
        "d",
        {"sku": "A-1", "name": "Bolt", "description": "", "price": "12.90", "active": True},
    )


def test_filter_that_is_none_is_refused_before_anything_happens(editor: User) -> None:
    make("A-1")

    with pytest.raises(InvalidFilter):
        operations.start(Kind.DELETE, actor=editor, query="price_min=cheap")

    assert Product.objects.count() == 1
    assert not BulkOperation.objects.exists()


def test_products_that_are_gone_need_nothing(editor: User) -> None:
    (a,) = make("A-1")

    operation = operations.start(Kind.DELETE, actor=editor, ids=[a.pk, a.pk, a.pk + 1000])

    assert (operation.total, *counts(operation)) == (2, 0, 0, 1, 1, 0)


@committed
@pytest.mark.usefixtures("as_if_large")
def test_many_products_wait_for_the_worker(editor: User) -> None:
    make("A-1", "A-2", "A-3", "A-4", "A-5")

    operation = operations.start(Kind.DELETE_ALL, actor=editor)

    assert operation.state == "queued"
    assert Product.objects.count() == 5
    run_in_the_worker(operation)
    assert operation.state == "completed"
    assert counts(operation) == (0, 0, 5, 0, 0)
    assert operation.change_set is not None
    assert operation.change_set.source == "delete_all"
    assert not Product.objects.exists()
    assert operation.seconds is not None
    assert operation.lease_token is None


@committed
@pytest.mark.usefixtures("as_if_large")
def test_operation_that_was_cancelled_while_it_waited_changes_nothing(editor: User) -> None:
    make("A-1")
    operation = operations.start(Kind.DELETE_ALL, actor=editor)

    assert request_cancel(operation)

    assert claim_next(BulkOperation, BulkOperation.State.RUNNING) is None
    assert Product.objects.count() == 1


@committed
@pytest.mark.usefixtures("as_if_large")
def test_operation_that_is_cancelled_while_it_writes_changes_nothing(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("A-1", "A-2", "A-3")
    operation = operations.start(Kind.DELETE_ALL, actor=editor)
    write = operations._apply

    def write_and_cancel(name: str, **parameters: Any) -> None:
        write(name, **parameters)
        BulkOperation.objects.filter(pk=operation.pk).update(cancel_requested=True)

    monkeypatch.setattr(operations, "_apply", write_and_cancel)

    run_in_the_worker(operation)

    assert operation.state == "cancelled"
    assert operation.change_set is None
    assert Product.objects.count() == 3
    assert not ProductChange.objects.exists()


@committed
def test_small_operation_that_meets_an_import_is_left_to_the_worker(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (a,) = make("A-1")
    monkeypatch.setattr(operations, "PATIENCE", 0.1)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [0x70726F64])
        operation = operations.start(Kind.DELETE, actor=editor, ids=[a.pk])
        assert operation.state == "queued"
        assert Product.objects.count() == 1
    finally:
        other.close()

    run_in_the_worker(operation)

    assert counts(operation) == (0, 0, 1, 0, 0)
