"""Publishing goes on page by page, once, whatever breaks down and whoever else is at it."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from catalog import operations
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.tests.change_sets import imported, mixed, newest
from config.celery import app
from core.leases import ClockTimestamp
from core.tests.test_wakeups import messages
from dev.valkey import free_port
from webhooks import bodies, cleaning, endpoints, events
from webhooks.models import Delivery, Endpoint, Event, EventType, Lane, Publication
from webhooks.tests.listening import created, endpoint, published
from webhooks.tests.queueing import lane_of

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Bulk = Endpoint.Bulk
EVERY_TYPE = [*EventType]


def unpublished() -> list[int]:
    waiting = ChangeSet.objects.filter(published_at__isnull=True)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def numbered() -> list[tuple[int | None, int | None]]:
    """Change set and sequence of all events, the oldest first."""
    return list(Event.objects.order_by("pk").values_list("change_set", "sequence"))


def skus(found: list[dict[str, Any]]) -> list[str]:
    """The products of batches, one after the other."""
    return [product["sku"] for body in found for product in body["data"]["products"]]


def shape(found: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """What batches are of, and how many products are in each."""
    return [(body["data"]["event"], body["data"]["count"]) for body in found]


# --- page by page ----------------------------------------------------------------------------


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAGE", 2)


def test_pages_are_all_there_is_in_one_sequence(small_pages: None) -> None:
    endpoint(event_types=EVERY_TYPE)
    change_set, ids = mixed()
    ChangeSet.objects.exclude(pk=change_set.pk).update(published_at=ClockTimestamp())

    *told, end = published()

    assert shape(told) == [
        ("product.created", 2),
        ("product.created", 2),
        ("product.created", 1),
        ("product.updated", 2),
        ("product.updated", 2),
        ("product.updated", 1),
    ]
    found = [product["id"] for body in told for product in body["data"]["products"]]
    assert sorted(found) == ids
    assert end["type"] == "import.completed"
    assert numbered() == [(change_set.pk, at) for at in range(1, 8)]
    assert not Publication.objects.exists()


@pytest.mark.parametrize("breaks_at", [1, 2, 3, 4, 5, 6])
def test_publisher_that_broke_down_goes_on_where_it_was(
    small_pages: None, monkeypatch: pytest.MonkeyPatch, breaks_at: int
) -> None:
    endpoint(event_types=EVERY_TYPE)
    change_set, ids = mixed()
    ChangeSet.objects.exclude(pk=change_set.pk).update(published_at=ClockTimestamp())
    write = events.make_due
    calls = 0

    def break_down(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        write(*arguments)
        if calls == breaks_at:
            raise ConnectionError

    monkeypatch.setattr(events, "make_due", break_down)
    with pytest.raises(ConnectionError):
        published()
    assert Event.objects.count() == breaks_at - 1
    assert unpublished() == [change_set.pk]

    *told, end = published()

    found = [product["id"] for body in told for product in body["data"]["products"]]
    assert sorted(found) == ids
    assert end["type"] == "import.completed"
    assert numbered() == [(change_set.pk, at) for at in range(1, 8)]
    assert Delivery.objects.count() == 7


def test_audience_is_settled_when_publishing_begins(small_pages: None) -> None:
    one = endpoint()
    imported(*(f"A-{at}" for at in range(4)))
    assert events.publish_page()

    endpoints.change(one, actor=None, bulk=Bulk.EACH)
    late = endpoint()
    Endpoint.objects.filter(pk=late.pk).update(since_change_set=0)

    assert shape(published()) == [("product.created", 2)] * 2
    assert set(Delivery.objects.values_list("endpoint", flat=True)) == {one.pk}


def test_endpoint_that_is_removed_while_it_is_told_holds_nobody_up(small_pages: None) -> None:
    one, other = endpoint(), endpoint()
    imported(*(f"A-{at}" for at in range(6)))
    assert events.publish_page()
    endpoints.delete(one, actor=None)
    assert events.publish_page()
    cleaning.prune_webhooks()
    assert not Endpoint.objects.filter(pk=one.pk).exists()

    assert skus(published()) == [f"A-{at}" for at in range(6)]
    assert list(Delivery.objects.values_list("endpoint", flat=True)) == [other.pk] * 3
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_page_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAGE_BYTES", 2500)
    endpoint()
    imported(*(f"A-{at}" for at in range(8)))
    Product.objects.update(description="x" * 1000)

    told = published()

    assert max(count for _, count in shape(told)) == 2
    assert skus(told) == [f"A-{at}" for at in range(8)]


def test_single_product_above_the_bound_is_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAGE_BYTES", 10)
    endpoint()
    imported("A-1", "A-2")
    Product.objects.update(description="x" * 1000)

    assert shape(published()) == [("product.created", 1)] * 2


def test_values_in_the_log_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of products that are gone, and of creations that were deleted before they were told."""
    monkeypatch.setattr(events, "PAGE_BYTES", 3000)
    endpoint()
    imported(*(f"A-{at}" for at in range(4)))
    Product.objects.update(description="x" * 1000)
    operations.start(BulkOperation.Kind.DELETE_ALL, actor=None)
    before = ProductChange.objects.get(sku="A-0").before
    assert before is not None
    assert len(before["description"]) == 1000

    assert shape(published()) == [("product.created", 2)] * 2 + [("product.deleted", 2)] * 2


