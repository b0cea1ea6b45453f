"""Rows that one worker at a time works on; imports are the rows that the tests use."""

import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from core.leases import (
    Cancelled,
    ClockTimestamp,
    Heartbeat,
    Lease,
    LeaseLost,
    Reaped,
    claim_next,
    reap,
    request_cancel,
)
from dev.processes import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

transactional = pytest.mark.django_db(transaction=True)
# By name: core knows no app, and its tests no more than that rows with a lease exist.
Job: Any = apps.get_model("imports", "ImportJob")


def queued(**fields: Any) -> Any:
    values = {"state": "queued", "accepted_at": ClockTimestamp(), "file_name": "a.csv", **fields}
    return Job.objects.create(**values)


def claimed() -> Lease[Any]:
    lease = claim_next(Job, "reading")
    assert lease is not None
    return lease


def expire(row: Any) -> None:
    Job.objects.filter(pk=row.pk).update(leased_until=ClockTimestamp() - timedelta(seconds=1))


def take_away(lease: Lease[Any]) -> None:
    Job.objects.filter(pk=lease.row.pk).update(lease_token=uuid.uuid4())


def in_thread(call: Any) -> threading.Thread:
    def run() -> None:
        try:
            call()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_claim_takes_the_row_that_was_accepted_first() -> None:
    late = queued(accepted_at=ClockTimestamp() + timedelta(seconds=5))
    early = queued()

    assert claimed().row == early
    assert claimed().row == late
    assert claim_next(Job, "reading") is None


def test_claim_marks_the_row(settings: Settings) -> None:
    settings.LEASE_SECONDS = 60.0
    queued(progress={"left": "over"})

    row = claimed().row

    assert (row.state, row.attempt, row.progress) == ("reading", 1, {})
    assert row.started_at is not None
    assert 59 < (row.leased_until - row.started_at).total_seconds() < 61


@transactional
def test_only_one_of_many_workers_gets_a_row() -> None:
    row = queued()
    start = threading.Barrier(4)
    won: list[Any] = []

    def work() -> None:
        start.wait()
        lease = claim_next(Job, "reading")
        if lease is not None:
            won.append(lease.row)

    for thread in [in_thread(work) for _ in range(4)]:
        thread.join()

    row.refresh_from_db()
    assert won == [row]
    assert row.attempt == 1


def test_row_of_a_live_worker_is_left_alone() -> None:
    queued()
    lease = claimed()

    assert claim_next(Job, "reading") is None
    lease.update(read=1)


def test_row_whose_lease_has_run_out_goes_to_the_next_worker() -> None:
    queued()
    first = claimed()
    expire(first.row)

    second = claimed()

    assert second.row == first.row
    assert second.row.attempt == 2
    assert second.token != first.token


def test_row_that_lost_too_many_workers_is_not_claimed(settings: Settings) -> None:
    queued(attempt=settings.MAX_ATTEMPTS)

    assert claim_next(Job, "reading") is None


def test_row_with_a_cancel_is_not_claimed() -> None:
    queued(cancel_requested=True)

    assert claim_next(Job, "reading") is None


def test_worker_that_lost_its_lease_can_write_nothing() -> None:
    row = queued()
    lease = claimed()
    take_away(lease)

    with pytest.raises(LeaseLost):
        lease.update(read=7)
    with pytest.raises(LeaseLost):
        lease.finish("completed", read=7)
    with pytest.raises(LeaseLost):
        lease.step_back()
    lease.fail("any", "Any.")
    lease.cancel()
    lease.expire()

    row.refresh_from_db()
    assert (row.state, row.read, row.error_code, row.attempt) == ("reading", 0, "", 1)
    assert row.finished_at is None
    assert row.leased_until > row.started_at


def test_finish_leaves_the_row_without_a_lease() -> None:
    row = queued()

    claimed().finish("completed", read=7)

    row.refresh_from_db()
    assert (row.state, row.read) == ("completed", 7)
    assert (row.lease_token, row.leased_until) == (None, None)
    assert row.finished_at > row.started_at


def test_cancel_beats_finish() -> None:
    row = queued()
    lease = claimed()
    assert request_cancel(row)

    with pytest.raises(Cancelled):
        lease.finish("completed", read=7)

    row.refresh_from_db()
    assert (row.state, row.read, row.finished_at) == ("reading", 0, None)


def test_cancel_after_the_end_says_that_it_came_too_late() -> None:
    row = queued()
    claimed().finish("completed")
    row.refresh_from_db()

    assert not request_cancel(row)

    row.refresh_from_db()
    assert (row.state, row.cancel_requested) == ("completed", False)


def test_row_that_nobody_holds_is_cancelled_at_once() -> None:
    row = queued()

    assert request_cancel(row)

    row.refresh_from_db()
    assert row.state == "cancelled"
    assert row.finished_at is not None


