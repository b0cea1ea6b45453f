"""Staging → catalog: what differs, and the statements that apply it in one transaction.

Compared first, so that rows which would write what is there already are left alone: an unchanged
file writes nothing. The three writing statements are plain INSERT and UPDATE, which the writers'
lock makes safe and which take two thirds of the time of one INSERT … ON CONFLICT.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.db import connection

from catalog.models import ChangeSet
from core.sql import statement
from imports.models import ImportJob
from imports.staging import compared_table, counter, drop

SQL = Path(__file__).parent / "sql"

# Half a million rows are sorted in memory; PostgreSQL's default of 4 MB sorts them on disk.
WORK_MEM = "256MB"
# How long creating and updating a row take beside comparing it.
CREATING, UPDATING = 1.8, 2.6


class MergeBroken(Exception):
    """A statement did not do what the comparison had announced: somebody wrote without the lock."""


@dataclass(frozen=True)
class MergeCounts:
    """Rows: `staged = duplicates + created + updated + unchanged`."""

    staged: int
    duplicates: int
    created: int
    updated: int
    unchanged: int
    change_set_id: int | None = None


@dataclass
class MergeProgress:
    """How far a merge is, for a thread with a connection of its own to ask.

    Sequences show what a running transaction has done so far, which its rows do not.
    """

    table: str
    staged: int
    counts: MergeCounts | None = None
    _first_id: int | None = field(default=None, init=False)

    def done(self) -> Mapping[str, Any]:
        """`done` rows of `total`, and the `share` of the work that is done, 0 to 1."""
        with connection.cursor() as cursor:
            cursor.execute(statement(SQL, "merge_progress", counter=counter(self.table)))
            updated, last_id = cursor.fetchone()
        if self._first_id is None:
            self._first_id = last_id
        known = self.counts
        if known is None:
            return {"done": 0, "total": self.staged, "share": 0.0}
        created = min(last_id - self._first_id, known.created)
        work = known.staged + CREATING * known.created + UPDATING * known.updated
        return {
            "done": known.unchanged + known.duplicates + created + updated,
            "total": self.staged,
            "share": (known.staged + CREATING * created + UPDATING * updated) / work
            if work
            else 1.0,
        }

    def known(self) -> dict[str, int]:
        """The counts, once the comparison has told them."""
        if self.counts is None:
            return {}
        names = ("created", "updated", "unchanged", "duplicates")
        return {name: getattr(self.counts, name) for name in names}


def clearing(empty: str, columns: Iterable[str]) -> frozenset[str]:
    """The columns whose empty cells clear: those that the file has, if that was asked for."""
    return frozenset(columns) if empty == ImportJob.Empty.CLEAR else frozenset()


def compare(table: str, *, clear: frozenset[str]) -> MergeCounts:
    """Find out what a merge would do now; `clear` names the columns whose empty cells clear.

    Leaves the lines that matter in the table `compared_table(table)`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEM])
        cursor.execute("SET LOCAL jit = off")
        compared = compared_table(table)
        cursor.execute(
            statement(SQL, "compare", table=table, compared=compared),
            {f"clear_{name}": name in clear for name in ("description", "price", "active")},
        )
        cursor.execute(statement(SQL, "compare_counts", table=table, compared=compared))
        staged, duplicates, created, updated = cursor.fetchone()
    return MergeCounts(
        staged=staged,
        duplicates=duplicates,
        created=created,
        updated=updated,
        unchanged=staged - duplicates - created - updated,
    )


def merge(
    table: str, *, actor_id: int | None, clear: frozenset[str], progress: MergeProgress
) -> MergeCounts:
    """Apply a staging table to the catalog and record the change set.

    Runs in the caller's transaction, under `catalog.locks.take_catalog`. A file that changes
    nothing leaves no change set.

    Raises:
        MergeBroken: somebody wrote products without the lock; the caller must roll back.
    """
    counts = compare(table, clear=clear)
    progress.counts = counts
    change_set = None
    if counts.created or counts.updated:
        change_set = ChangeSet.objects.create(
            source=ChangeSet.Source.IMPORT,
            actor_id=actor_id,
            created=counts.created,
            updated=counts.updated,
        )
        _write(table, change_set, counts)
    drop(compared_table(table))
    return replace(counts, change_set_id=change_set.pk if change_set else None)


def _write(table: str, change_set: ChangeSet, counts: MergeCounts) -> None:
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
