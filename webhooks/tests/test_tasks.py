"""Tasks do one turn each and wake whoever has the next."""

from datetime import timedelta

import pytest
from celery.worker import state as worker_state
from pytest_django import Settings

from catalog.models import ChangeSet
from core.leases import ClockTimestamp
from core.tests.test_wakeups import messages
from webhooks import tasks, wakeups
from webhooks.models import Delivery, Endpoint, Event, Lane
from webhooks.receiving import Receiver
from webhooks.tests.listening import created, endpoint
from webhooks.tests.queueing import queued, states
from webhooks.trial import request_test

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def woken(queue: str = "webhooks") -> list[str]:
    return [each["headers"]["task"] for each in messages(queue)]


def test_publisher_whose_time_is_over_wakes_the_next(settings: Settings) -> None:
    settings.WEBHOOK_YIELD_SECONDS = 0
    endpoint()
    for at in range(2):
        created(f"A-{at}")

    tasks.publish()

    assert Event.objects.count() == 1
    assert woken() == ["webhooks.publish"]
    settings.WEBHOOK_YIELD_SECONDS = 45
    tasks.publish()
    assert Event.objects.count() == 2
    assert woken() == ["webhooks.publish"]


@pytest.fixture
def told_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_state, "should_stop", 0)


def test_publisher_that_is_told_to_end_leaves_the_rest_to_another(told_to_end: None) -> None:
    endpoint()
    for at in range(2):
        created(f"A-{at}")

    tasks.publish()

    assert Event.objects.count() == 1
    assert woken() == ["webhooks.publish"]


def test_drain_goes_from_lane_to_lane(receiver: Receiver) -> None:
    queued(endpoint(receiver.url), endpoint(receiver.url))

    tasks.drain()

    assert states() == ["arrived"] * 2
    assert woken() == []


def test_drain_whose_time_is_over_wakes_the_next(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_YIELD_SECONDS = -1
    queued(endpoint(receiver.url))

    tasks.drain()

    assert states() == ["waiting"]
    assert woken() == ["webhooks.drain"]


def test_drain_that_is_told_to_end_leaves_the_rest_to_another(
    receiver: Receiver, told_to_end: None
) -> None:
    queued(endpoint(receiver.url))

    tasks.drain()

    assert states() == ["waiting"]
    assert woken() == ["webhooks.drain"]


def test_slow_lanes_have_a_task_of_their_own(receiver: Receiver) -> None:
    queued(endpoint(receiver.url), endpoint(receiver.url))
    Lane.objects.update(slow=True)

    tasks.drain()
    assert states() == ["waiting"] * 2

    tasks.drain_slow()
    assert states() == ["arrived"] * 2
    assert (woken(), woken("webhooks_slow")) == ([], [])


def test_message_too_many_finds_no_room_and_goes(receiver: Receiver) -> None:
    queued(endpoint(receiver.url))
    room = tasks._ROOM[False]
    taken = [room.acquire(blocking=False) for _ in range(wakeups.LANES[False])]
    try:
        assert all(taken)
        tasks.drain()
        assert states() == ["waiting"]
    finally:
        for _ in taken:
            room.release()

    tasks.drain()
    assert states() == ["arrived"]


def test_tick_wakes_whoever_has_something_to_do(receiver: Receiver) -> None:
    tasks.tick()
    assert (woken(), woken("webhooks_slow")) == ([], [])

    one, slow = endpoint(receiver.url), endpoint(receiver.url)
    queued(one, slow)
    Lane.objects.filter(pk=slow.pk).update(slow=True)
    created("A-1")
    assert ChangeSet.objects.get().published_at is None

    tasks.tick()

    assert woken() == ["webhooks.publish", "webhooks.drain"]
    assert woken("webhooks_slow") == ["webhooks.drain_slow"]
    assert receiver.received == []


def test_tick_wakes_nobody_for_what_is_not_due() -> None:
    one, paused = endpoint(), endpoint()
    queued(one, paused)
    Endpoint.objects.filter(pk=paused.pk).update(state="paused")
    Lane.objects.filter(pk=one.pk).update(due_at=ClockTimestamp() + timedelta(minutes=1))

    tasks.tick()

    assert woken() == []


def test_tick_sends_the_tests_that_nobody_sent(receiver: Receiver) -> None:
    request_test(endpoint(receiver.url), actor=None)
    tasks.tick()
    assert states() == ["waiting"]

    Delivery.objects.update(due_at=ClockTimestamp() - timedelta(seconds=21))
    tasks.tick()

    assert states() == ["arrived"]
    assert len(receiver.received) == 1


def test_pruner_is_a_task(receiver: Receiver) -> None:
    one = endpoint(receiver.url)
    Endpoint.objects.update(state="deleted")

    tasks.prune()

    assert not Endpoint.objects.filter(pk=one.pk).exists()