def test_row_that_steps_back_keeps_its_place_and_its_attempts() -> None:
    row = queued()
    accepted_at = Job.objects.get(pk=row.pk).accepted_at
    lease = claimed()

    lease.step_back()

    row.refresh_from_db()
    assert (row.state, row.attempt, row.accepted_at) == ("queued", 0, accepted_at)
    assert (row.lease_token, row.leased_until) == (None, None)
    assert claimed().row == row


def test_row_with_a_cancel_does_not_step_back() -> None:
    row = queued()
    lease = claimed()
    request_cancel(row)

    with pytest.raises(Cancelled):
        lease.step_back()

    row.refresh_from_db()
    assert (row.state, row.attempt, row.lease_token) == ("reading", 1, lease.token)


def test_reaper_gives_back_fails_and_cancels_what_dead_workers_held(settings: Settings) -> None:
    lost, worn_out, unwanted, alive = (queued() for _ in range(4))
    for _ in range(4):
        claimed()
    Job.objects.filter(pk=worn_out.pk).update(attempt=settings.MAX_ATTEMPTS)
    Job.objects.filter(pk=unwanted.pk).update(cancel_requested=True)
    for row in (lost, worn_out, unwanted):
        expire(row)

    with transaction.atomic():
        found = reap(Job, lost_message="Gone.")

    for row in (lost, worn_out, unwanted, alive):
        row.refresh_from_db()
    assert (found.requeued, found.failed, found.cancelled) == (1, [worn_out.pk], 1)
    states = [row.state for row in (lost, worn_out, unwanted, alive)]
    assert states == ["queued", "failed", "cancelled", "reading"]
    assert (worn_out.error_code, worn_out.error_message) == ("worker_lost", "Gone.")
    assert (lost.lease_token, lost.attempt) == (None, 1)
    assert alive.lease_token is not None


@transactional
def test_row_that_the_reaper_can_not_fail_yet_is_not_given_back(settings: Settings) -> None:
    row = queued(attempt=settings.MAX_ATTEMPTS - 1)
    claimed()
    expire(row)
    found: list[Reaped] = []

    def look() -> None:
        with transaction.atomic():
            found.append(reap(Job, lost_message="Gone."))

    with transaction.atomic():
        Job.objects.select_for_update().get(pk=row.pk)
        in_thread(look).join()
    row.refresh_from_db()
    assert found == [Reaped(requeued=0, failed=[], cancelled=0)]
    assert row.state == "reading"

    look()
    assert found[1:] == [Reaped(requeued=0, failed=[row.pk], cancelled=0)]


@pytest.fixture
def quick_beats(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS = 0.3
    settings.LEASE_SECONDS = 2.0


@transactional
@pytest.mark.usefixtures("quick_beats")
def test_heartbeat_keeps_the_lease_for_longer_than_it_lasts() -> None:
    queued()
    lease = claimed()
    published: list[dict[str, Any]] = []

    with Heartbeat(lease, publish=published.append) as beat:
        beat.report(done=1)
        time.sleep(2.2)
        assert claim_next(Job, "reading") is None
        beat.check()

    lease.finish("completed")
    assert published == [{"done": 1}]


@transactional
@pytest.mark.usefixtures("quick_beats")
def test_heartbeat_writes_the_latest_figures_to_the_row() -> None:
    row = queued()

    with Heartbeat(claimed(), publish=lambda figures: None) as beat:
        beat.sample(lambda: {"done": 7})
        written = Job.objects.filter(pk=row.pk, progress={"done": 7})
        assert wait_until(written.exists, seconds=10)


@transactional
@pytest.mark.usefixtures("quick_beats")
def test_cancel_interrupts_the_statement_that_is_running() -> None:
    row = queued()
    began = time.monotonic()
    asked = threading.Timer(0.3, lambda: in_thread(lambda: request_cancel(row)))
    asked.start()

    with (
        pytest.raises(Cancelled),
        Heartbeat(claimed(), publish=lambda figures: None),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(60)")

    assert time.monotonic() - began < 30
    asked.join()


@transactional
@pytest.mark.usefixtures("quick_beats")
def test_lost_lease_interrupts_the_statement_that_is_running() -> None:
    queued()
    lease = claimed()
    began = time.monotonic()
    thread = in_thread(lambda: take_away(lease))

    with (
        pytest.raises(LeaseLost),
        Heartbeat(lease, publish=lambda figures: None),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(60)")

    assert time.monotonic() - began < 30
    thread.join()


def keep_checking(beat: Heartbeat[Any]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        beat.check()
        time.sleep(0.02)


@transactional
@pytest.mark.usefixtures("quick_beats")
def test_cancel_is_seen_between_statements() -> None:
    row = queued()

    with Heartbeat(claimed(), publish=lambda figures: None) as beat:
        request_cancel(row)
        with pytest.raises(Cancelled):
            keep_checking(beat)


@transactional
@pytest.mark.usefixtures("quick_beats")
def test_error_of_the_work_itself_comes_through() -> None:
    queued()

    with (
        pytest.raises(OperationalError),
        Heartbeat(claimed(), publish=lambda figures: None),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(10)")
