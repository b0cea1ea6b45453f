"""The story of an import: claimed, read and checked, staged, merged, announced.

The task and the command both end here.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import errors

from catalog.locks import take_catalog
from catalog.models import ChangeSet
from catalog.signals import ProductsChanged, products_changed
from core import progress
from core.leases import Cancelled, Heartbeat, Lease, LeaseLost
from core.logs import log_ids
from imports import foresight, staging
from imports.detected import describe
from imports.merge import MergeProgress, write
from imports.models import ImportJob, RejectedRow
from imports.options import Options
from imports.order import SteppedBack, wait_for_turn
from imports.pace import Pace
from imports.reading import HeaderMissing, Unreadable, read
from imports.remembered import recaller
from imports.repairs.repairing import write_upload
from imports.repairs.returning import take_up
from imports.reviews import reviewing
from imports.signals import import_finished
from imports.staging import Stager, staging_table
from imports.storage import PartCorrupt, uploads

logger = logging.getLogger(__name__)

DISK_FULL = (
    "The database has no room left. Nothing was imported; free some room, then run it again."
)

KEPT_COUNTS = (
    "duplicates",
    "created",
    "updated",
    "unchanged",
    "skipped",
    "left_out",
    "conflicts",
    "deactivated",
    "deleted",
)


class StagingLost(Exception):
    """Staging has not the rows that were copied: PostgreSQL was restarted and emptied it."""


Figures = Callable[[dict[str, Any]], None]


def run_import(lease: Lease[ImportJob], *, watch: Figures | None = None) -> bool:
    """Carry one claimed import to its end, completed, failed or cancelled, or to its review.

    `watch` is given the live figures several times a second, from another thread.

    Returns False when it was given back to the queue because an import accepted earlier waits.
    Raises whatever is not the file's fault (a database that is gone, a bug): the lease then ends at
    once, and the reaper gives the job to the next worker.
    """
    job = lease.row
    reviewed = job.applied_at is not None and reviewing.stands(job)
    table = job.staging if reviewed else staging_table(job.pk, lease.token)

    def show(figures: dict[str, Any]) -> None:
        progress.publish(job.progress_key, figures)
        if watch is not None:
            watch(figures)

    with log_ids(request_id=job.request_id, job_id=job.pk):
        logger.info("import started: attempt=%d file=%s", job.attempt, job.file_name)
        try:
            with Heartbeat(lease, publish=show) as beat:
                beat.report(attempt=job.attempt)
                pace = Pace(earlier=foresight.shown_earlier())
                if not reviewed:
                    _stage(lease, table, beat, pace)
                wait_for_turn(lease, beat)
                try:
                    _merge(lease, table, beat, pace, reviewed=reviewed)
                except reviewing.Waits:
                    reviewing.hold(lease, table, beat)
        except (Unreadable, PartCorrupt) as refused:
            if isinstance(refused, HeaderMissing):
                lease.update(detected=describe(refused))
            _fail(lease, refused.code, str(refused))
        except Cancelled:
            _cancel(lease)
        except SteppedBack:
            return False
        except LeaseLost:
            logger.warning("the lease was lost: another worker has the import")
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.DiskFull | errors.ConfigurationLimitExceeded):
                raise
            _fail(lease, "disk_full", DISK_FULL)
        finally:
            _let_go(lease, table)
        with log_ids(change_set_id=job.change_set_id):
            logger.info("import ended: state=%s", job.state)
    return True


def _stage(lease: Lease[ImportJob], table: str, beat: Heartbeat[ImportJob], pace: Pace) -> None:
    """Read the upload, check each row, copy the good ones into staging and set the bad aside."""
    job = lease.row
    beat.report(phase=ImportJob.State.READING)
    RejectedRow.objects.filter(job=job).delete()
    staging.create(table)
    stager = Stager(table, lease=lease, copied=lambda: foresight.foresee(table, pace))

    def watch(*, read: int, rejected: int, bytes_read: int) -> None:
        beat.check()
        share = bytes_read / job.size if job.size else 0.0
        total = _rounded(read / share) if share else None
        figures = pace.figures(done=read, total=total, share=share)
        beat.report(read=read, rejected=rejected, **figures)

    write_upload(lease, beat)
    with uploads().open(job.upload) as upload:
        options = Options.of(job)
        reader = read(upload, name=job.file_name, recall=recaller(options), **options.reading())
        lease.update(detected=describe(reader))
        stager.run(reader, watch)
    pace.leave()
    lease.update(
        state=ImportJob.State.MERGING,
        read=stager.read,
        staged=stager.staged,
        rejected=stager.rejected,
        detected=describe(reader),
        phases={"read": pace.seconds},
        **take_up(job, table),
    )


def _merge(
    lease: Lease[ImportJob],
    table: str,
    beat: Heartbeat[ImportJob],
    pace: Pace,
    *,
    reviewed: bool,
) -> None:
    """Apply staging to the catalog: all of it and the job's end in one transaction, or nothing.

    Raises:
        Waits: nothing was written, a person has to look first.
    """
    job = lease.row
    if reviewed:
        lease.update(state=ImportJob.State.MERGING)
    pace.begin()
    merging = MergeProgress(table, staged=job.staged, pace=pace)
    beat.report(phase=ImportJob.State.MERGING)
    beat.sample(merging.figures)
    compare = reviewing.compare_decided if reviewed else reviewing.compare_unseen
    with transaction.atomic():
        take_catalog()
        counts, missing = compare(job, table)
        if counts.staged != job.staged:
            raise StagingLost(f"{counts.staged} rows in staging, {job.staged} were copied")
        merging.compared(counts)
        counts = write(
            table,
            counts,
            actor_id=job.applied_by_id or job.created_by_id,
            missing=missing,
            delete=job.missing == ImportJob.Missing.DELETE,
        )
        reviewing.drop(table)
        beat.stop()
        lease.finish(
            ImportJob.State.COMPLETED,
            **{name: getattr(counts, name) for name in KEPT_COUNTS},
            change_set_id=counts.change_set_id,
            phases={**job.phases, "merge": pace.seconds},
            staging="",
            progress={},
        )
        if counts.change_set_id is not None:
            products_changed.send(
                sender=ChangeSet,
                change=ProductsChanged(
                    change_set_id=counts.change_set_id,
                    source=ChangeSet.Source.IMPORT,
                    created=counts.created,
                    updated=counts.updated + counts.deactivated,
                    deleted=counts.deleted,
                ),
            )
        import_finished.send(sender=ImportJob, job=job)


def _rounded(estimate: float) -> int:
    """An estimate of a number of rows to three digits, which is as well as it is known."""
    digits = len(str(int(estimate)))
    return int(round(estimate, min(0, 3 - digits)))


def _fail(lease: Lease[ImportJob], code: str, message: str) -> None:
    with transaction.atomic():
        if lease.fail(code, message, rejected=0, staging="", progress={}):
            RejectedRow.objects.filter(job=lease.row).delete()
            import_finished.send(sender=ImportJob, job=lease.row)


def _cancel(lease: Lease[ImportJob]) -> None:
    with transaction.atomic():
        if lease.cancel(rejected=0, staging="", progress={}):
            RejectedRow.objects.filter(job=lease.row).delete()


def _let_go(lease: Lease[ImportJob], table: str) -> None:
    """Drop staging, unless it waits for or stands on a review; a lease that is still held, because
    something broke, ends at once."""
    connection.close_if_unusable_or_obsolete()
    try:
        lease.expire()
        if lease.row.staging != table:
            staging.drop(table)
            reviewing.drop(table)
    except DatabaseError as error:
        logger.warning("left for the reaper: %s", error)
