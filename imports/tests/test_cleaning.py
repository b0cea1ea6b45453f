"""What dead workers, broken uploads and finished imports leave behind is cleared away."""

import threading
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.models import ChangeSet
from core.leases import ClockTimestamp, request_cancel
from dev.processes import wait_until
from imports import cleaning, staging
from imports.cleaning import LOST, REAPER_LOCK, prune_imports, reap_imports
from imports.models import FilePart, ImportJob, RejectedRow, StoredFile
from imports.pipeline import run_import
from imports.retrying import retry_import
from imports.signals import import_finished
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
BAD = csv_of("B-1,One,,,", "B-2,,,,", "B-3,Three,,a lot,", "B-4,,,,")


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


def test_failure_that_the_reaper_found_is_told_like_any_other(settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 3
    heard: list[tuple[int, str, str, bool]] = []

    def hear(sender: type, job: ImportJob, **kwargs: object) -> None:
        heard.append((job.pk, job.state, job.error_code, connection.in_atomic_block))

    import_finished.connect(hear)
    try:
        accepted(TEXT)
        lost = claimed().row
        kill_worker(lost, attempt=3)
        accepted(TEXT)
        once = claimed().row
        kill_worker(once, attempt=1)
        reap_imports()
        reap_imports()
    finally:
        import_finished.disconnect(hear)

    assert heard == [(lost.pk, "failed", "worker_lost", True)]
    once.refresh_from_db()
    assert once.state == ImportJob.State.QUEUED


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


# --- retention -------------------------------------------------------------------------------


def ended(job: ImportJob, *, days_ago: float) -> None:
    at = ClockTimestamp() - timedelta(days=days_ago)
    ImportJob.objects.filter(pk=job.pk).update(finished_at=at)


@pytest.fixture
def kept(settings: Settings) -> None:
    settings.JOB_RETENTION_DAYS, settings.REJECTED_RETENTION_DAYS = 365, 90


@pytest.mark.usefixtures("kept")
def test_rejected_rows_go_before_their_import_does() -> None:
    old, young = completed(BAD), completed(BAD)
    ended(old, days_ago=90.01)
    ended(young, days_ago=89.99)

    prune_imports()

    assert set(RejectedRow.objects.values_list("job", flat=True)) == {young.pk}
    old.refresh_from_db()
    assert (old.state, old.rejected) == (ImportJob.State.COMPLETED, 3)


@pytest.mark.usefixtures("kept")
def test_rejected_rows_go_in_batches_and_a_run_that_takes_long_leaves_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended(completed(BAD), days_ago=91)
    ended(completed(BAD), days_ago=91)
    monkeypatch.setattr(cleaning, "ROWS", 4)
    monkeypatch.setattr(cleaning, "SECONDS", -1.0)
    prune_imports()
    assert RejectedRow.objects.count() == 6

    monkeypatch.setattr(cleaning, "SECONDS", 300.0)
    with CaptureQueriesContext(connection) as captured:
        prune_imports()

    assert RejectedRow.objects.count() == 0
    deletions = [each["sql"] for each in captured if "imports_rejectedrow" in each["sql"]]
    assert len(deletions) == 2


@pytest.mark.usefixtures("kept")
def test_import_that_ended_long_ago_goes_with_its_upload_and_its_change_set_stays() -> None:
    old, young = completed(TEXT), completed(csv_of("A-2,Two,,,"))
    ended(old, days_ago=365.01)
    ended(young, days_ago=364.99)

    prune_imports()

    assert list(ImportJob.objects.all()) == [young]
    assert list(StoredFile.objects.values_list("name", flat=True)) == [young.upload]
    assert FilePart.objects.count() == 1
    assert old.change_set is not None
    assert ChangeSet.objects.filter(pk=old.change_set.pk).exists()
    assert len(catalog()) == 2


@pytest.mark.usefixtures("kept")
def test_import_that_waits_or_runs_is_kept_however_old_it_is() -> None:
    running = accepted(BAD)
    lease = claimed()
    queued = accepted(BAD)
    long_ago = ClockTimestamp() - timedelta(days=1000)
    ImportJob.objects.update(created_at=long_ago, started_at=long_ago)

    prune_imports()

    assert set(ImportJob.objects.all()) == {running, queued}
    assert run_import(lease)
    assert RejectedRow.objects.filter(job=running).count() == 3


@pytest.mark.usefixtures("kept")
def test_import_that_is_run_again_while_it_is_pruned_is_kept(settings: Settings) -> None:
    job = accepted(BAD)
    assert request_cancel(job)
    ended(job, days_ago=366)

    def prune_beside() -> None:
        prune_imports()
        connection.close()

    pruner = threading.Thread(target=prune_beside)

    with transaction.atomic():
        retry_import(job)
        pruner.start()
        assert wait_until(somebody_waits, seconds=10)
    pruner.join()

    job.refresh_from_db()
    assert job.state == ImportJob.State.QUEUED
    assert run_next().rejected == 3


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.usefixtures("kept")
def test_page_says_that_rejected_rows_are_no_longer_kept(editor_client: Client) -> None:
    job = completed(BAD)
    page = f"/imports/{job.pk}/"
    assert "Which they were" not in editor_client.get(page).content.decode()
    ended(job, days_ago=91)

    prune_imports()

    text = editor_client.get(page).content.decode()
    assert "Which they were and why is no longer kept." in text
    assert 'href="#rejected"' in text
    assert text.count('id="rejected"') == 1
    assert "as CSV" not in text
