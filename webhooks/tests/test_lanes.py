"""One worker holds a lane; what it may send, how much, and when the lane is looked at again."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from core.leases import ClockTimestamp, Hold
from webhooks import endpoints, lanes
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.tests.listening import endpoint
from webhooks.tests.queueing import attempts, lane_of, later, queued, seconds_until_due, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

State = Delivery.State


def claimed(*, slow: bool = False) -> Hold[Lane]:
    hold = lanes.claim(slow=slow)
    assert hold is not None
    return hold


def taken(one: Endpoint, *, busy: int = 0, **fields: Any) -> list[int]:
    """The numbers of the deliveries that a holder of the lane would send now."""
    lane = lane_of(one)
    lane.tokens = 1000
    for name, value in fields.items():
        setattr(lane, name, value)
    deliveries = lanes.take(lane, Endpoint.objects.get(pk=one.pk), busy=busy)
    return [int(each.event.subject.removeprefix("A-")) for each in deliveries]


def due_in(one: Endpoint) -> float | None:
    """Seconds until a lane is looked at again."""
    lane = Lane.objects.annotate(now=ClockTimestamp()).get(pk=one.pk)
    return None if lane.due_at is None else (lane.due_at - lane.now).total_seconds()


def postponed(delivery: Delivery, **until: float) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(due_at=ClockTimestamp() + timedelta(**until))


# --- claiming --------------------------------------------------------------------------------


def test_lane_is_held_by_one_at_a_time() -> None:
    one = endpoint()
    queued(one)

    hold = claimed()

    assert hold.row.pk == one.pk
    assert hold.held().get().lease_token == hold.token
    assert lanes.claim(slow=False) is None


def test_lane_that_is_due_the_longest_comes_first() -> None:
    first, second, third = endpoint(), endpoint(), endpoint()
    for one in (second, third, first):
        queued(one)

    assert [claimed().row.pk for _ in range(3)] == [second.pk, third.pk, first.pk]
    assert lanes.claim(slow=False) is None


def test_nothing_to_send_is_nothing_to_claim() -> None:
    one = endpoint()
    assert lanes.claim(slow=False) is None

    queued(one)
    Lane.objects.update(due_at=ClockTimestamp() + timedelta(minutes=1))
    assert lanes.claim(slow=False) is None


@pytest.mark.parametrize("state", ["paused", "disabled", "deleted"])
def test_endpoint_that_is_not_active_is_not_sent_to(state: str) -> None:
    one = endpoint()
    queued(one)
    Endpoint.objects.filter(pk=one.pk).update(state=state)

    assert lanes.claim(slow=False) is None
    assert states() == ["waiting"]


def test_slow_lanes_are_claimed_by_themselves() -> None:
    quick, slow = endpoint(), endpoint()
    queued(quick, slow)
    Lane.objects.filter(pk=slow.pk).update(slow=True)

    assert claimed(slow=True).row.pk == slow.pk
    assert lanes.claim(slow=True) is None
    assert claimed(slow=False).row.pk == quick.pk


@pytest.mark.django_db(transaction=True)
def test_lane_that_somebody_is_claiming_is_passed_over() -> None:
    first, second = endpoint(), endpoint()
    queued(first)
    queued(second)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM webhooks_lane ORDER BY due_at LIMIT 1 FOR UPDATE")
        assert claimed().row.pk == second.pk
        other.rollback()
    finally:
        other.close()
    assert claimed().row.pk == first.pk


# --- after a holder that died ----------------------------------------------------------------


def test_lane_of_a_dead_holder_is_free_when_its_lease_is_over() -> None:
    one = endpoint()
    queued(one)
    dead = claimed()
    later(seconds=59)
    assert lanes.claim(slow=False) is None

    later(seconds=2)

    assert claimed().token != dead.token
    assert not dead.held().exists()


def test_what_a_dead_holder_was_sending_is_logged_and_made_again() -> None:
    one = endpoint()
    first, second, waiting = queued(one, count=3)
    claimed()
    Delivery.objects.filter(pk=first.pk).update(state=State.SENDING, attempts=1, tries=1)
    Delivery.objects.filter(pk=second.pk).update(
        state=State.SENDING, attempts=7, tries=4, status=500
    )
    later(seconds=61)

    claimed()

    assert states("state", "attempts", "tries", "status", "error") == [
        ("retrying", 1, 0, None, "interrupted"),
        ("retrying", 7, 3, None, "interrupted"),
        ("waiting", 0, 0, None, ""),
    ]
    assert attempts("delivery", "number", "status", "error", "milliseconds") == [
        (first.pk, 1, None, "interrupted", None),
        (second.pk, 7, None, "interrupted", None),
    ]
    assert "What came of it is not known." in Attempt.objects.all()[0].message
    assert taken(one) == [1, 2, 3]
    assert states("attempts", "tries") == [(2, 1), (8, 4), (1, 1)]
    assert waiting.state == State.WAITING


def test_other_lanes_and_tests_that_are_being_sent_are_left_alone() -> None:
    dead, alive = endpoint(), endpoint()
    queued(dead, alive)
    (trial,) = queued(dead)
    Delivery.objects.filter(pk=trial.pk).update(is_test=True)
    Delivery.objects.update(state=State.SENDING, attempts=1, tries=1)
    Lane.objects.filter(pk=alive.pk).update(
        lease_token=uuid.uuid4(), leased_until=ClockTimestamp() + timedelta(minutes=1)
    )

    claimed()

    assert states() == ["retrying", "sending", "sending"]
    assert Attempt.objects.count() == 1


# --- taking ----------------------------------------------------------------------------------


def test_four_are_sent_at_a_time_the_longest_due_first() -> None:
    one = endpoint()
    *_, fifth, _ = queued(one, count=6)
    postponed(fifth, hours=-1)

    assert taken(one) == [1, 2, 3, 5]
    assert states() == ["sending"] * 3 + ["waiting", "sending", "waiting"]
    assert taken(one, busy=4) == []
    assert taken(one, busy=3) == [4]
    assert taken(one, busy=2) == [6]
    assert taken(one) == []
    assert states("attempts", "tries") == [(1, 1)] * 6


def test_retry_whose_time_has_not_come_waits_and_holds_nobody_up() -> None:
    one = endpoint()
    first, _ = queued(one, count=2)
    postponed(first, minutes=5)

    assert taken(one) == [2]
    assert states() == ["waiting", "sending"]


def test_strict_order_sends_one_at_a_time() -> None:
    one = endpoint(ordered=True)
    first, *_ = queued(one, count=3)

    assert taken(one) == [1]
    assert taken(one, busy=1) == []
    Delivery.objects.filter(pk=first.pk).update(state=State.ARRIVED)
    assert taken(one) == [2]


def test_strict_order_holds_back_what_is_behind_a_failure() -> None:
    one = endpoint(ordered=True)
    first, *_ = queued(one, count=3)
    Delivery.objects.filter(pk=first.pk).update(state=State.RETRYING)
    postponed(first, hours=5)

    assert taken(one) == []

    Delivery.objects.filter(pk=first.pk).update(state=State.FAILED)
    assert taken(one) == [2]


def test_after_five_failures_only_the_oldest_is_tried() -> None:
    one = endpoint()
    first, *_ = queued(one, count=3)
    postponed(first, seconds=0.0)

    assert taken(one, failures=5) == [1]
    assert taken(one, failures=5, busy=1) == []


def test_after_five_failures_nobody_passes_the_oldest() -> None:
    one = endpoint()
    first, *_ = queued(one, count=3)
    postponed(first, hours=2)

    assert taken(one, failures=5) == []
    assert taken(one, failures=4) == [2, 3]


@pytest.mark.parametrize(("ordered", "failures"), [(False, 0), (True, 0), (False, 5)])
def test_what_a_person_asked_for_goes_first(ordered: bool, failures: int) -> None:
    one = endpoint(ordered=ordered)
    first, _, third = queued(one, count=3)
    postponed(first, hours=2)
    Delivery.objects.filter(pk=third.pk).update(urgent=True)
    postponed(third, seconds=0)

    found = taken(one, failures=failures)

    assert found[0] == 3 if len(found) == 1 else found == [2, 3]
    assert Delivery.objects.get(pk=third.pk).state == State.SENDING
    assert not Delivery.objects.filter(urgent=True).exists()


def test_urgent_one_is_not_waited_for_when_others_can_go_beside_it() -> None:
    one = endpoint()
    *_, last = queued(one, count=6)
    Delivery.objects.filter(pk=last.pk).update(urgent=True)

    assert taken(one) == [1, 2, 3, 6]


def test_only_what_is_pending_is_taken() -> None:
    one = endpoint()
    deliveries = queued(one, count=4)
    for delivery, state in zip(deliveries, ("arrived", "failed", "sending"), strict=False):
        Delivery.objects.filter(pk=delivery.pk).update(state=state)
    Delivery.objects.filter(pk=deliveries[3].pk).update(is_test=True)

    assert taken(one) == []


# --- the rate --------------------------------------------------------------------------------


def test_no_more_is_taken_than_there_are_tokens() -> None:
    one = endpoint()
    queued(one, count=4)
    lane = lane_of(one)
    lane.tokens = 2.9

    assert len(lanes.take(lane, one, busy=0)) == 2
    assert lane.tokens == pytest.approx(0.9)
    assert lanes.take(lane, one, busy=0) == []
    assert states() == ["sending"] * 2 + ["waiting"] * 2


@pytest.mark.parametrize(("rate", "burst"), [(100, 100), (1000, 1000), (50_000, 1000)])
def test_new_lane_has_a_full_bucket(rate: int, burst: int) -> None:
    one = endpoint(rate_per_hour=rate)
    lane = lane_of(one)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()

    lanes.refill(lane, one, now)
    assert (lane.tokens, lane.tokens_at) == (burst, now)

    # An hour later it is full again, and no fuller.
    lane.tokens = 0
    lanes.refill(lane, one, now + timedelta(minutes=30))
    assert lane.tokens == pytest.approx(min(burst, rate / 2))
    lanes.refill(lane, one, now + timedelta(days=30))
    assert lane.tokens == burst


def test_clock_that_went_back_neither_gives_nor_takes() -> None:
    one = endpoint()
    lane = lane_of(one)
    lane.tokens_at = now = one.created_at
    lane.tokens = 7

    lanes.refill(lane, one, now - timedelta(hours=1))

    assert lane.tokens == 7


def test_lower_rate_empties_the_bucket_to_its_burst() -> None:
    one = endpoint(rate_per_hour=10)
    lane = lane_of(one)
    lane.tokens, lane.tokens_at = 1000, one.created_at

    lanes.refill(lane, one, one.created_at)

    assert lane.tokens == 10


def test_lane_without_tokens_is_looked_at_when_there_is_one() -> None:
    one = endpoint(rate_per_hour=60)
    queued(one)
    hold = claimed()
    Lane.objects.update(tokens=0.25)

    lanes.release(hold, one)

    assert due_in(one) == pytest.approx(45, abs=2)


# --- letting go ------------------------------------------------------------------------------


def test_lane_with_nothing_left_is_not_looked_at_again() -> None:
    one = endpoint()
    (delivery,) = queued(one)
    hold = claimed()
    Delivery.objects.filter(pk=delivery.pk).update(state=State.ARRIVED)

    lanes.release(hold, one)

    lane = lane_of(one)
    assert (lane.due_at, lane.lease_token, lane.leased_until) == (None, None, None)


def test_lane_is_looked_at_when_its_next_delivery_is_due() -> None:
    one = endpoint()
    first, second = queued(one, count=2)
    hold = claimed()
    Lane.objects.update(tokens=10)
    postponed(first, hours=2)
    postponed(second, minutes=5)

    lanes.release(hold, one)

    assert due_in(one) == pytest.approx(300, abs=5)
    assert seconds_until_due(first) == pytest.approx(7200, abs=5)


@pytest.mark.parametrize(("ordered", "failures"), [(True, 0), (False, 5)])
def test_lane_that_tries_its_oldest_alone_is_looked_at_when_that_is_due(
    ordered: bool, failures: int
) -> None:
    one = endpoint(ordered=ordered)
    first, _ = queued(one, count=2)
    hold = claimed()
    Lane.objects.update(tokens=10, failures=failures)
    postponed(first, hours=2)

    lanes.release(hold, one)

    assert due_in(one) == pytest.approx(7200, abs=5)


def test_lane_that_waits_for_its_oldest_is_looked_at_for_an_urgent_one() -> None:
    one = endpoint(ordered=True)
    first, second = queued(one, count=2)
    hold = claimed()
    Lane.objects.update(tokens=10)
    postponed(first, hours=2)
    Delivery.objects.filter(pk=second.pk).update(urgent=True)

    lanes.release(hold, one)

    assert due_in(one) == pytest.approx(0, abs=5)


def test_lane_that_still_has_something_goes_behind_the_others() -> None:
    first, second = endpoint(), endpoint()
    queued(first, count=2)
    queued(second)
    hold = claimed()
    assert hold.row.pk == first.pk
    Lane.objects.update(tokens=10)

    lanes.release(hold, first)

    assert [claimed().row.pk for _ in range(2)] == [second.pk, first.pk]


def test_lane_of_somebody_else_is_not_let_go() -> None:
    one = endpoint()
    queued(one)
    hold = claimed()
    other = uuid.uuid4()
    Lane.objects.update(lease_token=other)

    lanes.release(hold, one)

    assert lane_of(one).lease_token == other


def test_deliveries_that_come_while_a_lane_is_held_make_it_due_again() -> None:
    one = endpoint()
    (first,) = queued(one)
    hold = claimed()
    Delivery.objects.filter(pk=first.pk).update(state=State.ARRIVED)
    queued(one)
    Lane.objects.update(tokens=10)

    lanes.release(hold, one)

    assert claimed().row.pk == one.pk


def test_lane_of_a_removed_endpoint_is_let_go_without_a_word() -> None:
    one = endpoint()
    queued(one)
    hold = claimed()
    endpoints.delete(one, actor=None)
    with transaction.atomic():
        Delivery.objects.all().delete()
        Endpoint.objects.filter(pk=one.pk).delete()

    lanes.release(hold, one)

    assert not Lane.objects.exists()
