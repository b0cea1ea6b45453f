"""Merges apply in the order in which their uploads were accepted."""

import threading
import time

import pytest
from django.db import connection

from catalog.models import Product
from core.leases import ClockTimestamp
from dev.processes import wait_until
from imports import order
from imports.models import ImportJob
from imports.order import earlier_jobs
from imports.pipeline import run_import
from imports.tests.importing import accepted, catalog, claimed, csv_of, run_next, staging_tables

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def test_waiting_jobs_run_in_the_order_of_their_acceptance() -> None:
    first = accepted(csv_of("A-1,First,,,"))
    second = accepted(csv_of("A-1,Second,,,"))

    assert [run_next().pk, run_next().pk] == [first.pk, second.pk]
    assert Product.objects.get().name == "Second"


def test_earlier_jobs_are_those_that_have_not_ended() -> None:
    jobs = [accepted(csv_of(f"A-{at},One,,,")) for at in range(4)]
    ImportJob.objects.filter(pk=jobs[0].pk).update(state=ImportJob.State.FAILED)
    ImportJob.objects.filter(pk=jobs[1].pk).update(state=ImportJob.State.MERGING)

    assert list(earlier_jobs(jobs[3])) == [jobs[1], jobs[2]]
    assert list(earlier_jobs(jobs[1])) == []


def test_small_file_waits_for_a_large_one_that_was_accepted_before_it() -> None:
    accepted(csv_of("A-1,First,,,"))
    accepted(csv_of("A-1,Second,,,"))
    large, small = claimed(), claimed()
    ended: list[int] = []

    def run_small() -> None:
        try:
            run_import(small)
            ended.append(small.row.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=run_small)
    thread.start()
    staged = ImportJob.objects.filter(pk=small.row.pk, state=ImportJob.State.MERGING)
    assert wait_until(staged.exists, seconds=10)
    time.sleep(0.3)
    assert ended == []
    assert catalog() == []
    assert staged.exists()
    run_import(large)
    ended.append(large.row.pk)
    thread.join()

    assert ended == [large.row.pk, small.row.pk]
    assert Product.objects.get().name == "Second"


def test_job_steps_back_for_an_earlier_one_that_waits_for_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order, "GRACE_SECONDS", 0.2)
    later = accepted(csv_of("A-1,Later,,,"))
    lease = claimed()
    earlier = accepted(csv_of("A-1,Earlier,,,"))
    ImportJob.objects.filter(pk=later.pk).update(accepted_at=ClockTimestamp())
    lease.row.refresh_from_db()

    assert not run_import(lease)

    later.refresh_from_db()
    assert (later.state, later.attempt) == (ImportJob.State.QUEUED, 0)
    assert catalog() == []
    assert staging_tables() == []
    assert [run_next().pk, run_next().pk] == [earlier.pk, later.pk]
    assert Product.objects.get().name == "Later"
