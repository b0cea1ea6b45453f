"""Merges apply in the order in which their uploads were accepted.

Else a small new file, read faster, would be overwritten by an older, larger one.
"""

import time

from django.db.models import Q, QuerySet

from core.leases import TICK_SECONDS, Heartbeat, Lease, expired
from imports.models import ImportJob

# An earlier job that waits this long for a worker while all of them may be waiting for it.
GRACE_SECONDS = 2.0


class SteppedBack(Exception):
    """The job went back into the queue, so that this worker can take an earlier one."""


def earlier_jobs(job: ImportJob) -> QuerySet[ImportJob]:
    """Unfinished jobs whose uploads were accepted before this one's."""
    before = Q(accepted_at__lt=job.accepted_at) | Q(accepted_at=job.accepted_at, pk__lt=job.pk)
    return ImportJob.objects.filter(
        before, state__in=(ImportJob.State.QUEUED, *ImportJob.RUNNING)
    ).order_by("accepted_at", "pk")


def wait_for_turn(lease: Lease[ImportJob], beat: Heartbeat[ImportJob]) -> None:
    """Return when every earlier job has ended.

    Raises:
        SteppedBack: an earlier one waits for a worker, and this may be the only one.
    """
    queued_since: float | None = None
    while (first := earlier_jobs(lease.row).first()) is not None:
        beat.check()
        beat.report(waiting_for=first.pk)
        if not _waits_for_a_worker(first):
            queued_since = None
        elif queued_since is None:
            queued_since = time.monotonic()
        elif time.monotonic() - queued_since > GRACE_SECONDS:
            beat.stop()
            lease.step_back()
            raise SteppedBack
        time.sleep(TICK_SECONDS)
    beat.report(waiting_for=None)


def _waits_for_a_worker(job: ImportJob) -> bool:
    idle = Q(state=ImportJob.State.QUEUED) | expired(ImportJob)
    return ImportJob.objects.filter(idle, pk=job.pk).exists()
