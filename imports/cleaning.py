"""What dead workers, broken uploads and finished imports leave behind."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from core.advisory import only_one
from core.leases import ClockTimestamp, reap, request_cancel
from core.wakeups import wake_workers
from imports import staging
from imports.fetches.fetching import prune_fetches, reap_fetches
from imports.models import ImportJob, RejectedRow, StoredFile
from imports.resumable.store import remove_expired, unfinished_files
from imports.signals import import_finished
from imports.staging import STAGING_PREFIX, missing_table, review_table, staging_table
from imports.storage import uploads

logger = logging.getLogger(__name__)

REAPER_LOCK = 0x72656170  # "reap"
RECEIVING_HOURS = 24
BATCH = 1000
# Rejected rows that one statement deletes; a run that takes longer leaves the rest to the next.
ROWS = 10_000
SECONDS = 300.0
LOST = (
    "The import stopped its worker {attempts} times and was given up. Nothing was imported. "
    "Look at the worker's log and memory, then run it again."
)


def reap_imports() -> None:
    """One reaper at a time, however many beats there are; harmless at any moment."""
    with only_one(REAPER_LOCK) as alone:
        if not alone:
            return
        reaped = reap(ImportJob, lost_message=LOST.format(attempts=settings.MAX_ATTEMPTS))
        for job in ImportJob.objects.filter(pk__in=reaped.failed):
            import_finished.send(sender=ImportJob, job=job)
        _end_broken_uploads()
        _end_forgotten_reviews()
    reap_fetches()
    wake_workers(ImportJob)
    _drop_orphaned_staging()
    _delete_old_uploads()


def prune_imports() -> None:
    """Forget finished imports, and rejected rows, that are older than the settings keep.

    A change set outlives the import that wrote it.
    """
    prune_fetches()
    _delete_rejected_rows(min(settings.REJECTED_RETENTION_DAYS, settings.JOB_RETENTION_DAYS))
    old = ImportJob.objects.filter(finished_at__lt=_days_ago(settings.JOB_RETENTION_DAYS))
    for pk in old.values_list("pk", flat=True)[:BATCH]:
        with transaction.atomic():
            # Locked, and asked again: somebody may have run it again in the meantime.
            job = old.select_for_update().filter(pk=pk).first()
            if job is None:
                continue
            if job.upload:
                uploads().delete(job.upload)
            job.delete()


def _delete_rejected_rows(days: int) -> None:
    """In batches: a single statement for millions of rows would end at statement_timeout."""
    old = RejectedRow.objects.filter(job__finished_at__lt=_days_ago(days))
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        batch = RejectedRow.objects.filter(pk__in=old.order_by("pk").values("pk")[:ROWS])
        deleted, _ = batch.delete()
        if deleted < ROWS:
            return


def _days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _end_broken_uploads() -> None:
    ImportJob.objects.filter(
        state=ImportJob.State.RECEIVING,
        created_at__lt=ClockTimestamp() - timedelta(hours=RECEIVING_HOURS),
    ).update(
        state=ImportJob.State.FAILED,
        error_code="upload_incomplete",
        error_message="The upload never arrived whole. Upload the file again.",
        finished_at=ClockTimestamp(),
    )


def _end_forgotten_reviews() -> None:
    """Cancel what nobody came to look at: its file is old by now, and its tables take room."""
    forgotten = ImportJob.objects.filter(
        state=ImportJob.State.REVIEW,
        waits_since__lt=ClockTimestamp() - timedelta(days=settings.REVIEW_DAYS),
    )
    for job in forgotten:
        request_cancel(job)


def _drop_orphaned_staging() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE %s",
            [STAGING_PREFIX.replace("_", r"\_") + "%"],
        )
        names = {name for (name,) in cursor.fetchall()}
    # Asked after the tables: a job claimed in between has a table that is not among the names.
    leases = ImportJob.objects.filter(lease_token__isnull=False).values_list("pk", "lease_token")
    bases = {staging_table(pk, token) for pk, token in leases if token}
    bases |= set(
        ImportJob.objects.filter(finished_at__isnull=True)
        .exclude(staging="")
        .values_list("staging", flat=True)
    )
    kept = {table(base) for base in bases for table in (str, review_table, missing_table)}
    for name in names - kept:
        try:
            staging.drop(name)
        except OperationalError as error:
            logger.warning("%s is still in use, dropped later: %s", name, error)


def _delete_old_uploads() -> None:
    """Remove uploads whose retry is no longer offered, that were left, or whose writer died."""
    ended = ImportJob.objects.exclude(upload="").filter(
        finished_at__lt=ClockTimestamp() - timedelta(days=settings.UPLOAD_RETENTION_DAYS)
    )
    for job in ended[:100]:
        uploads().delete(job.upload)
        ImportJob.objects.filter(pk=job.pk).update(upload="")
    remove_expired()
    cut = StoredFile.objects.filter(
        complete=False, created_at__lt=ClockTimestamp() - timedelta(hours=RECEIVING_HOURS)
    ).exclude(pk__in=unfinished_files())
    for name in cut.values_list("name", flat=True)[:100]:
        uploads().delete(name)
