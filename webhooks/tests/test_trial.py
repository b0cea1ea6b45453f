"""The test of an endpoint: one request, logged like any other, and none that is lost."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import User
from core.leases import ClockTimestamp
from core.tests.test_wakeups import messages
from webhooks import deliveries, endpoints, trial
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.receiving import Answer, Received, Receiver
from webhooks.tests.listening import endpoint, sent
from webhooks.tests.queueing import attempts, lane_of, queued, states
from webhooks.trial import TESTS_A_MINUTE, TooManyTests, overdue_tests, request_test, send_test

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def overdue() -> None:
    """As if the wake-ups had been lost, or the workers had died."""
    Delivery.objects.update(due_at=ClockTimestamp() - timedelta(seconds=21))


def test_test_is_sent_by_itself(receiver: Receiver) -> None:
    one = endpoint(receiver.url)
    queued(one)
    delivery = request_test(one, actor=None)
    assert (delivery.state, delivery.is_test) == ("waiting", True)

    send_test(delivery.pk)

    (received,) = receiver.received
    assert received.event is not None
    assert received.event["type"] == "webhook.test"
    assert received.event["data"] == {"message": "This is a test. Nothing has changed."}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempts) == ("arrived", 200, 1)
    assert delivery.finished_at is not None
    assert attempts("delivery", "number", "status") == [(delivery.pk, 1, 200)]
    assert states() == ["waiting", "arrived"]


def test_payload_takes_the_place_of_the_data(receiver: Receiver) -> None:
    delivery = request_test(endpoint(receiver.url), actor=None, payload={"sku": "Größe"})
    send_test(delivery.pk)

    (received,) = receiver.received
    assert received.event is not None
    assert received.event["data"] == {"sku": "Größe"}


@pytest.mark.parametrize("status", [302, 404, 410, 500])
def test_failed_test_is_not_tried_again_and_changes_nothing(
    local_receivers: None, status: int
) -> None:
    def refuse(received: Received) -> Answer:
        return status, {}, b"no"

    with Receiver("127.0.0.1", answer=refuse) as receiver:
        one = endpoint(receiver.url)
        delivery = request_test(one, actor=None)
        send_test(delivery.pk)
        send_test(delivery.pk)
        assert sent() == 0

    assert len(receiver.received) == 1
    assert states("state", "status", "error") == [("failed", status, "")]
    assert Attempt.objects.get().response_body == "no"
    one.refresh_from_db()
    lane = lane_of(one)
    assert (one.state, lane.failures, lane.last_status) == ("active", 0, None)


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_endpoint_that_gets_nothing_else_can_be_tested(receiver: Receiver, state: str) -> None:
    one = endpoint(receiver.url)
    Endpoint.objects.update(state=state)

    send_test(request_test(one, actor=None).pk)

    assert states() == ["arrived"]


def test_deleted_endpoint_is_not_tested(receiver: Receiver) -> None:
    one = endpoint(receiver.url)
    delivery = request_test(one, actor=None)
    endpoints.delete(one, actor=None)
    overdue()

    send_test(delivery.pk)

    assert overdue_tests() == []
    assert receiver.received == []
    assert states() == ["waiting"]


def test_other_deliveries_are_no_tests(receiver: Receiver) -> None:
    (delivery,) = queued(endpoint(receiver.url))
    overdue()

    send_test(delivery.pk)

    assert overdue_tests() == []
    assert receiver.received == []


def test_person_can_not_test_without_end(manager: User, editor: User) -> None:
    one = endpoint()
    for _ in range(TESTS_A_MINUTE):
        request_test(one, actor=manager)

    with pytest.raises(TooManyTests) as refused:
        request_test(one, actor=manager)

    assert 0 < refused.value.seconds <= 60
    assert Delivery.objects.count() == TESTS_A_MINUTE
    request_test(one, actor=editor)


def test_test_whose_wake_up_was_lost_is_overdue_after_a_while() -> None:
    delivery = request_test(endpoint(), actor=None)
    assert overdue_tests() == []

    overdue()

    assert overdue_tests() == [delivery.pk]
    assert states() == ["waiting"]


def test_test_of_a_dead_worker_is_logged_as_cut_off_and_made_again(receiver: Receiver) -> None:
    delivery = request_test(endpoint(receiver.url), actor=None)
    Delivery.objects.update(state="sending", attempts=1, due_at=ClockTimestamp())
    assert overdue_tests() == []
    overdue()

    assert overdue_tests() == [delivery.pk]
    send_test(delivery.pk)

    assert attempts("number", "status", "error") == [(1, None, "interrupted"), (2, 200, "")]
    assert states("state", "attempts") == [("arrived", 2)]


def test_worker_that_was_given_up_records_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = request_test(endpoint(receiver.url), actor=None)
    send = deliveries.send

    def slowly(*arguments: object) -> object:
        done = send(*arguments)  # type: ignore[arg-type]
        overdue()
        assert overdue_tests() == [delivery.pk]
        return done

    monkeypatch.setattr(trial, "send", slowly)
    send_test(delivery.pk)

    assert attempts("number", "error") == [(1, "interrupted")]
    assert states() == ["waiting"]


@pytest.mark.django_db(transaction=True)
def test_worker_is_woken_on_commit_alone() -> None:
    one = endpoint()
    with transaction.atomic():
        delivery = request_test(one, actor=None)
        assert messages("webhooks") == []

    (message,) = messages("webhooks")
    assert message["headers"]["task"] == "webhooks.send_test"
    assert message["headers"]["argsrepr"] == f"({delivery.pk},)"
