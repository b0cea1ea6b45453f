"""What is older than a fortnight goes, but not what an active endpoint has yet to be sent."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from catalog.models import ChangeSet
from webhooks import cleaning, endpoints
from webhooks.cleaning import PRUNE_LOCK, prune_webhooks
from webhooks.models import Attempt, Delivery, Endpoint, EndpointHour, Event, Lane
from webhooks.tests.listening import created, endpoint, published
from webhooks.tests.queueing import later, queued

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PENDING = ["waiting", "sending", "retrying"]
ENDED = ["arrived", "failed"]


def one_of_each(one: Endpoint) -> None:
    """A delivery in each state, with an attempt each."""
    for delivery, state in zip(queued(one, count=5), PENDING + ENDED, strict=True):
        Delivery.objects.filter(pk=delivery.pk).update(state=state)
        Attempt.objects.create(delivery=delivery, number=1, at=delivery.created_at)


def left() -> list[str]:
    """The states of the deliveries that are there; each has its event and its attempt."""
    states = list(Delivery.objects.order_by("pk").values_list("state", flat=True))
    assert Attempt.objects.count() == Event.objects.count() == len(states)
    return states


def test_what_ended_goes_and_what_an_active_endpoint_has_yet_to_get_stays() -> None:
    one_of_each(endpoint())
    later(days=14, seconds=1)

    prune_webhooks()

    assert left() == PENDING


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_what_waits_at_one_that_is_stopped_goes_too(state: str) -> None:
    one = endpoint()
    one_of_each(one)
    Endpoint.objects.update(state=state)
    later(days=14, seconds=1)

    prune_webhooks()

    assert left() == []
    assert Endpoint.objects.filter(pk=one.pk).exists()


@pytest.mark.parametrize("state", ["active", "paused", "disabled"])
def test_what_is_younger_stays(state: str) -> None:
    one_of_each(endpoint())
    Endpoint.objects.update(state=state)
    later(days=13, hours=23)

    prune_webhooks()

    assert left() == PENDING + ENDED


def test_tests_go_whatever_became_of_them() -> None:
    one_of_each(endpoint())
    Delivery.objects.update(is_test=True)
    later(days=14, seconds=1)

    prune_webhooks()

    assert left() == []


def test_event_stays_as_long_as_one_delivery_needs_it() -> None:
    queued(endpoint(), endpoint())
    arrived = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=arrived.pk).update(state="arrived")
    later(days=14, seconds=1)

    prune_webhooks()

    assert Delivery.objects.get().state == "waiting"
    assert Event.objects.count() == 1


def test_event_that_nobody_is_told_of_any_more_goes_when_it_is_old() -> None:
    Event.objects.create(type="product.updated", body="{}")
    old = Event.objects.create(type="product.updated", body="{}")
    Event.objects.filter(pk=old.pk).update(created_at=F("created_at") - timedelta(days=15))

    prune_webhooks()

    assert Event.objects.count() == 1
    assert not Event.objects.filter(pk=old.pk).exists()


def test_hours_go_and_change_sets_stay() -> None:
    one = endpoint()
    created("A-1")
    published()
    Delivery.objects.update(state="arrived")
    now = Delivery.objects.get().created_at
    for days in (13, 15):
        EndpointHour.objects.create(endpoint=one, hour=now - timedelta(days=days))
    later(days=15)

    prune_webhooks()

    assert not Event.objects.exists()
    assert ChangeSet.objects.count() == 1
    assert [each.hour for each in EndpointHour.objects.all()] == [now - timedelta(days=13)]


def test_deleted_endpoint_goes_in_batches_with_all_that_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cleaning, "BATCH", 2)
    gone, stays = endpoint(), endpoint()
    one_of_each(gone)
    one_of_each(stays)
    EndpointHour.objects.create(endpoint=gone, hour=gone.created_at)
    endpoints.delete(gone, actor=None)

    with CaptureQueriesContext(connection) as queries:
        prune_webhooks()

    assert list(Endpoint.objects.all()) == [stays]
    assert list(Lane.objects.values_list("pk", flat=True)) == [stays.pk]
    assert not EndpointHour.objects.exists()
    assert set(Delivery.objects.values_list("endpoint", flat=True)) == {stays.pk}
    assert (Delivery.objects.count(), Attempt.objects.count()) == (5, 5)
    deletions = [
        each["sql"]
        for each in queries.captured_queries
        if each["sql"].startswith('DELETE FROM "webhooks_delivery"')
    ]
    assert len(deletions) == 3
    # Its events are old news: they go when their time has come.
    assert Event.objects.count() == 10


def test_deleted_endpoint_stays_until_all_that_is_its_own_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = endpoint()
    one_of_each(gone)
    endpoints.delete(gone, actor=None)
    monkeypatch.setattr(cleaning, "SECONDS", -1.0)

    prune_webhooks()

    assert Endpoint.objects.get() == gone
    assert Delivery.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_pruner_leaves_the_rows_to_the_one_that_is_at_it() -> None:
    one_of_each(endpoint())
    later(days=15)
    other: Any = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PRUNE_LOCK])
        prune_webhooks()
        assert left() == PENDING + ENDED
        other.rollback()
    finally:
        other.close()

    prune_webhooks()
    assert left() == PENDING