def test_page_is_small_where_many_hear_of_each_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAGE_DELIVERIES", 6)
    for _ in range(3):
        endpoint(bulk=Bulk.EACH)
    imported(*(f"A-{at}" for at in range(5)))

    assert events.publish_page()
    assert Delivery.objects.count() == 6
    assert len(published()) == 5
    assert Delivery.objects.count() == 15


def test_publisher_stops_when_its_time_is_over_and_says_that_some_are_left() -> None:
    endpoint()
    for at in range(3):
        created(f"A-{at}")

    assert events.publish_pending(seconds=0)
    assert len(unpublished()) == 2
    assert not events.publish_pending(seconds=30)
    assert unpublished() == []


def test_questions_do_not_grow_with_the_products(django_assert_max_num_queries: Any) -> None:
    endpoint()
    imported(*(f"A-{at}" for at in range(1000)))

    with django_assert_max_num_queries(40):
        assert shape(published()) == [("product.created", 1000)]


# --- lanes and wake-ups ----------------------------------------------------------------------


def test_lane_is_due_as_soon_as_something_waits() -> None:
    one, other = endpoint(), endpoint(event_types=[EventType.IMPORT_FAILED])
    created("A-1")
    assert lane_of(one).due_at is None

    published()

    assert lane_of(one).due_at is not None
    assert lane_of(other).due_at is None


def test_lane_that_is_due_earlier_stays_so() -> None:
    one = endpoint()
    created("A-1")
    published()
    Delivery.objects.update(due_at=ClockTimestamp() - timedelta(hours=1))
    lane = lane_of(one)
    lane.due_at = lane.due_at and lane.due_at - timedelta(hours=1)
    lane.save()

    created("A-2")
    published()

    assert lane_of(one).due_at == lane.due_at


@pytest.mark.django_db(transaction=True)
class TestCommitted:
    """What happens between connections, and on commit."""

    def test_publisher_is_woken_on_commit_alone(self) -> None:
        endpoint()
        with transaction.atomic():
            created("A-1")
            assert messages("webhooks") == []
        assert [each["headers"]["task"] for each in messages("webhooks")] == ["webhooks.publish"]

    def test_change_that_was_rolled_back_wakes_nobody(self) -> None:
        endpoint()
        with transaction.atomic():
            created("A-1")
            transaction.set_rollback(True)
        assert messages("webhooks") == []
        assert published() == []

    def test_nobody_is_woken_when_nobody_listens(self) -> None:
        created("A-1")
        assert messages("webhooks") == []

    def test_drains_are_woken_for_lanes_that_are_due_and_no_others(self) -> None:
        endpoint()
        paused, slow = endpoint(), endpoint()
        endpoints.pause(paused, actor=None)
        lane = lane_of(slow)
        lane.slow = True
        lane.save()
        created("A-1")
        woken = len(messages("webhooks"))

        published()

        tasks = [each["headers"]["task"] for each in messages("webhooks")[woken:]]
        assert tasks == ["webhooks.drain"]
        tasks = [each["headers"]["task"] for each in messages("webhooks_slow")]
        assert tasks == ["webhooks.drain_slow"]

    def test_broker_that_is_away_costs_a_line_however_many_are_to_be_woken(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(5):
            endpoint()
        Lane.objects.filter(pk=endpoint().pk).update(slow=True)
        with transaction.atomic():
            created("A-1")
            transaction.on_commit(caplog.clear)
        # Pools remember their broker; the test's own are dropped with it.
        with monkeypatch.context() as away:
            away.setitem(app.conf, "broker_url", f"redis://127.0.0.1:{free_port()}/0")
            away.setattr(app, "_pool", None)
            away.setattr(app.amqp, "_producer_pool", None)
            published()

        (line,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
        assert line.startswith("no worker woken, the broker is away")
        assert Delivery.objects.count() == 6

    def test_second_publisher_leaves_the_work_to_the_first(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint()
        created("A-1")
        at_it, may_go_on = threading.Event(), threading.Event()
        show = bodies.show

        def slowly(*arguments: Any) -> Any:
            at_it.set()
            assert may_go_on.wait(10)
            return show(*arguments)

        monkeypatch.setattr(bodies, "show", slowly)

        def publish() -> bool:
            try:
                return events.publish_page()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as thread:
            first = thread.submit(publish)
            assert at_it.wait(10)
            assert not events.publish_page()
            assert not events.publish_pending(seconds=30)
            may_go_on.set()
            assert first.result(10)
        assert Event.objects.count() == 1

    def test_publishers_side_by_side_tell_everything_once(self, small_pages: None) -> None:
        endpoint()
        for at in range(4):
            created(f"A-{at}")
        imported(*(f"B-{at}" for at in range(5)))

        def publish() -> None:
            try:
                while unpublished():
                    events.publish_pending(seconds=30)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as threads:
            for each in [threads.submit(publish) for _ in range(2)]:
                each.result(30)

        found = [
            each["sku"]
            for body in Event.objects.order_by("pk").values_list("body", flat=True)
            for data in [json.loads(body)["data"]]
            for each in data.get("products", [data])
        ]
        assert found == [*(f"A-{at}" for at in range(4)), *(f"B-{at}" for at in range(5))]
        last = newest().pk
        assert [at for pk, at in numbered() if pk == last] == [1, 2, 3]
