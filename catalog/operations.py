"""Actions on many products and undo: one change set each, set-based, all or nothing.

A small one runs at once, in the request of the person who asked. A large one is a leased row, which
a worker claims, carries out and finishes in the transaction of the change itself: killed before the
commit, nothing has happened and the reaper gives it to the next worker.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import QuerySet, TextField, Value
from psycopg import errors, sql

from accounts.audit import record
from accounts.models import AuditEntry
from catalog.filters import filtered, settled
from catalog.locks import CatalogBusy, take_catalog
from catalog.models import BulkOperation, ChangeSet, Product
from catalog.signals import ProductsChanged, products_changed
from catalog.undoing import (
    SQL,
    UndoPlan,
    UndoRefused,
    describe_plan,
    make_plan,
    plan_undo,
    refuse_pruned,
)
from catalog.watching import headline
from core import progress
from core.leases import (
    Cancelled,
    ClockTimestamp,
    Heartbeat,
    Lease,
    LeaseLost,
    request_cancel,
    row_ended,
)
from core.logs import log_ids
from core.sql import statement
from core.wakeups import wake_worker

logger = logging.getLogger(__name__)

Kind = BulkOperation.Kind

#: An operation on at most so many products runs in the request itself.
AT_ONCE = 1000
#: Seconds that a request waits for an import; then the operation is left to a worker.
PATIENCE = 1.0
CHUNK = 20_000
DISK_FULL = (
    "The database has no room left. Nothing was changed; free some room, then start it again."
)

# Tells the rows done of all rows.
Watch = Callable[[int, int], None]

#: What the actions that are no deletion write.
VALUES: dict[BulkOperation.Kind, dict[str, Any]] = {
    Kind.ACTIVATE: {"active": True},
    Kind.DEACTIVATE: {"active": False},
}
SOURCES = {
    Kind.ACTIVATE: ChangeSet.Source.BULK,
    Kind.DEACTIVATE: ChangeSet.Source.BULK,
    Kind.DELETE: ChangeSet.Source.BULK,
    Kind.DELETE_ALL: ChangeSet.Source.DELETE_ALL,
    Kind.UNDO: ChangeSet.Source.UNDO,
}


class OperationBroken(Exception):
    """A statement did not do what the plan had announced: somebody wrote without the lock."""


def start(
    kind: BulkOperation.Kind,
    *,
    actor: AbstractBaseUser | None,
    ids: Sequence[int] | None = None,
    query: str = "",
) -> BulkOperation:
    """Activate, deactivate or delete the products of `ids`, or all that match `query`.

    Comes back completed when there were few, else queued for a worker.

    Raises:
        catalog.filters.InvalidFilter: the query has a value that is none.
    """
    operation = BulkOperation(
        kind=kind,
        created_by_id=actor.pk if actor else None,
        ids=None if ids is None else sorted(set(ids)),
        query=settled(query),
    )
    few = chosen(operation).order_by()[: AT_ONCE + 1].count() <= AT_ONCE
    return _carry_out_at_once(operation) if few else _queue(operation)


def start_undo(change_set: ChangeSet, *, actor: AbstractBaseUser | None) -> BulkOperation:
    """Undo a change set, as far as nobody changed its products since.

    Raises:
        UndoRefused: its values are no longer kept.
    """
    refuse_pruned(change_set)
    operation = BulkOperation(
        kind=Kind.UNDO, created_by_id=actor.pk if actor else None, undoes=change_set
    )
    few = change_set.created + change_set.updated + change_set.deleted <= AT_ONCE
    return _carry_out_at_once(operation) if few else _queue(operation)


def cancel(operation: BulkOperation, *, actor: AbstractBaseUser | None) -> bool:
    """Ask for an operation to be cancelled and keep who did; False if it had ended already."""
    with transaction.atomic():
        asked = request_cancel(operation)
        if asked:
            record(
                AuditEntry.Action.OPERATION_CANCELLED,
                actor=actor,
                target=headline(operation),
                operation=operation.pk,
            )
    return asked


def chosen(operation: BulkOperation) -> QuerySet[Product]:
    """The products that an operation was asked to work on, as they are now."""
    if operation.ids is not None:
        return Product.objects.filter(pk__in=operation.ids)
    return filtered(operation.query)


def _queue(operation: BulkOperation) -> BulkOperation:
    with transaction.atomic():
        operation.save()
        BulkOperation.objects.filter(pk=operation.pk).update(accepted_at=ClockTimestamp())
        transaction.on_commit(partial(wake_worker, BulkOperation))
    return operation


def _carry_out_at_once(operation: BulkOperation) -> BulkOperation:
    began = time.monotonic()
    try:
        with transaction.atomic():
            take_catalog(patience=PATIENCE)
            operation.state = BulkOperation.State.COMPLETED
            for name, value in _carry_out(operation, lambda done, total: None).items():
                setattr(operation, name, value)
            operation.seconds = time.monotonic() - began
            operation.save()
            BulkOperation.objects.filter(pk=operation.pk).update(
                accepted_at=ClockTimestamp(),
                started_at=ClockTimestamp(),
                finished_at=ClockTimestamp(),
            )
            row_ended.send(sender=BulkOperation, state=operation.state, row=operation)
    except CatalogBusy:
        return _queue(
            BulkOperation(
                kind=operation.kind,
                created_by_id=operation.created_by_id,
                ids=operation.ids,
                query=operation.query,
                undoes=operation.undoes,
            )
        )
    return operation


def run_operation(lease: Lease[BulkOperation]) -> None:
    """Carry one claimed operation to its end: completed, failed or cancelled.

    Raises whatever is not the operation's fault (a database that is gone, a bug): the lease then
    ends at once, and the reaper gives it to the next worker.
    """
    operation = lease.row
    with log_ids(request_id=operation.request_id, operation_id=operation.pk):
        logger.info("operation started: attempt=%d kind=%s", operation.attempt, operation.kind)
        try:
            publish = partial(progress.publish, operation.progress_key)
            with Heartbeat(lease, publish=publish) as beat:
                _run(lease, beat)
        except UndoRefused as refused:
            lease.fail("too_late", str(refused), progress={})
        except Cancelled:
            lease.cancel(progress={})
        except LeaseLost:
            logger.warning("the lease was lost: another worker has the operation")
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.DiskFull | errors.ConfigurationLimitExceeded):
                raise
            lease.fail("disk_full", DISK_FULL, progress={})
        finally:
            _let_go(lease)
        with log_ids(change_set_id=operation.change_set_id):
            logger.info("operation ended: state=%s", operation.state)


def _run(lease: Lease[BulkOperation], beat: Heartbeat[BulkOperation]) -> None:
    began = time.monotonic()
    beat.report(attempt=lease.row.attempt, step="waiting")

    def watch(done: int, total: int) -> None:
        beat.check()
        beat.report(step="writing", done=done, total=total, seconds=time.monotonic() - began)

    with transaction.atomic():
        take_catalog()
        beat.report(step="comparing")
        fields = _carry_out(lease.row, watch)
        beat.stop()
        lease.finish(
            BulkOperation.State.COMPLETED,
            seconds=time.monotonic() - began,
            progress={},
            **fields,
        )


def _carry_out(operation: BulkOperation, watch: Watch) -> dict[str, Any]:
    """Plan and write, under the writers' lock, in the caller's transaction; returns the counts."""
    make_plan()
    plan, total = _plan(operation)
    change_set = None
    if plan.restored:
        change_set = ChangeSet.objects.create(
            source=SOURCES[Kind(operation.kind)],
            actor_id=operation.created_by_id,
            created=plan.created,
            updated=plan.updated,
            deleted=plan.deleted,
            undoes_id=operation.undoes_id,
        )
        _write(operation, change_set, plan, watch)
        products_changed.send(
            sender=ChangeSet,
            change=ProductsChanged(
                change_set_id=change_set.pk,
                source=change_set.source,
                created=plan.created,
                updated=plan.updated,
                deleted=plan.deleted,
            ),
        )
    return {
        "total": total,
        "created": plan.created,
        "updated": plan.updated,
        "deleted": plan.deleted,
        "unchanged": plan.unchanged,
        "left_alone": plan.left_alone,
        "left": [asdict(each) for each in plan.left],
        "change_set": change_set,
    }


def _plan(operation: BulkOperation) -> tuple[UndoPlan, int]:
    """Fill the plan; returns its counts and how many products were asked for."""
    if operation.kind == Kind.UNDO:
        if operation.undoes_id is None:
            raise UndoRefused("The change set is gone.")
        # Read again: it may have been pruned while the operation waited.
        change_set = ChangeSet.objects.get(pk=operation.undoes_id)
        refuse_pruned(change_set)
        plan = plan_undo(change_set)
        return plan, change_set.created + change_set.updated + change_set.deleted
    products = chosen(operation).order_by()
    found = products.count()
    values = VALUES.get(Kind(operation.kind))
    if values is not None:
        products = products.exclude(**values)
    planned = _plan_products(products, kind="d" if values is None else "u")
    asked = found if operation.ids is None else len(operation.ids)
    # A product that is gone needs no deletion, and can't be switched any more.
    return describe_plan(unplanned=asked - planned), asked


def _plan_products(products: QuerySet[Product], *, kind: str) -> int:
    chosen_rows = products.annotate(plan_kind=Value(kind, output_field=TextField())).values_list(
        "pk", "plan_kind"
    )
    try:
        selection, parameters = chosen_rows.query.sql_with_params()
    except EmptyResultSet:  # an empty list of ids
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "plan_products", selection=sql.SQL(selection)), parameters)
        planned: int = cursor.rowcount
    return planned


def _write(operation: BulkOperation, change_set: ChangeSet, plan: UndoPlan, watch: Watch) -> None:
    """Carry out the plan in chunks, so that it can tell how far it is and see a cancel."""
    values = VALUES.get(Kind(operation.kind))
    parameters = {
        "change_set": change_set.pk,
        "undoes": operation.undoes_id,
        "target": None if values is None else json.dumps(values),
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bulk_plan")
    done = 0
    # Deletions come first: their SKUs are free for those that come back.
    for kind, names, announced in (
        ("d", ["delete_planned"], plan.deleted),
        ("u", ["log_planned_updates", "update_planned"], plan.updated),
        ("c", ["create_planned"], plan.created),
    ):
        after, left = 0, announced
        while left > 0:
            watch(done, plan.restored)
            upto, count = _chunk(kind, after)
            for name in names:
                _apply(name, expected=count, after=after, upto=upto, **parameters)
            after, left, done = upto, left - count, done + count


def _chunk(kind: str, after: int) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "next_chunk"), {"kind": kind, "after": after, "size": CHUNK})
        upto, count = cursor.fetchone()
    return upto, count


def _apply(name: str, *, expected: int, **parameters: Any) -> None:
    """Run one of the writing statements.

    Raises:
        OperationBroken: it wrote another number of rows than planned; the caller must roll back.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, name), parameters)
        if cursor.rowcount != expected:
            raise OperationBroken(f"{name} wrote {cursor.rowcount} rows, {expected} were planned")


def _let_go(lease: Lease[BulkOperation]) -> None:
    """A lease that is still held, because something broke, ends at once."""
    connection.close_if_unusable_or_obsolete()
    try:
        lease.expire()
    except DatabaseError as error:
        logger.warning("left for the reaper: %s", error)
