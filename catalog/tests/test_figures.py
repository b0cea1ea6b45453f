"""The catalog in figures."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from catalog import figures, products
from catalog.figures import Stock, Week
from catalog.models import ChangeSet, Product
from catalog.totals import Total
from core import remembering

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def make(sku: str, *, price: str | None = None, active: bool = True) -> Product:
    return products.create(
        source="form",
        actor=None,
        sku=sku,
        name=sku,
        price=None if price is None else Decimal(price),
        active=active,
    )


def stock(count: int, active: int, unpriced: int) -> Stock:
    return Stock(Total(count), Total(active), Total(unpriced))


def test_empty_catalog_has_noughts() -> None:
    assert figures.stock() == stock(0, 0, 0)
    assert figures.week() == Week(change_sets=0, changed=0, grown=0)
    assert figures.last_change() is None


def test_stock_counts_active_products_and_those_without_a_price() -> None:
    make("A-1", price="0")
    make("A-2", active=False)
    make("A-3", price="12.90", active=False)

    assert figures.stock() == stock(3, 1, 1)


def test_stock_follows_every_change() -> None:
    product = make("A-1")
    assert figures.stock() == stock(1, 1, 1)

    products.update(product.pk, source="form", actor=None, price=Decimal("1"), active=False)
    assert figures.stock() == stock(1, 0, 0)
    products.delete(product.pk, source="form", actor=None)
    assert figures.stock() == stock(0, 0, 0)


def test_stock_is_counted_once_for_all_who_look() -> None:
    make("A-1")
    figures.stock()

    with CaptureQueriesContext(connection) as asked:
        assert figures.stock() == stock(1, 1, 1)

    assert len(asked) == 0


def test_stock_is_counted_when_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    make("A-1")
    monkeypatch.setattr(remembering._Away, "until", float("inf"))

    assert figures.stock() == stock(1, 1, 1)


def test_week_adds_up_the_change_sets_of_seven_days() -> None:
    def change_set(days: float, **counts: int) -> None:
        made = ChangeSet.objects.create(source="import", **counts)
        ChangeSet.objects.filter(pk=made.pk).update(
            created_at=timezone.now() - timedelta(days=days)
        )

    change_set(7.01, created=1000, updated=1000, deleted=1000)
    change_set(6.99, created=10, updated=5)
    change_set(0, updated=7, deleted=30)

    assert figures.week() == Week(change_sets=2, changed=52, grown=-20)
    assert figures.week().shrunk == 20


def test_last_change_is_the_newest_with_who_made_it(editor: User) -> None:
    make("A-1")
    newest = products.create(source="form", actor=editor, sku="A-2", name="Two")
    assert newest.pk

    found = figures.last_change()

    assert found is not None
    with CaptureQueriesContext(connection) as asked:
        assert found.actor == editor
    assert len(asked) == 0
