"""Staging → catalog: what differs, and the statements that apply it in one transaction.

Compared first, so that rows which would write what is there already are left alone: an unchanged
file writes nothing. The three writing statements are plain INSERT and UPDATE, which the writers'
lock makes safe and which take two thirds of the time of one INSERT … ON CONFLICT.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from catalog.models import ChangeSet
from core.sql import statement
from imports.models import ImportJob
from imports.options import Options
from imports.pace import Pace
from imports.staging import compared_table, counter, drop

SQL = Path(__file__).parent / "sql"

# Half a million rows are sorted in memory; PostgreSQL's default of 4 MB sorts them on disk.
WORK_MEM = "256MB"


class MergeBroken(Exception):
    """A statement did not do what the comparison had announced: somebody wrote without the lock."""


@dataclass(frozen=True)
class Rules:
    """What rows may do to the catalog; `clear` names the columns whose empty cells clear."""

    clear: frozenset[str] = frozenset()
    creates: bool = True
    updates: bool = True

    @classmethod
    def of(cls, options: Options, columns: Iterable[str]) -> Rules:
        """The rules that options name for a file with these columns."""
        return cls(
            clear=frozenset(columns if options.empty == ImportJob.Empty.CLEAR else ()),
            creates=options.mode != ImportJob.Mode.UPDATE,
            updates=options.mode != ImportJob.Mode.CREATE,
        )

    @property
    def clearing(self) -> dict[str, bool]:
        """As the statements take them."""
        return {f"clear_{name}": name in self.clear for name in ("description", "price", "active")}


@dataclass(frozen=True)
class MergeCounts:
    """Rows: `staged = duplicates + created + updated + unchanged + skipped + left_out + conflicts`.

    `price_moved`, `emptied` and `deactivates` are of those that are updated. `missing` are products
    that the file does not have and that are to go; `deactivated` and `deleted` those that went.
    """

    staged: int
    duplicates: int
    created: int
    updated: int
    unchanged: int
    skipped: int = 0
    left_out: int = 0
    conflicts: int = 0
    missing: int = 0
    deactivated: int = 0
    deleted: int = 0
    price_moved: int = 0
    emptied: int = 0
    deactivates: int = 0
    change_set_id: int | None = None


@dataclass
class MergeProgress:
    """How far a merge is, for a thread with a connection of its own to ask.

    Sequences show what a running transaction has done so far, which its rows do not.
    """

    table: str
    staged: int
    pace: Pace
    counts: MergeCounts | None = None
    _first_id: int | None = field(default=None, init=False)

    def compared(self, counts: MergeCounts) -> None:
        """Take what the comparison has told."""
        self.pace.plan(created=counts.created, updated=counts.updated, missing=counts.missing)
        self.counts = counts

    def figures(self) -> dict[str, Any]:
        """The figures of the bar at this moment, and the counts as far as they are known."""
        with connection.cursor() as cursor:
            cursor.execute(statement(SQL, "merge_progress", counter=counter(self.table)))
            updated, last_id = cursor.fetchone()
        if self._first_id is None:
            self._first_id = last_id
        known = self.counts
        if known is None:
            self.pace.enter("compare", rows=self.staged)
            return self.pace.figures(done=0, total=self.staged, share=None)
        created = min(last_id - self._first_id, known.created)
        share = self._enter(known, created=created, updated=updated)
        names = ("created", "updated", "unchanged", "duplicates")
        return {
            **self.pace.figures(
                done=known.staged - known.created - known.updated + created + updated,
                total=self.staged,
                share=share,
            ),
            **{name: getattr(known, name) for name in names},
        }

    def _enter(self, known: MergeCounts, *, created: int, updated: int) -> float | None:
        """Enter the stretch that the merge is in; the share of it that is done, if it shows."""
        if created < known.created:
            self.pace.enter("create", rows=known.created)
            return created / known.created
        if known.updated and not updated:
            self.pace.enter("log", rows=known.updated)
        elif updated < known.updated:
            self.pace.enter("update", rows=known.updated)
            return updated / known.updated
        elif known.missing:
            self.pace.enter("missing", rows=known.missing)
        return None


def compare(table: str, rules: Rules) -> MergeCounts:
    """Find out what a merge would do now.

    Leaves the lines that matter in the table `compared_table(table)`.
    """
    compared = compared_table(table)
    with connection.cursor() as cursor:
        widen(cursor)
        cursor.execute(statement(SQL, "compare", table=table, compared=compared), rules.clearing)
    return count(table, rules)


def widen(cursor: Any) -> None:
    """Let the statements of this transaction sort half a million rows in memory."""
    cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEM])
    cursor.execute("SET LOCAL jit = off")


def count(table: str, rules: Rules) -> MergeCounts:
    """Count a comparison; rows that a review took out of it look unchanged."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement(SQL, "compare_counts", table=table, compared=compared_table(table)),
            {"price_percent": settings.RISK_PRICE_PERCENT},
        )
        staged, duplicates, new, changed, price_moved, emptied, deactivates = cursor.fetchone()
    created, updated = new * rules.creates, changed * rules.updates
    return MergeCounts(
        staged=staged,
        duplicates=duplicates,
        created=created,
        updated=updated,
        unchanged=staged - duplicates - new - changed,
        skipped=new + changed - created - updated,
        price_moved=price_moved * rules.updates,
        emptied=emptied * rules.updates,
        deactivates=deactivates * rules.updates,
    )


