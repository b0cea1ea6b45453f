"""A lane is drained in turns: within its rate, among its like, and to where it must end."""

import logging
import threading
from typing import Any

import pytest
from celery.worker import state as worker_state
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from core.leases import ClockTimestamp
from webhooks import deliveries, lanes
from webhooks.models import Endpoint, EndpointHour, Lane
from webhooks.receiving import Receiver
from webhooks.tests.answering import Answering, numbers, says
from webhooks.tests.listening import endpoint, sent
from webhooks.tests.queueing import attempts, lane_of, later, queued, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_lanes_take_turns(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_YIELD_SECONDS = -1.0
    one, other = endpoint(receiver.url + "one"), endpoint(receiver.url + "other")
    queued(one, other)

    # A turn that is over before it began sends nothing and goes to the end of the row.
    for expected in (one, other, one):
        hold = lanes.claim(slow=False)
        assert hold is not None
        assert hold.row.pk == expected.pk
        deliveries.Drain(hold).run()
    assert receiver.received == []
    assert states() == ["waiting"] * 2

    settings.WEBHOOK_YIELD_SECONDS = 45.0
    assert sent() == 2
    assert [each.path for each in receiver.received] == ["/other", "/one"]


def test_rate_is_a_bound_on_requests(receiver: Receiver) -> None:
    one = endpoint(receiver.url, rate_per_hour=3)
    queued(one, count=5)
    assert sent() == 1

    assert len(receiver.received) == 3
    lane = Lane.objects.annotate(now=ClockTimestamp()).get(pk=one.pk)
    assert lane.due_at is not None
    assert 1150 < (lane.due_at - lane.now).total_seconds() <= 1200

    later(minutes=20, seconds=1)
    assert sent() == 1
    assert len(receiver.received) == 4


def test_endpoint_that_takes_its_time_is_slow_until_it_does_not(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = endpoint(receiver.url)
    queued(one)
    monkeypatch.setattr(lanes, "SLOW_MILLISECONDS", -1)
    assert deliveries.drain(slow=False)
    assert lane_of(one).slow

    monkeypatch.undo()
    queued(one)
    assert not deliveries.drain(slow=False)
    assert deliveries.drain(slow=True)
    assert not lane_of(one).slow
    assert states() == ["arrived"] * 2


def test_endpoint_that_turns_out_slow_goes_on_among_the_slow(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = endpoint(receiver.url, ordered=True)
    queued(one, count=3)
    monkeypatch.setattr(lanes, "SLOW_MILLISECONDS", -1)

    assert deliveries.drain(slow=False)
    assert states() == ["arrived", "waiting", "waiting"]
    assert not deliveries.drain(slow=False)

    assert deliveries.drain(slow=True)
    assert states() == ["arrived"] * 3


@pytest.mark.parametrize("state", ["paused", "deleted"])
def test_pausing_in_the_middle_stops_behind_what_is_under_way(
    answering: Answering, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = answering(says(200))
    one = endpoint(receiver.url, ordered=True)
    queued(one, count=3)
    send = deliveries.send

    def pause_and_send(*arguments: Any) -> Any:
        sent = send(*arguments)
        paused.set()
        return sent

    # The endpoint is paused in this thread, between two steps, as another connection would.
    paused = threading.Event()
    monkeypatch.setattr(deliveries, "send", pause_and_send)
    step = deliveries.Drain._step

    def step_after_pause(drain: deliveries.Drain, sent: Any) -> Any:
        if paused.is_set():
            Endpoint.objects.filter(pk=one.pk).update(state=state)
        return step(drain, sent)

    monkeypatch.setattr(deliveries.Drain, "_step", step_after_pause)
    assert deliveries.drain(slow=False)

    assert numbers(receiver) == [1]
    assert states() == ["arrived", "waiting", "waiting"]
    assert lane_of(one).lease_token is None
    assert not deliveries.drain(slow=False)


def test_worker_that_is_told_to_end_takes_no_more(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_state, "should_stop", 0)
    one = endpoint(receiver.url)
    queued(one)

    assert deliveries.drain(slow=False)

    assert receiver.received == []
    assert lane_of(one).lease_token is None
    monkeypatch.setattr(worker_state, "should_stop", None)
    assert sent() == 1
    assert states() == ["arrived"]


def test_lane_that_was_lost_while_sending_records_nothing(
    answering: Answering, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = answering(says(200))
    one = endpoint(receiver.url)
    queued(one)
    step = deliveries.Drain._step

    def taken_over(drain: deliveries.Drain, sent: Any) -> Any:
        if sent:
            later(seconds=61)
            assert lanes.claim(slow=False) is not None
        return step(drain, sent)

    monkeypatch.setattr(deliveries.Drain, "_step", taken_over)
    with caplog.at_level(logging.WARNING):
        assert deliveries.drain(slow=False)

    assert len(receiver.received) == 1
    assert caplog.messages == [f"lane lost: endpoint={one.pk} sent=1"]
    assert states("state", "attempts", "tries") == [("retrying", 1, 0)]
    assert attempts("number", "error") == [(1, "interrupted")]
    assert lane_of(one).lease_token is not None
    assert not EndpointHour.objects.exists()

    monkeypatch.undo()
    later(seconds=61)
    sent()
    assert states("state", "attempts", "tries") == [("arrived", 2, 1)]
    first, second = receiver.received
    assert (first.webhook_id, second.duplicate) == (second.webhook_id, True)


# --- cost ------------------------------------------------------------------------------------


def test_delivery_costs_a_dozen_questions(receiver: Receiver) -> None:
    one = endpoint(receiver.url)
    asked = []
    for count in (1, 21):
        queued(one, count=count)
        with CaptureQueriesContext(connection) as queries:
            assert sent() == 1
        asked.append(
            len([each for each in queries.captured_queries if "SAVEPOINT" not in each["sql"]])
        )

    few, many = asked
    assert few <= 30
    assert (many - few) / 20 <= 10
