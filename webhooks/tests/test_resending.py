"""Sending again: one, those that failed since a time, or all; under the same id as before."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEntry, User
from dev.processes import wait_until
from webhooks import endpoints, resending
from webhooks.models import Delivery, Endpoint, Lane
from webhooks.receiving import Receiver
from webhooks.tests.listening import endpoint, sent
from webhooks.tests.queueing import lane_of, queued, seconds_until_due, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

State = Delivery.State


def left_as(delivery: Delivery, state: str, *, days_ago: float = 0) -> None:
    """As if the delivery had come that far, so many days ago."""
    at = timezone.now() - timedelta(days=days_ago)
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state,
        tries=10,
        attempts=10,
        status=500,
        created_at=at,
        finished_at=at if state in ("arrived", "failed") else None,
        due_at=timezone.now() + timedelta(hours=5),
    )


def one_of_each(one: Endpoint) -> dict[str, Delivery]:
    """A delivery in each state."""
    made = dict(zip(State.values, queued(one, count=5), strict=True))
    for state, delivery in made.items():
        left_as(delivery, state)
    Lane.objects.update(due_at=None)
    return made


def resent() -> list[tuple[int | None, str, dict[str, int]]]:
    entries = AuditEntry.objects.filter(action=AuditEntry.Action.DELIVERIES_RESENT)
    return list(entries.values_list("actor", "target", "details"))


# --- one -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["waiting", "retrying", "arrived", "failed"])
def test_one_is_sent_again_before_all_others(state: str, manager: User) -> None:
    one = endpoint()
    delivery = one_of_each(one)[state]

    assert resending.redeliver(delivery, actor=manager)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.urgent, delivery.tries) == ("waiting", True, 0)
    assert (delivery.attempts, delivery.finished_at) == (10, None)
    assert seconds_until_due(delivery) <= 0
    assert lane_of(one).due_at is not None
    assert resent() == [(manager.pk, one.host, {"count": 1})]


def test_one_that_is_being_sent_is_left_alone() -> None:
    delivery = one_of_each(endpoint())["sending"]

    assert not resending.redeliver(delivery, actor=None)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.urgent, delivery.tries) == ("sending", False, 10)
    assert resent() == []


def test_test_is_made_anew_and_not_sent_again() -> None:
    (delivery,) = queued(endpoint())
    Delivery.objects.update(is_test=True, state=State.FAILED)

    assert not resending.redeliver(delivery, actor=None)
    assert states() == ["failed"]
    assert resent() == []


def test_receiver_knows_it_by_its_id(receiver: Receiver) -> None:
    (delivery,) = queued(endpoint(receiver.url))
    sent()
    resending.redeliver(delivery, actor=None)
    sent()

    first, second = receiver.received
    assert first.webhook_id == second.webhook_id
    assert (second.duplicate, first.body) == (True, second.body)
    assert states("state", "attempts", "tries", "urgent") == [("arrived", 2, 1, False)]


# --- many ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "again"),
    [("failed", {"failed"}), ("arrived", {"arrived"}), ("all", {"failed", "arrived"})],
)
def test_those_that_ended_so_are_sent_again(asked: str, again: set[str]) -> None:
    one = endpoint()
    made = one_of_each(one)

    count = resending.replay(one, since=None, state=asked, actor=None)

    assert count == len(again)
    for state, delivery in made.items():
        delivery.refresh_from_db()
        expected = ("waiting", 0) if state in again else (state, 10)
        assert (delivery.state, delivery.tries) == expected
        assert (seconds_until_due(delivery) <= 0) is (state in again)
    assert lane_of(one).due_at is not None
    assert resent() == [(None, one.host, {"count": count})]


@pytest.mark.parametrize("batch", [1, 2, 5, 6])
def test_many_are_sent_again_in_batches_each_once(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "BATCH", batch)
    one = endpoint()
    queued(one, count=5)
    Delivery.objects.update(state=State.FAILED)

    assert resending.replay(one, since=None, state="failed", actor=None) == 5
    assert states() == ["waiting"] * 5
    assert resent() == [(None, one.host, {"count": 5})]


def test_what_is_older_than_the_time_stays() -> None:
    one = endpoint()
    old, young = queued(one, count=2)
    left_as(old, "failed", days_ago=3)
    left_as(young, "failed", days_ago=1)

    since = timezone.now() - timedelta(days=2)
    assert resending.replay(one, since=since, state="failed", actor=None) == 1
    assert states() == ["failed", "waiting"]


def test_other_endpoints_and_tests_stay() -> None:
    one, other = endpoint(), endpoint()
    queued(one, other)
    (trial,) = queued(one)
    Delivery.objects.update(state=State.FAILED)
    Delivery.objects.filter(pk=trial.pk).update(is_test=True)

    assert resending.replay(one, since=None, state="all", actor=None) == 1
    assert states() == ["waiting", "failed", "failed"]


def test_nothing_to_send_again_is_not_written_down() -> None:
    one = endpoint()

    assert resending.replay(one, since=None, state="all", actor=None) == 0
    assert resending.try_now(one, actor=None) == 0
    assert resent() == []


# --- what waits ------------------------------------------------------------------------------


def test_what_waits_is_tried_now() -> None:
    one = endpoint()
    made = one_of_each(one)

    assert resending.try_now(one, actor=None) == 2

    early = {state for state, each in made.items() if seconds_until_due(each) <= 0}
    assert early == {"waiting", "retrying"}
    assert states("state", "tries") == [(state, 10) for state in State.values]
    assert resent() == [(None, one.host, {"count": 2})]


@pytest.mark.parametrize(("ordered", "failures"), [(True, 0), (False, 5)])
def test_oldest_alone_is_tried_now_where_it_holds_back_the_others(
    ordered: bool, failures: int
) -> None:
    one = endpoint(ordered=ordered)
    first, second = queued(one, count=2)
    for each in (first, second):
        left_as(each, "retrying")
    Lane.objects.update(failures=failures)

    assert resending.try_now(one, actor=None) == 1
    assert seconds_until_due(first) <= 0 < seconds_until_due(second)


# --- beside a lane's holder ------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "deed",
    [
        lambda one, delivery: resending.redeliver(delivery, actor=None),
        lambda one, delivery: resending.try_now(one, actor=None),
        lambda one, delivery: resending.replay(one, since=None, state="all", actor=None),
        lambda one, delivery: endpoints.change(one, actor=None, ordered=True),
        lambda one, delivery: endpoints.change(one, actor=None, url="https://b.example.com/"),
    ],
    ids=["redeliver", "try_now", "replay", "change", "move"],
)
def test_who_waits_for_a_lane_holds_nothing_that_its_holder_needs(
    deed: Callable[[Endpoint, Delivery], object],
) -> None:
    """The holder locks its lane, then deliveries and the endpoint: the other way is a deadlock."""
    one = endpoint()
    (delivery,) = queued(one)

    def act() -> None:
        try:
            deed(one, delivery)
        finally:
            connection.close()

    holder = connection.copy()
    try:
        holder.set_autocommit(False)
        with ThreadPoolExecutor(1) as thread, holder.cursor() as cursor:
            cursor.execute("SELECT FROM webhooks_lane FOR UPDATE")
            done = thread.submit(act)
            try:
                assert wait_until(lambda: waiting_for_locks() == 1, seconds=10)
                cursor.execute("SELECT FROM webhooks_delivery FOR UPDATE NOWAIT")
                cursor.execute("SELECT FROM webhooks_endpoint FOR UPDATE NOWAIT")
            finally:
                holder.rollback()
            done.result(10)
    finally:
        holder.close()


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        found: int = cursor.fetchone()[0]
    return found
