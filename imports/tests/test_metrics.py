"""Imports that end are counted, whoever ends them."""

import pytest
from django.db import connection, transaction

from core.leases import request_cancel
from core.tests.counting import told
from imports import metrics
from imports.cleaning import reap_imports
from imports.models import ImportJob
from imports.tests.importing import accepted, claimed, completed, csv_of, imported

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def test_completed_import_is_counted_with_its_rows_and_its_time() -> None:
    completed(csv_of("A-1,One,,,", "A-2,Two,,,"))
    job = completed(csv_of("A-1,One,,,", "A-2,New,,,", "a-2,Newer,,,", "A-3,Three,,,", ",No,,,"))

    found = told(metrics.KEPT)

    assert {name: found[f"imports_ended_total {name}"] for name in ("completed", "failed")} == {
        "completed": 2, "failed": 0,
    }  # fmt: skip
    assert {name: found[f"import_rows_total {name}"] for name in metrics.OUTCOMES} == {
        "created": 3, "updated": 1, "unchanged": 1, "duplicates": 1, "rejected": 1,
    }  # fmt: skip
    assert (found["import_size_rows_count"], found["import_size_rows_sum"]) == (2, 7)
    assert found["import_seconds_count completed"] == 2
    assert job.started_at is not None
    assert job.finished_at is not None
    assert (
        found["import_seconds_sum completed"] > (job.finished_at - job.started_at).total_seconds()
    )


def test_failed_import_counts_no_rows() -> None:
    imported("name\nno SKU column\n")

    found = told(metrics.KEPT)

    assert found["imports_ended_total failed"] == 1
    assert found["import_seconds_count failed"] == 1
    assert found["import_size_rows_count"] == 0


def test_import_that_is_cancelled_while_it_waits_is_counted() -> None:
    job = accepted(csv_of("A-1,One,,,"))

    assert request_cancel(job)
    assert not request_cancel(job)

    found = told(metrics.KEPT)
    assert found["imports_ended_total cancelled"] == 1
    assert "import_seconds_count cancelled" not in found


def test_imports_that_lost_their_workers_are_counted_by_the_reaper() -> None:
    for attempt, cancel in ((1, True), (3, False), (1, False)):
        job = accepted(csv_of("A-1,One,,,"))
        claimed()
        ImportJob.objects.filter(pk=job.pk).update(attempt=attempt, cancel_requested=cancel)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE imports_importjob SET leased_until = now() - interval '1 minute'")

    reap_imports()

    found = told(metrics.KEPT)
    ended = [f"imports_ended_total {state}" for state in ("cancelled", "failed", "completed")]
    assert [found[name] for name in ended] == [1, 1, 0]


def test_end_that_is_rolled_back_is_not_counted() -> None:
    job = accepted(csv_of("A-1,One,,,"))
    with transaction.atomic():
        request_cancel(job)
        transaction.set_rollback(True)

    assert told(metrics.KEPT)["imports_ended_total cancelled"] == 0
