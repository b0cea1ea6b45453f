"""What dead workers leave behind, and what is too old to keep."""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from catalog.locks import CatalogBusy, share_catalog
from catalog.models import BulkOperation, ChangeSet
from catalog.undoing import SQL
from core.advisory import only_one
from core.leases import ClockTimestamp, reap
from core.sql import statement
from core.wakeups import wake_workers

logger = logging.getLogger(__name__)

REAPER_LOCK = 0x6F706572  # "oper"
PRUNE_LOCK = 0x7072756E  # "prun"
BATCH = 10_000
# A beat task that takes longer leaves the rest to the next one.
SECONDS = 300.0
LOST = (
    "The operation stopped its worker {attempts} times and was given up. Nothing was changed. "
    "Look at the worker's log and memory, then start it again."
)


def reap_operations() -> None:
    """Give dead workers' operations back and wake workers for those that wait; always harmless."""
    with only_one(REAPER_LOCK) as alone:
        if not alone:
            return
        reap(BulkOperation, lost_message=LOST.format(attempts=settings.MAX_ATTEMPTS))
    wake_workers(BulkOperation)


def prune_catalog() -> None:
    """Forget product changes and operations that are older, or more, than the settings keep."""
    try:
        _mark_pruned()
    except CatalogBusy:
        logger.info("no change sets pruned now: an import or an undo is under way")
    # Not only what was marked just now: a run that was killed left rows of marked change sets.
    horizon = ChangeSet.objects.filter(pruned_at__isnull=False).aggregate(newest=Max("pk"))
    if horizon["newest"] is not None:
        _delete_changes(horizon["newest"])
    BulkOperation.objects.filter(
        finished_at__lt=timezone.now() - timedelta(days=settings.JOB_RETENTION_DAYS)
    ).delete()


@transaction.atomic
def _mark_pruned() -> None:
    """Say which change sets can't be undone any more, before their values go.

    Beside the writers' lock: an undo that has begun keeps its values until it ends.
    """
    share_catalog()
    with connection.cursor() as cursor:
        cursor.execute(
            statement(SQL, "prune_horizon"),
            {
                "before": timezone.now() - timedelta(days=settings.CHANGE_RETENTION_DAYS),
                "rows": settings.CHANGE_RETENTION_ROWS,
            },
        )
        (horizon,) = cursor.fetchone()
    if horizon is not None:
        marked = ChangeSet.objects.filter(pk__lte=horizon, pruned_at__isnull=True).update(
            pruned_at=ClockTimestamp()
        )
        logger.info("change sets pruned: count=%d newest=%d", marked, horizon)


def _delete_changes(horizon: int) -> None:
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        with only_one(PRUNE_LOCK) as alone, connection.cursor() as cursor:
            if not alone:
                return
            cursor.execute(statement(SQL, "prune_changes"), {"horizon": horizon, "size": BATCH})
            if cursor.rowcount < BATCH:
                return
