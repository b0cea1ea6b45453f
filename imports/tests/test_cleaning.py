"""What dead workers, broken uploads and finished imports leave behind is cleared away."""

import threading
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from pytest_django import Settings

from core.leases import ClockTimestamp, request_cancel
from imports import staging
from imports.cleaning import LOST, REAPER_LOCK, reap_imports
from imports.models import FilePart, ImportJob, StoredFile
from imports.staging import staging_table
from imports.storage import uploads
from imports.tests.importing import (
    accepted,
    catalog,
    claimed,
    completed,
    csv_of,
    run_next,
    staging_tables,
    woken,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,")


def kill_worker(job: ImportJob, *, attempt: int = 1) -> None:
    ImportJob.objects.filter(pk=job.pk).update(
        leased_until=ClockTimestamp() - timedelta(seconds=1), attempt=attempt
    )


def test_job_of_a_dead_worker_is_queued_again_and_a_worker_woken() -> None:
    accepted(TEXT)
    job = claimed().row
    kill_worker(job)

    reap_imports()

    job.refresh_from_db()
    assert (job.state, job.attempt, job.lease_token) == (ImportJob.State.QUEUED, 1, None)
    assert woken() == 1
    done = run_next()
    assert (done.state, done.attempt) == (ImportJob.State.COMPLETED, 2)


def test_job_of_a_live_worker_is_left_alone() -> None:
    accepted(TEXT)
    lease = claimed()

    reap_imports()

    lease.row.refresh_from_db()
    assert (lease.row.state, lease.row.lease_token) == (ImportJob.State.READING, lease.token)
    assert woken() == 0


def test_job_that_lost_its_last_worker_fails_with_a_message(settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 3
    accepted(TEXT)
    job = claimed().row
    kill_worker(job, attempt=3)

    reap_imports()

    job.refresh_from_db()
    assert (job.state, job.error_code) == (ImportJob.State.FAILED, "worker_lost")
    assert job.error_message == LOST.format(attempts=3)
    assert catalog() == []


def test_dead_workers_job_that_was_to_be_cancelled_is_cancelled() -> None:
    accepted(TEXT)
    job = claimed().row
    assert request_cancel(job)
    kill_worker(job)

    reap_imports()

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED
    assert job.finished_at is not None


def test_job_whose_wake_up_was_lost_is_announced_again() -> None:
    for _ in range(2):
        accepted(TEXT, wake=False)

    reap_imports()

    assert woken() == 2


def test_staging_of_dead_workers_is_dropped_and_that_of_live_ones_is_not() -> None:
    accepted(TEXT)
    lease = claimed()
    live = staging_table(lease.row.pk, lease.token)
    staging.create(live)
    staging.create("imports_staging_9_abcdefabcdef")

    reap_imports()

    assert sorted(staging_tables()) == [live, f"{live}_n"]
    staging.drop(live)


def test_table_of_another_name_is_never_dropped() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE importsXstaging_1 (a int)")
        reap_imports()
        cursor.execute("SELECT count(*) FROM importsXstaging_1")
        cursor.execute("DROP TABLE importsXstaging_1")


def test_upload_is_deleted_when_its_time_is_over(settings: Settings) -> None:
    settings.UPLOAD_RETENTION_DAYS = 7
    old, young = completed(TEXT), completed(TEXT)
    waiting = accepted(TEXT)
    ImportJob.objects.filter(pk=old.pk).update(
        finished_at=ClockTimestamp() - timedelta(days=7, minutes=1)
    )

    reap_imports()

    for job in (old, young, waiting):
        job.refresh_from_db()
    assert old.upload == ""
    assert set(StoredFile.objects.values_list("name", flat=True)) == {young.upload, waiting.upload}
    assert FilePart.objects.count() == 2


def test_upload_that_never_arrived_whole_is_ended_and_its_parts_removed() -> None:
    name = uploads().save("imports/cut", ContentFile(b"half"))
    job = ImportJob.objects.create(file_name="cut.csv")
    long_ago = ClockTimestamp() - timedelta(hours=25)
    StoredFile.objects.filter(name=name).update(complete=False, created_at=long_ago)
    ImportJob.objects.update(created_at=long_ago)

    reap_imports()

    job.refresh_from_db()
    assert (job.state, job.error_code) == (ImportJob.State.FAILED, "upload_incomplete")
    assert job.error_message == "The upload never arrived whole. Upload the file again."
    assert not FilePart.objects.exists()


def test_upload_that_is_arriving_is_left_alone() -> None:
    name = uploads().save("imports/arriving", ContentFile(b"half"))
    StoredFile.objects.filter(name=name).update(complete=False)
    job = ImportJob.objects.create(file_name="arriving.csv")

    reap_imports()

    job.refresh_from_db()
    assert job.state == ImportJob.State.RECEIVING
    assert FilePart.objects.count() == 1


def test_only_one_reaper_at_a_time_works() -> None:
    accepted(TEXT)
    job = claimed().row
    kill_worker(job)

    def reap_beside() -> None:
        reap_imports()
        connection.close()

    thread = threading.Thread(target=reap_beside)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [REAPER_LOCK])
        thread.start()
        thread.join()

    job.refresh_from_db()
    assert job.state == ImportJob.State.READING
    assert woken() == 0
