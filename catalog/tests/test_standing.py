"""What a change set wrote is known as long as the log is kept, whatever became of it since."""

from decimal import Decimal

import pytest

from catalog import operations, products, standing
from catalog.models import BulkOperation, ChangeSet, Product
from catalog.tests.change_sets import edited, made, newest, undone

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_rows_are_values_as_the_log_writes_them() -> None:
    bolt = made(price=Decimal("9.90"), description="M6")
    nut = made("A-2", "Two", price=None, active=False)

    assert standing.rows([bolt.pk, nut.pk, 999_999_999]) == {
        bolt.pk: {
            "sku": "A-1",
            "name": "One",
            "description": "M6",
            "price": "9.90",
            "active": True,
            "created_at": bolt.created_at,
            "updated_at": bolt.updated_at,
        },
        nut.pk: {
            "sku": "A-2",
            "name": "Two",
            "description": "",
            "price": None,
            "active": False,
            "created_at": nut.created_at,
            "updated_at": nut.updated_at,
        },
    }


def test_first_later_change_of_a_column_says_what_stood_there() -> None:
    bolt = made(name="1")
    first = newest()
    edited(bolt, name="2")
    second = newest()
    edited(bolt, name="3", price=Decimal("1.00"))
    edited(bolt, name="4", price=Decimal("2.00"))

    assert standing.replaced_since(first.pk, [bolt.pk]) == {bolt.pk: {"name": "1", "price": None}}
    assert standing.replaced_since(second.pk, [bolt.pk]) == {bolt.pk: {"name": "2", "price": None}}


def test_newest_change_was_replaced_by_nothing() -> None:
    bolt = made()
    edited(bolt, name="2")

    assert standing.replaced_since(newest().pk, [bolt.pk]) == {}


def test_other_products_are_not_asked_for() -> None:
    bolt, nut = made(), made("A-2")
    before = newest()
    edited(nut, name="2")

    assert standing.replaced_since(before.pk, [bolt.pk]) == {}


@pytest.mark.parametrize("in_bulk", [False, True])
def test_deleted_product_is_known_whole(in_bulk: bool) -> None:
    bolt = made(price=Decimal("9.90"))
    made_in = newest()
    if in_bulk:
        operations.start(BulkOperation.Kind.DELETE, actor=None, ids=[bolt.pk])
    else:
        products.delete(bolt.pk, source=ChangeSet.Source.FORM, actor=None)

    found = standing.replaced_since(made_in.pk, [bolt.pk])[bolt.pk]

    assert not Product.objects.exists()
    assert set(found) == {*products.FIELDS, "created_at", "updated_at"}
    assert (found["sku"], found["name"], found["price"]) == ("A-1", "One", "9.90")


def test_edit_before_the_deletion_counts_first() -> None:
    bolt = made(name="1")
    made_in = newest()
    edited(bolt, name="2")
    products.delete(bolt.pk, source=ChangeSet.Source.FORM, actor=None)

    found = standing.replaced_since(made_in.pk, [bolt.pk])[bolt.pk]

    assert (found["name"], found["sku"], found["active"]) == ("1", "A-1", True)


def test_product_that_came_back_was_replaced_by_its_deletion_and_not_by_its_return() -> None:
    bolt = made(name="1")
    made_in = newest()
    gone = operations.start(BulkOperation.Kind.DELETE, actor=None, ids=[bolt.pk]).change_set
    assert gone is not None
    back = undone(gone)
    edited(Product.objects.get(), name="2")

    assert standing.replaced_since(made_in.pk, [bolt.pk])[bolt.pk]["name"] == "1"
    assert standing.replaced_since(back.pk, [bolt.pk]) == {bolt.pk: {"name": "1"}}
