"""Products in order, page by page, with how many they are."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import redis
from django.conf import settings as configured
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from catalog import listing, products, totals
from catalog.filters import ProductFilter
from catalog.listing import ORDERS, in_order, page_of
from catalog.models import ChangeSet, Product
from catalog.totals import Total, total_of
from core import remembering

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FORM = ChangeSet.Source.FORM


def many(count: int) -> None:
    """Products in which every order has ties and some have no price."""
    Product.objects.bulk_create(
        Product(
            sku=f"{'aB'[at % 2]}-{at * 7919 % count:03}",
            name=f"Name {at % 5}",
            price=None if at % 4 == 0 else Decimal(at % 7),
            active=at % 3 > 0,
        )
        for at in range(count)
    )
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for product in Product.objects.all():
        moment = start + timedelta(days=product.pk % 6)
        Product.objects.filter(pk=product.pk).update(updated_at=moment)


def expected(name: str) -> list[int]:
    """The ids in this order, by plain sorting."""
    column = {"updated": "updated_at"}.get(name.lstrip("-"), name.lstrip("-"))
    rows = list(Product.objects.values("id", column))
    down = name.startswith("-")
    rows.sort(key=lambda row: row["id"], reverse=down)
    present = [row for row in rows if row[column] is not None]
    present.sort(
        key=lambda row: row[column].lower() if column == "sku" else row[column], reverse=down
    )
    return [row["id"] for row in (*present, *(row for row in rows if row[column] is None))]


@pytest.mark.parametrize("name", ORDERS)
def test_pages_one_after_the_other_hold_every_product_in_order(name: str) -> None:
    many(53)
    ordered = in_order(Product.objects.all(), name)

    pages = [page_of(ordered, number=number, size=10) for number in range(1, 7)]

    assert [product.pk for page in pages for product in page] == expected(name)
    assert [(page.start_index(), page.end_index()) for page in pages[::5]] == [(1, 10), (51, 53)]


def test_last_page_is_read_from_the_end_and_the_middle_by_ids() -> None:
    many(53)
    ordered = in_order(Product.objects.all())

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page_of(ordered, number=6, size=10)
    last = queries[-1]["sql"]
    with CaptureQueriesContext(connection) as queries:
        page_of(ordered, number=3, size=10)
    middle = queries[-1]["sql"]

    assert re.search(r'ORDER BY "catalog_product"."updated_at" ASC.* LIMIT 3$', last)
    assert re.search(r'"id" IN \(SELECT .* DESC LIMIT 10 OFFSET 20\)', middle)


@pytest.mark.parametrize(
    ("asked", "number"),
    [("2", 2), ("6", 6), ("7", 6), ("99999999999999999999", 6), ("abc", 1), ("", 1), (None, 1),
     ("1.5", 1), ("-1", 6), ("0", 6)],
)  # fmt: skip
def test_any_number_leads_to_a_page(asked: str | None, number: int) -> None:
    many(53)

    page = page_of(in_order(Product.objects.all()), number=asked, size=10)

    assert page.number == number
    assert page.paginator.num_pages == 6


def test_first_page_that_is_not_full_is_the_total(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    many(9)

    with django_assert_num_queries(1):
        page = page_of(in_order(Product.objects.all()), number=1, size=10)
        assert page.paginator.count == len(page) == 9
    assert page_of(Product.objects.none(), number=3, size=10).paginator.count == 0


@pytest.mark.parametrize("few", [3, 12])
@pytest.mark.parametrize("order", ORDERS)
def test_filtered_page_is_the_same_whether_few_or_many_are_found(
    order: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(40)
    monkeypatch.setattr(listing, "FEW", few)
    found = in_order(ProductFilter({"name": "3"}, queryset=Product.objects.all()).qs, order)

    page = page_of(found, number=1, size=4)

    assert [each.pk for each in page] == [each.pk for each in found[:4]]
    assert page.paginator.total == Total(found.count())


def test_total_is_counted_once_while_nothing_changes(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    many(30)
    found = ProductFilter({"name": "3"}, queryset=Product.objects.all()).qs

    assert total_of(found) == Total(6)
    assert total_of(Product.objects.all()) == Total(30)
    with django_assert_num_queries(0):
        assert total_of(in_order(found, "price")) == Total(6)
        assert total_of(Product.objects.all()) == Total(30)


def test_committed_change_makes_every_total_worthless(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    many(30)
    assert total_of(Product.objects.all()) == Total(30)

    with django_capture_on_commit_callbacks(execute=True):
        products.create(source=FORM, actor=None, sku="new", name="New")
        assert total_of(Product.objects.all()) == Total(30)

    assert total_of(Product.objects.all()) == Total(31)


def test_total_that_a_commit_overtakes_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many(30)
    count = totals._counted

    def overtaken(*args: object) -> Total:
        total = count(*args)  # type: ignore[arg-type]
        totals._new_version()
        return total

    monkeypatch.setattr(totals, "_counted", overtaken)
    assert total_of(Product.objects.all()) == Total(30)
    Product.objects.filter(name="Name 1").delete()

    assert total_of(Product.objects.all()) == Total(24)


def test_no_total_outlives_a_minute() -> None:
    many(3)
    total_of(Product.objects.all())

    client = redis.Redis.from_url(configured.REDIS_URL)
    [key] = client.keys("*catalog:total:*")
    assert 0 < client.ttl(key) <= 60
    client.close()


def test_total_over_budget_is_the_planners_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    many(30)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_product")
        cursor.execute("SET LOCAL statement_timeout = '7s'")
    monkeypatch.setattr(totals, "COUNT_BUDGET_SECONDS", 0.001)
    # One row that sleeps: the count takes longer than its budget, whatever the machine.
    slow = Product.objects.filter(name__has_text="Name").extra(where=["pg_sleep(0.01) IS NOT NULL"])

    total = total_of(slow)

    assert not total.exact
    assert 1 <= total.count <= 30
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("7s",)


def test_count_leaves_the_time_out_of_a_transaction_around_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '7s'")
        total_of(Product.objects.all())
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("7s",)


@pytest.fixture
def valkey_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    }
    monkeypatch.setattr(remembering._Away, "until", 0.0)


@pytest.mark.usefixtures("valkey_away")
def test_without_valkey_everything_is_counted_anew(caplog: pytest.LogCaptureFixture) -> None:
    many(3)

    assert total_of(Product.objects.all()) == Total(3)
    Product.objects.filter(name="Name 1").delete()
    assert total_of(Product.objects.all()) == Total(2)

    assert len([line for line in caplog.messages if "Valkey is away" in line]) == 1


def test_what_can_not_be_read_is_counted_anew() -> None:
    many(3)
    total_of(Product.objects.all())
    client = redis.Redis.from_url(configured.REDIS_URL)
    for key in client.keys("*catalog:*"):
        client.set(key, b"\x80nothing")
    client.close()

    assert total_of(Product.objects.all()) == Total(3)
    cache.set(totals.VERSION_KEY, ["strange"])
    assert total_of(Product.objects.all()) == Total(3)
