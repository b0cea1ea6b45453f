"""Single changes: each leaves exactly one change set, or nothing at all."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from catalog import products
from catalog.locks import CatalogBusy, take_catalog
from catalog.models import ChangeSet, Product, ProductChange
from catalog.products import EditConflict, ProductGone, SkuTaken
from catalog.signals import ProductsChanged, products_changed
from catalog.tests.beside import Beside

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SOURCE = ChangeSet.Source.FORM
VALUES: dict[str, Any] = {
    "sku": "A-1",
    "name": "One",
    "description": "Text",
    "price": Decimal("12.90"),
    "active": True,
}


def made(**values: Any) -> Product:
    return products.create(source=SOURCE, actor=None, **{**VALUES, **values})


def logged() -> list[tuple[int, int, str, str, dict[str, Any] | None]]:
    return list(
        ProductChange.objects.order_by("change_set_id").values_list(
            "change_set_id", "product_id", "sku", "kind", "before"
        )
    )


@pytest.fixture
def changes() -> Iterator[list[ProductsChanged]]:
    heard: list[ProductsChanged] = []

    def hear(sender: object, change: ProductsChanged, **rest: Any) -> None:
        assert connection.in_atomic_block
        heard.append(change)

    products_changed.connect(hear)
    yield heard
    products_changed.disconnect(hear)


def test_creation_leaves_a_change_set_with_a_range_of_one_id(
    editor: User, changes: list[ProductsChanged]
) -> None:
    product = products.create(source=SOURCE, actor=editor, **VALUES)

    stored = Product.objects.values(*VALUES).get()
    assert stored == VALUES
    change_set = ChangeSet.objects.get()
    assert (change_set.source, change_set.actor) == ("form", editor)
    assert (change_set.created, change_set.updated, change_set.deleted) == (1, 0, 0)
    assert (change_set.first_created_id, change_set.last_created_id) == (product.pk, product.pk)
    assert logged() == []
    assert changes == [ProductsChanged(change_set.pk, "form", created=1, updated=0, deleted=0)]


@pytest.mark.parametrize(
    ("values", "before"),
    [
        ({"name": "Two"}, {"name": "One"}),
        ({"price": None}, {"price": "12.90"}),
        ({"price": Decimal("13")}, {"price": "12.90"}),
        ({"active": False, "description": ""}, {"active": True, "description": "Text"}),
        ({"sku": "B-1"}, {"sku": "A-1"}),
        ({"sku": "a-1", "name": "One"}, {"sku": "A-1"}),
    ],
)
def test_update_logs_the_replaced_values_and_no_others(
    values: dict[str, Any], before: dict[str, Any], changes: list[ProductsChanged]
) -> None:
    product = made()
    changes.clear()

    products.update(product.pk, source=SOURCE, actor=None, **values)

    change_set = ChangeSet.objects.latest("id")
    assert Product.objects.values(*VALUES).get() == {**VALUES, **values}
    assert logged() == [(change_set.pk, product.pk, "A-1", "u", before)]
    assert (change_set.created, change_set.updated, change_set.deleted) == (0, 1, 0)
    assert change_set.first_created_id is None
    assert changes == [ProductsChanged(change_set.pk, "form", created=0, updated=1, deleted=0)]


def test_price_that_was_not_there_is_logged_as_null() -> None:
    product = made(price=None)

    products.update(product.pk, source=SOURCE, actor=None, price=Decimal("5"))

    assert [before for *_, before in logged()] == [{"price": None}]


@pytest.mark.parametrize("values", [VALUES, {"price": Decimal("12.9")}, {}])
def test_update_that_changes_nothing_leaves_nothing(
    values: dict[str, Any], changes: list[ProductsChanged]
) -> None:
    product = made()
    updated_at = product.updated_at
    changes.clear()

    products.update(product.pk, source=SOURCE, actor=None, **values)

    assert ChangeSet.objects.count() == 1
    assert logged() == []
    assert changes == []
    product.refresh_from_db()
    assert product.updated_at == updated_at


def test_update_of_values_that_were_read_before_a_change_is_refused() -> None:
    product = made()
    newer = products.update(product.pk, source=SOURCE, actor=None, name="Two")

    with pytest.raises(EditConflict, match=r"^A-1 was changed in the meantime\.$") as caught:
        products.update(
            product.pk,
            source=SOURCE,
            actor=None,
            unchanged_since=product.updated_at,
            price=Decimal("5"),
        )

    assert caught.value.product == newer
    assert (caught.value.product.name, caught.value.product.price) == ("Two", Decimal("12.90"))
    assert ChangeSet.objects.count() == 2
    products.update(
        product.pk, source=SOURCE, actor=None, unchanged_since=newer.updated_at, name="Three"
    )
    assert Product.objects.get().name == "Three"


def test_deletion_logs_the_whole_row(changes: list[ProductsChanged]) -> None:
    product = made()
    changes.clear()

    deletion = products.delete(product.pk, source=SOURCE, actor=None)

    change_set = ChangeSet.objects.latest("id")
    assert deletion == change_set
    assert not Product.objects.exists()
    row = {
        **VALUES,
        "price": "12.90",
        "created_at": product.created_at.isoformat(),
        "updated_at": product.updated_at.isoformat(),
    }
    assert logged() == [(change_set.pk, product.pk, "A-1", "d", row)]
    assert (change_set.created, change_set.updated, change_set.deleted) == (0, 0, 1)
    assert changes == [ProductsChanged(change_set.pk, "form", created=0, updated=0, deleted=1)]


def test_product_that_is_gone_can_neither_be_changed_nor_deleted() -> None:
    with pytest.raises(ProductGone):
        products.update(7, source=SOURCE, actor=None, name="Two")
    with pytest.raises(ProductGone):
        products.delete(7, source=SOURCE, actor=None)

    assert not ChangeSet.objects.exists()


@pytest.mark.parametrize("sku", ["A-1", "a-1"])
def test_sku_that_is_taken_names_the_product_that_has_it(sku: str) -> None:
    taken = made()
    other = made(sku="B-1", name="Two")

    with pytest.raises(SkuTaken, match=r"^The SKU is taken by A-1, One\.$") as at_creation:
        made(sku=sku, name="Three")
    with pytest.raises(SkuTaken) as at_update:
        products.update(other.pk, source=SOURCE, actor=None, sku=sku)

    assert at_creation.value.product == at_update.value.product == taken
    assert list(Product.objects.values_list("sku", flat=True)) == ["A-1", "B-1"]
    assert ChangeSet.objects.count() == 2


def test_a_products_own_sku_may_change_its_case() -> None:
    product = made()

    products.update(product.pk, source=SOURCE, actor=None, sku="a-1")

    assert Product.objects.get().sku == "a-1"


def test_failure_of_a_receiver_undoes_the_change_with_its_log() -> None:
    def break_down(**sent: Any) -> None:
        raise RuntimeError("receiver")

    products_changed.connect(break_down)
    try:
        with pytest.raises(RuntimeError, match="receiver"):
            made()
    finally:
        products_changed.disconnect(break_down)

    assert not Product.objects.exists()
    assert not ChangeSet.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_create_the_same_sku_at_once_end_in_one_product() -> None:
    first = Beside(made)
    timer = threading.Timer(0.2, first.commit)
    timer.start()

    with pytest.raises(SkuTaken) as caught:
        made(sku="a-1", name="Two")

    timer.join()
    assert caught.value.product == Product.objects.get()
    assert Product.objects.get().name == "One"
    assert ChangeSet.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_single_change_that_meets_a_merge_is_told_to_come_back() -> None:
    product = made()
    merge = Beside(take_catalog)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    try:
        with pytest.raises(CatalogBusy, match=r"^An import is being applied\."):
            products.update(product.pk, source=SOURCE, actor=None, name="Two")
        with pytest.raises(CatalogBusy):
            made(sku="B-1")
        with pytest.raises(CatalogBusy):
            products.delete(product.pk, source=SOURCE, actor=None)
    finally:
        merge.commit()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")

    assert Product.objects.get().name == "One"
    assert ChangeSet.objects.count() == 1
    products.update(product.pk, source=SOURCE, actor=None, name="Two")
    assert Product.objects.get().name == "Two"


@pytest.mark.django_db(transaction=True)
def test_single_changes_do_not_wait_for_each_other() -> None:
    other = made(sku="B-1")
    first = Beside(made)

    products.update(other.pk, source=SOURCE, actor=None, name="Two")

    first.commit()
    assert Product.objects.get(sku="B-1").name == "Two"
