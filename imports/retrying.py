"""Running an import again."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from catalog.models import ChangeSet
from core.leases import ClockTimestamp, asking_request
from core.wakeups import wake_worker
from imports.models import Decision, ImportJob

RETRIED = (ImportJob.State.FAILED, ImportJob.State.CANCELLED)


class RetryRefused(Exception):
    """The import can't run again; the text says why."""


def newer_change_sets(job: ImportJob) -> QuerySet[ChangeSet]:
    """What changed the catalog since the upload was accepted: a retry may overwrite it."""
    if job.accepted_at is None:
        return ChangeSet.objects.none()
    return ChangeSet.objects.filter(created_at__gt=job.accepted_at).select_related(
        "actor", "import_job"
    )


def retry_import(job: ImportJob) -> None:
    """Queue a failed or cancelled job again, behind what was accepted before now.

    Raises:
        RetryRefused: the upload is gone, or the job is not one that ended without effect.
    """
    if queue_anew(job, states=RETRIED):
        return
    raise RetryRefused(
        "The upload has been removed. Upload the file again."
        if not job.upload
        else "Only an import that failed or was cancelled can run again."
    )


def queue_anew(job: ImportJob, *, states: Iterable[str], **asked: Any) -> bool:
    """Put a job into the queue again with a clean slate, behind what was accepted before now.

    `asked` are fields that it gets. Returns False, with nothing done, when it is in none of the
    states or its upload is gone.
    """
    with transaction.atomic():
        queued = (
            ImportJob.objects.filter(pk=job.pk, state__in=states)
            .exclude(upload="")
            .update(
                state=ImportJob.State.QUEUED,
                attempt=0,
                cancel_requested=False,
                request_id=asking_request(),
                accepted_at=ClockTimestamp(),
                started_at=None,
                finished_at=None,
                error_code="",
                error_message="",
                progress={},
                phases={},
                staging="",
                reviewed={},
                left_out_classes=[],
                on_conflict=ImportJob.Conflict.LEAVE,
                waits_since=None,
                applied_at=None,
                applied_by=None,
                **asked,
            )
        )
        if queued:
            Decision.objects.filter(job=job).delete()
            transaction.on_commit(partial(wake_worker, ImportJob))
        return bool(queued)