def write(
    table: str,
    counts: MergeCounts,
    *,
    actor_id: int | None,
    missing: str = "",
    delete: bool = False,
) -> MergeCounts:
    """Apply a comparison to the catalog and record the change set; `counts` are its own.

    `missing` names a table of products that the file does not have, which are deactivated, or
    deleted with `delete`. Runs in the caller's transaction, under `catalog.locks.take_catalog`,
    which the comparison ran under too. What changes nothing leaves no change set.

    Raises:
        MergeBroken: somebody wrote products without the lock; the caller must roll back.
    """
    if not (counts.created or counts.updated or missing):
        drop(compared_table(table))
        return counts
    change_set = ChangeSet.objects.create(
        source=ChangeSet.Source.IMPORT,
        actor_id=actor_id,
        created=counts.created,
        updated=counts.updated,
    )
    _write_rows(table, change_set, counts)
    drop(compared_table(table))
    counts = replace(counts, change_set_id=change_set.pk)
    if not missing:
        return counts
    with connection.cursor() as cursor:
        name = "delete_missing" if delete else "deactivate_missing"
        cursor.execute(statement(SQL, name, missing=missing), {"change_set": change_set.pk})
        gone = cursor.rowcount
    if delete:
        change_set.deleted = gone
        counts = replace(counts, deleted=gone)
    else:
        change_set.updated += gone
        counts = replace(counts, deactivated=gone)
    if not (change_set.created or change_set.updated or change_set.deleted):
        change_set.delete()
        return replace(counts, change_set_id=None)
    change_set.save(update_fields=["updated", "deleted"])
    return counts


def _write_rows(table: str, change_set: ChangeSet, counts: MergeCounts) -> None:
    compared = compared_table(table)
    with connection.cursor() as cursor:
        if counts.created:
            cursor.execute(statement(SQL, "insert_new", compared=compared))
            created, first_id, last_id = cursor.fetchone()
            _expect(created, counts.created)
            _expect(last_id - first_id + 1, counts.created)
            change_set.first_created_id, change_set.last_created_id = first_id, last_id
            change_set.save(update_fields=["first_created_id", "last_created_id"])
        if counts.updated:
            cursor.execute(
                statement(SQL, "log_changed", compared=compared), {"change_set": change_set.pk}
            )
            cursor.execute(
                statement(SQL, "update_changed", compared=compared), {"counter": counter(table)}
            )
            _expect(cursor.rowcount, counts.updated)


def _expect(written: int, announced: int) -> None:
    if written != announced:
        raise MergeBroken(f"{written} rows were written, {announced} were announced")
