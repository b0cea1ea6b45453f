"""What happened to a product, told from the values that its changes replaced."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog import products
from catalog.history import Entry, FieldChange, creation_of, last_values, product_history
from catalog.models import ChangeSet, Product, ProductChange

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FORM = ChangeSet.Source.FORM


def made(sku: str = "A-1") -> Product:
    return products.create(source=FORM, actor=None, sku=sku, name="One", description="", price=None)


def entries(product: Product, **how: Any) -> list[Entry]:
    return product_history(product.pk, product, **how).entries


def test_each_change_shows_old_and_new_values_newest_first(editor: User) -> None:
    product = made()
    for values in (
        {"name": "Two", "price": Decimal("5")},
        {"price": Decimal("7.50")},
        {"active": False, "description": "Text", "sku": "B-1"},
    ):
        products.update(product.pk, source=FORM, actor=editor, **values)

    history = entries(Product.objects.get())

    assert [(entry.kind, entry.fields) for entry in history] == [
        (
            "updated",
            [
                FieldChange("sku", "A-1", "B-1"),
                FieldChange("description", None, "Text"),
                FieldChange("active", "yes", "no"),
            ],
        ),
        ("updated", [FieldChange("price", "5.00", "7.50")]),
        ("updated", [FieldChange("name", "One", "Two"), FieldChange("price", None, "5.00")]),
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
    assert [entry.kind for entry in entries(imported[1])] == ["created"]


def test_creation_whose_change_set_was_pruned_is_unknown() -> None:
    product = made()
    ChangeSet.objects.all().delete()
    made("A-2")

    assert creation_of(product.pk) is None
    assert creation_of(product.pk + 1_000_000) is None
    assert entries(product) == []


def test_changes_of_other_products_are_not_among_them() -> None:
    product, other = made(), made("A-2")
    products.update(other.pk, source=FORM, actor=None, name="Two")

    assert [entry.kind for entry in entries(product)] == ["created"]


def test_deleted_product_that_came_back_shows_its_deletion() -> None:
    product = made()
    pk = product.pk
    products.delete(pk, source=FORM, actor=None)
    undo = ChangeSet.objects.create(source=ChangeSet.Source.UNDO, created=1)
    ProductChange.objects.create(change_set=undo, product_id=pk, sku="A-1", kind="c", before=None)
    Product.objects.create(pk=pk, sku="A-1", name="One")

    history = entries(Product.objects.get())

    assert [(entry.kind, entry.again) for entry in history] == [
        ("created", True),
        ("deleted", False),
        ("created", False),
    ]


def renamed_often(times: int) -> Product:
    product = made()
    for at in range(times):
        products.update(product.pk, source=FORM, actor=None, name=f"Name {at}")
    return Product.objects.get(pk=product.pk)


def test_history_comes_in_pages_that_tell_the_same() -> None:
    product = renamed_often(4)
    products.update(product.pk, source=FORM, actor=None, price=Decimal("3"), active=False)
    products.delete(product.pk, source=FORM, actor=None)
    whole = product_history(product.pk, None)

    told: list[Entry] = []
    cursor = None
    sizes = []
    while True:
        page = product_history(product.pk, None, before=cursor, size=2)
        told += page.entries
        sizes.append((len(page.entries), page.total))
        cursor = page.older
        if cursor is None:
            break

    assert told == whole.entries
    assert sizes == [(2, 7), (2, 7), (2, 7), (1, 7)]
    assert whole.older is None
    assert [entry.fields for entry in told] == [
        [],
        [FieldChange("price", None, "3.00"), FieldChange("active", "yes", "no")],
        [FieldChange("name", "Name 2", "Name 3")],
        [FieldChange("name", "Name 1", "Name 2")],
        [FieldChange("name", "Name 0", "Name 1")],
        [FieldChange("name", "One", "Name 0")],
        [],
    ]


def test_history_of_one_field_leaves_the_changes_of_others_out() -> None:
    product = renamed_often(2)
    for price in ("5", "6"):
        products.update(
            product.pk, source=FORM, actor=None, price=Decimal(price), description=price
        )

    history = product_history(product.pk, Product.objects.get(), field="price")

    assert [(entry.kind, entry.fields) for entry in history.entries] == [
        ("updated", [FieldChange("price", "5.00", "6.00")]),
        ("updated", [FieldChange("price", None, "5.00")]),
        ("created", []),
    ]
    assert history.total == 3


def test_deleted_product_is_told_from_the_log_alone() -> None:
    product = renamed_often(1)
    products.delete(product.pk, source=FORM, actor=None)

    history = product_history(product.pk, None)

    assert [(entry.kind, entry.fields) for entry in history.entries] == [
        ("deleted", []),
        ("updated", [FieldChange("name", "One", "Name 0")]),
        ("created", []),
    ]
    row = last_values(product.pk)
    assert row is not None
    assert (row["sku"], row["name"]) == ("A-1", "Name 0")
    assert last_values(product.pk + 1) is None


def test_page_of_the_history_takes_as_many_queries_for_fifty_changes_as_for_one(
    viewer_client: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    product = renamed_often(51)
    url = reverse("catalog:detail", args=[product.pk])
    # Session, user, two of permissions, running imports; product, creation, count, changes, undone.
    with django_assert_num_queries(10):
        page = viewer_client.get(url)
    assert "52 changes, kept for 90 days" in page.content.decode()
    assert page.content.decode().count("<li>") == 50
    cursor = page.context["history"].older
    # And where each of the five fields stood.
    with django_assert_num_queries(15):
        older = viewer_client.get(f"{url}?before={cursor}")
    assert older.content.decode().count("<li>") == 2
    assert viewer_client.get(f"{url}?before=x&field=x").content.decode().count("<li>") == 50
