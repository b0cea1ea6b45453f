"""What is sent, what comes of it, and when it is sent again."""

import logging
import threading
from datetime import timedelta

import pytest
from pytest_django import Settings

from accounts.models import AuditEntry
from core.leases import ClockTimestamp
from core.outbound import Sender
from dev.valkey import free_port
from webhooks import deliveries, lanes, retries
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.receiving import OK, Answer, Received, Receiver
from webhooks.tests.answering import Answering, in_turn, numbers, says
from webhooks.tests.listening import created, endpoint, published, sent
from webhooks.tests.queueing import lane_of, later, queued, seconds_until_due, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

State = Delivery.State


def due_again() -> None:
    """As if the next try's time had come."""
    Delivery.objects.filter(state=State.RETRYING).update(due_at=ClockTimestamp())
    Lane.objects.update(due_at=ClockTimestamp())


# --- success ---------------------------------------------------------------------------------


def test_delivery_arrives_signed_and_is_logged(receiver: Receiver) -> None:
    one = endpoint(receiver.url + "hook?token=7")
    created("A-1", description="Größe")
    (body,) = published()
    assert sent() == 1

    (received,) = receiver.received
    assert received.event == body
    assert received.path == "/hook?token=7"
    delivery = Delivery.objects.select_related("event").get()
    assert received.headers["webhook-id"] == delivery.event.webhook_id
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"] == "product-importer/1.0"
    assert received.body == delivery.event.body.encode()
    with Receiver(secrets=[one.secret]) as verifier:
        verifier.take(path="/", headers=received.headers, body=received.body)
        assert verifier.received[0].verified
    assert (delivery.state, delivery.status, delivery.error) == ("arrived", 200, "")
    assert (delivery.attempts, delivery.tries) == (1, 1)
    assert delivery.finished_at is not None
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.status, attempt.error, attempt.message) == (1, 200, "", "")
    assert attempt.milliseconds == delivery.milliseconds
    assert attempt.request_headers["webhook-signature"] == received.headers["webhook-signature"]


def test_lane_says_how_the_last_one_went(answering: Answering) -> None:
    receiver = answering(in_turn(500))
    one = endpoint(receiver.url)
    queued(one)
    sent()
    lane = lane_of(one)
    assert (lane.last_status, lane.last_error, lane.failures) == (500, "", 1)
    assert lane.failing_since == lane.last_at

    due_again()
    sent()

    lane = lane_of(one)
    assert (lane.last_status, lane.failures, lane.failing_since) == (200, 0, None)
    assert lane.last_answer == ""
    assert lane.due_at is None


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_an_arrival(answering: Answering, status: int) -> None:
    queued(endpoint(answering(says(status)).url))
    sent()
    assert states("state", "status") == [("arrived", status)]


# --- failure ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 500, 501])
def test_anything_else_is_tried_again_after_five_seconds(answering: Answering, status: int) -> None:
    receiver = answering(says(status, location="/elsewhere"))
    (delivery,) = queued(endpoint(receiver.url))
    sent()

    assert states("state", "status", "tries", "finished_at") == [("retrying", status, 1, None)]
    assert 3 < seconds_until_due(delivery) <= 6
    assert len(receiver.received) == 1, "a redirect was followed"
    assert sent() == 0, "it was not due"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_overloaded_endpoint_gets_a_minute(answering: Answering, status: int) -> None:
    (delivery,) = queued(endpoint(answering(says(status)).url))
    sent()
    assert 55 < seconds_until_due(delivery) <= 72


def test_retry_after_is_respected(answering: Answering) -> None:
    (delivery,) = queued(endpoint(answering(says(503, retry_after="100")).url))
    sent()
    assert 95 < seconds_until_due(delivery) <= 120


def test_endpoint_that_does_not_answer_gets_a_minute(
    answering: Answering, settings: Settings
) -> None:
    settings.OUTBOUND_DEADLINE_SECONDS = 0.2
    over = threading.Event()

    def hang(received: Received) -> Answer:
        over.wait(30)
        return OK

    (delivery,) = queued(endpoint(answering(hang).url))
    sent()
    over.set()

    assert states("state", "status", "error") == [("retrying", None, "time_out")]
    assert 55 < seconds_until_due(delivery) <= 72
    assert "took longer than 0.2 s" in Attempt.objects.get().message


def test_endpoint_that_is_not_there_is_tried_again(local_receivers: None) -> None:
    (delivery,) = queued(endpoint(f"http://127.0.0.1:{free_port()}/"))
    sent()

    assert states("state", "status", "error") == [("retrying", None, "refused")]
    assert 3 < seconds_until_due(delivery) <= 6
    assert Attempt.objects.get().message == (
        "Nothing listens at 127.0.0.1 on that port. Check the port, and that it is up."
    )


