"""What an undo of a change set would do, product by product.

The value counts, not the log: a product whose values are as the change set left them is restored,
however often they went back and forth since; one that somebody changed is left alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

from catalog.models import ChangeSet
from core.sql import statement

SQL = Path(__file__).parent / "sql"

#: Why a product is left alone, in words.
REASONS: Final[dict[str, str]] = {
    "edited": "edited since",
    "deleted": "deleted since",
    "taken": "another product has its SKU now",
}
EXAMPLES = 20
# Comparing half a million products sorts in memory; PostgreSQL's default of 4 MB sorts on disk.
WORK_MEM = "256MB"


class UndoRefused(Exception):
    """The change set can't be undone; the text says why."""


@dataclass(frozen=True)
class Left:
    """A product that is left alone; `reason` is a key of REASONS."""

    id: int
    sku: str
    reason: str

    @property
    def words(self) -> str:
        return REASONS[self.reason]


@dataclass(frozen=True)
class UndoPlan:
    """Products that an undo brings back (`created`), gives their old values (`updated`), deletes.

    `unchanged` are as they were before already; `left` are the first of those left alone.
    """

    created: int
    updated: int
    deleted: int
    unchanged: int
    left_alone: int
    left: list[Left] = field(default_factory=list)

    @property
    def restored(self) -> int:
        return self.created + self.updated + self.deleted


def preview(change_set: ChangeSet) -> UndoPlan:
    """What an undo would do now; writes nothing, takes seconds for half a million products.

    Raises:
        UndoRefused: its values are no longer kept.
    """
    refuse_pruned(change_set)
    with _rolled_back():
        make_plan()
        return plan_undo(change_set)


def refuse_pruned(change_set: ChangeSet) -> None:
    """Raise UndoRefused if the values that an undo needs are no longer kept."""
    if change_set.pruned_at is not None:
        raise UndoRefused(
            f"Change set {change_set} is too old to undo: its values are no longer kept."
        )


def make_plan() -> None:
    """An empty plan, which goes with the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEM])
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(statement(SQL, "drop_plan"))
        cursor.execute(statement(SQL, "create_plan"))


def plan_undo(change_set: ChangeSet) -> UndoPlan:
    """Fill the plan of the caller's transaction with the undo of a change set."""
    parameters = {
        "change_set": change_set.pk,
        "first_id": change_set.first_created_id,
        "last_id": change_set.last_created_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "plan_undo"), parameters)
        known = cursor.rowcount
    total = change_set.created + change_set.updated + change_set.deleted
    # Products that it created and that are gone have no row in the plan: nothing is to be done.
    return describe_plan(unplanned=total - known)


def describe_plan(*, unplanned: int) -> UndoPlan:
    """Count a filled plan; `unplanned` products are as wanted already."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "count_plan"))
        created, updated, deleted, same, left_alone = cursor.fetchone()
        left: list[Any] = []
        if left_alone:
            cursor.execute(statement(SQL, "left_alone"), {"limit": EXAMPLES})
            left = cursor.fetchall()
    return UndoPlan(
        created=created,
        updated=updated,
        deleted=deleted,
        unchanged=same + unplanned,
        left_alone=left_alone,
        left=[Left(*row) for row in left],
    )


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
