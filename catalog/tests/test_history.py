"""What happened to a product, told from the values that its changes replaced."""

from decimal import Decimal

import pytest

from accounts.models import User
from catalog import products
from catalog.history import FieldChange, creation_of, product_history
from catalog.models import ChangeSet, Product, ProductChange

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FORM = ChangeSet.Source.FORM


def made(sku: str = "A-1") -> Product:
    return products.create(source=FORM, actor=None, sku=sku, name="One", description="", price=None)


def test_each_change_shows_old_and_new_values_newest_first(editor: User) -> None:
    product = made()
    for values in (
        {"name": "Two", "price": Decimal("5")},
        {"price": Decimal("7.50")},
        {"active": False, "description": "Text", "sku": "B-1"},
    ):
        products.update(product.pk, source=FORM, actor=editor, **values)

    history = product_history(Product.objects.get())

    assert [(entry.kind, entry.fields) for entry in history] == [
        (
            "updated",
            [
                FieldChange("SKU", "A-1", "B-1"),
                FieldChange("Description", None, "Text"),
                FieldChange("Active", "yes", "no"),
            ],
        ),
        ("updated", [FieldChange("Price", "5.00", "7.50")]),
        ("updated", [FieldChange("Name", "One", "Two"), FieldChange("Price", None, "5.00")]),
        ("created", []),
    ]
    assert [entry.change_set.actor for entry in history] == [editor, editor, editor, None]
    assert [entry.at for entry in history] == sorted((e.at for e in history), reverse=True)


def test_creation_by_an_import_is_found_by_its_range_of_ids() -> None:
    made_by_hand = made()
    imported = Product.objects.bulk_create(
        [Product(sku=f"I-{at}", name="Imported") for at in range(3)]
    )
    change_set = ChangeSet.objects.create(
        source=ChangeSet.Source.IMPORT,
        created=3,
        first_created_id=imported[0].pk,
        last_created_id=imported[2].pk,
    )
    later = made("A-2")

    assert [creation_of(product.pk) for product in imported] == [change_set] * 3
    assert creation_of(made_by_hand.pk) != change_set
    assert creation_of(later.pk) != change_set
    assert [entry.kind for entry in product_history(imported[1])] == ["created"]


def test_creation_whose_change_set_was_pruned_is_unknown() -> None:
    product = made()
    ChangeSet.objects.all().delete()
    made("A-2")

    assert creation_of(product.pk) is None
    assert creation_of(product.pk + 1_000_000) is None
    assert product_history(product) == []


def test_changes_of_other_products_are_not_among_them() -> None:
    product, other = made(), made("A-2")
    products.update(other.pk, source=FORM, actor=None, name="Two")

    assert [entry.kind for entry in product_history(product)] == ["created"]


def test_deleted_product_that_came_back_shows_its_deletion() -> None:
    product = made()
    pk = product.pk
    products.delete(pk, source=FORM, actor=None)
    undo = ChangeSet.objects.create(source=ChangeSet.Source.UNDO, created=1)
    ProductChange.objects.create(change_set=undo, product_id=pk, sku="A-1", kind="c", before=None)
    Product.objects.create(pk=pk, sku="A-1", name="One")

    kinds = [entry.kind for entry in product_history(Product.objects.get())]

    assert kinds == ["created", "deleted", "created"]