def test_ten_tries_and_no_more(answering: Answering) -> None:
    receiver = answering(says(500))
    one = endpoint(receiver.url)
    queued(one)
    for tries in range(1, 10):
        assert deliveries.drain(slow=False)
        assert states("state", "tries") == [("retrying", tries)]
        due_again()

    assert deliveries.drain(slow=False)

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.attempts) == ("failed", 10, 10)
    assert delivery.finished_at is not None
    assert Attempt.objects.count() == len(receiver.received) == 10
    assert len({received.webhook_id for received in receiver.received}) == 1
    assert lane_of(one).due_at is None
    due_again()
    assert (sent(), Attempt.objects.count()) == (1, 10)


def test_410_disables_the_endpoint_and_is_not_tried_again(answering: Answering) -> None:
    one = endpoint(answering(says(410)).url, ordered=True)
    queued(one, count=2)
    sent()

    one.refresh_from_db()
    assert (one.state, one.reason) == ("disabled", "gone")
    assert states("state", "status") == [("failed", 410), ("waiting", None)]
    entry = AuditEntry.objects.get(action=AuditEntry.Action.ENDPOINT_DISABLED)
    assert (entry.actor, entry.target, entry.details) == (None, one.host, {"reason": "gone"})
    assert sent() == 0


def test_five_days_of_failure_disable_the_endpoint(
    answering: Answering, caplog: pytest.LogCaptureFixture
) -> None:
    one = endpoint(answering(says(500)).url)
    queued(one)
    sent()
    later(days=4, hours=23)
    sent()
    one.refresh_from_db()
    assert one.state == "active"

    later(hours=2)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        sent()

    one.refresh_from_db()
    assert (one.state, one.reason) == ("disabled", "failing")
    assert caplog.messages == [f"endpoint disabled: id={one.pk} reason=failing"]
    assert states() == ["retrying"]
    assert timedelta(days=5) == retries.GIVE_UP_AFTER


def test_one_success_in_between_keeps_it_enabled(answering: Answering) -> None:
    one = endpoint(answering(in_turn(500, 200, 500)).url)
    queued(one, count=1)
    sent()
    later(days=4)
    sent()
    queued(one)
    later(days=4)
    sent()

    one.refresh_from_db()
    assert one.state == "active"
    assert lane_of(one).failures == 1


def test_endpoint_that_was_paused_meanwhile_is_not_disabled(answering: Answering) -> None:
    one = endpoint(answering(says(410)).url)
    queued(one)
    hold = lanes.claim(slow=False)
    assert hold is not None
    drain = deliveries.Drain(hold)
    (delivery,) = drain._step([]) or []
    Endpoint.objects.filter(pk=one.pk).update(state="paused")
    with Sender() as sender:
        drain._step([deliveries.send(sender, one, delivery)])

    one.refresh_from_db()
    assert one.state == "paused"
    assert not AuditEntry.objects.filter(action="endpoint_disabled").exists()


# --- the breaker -----------------------------------------------------------------------------


def test_after_five_failures_only_the_oldest_is_tried_until_one_arrives(
    answering: Answering,
) -> None:
    failing = True
    receiver = answering(lambda received: (500, {}, b"") if failing else OK)
    one = endpoint(receiver.url)
    queued(one, count=10)
    sent()
    # Four at a time, so that up to three are under way when the fifth fails.
    tried = len(receiver.received)
    assert 5 <= tried <= 8

    for more in range(1, 4):
        later(hours=1)
        sent()
        assert len(receiver.received) == tried + more
        assert numbers(receiver)[-1] == 1

    failing = False
    later(hours=6)
    sent()
    assert states() == ["arrived"] * 10
    assert numbers(receiver)[tried + 3] == 1
    assert lane_of(one).failures == 0


def test_what_a_person_asked_for_is_sent_though_the_breaker_is_open(
    answering: Answering,
) -> None:
    receiver = answering(in_turn(500))
    one = endpoint(receiver.url)
    _, second = queued(one, count=2)
    Lane.objects.update(failures=7)
    sent()
    assert numbers(receiver) == [1]

    Delivery.objects.filter(pk=second.pk).update(urgent=True)
    Lane.objects.update(due_at=ClockTimestamp())
    sent()

    assert numbers(receiver) == [1, 2]
    assert states() == ["retrying", "arrived"]


# --- order -----------------------------------------------------------------------------------


def test_strict_order_is_kept_through_failures(answering: Answering) -> None:
    receiver = answering(in_turn(200, 500, 500, 200, 500))
    queued(endpoint(receiver.url, ordered=True), count=4)
    for _ in range(4):
        sent()
        due_again()

    assert numbers(receiver) == [1, 2, 2, 2, 3, 3, 4]
    assert states() == ["arrived"] * 4


def test_strict_order_goes_on_behind_one_that_was_given_up(answering: Answering) -> None:
    receiver = answering(in_turn(500))
    queued(endpoint(receiver.url, ordered=True), count=2)
    Delivery.objects.filter(event__subject="A-1").update(tries=9)

    sent()

    assert numbers(receiver) == [1, 2]
    assert states() == ["failed", "arrived"]


def test_without_strict_order_four_are_under_way_at_once(answering: Answering) -> None:
    together = threading.Barrier(4)

    def meet(received: Received) -> Answer:
        together.wait(5)
        return OK

    queued(endpoint(answering(meet).url), count=8)
    sent()

    assert states() == ["arrived"] * 8
