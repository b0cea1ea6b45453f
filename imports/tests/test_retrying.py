"""A failed or cancelled import can run again, behind what was accepted in the meantime."""

import pytest

from core.leases import request_cancel
from imports.models import ImportJob
from imports.retrying import RetryRefused, newer_change_sets, retry_import
from imports.tests.importing import accepted, catalog, completed, csv_of, imported, run_next

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def cancelled(content: str) -> ImportJob:
    job = accepted(content)
    assert request_cancel(job)
    job.refresh_from_db()
    return job


def test_cancelled_import_runs_again_from_its_upload() -> None:
    job = cancelled(csv_of("A-1,One,,,"))
    assert catalog() == []

    retry_import(job)
    done = run_next()

    assert (done.pk, done.state, done.attempt) == (job.pk, ImportJob.State.COMPLETED, 1)
    assert done.cancel_requested is False
    assert len(catalog()) == 1


def test_failed_import_starts_with_a_clean_slate() -> None:
    job = imported("a,b\n")

    retry_import(job)

    job.refresh_from_db()
    assert (job.state, job.attempt, job.error_code, job.error_message) == ("queued", 0, "", "")
    assert (job.started_at, job.finished_at, job.phases) == (None, None, {})


def test_retried_import_comes_behind_those_accepted_since() -> None:
    job = cancelled(csv_of("A-1,Old,,,"))
    newer = accepted(csv_of("A-1,New,,,"))

    retry_import(job)

    assert [run_next().pk, run_next().pk] == [newer.pk, job.pk]


def test_completed_import_can_not_run_again() -> None:
    job = completed(csv_of("A-1,One,,,"))

    with pytest.raises(RetryRefused, match="Only an import that failed or was cancelled"):
        retry_import(job)

    job.refresh_from_db()
    assert job.state == ImportJob.State.COMPLETED


def test_running_import_can_not_run_again() -> None:
    job = accepted(csv_of("A-1,One,,,"))
    accepted_at = job.accepted_at

    with pytest.raises(RetryRefused):
        retry_import(job)

    job.refresh_from_db()
    assert job.accepted_at == accepted_at


def test_import_whose_upload_is_gone_can_not_run_again() -> None:
    job = cancelled(csv_of("A-1,One,,,"))
    ImportJob.objects.update(upload="")
    job.refresh_from_db()

    with pytest.raises(RetryRefused, match=r"The upload has been removed. Upload the file again."):
        retry_import(job)

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED


def test_newer_change_sets_are_those_since_the_upload_was_accepted() -> None:
    completed(csv_of("A-1,Before,,,"))
    job = cancelled(csv_of("A-1,Old,,,"))
    later = completed(csv_of("A-1,After,,,"))

    assert list(newer_change_sets(job)) == [later.change_set]
    assert list(newer_change_sets(ImportJob())) == []
