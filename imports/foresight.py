"""What can be known of a merge before it is begun: from a sample, and from the imports before."""

from __future__ import annotations

from statistics import median

from django.db import connection

from core.sql import statement
from imports.merge import SQL
from imports.models import ImportJob
from imports.pace import Pace, Shown, merge_cost

# Rows that are looked at, one in so many: 500 probes of the SKU's index take 10 ms.
SAMPLED, EVERY = 500, 37
#: Smaller imports are over before their figures say anything.
TELLING_ROWS = 20_000
#: So many of the last large imports are looked at.
EARLIER = 5
#: An import that was so much off met something else than rows, and says nothing.
FURTHEST = 4.0


def foresee(table: str, pace: Pace) -> None:
    """Look at some staged rows and tell a pace how many will be created and updated."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement(SQL, "sample_mix", table=table), {"every": EVERY, "at_most": SAMPLED}
        )
        looked, new, changed = cursor.fetchone()
    if looked:
        pace.expect(created=new / looked, updated=changed / looked)


def shown_earlier() -> Shown:
    """What merging cost in the last large imports: the median, as one may have been disturbed."""
    last = ImportJob.objects.filter(
        state=ImportJob.State.COMPLETED,
        read__gte=TELLING_ROWS,
        applied_at=None,
        deleted=0,
        deactivated=0,
    ).order_by("-id")[:EARLIER]
    shown = [each for each in map(_shown, last) if each is not None]
    if not shown:
        return Shown()
    return Shown(
        dearer=median(each.dearer for each in shown), unit=median(each.unit for each in shown)
    )


def _shown(job: ImportJob) -> Shown | None:
    foreseen = merge_cost(rows=job.staged, created=job.created, updated=job.updated)
    reading, merging = job.phases.get("read"), job.phases.get("merge")
    if not (foreseen and reading and merging):
        return None
    unit = merging / foreseen
    dearer = unit / (reading / job.read)
    return Shown(dearer=dearer, unit=unit) if 1 / FURTHEST < dearer < FURTHEST else None
