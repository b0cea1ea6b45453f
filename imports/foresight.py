"""What can be known of a merge before it is begun: from a sample, and from the imports before."""

from __future__ import annotations

from django.db import connection

from core.sql import statement
from imports.merge import SQL
from imports.models import ImportJob
from imports.pace import Pace, merge_cost

# Rows that are looked at, one in so many: 500 probes of the SKU's index take 10 ms.
SAMPLED, EVERY = 500, 37
#: Smaller imports are over before their figures say anything.
TELLING_ROWS = 20_000
#: A last import that was so much off met something else than rows.
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


def correction() -> float:
    """How much dearer merging was than foreseen, beside reading, in the last large import."""
    last = (
        ImportJob.objects.filter(
            state=ImportJob.State.COMPLETED,
            read__gte=TELLING_ROWS,
            applied_at=None,
            deleted=0,
            deactivated=0,
        )
        .order_by("-id")
        .first()
    )
    if last is None or not last.phases.get("read") or not last.phases.get("merge"):
        return 1.0
    foreseen = merge_cost(rows=last.staged, created=last.created, updated=last.updated)
    shown = last.phases["merge"] / last.phases["read"] * last.read
    return min(FURTHEST, max(1 / FURTHEST, shown / foreseen)) if foreseen else 1.0
