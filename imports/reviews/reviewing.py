"""An import that waits for a person: what it would do, what was decided, and how it goes on.

The review is a snapshot: each row of it names the version of its product that it was compared with.
Whoever changes such a product afterwards makes a conflict, which is left as it is unless the person
who applies the review says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.template.defaultfilters import pluralize
from psycopg import sql

from catalog.models import Product
from core.leases import ClockTimestamp, Heartbeat, Lease, asking_request
from core.sql import statement
from core.wakeups import wake_worker
from imports.merge import SQL, MergeCounts, Rules, compare, count
from imports.missing import find_missing, is_many, unreadable_rows
from imports.models import Decision, ImportJob
from imports.options import Options
from imports.reviews.outcome import catalog_size, outcome, parameters, settled_version
from imports.reviews.risks import risks
from imports.reviews.tables import make
from imports.staging import compared_table, judged_table, missing_table, review_table

#: What can be left out whole.
CLASSES: Final = ("new", "changed", "missing", "price_moved", "emptied", "deactivates")


class ReviewRefused(Exception):
    """It can't be decided or applied; `code` is wrong_state, confirm or gone."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Waits(Exception):
    """A person has to look at what an import would do before it is applied."""


def rules_of(job: ImportJob) -> Rules:
    """What the rows of a job may do, by its options and the columns that its file has."""
    return Rules.of(Options.of(job), [each["field"] for each in job.detected["columns"]])


def compare_unseen(job: ImportJob, table: str) -> tuple[MergeCounts, str]:
    """Compare staging with the catalog, unless a person has to look first.

    Runs under the writers' lock. Returns the counts and the name of the table of missing products
    that are to go, "" for none.

    Raises:
        Waits: the job asks for a review, or there are risks; the caller must roll back.
    """
    if job.review == ImportJob.Review.ALWAYS or job.applied_at is not None:
        raise Waits
    counts = compare(table, rules_of(job))
    missing = unreadable = 0
    if job.missing != ImportJob.Missing.KEEP:
        missing = find_missing(table, wanted=job.missing, job_pk=job.pk)
        unreadable = unreadable_rows(job)
    found = {
        "missing": missing,
        "unreadable": unreadable,
        "catalog": Product.objects.count() if missing or counts.deactivates else 0,
        "price_moved": counts.price_moved,
        "emptied": counts.emptied,
        "deactivates": counts.deactivates,
    }
    codes = {risk["code"] for risk in risks(job, found)}
    brake = "missing" in codes and job.missing_agreed != missing
    if brake or "unreadable_sku" in codes:
        raise Waits
    if job.review == ImportJob.Review.RISKS and codes - {"missing"}:
        raise Waits
    return replace(counts, missing=missing), missing_table(table) if missing else ""


def hold(lease: Lease[ImportJob], table: str, beat: Heartbeat[ImportJob]) -> None:
    """Make a review of staging and leave the job to wait for a person, without a lease.

    Raises:
        Cancelled: somebody asked for it in the meantime.
        LeaseLost: the row is somebody else's by now.
    """
    job = lease.row
    rules = rules_of(job)
    beat.report(phase=ImportJob.State.REVIEW)
    drop(table)
    # Before anything is read: what changes in between has then changed since.
    settled = settled_version()
    with transaction.atomic():
        reviewed = settled | make(job, table, rules)
        reviewed["risks"] = _risks_of(job, reviewed)
        beat.stop()
        waits = (
            lease.held()
            .filter(cancel_requested=False)
            .update(
                state=ImportJob.State.REVIEW,
                staging=table,
                reviewed=reviewed,
                waits_since=ClockTimestamp(),
                applied_at=None,
                lease_token=None,
                leased_until=None,
                progress={},
                phases=job.phases,
            )
        )
        if not waits:
            lease.check()
    job.refresh_from_db()


def _risks_of(job: ImportJob, found: Mapping[str, int]) -> list[dict[str, Any]]:
    """The risks of a review; that it was made anew comes first of all."""
    rebuilt = {
        "code": "rebuilt",
        "count": 1,
        "message": "The database was restarted, so the file was compared anew. Look once more.",
    }
    return [*([rebuilt] if job.applied_at is not None else []), *risks(job, found)]


def stands(job: ImportJob) -> bool:
    """Whether the review of a job still has all that it was made of."""
    if not job.staging:
        return False
    table, found = job.staging, job.reviewed
    rows = {
        table: job.staged,
        review_table(table): sum(count for *_, count in found["classes"]),
    }
    if job.missing != ImportJob.Missing.KEEP:
        rows[missing_table(table)] = found["missing"]
    return all(_has_rows(name) is bool(count) for name, count in rows.items())


def _has_rows(table: str) -> bool | None:
    """Whether there is anything in a table; None if there is no such table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone() == (None,):
            return None
        cursor.execute(statement(SQL, "has_rows", table=table))
        return bool(cursor.fetchone()[0])


def drop(table: str) -> None:
    """Remove what a review made beside a staging table."""
    with connection.cursor() as cursor:
        for name in (review_table(table), missing_table(table), judged_table(table)):
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


# --- decisions ---------------------------------------------------------------------------------


def decide(
    job: ImportJob, *, lines: Iterable[int] = (), products: Iterable[int] = (), include: bool
) -> int:
    """Leave rows (by line) and missing products out, or take them in; how many there were.

    Raises:
        ReviewRefused: wrong_state, gone.
    """
    decided = 0
    with transaction.atomic():
        job = _waiting(job)
        for name, chosen, tables in (
            ("lines", lines, {"review": review_table(job.staging)}),
            ("products", products, {"missing": missing_table(job.staging)}),
        ):
            numbers = list(chosen)
            # Without missing products there is no table of them.
            if numbers and (name == "lines" or job.missing != ImportJob.Missing.KEEP):
                with connection.cursor() as cursor:
                    cursor.execute(
                        statement(SQL, f"decide_{name}", **tables),
                        {"job": job.pk, name: numbers, "include": include},
                    )
                    decided += cursor.rowcount
    return decided


def decide_class(job: ImportJob, name: str, *, include: bool) -> None:
    """Leave a whole class of CLASSES out, or take it in; single decisions in it are forgotten.

    Raises:
        ReviewRefused: wrong_state, gone.
    """
    with transaction.atomic():
        job = _waiting(job)
        if name == "missing":
            Decision.objects.filter(job=job, product_id__isnull=False).delete()
        else:
            with connection.cursor() as cursor:
                cursor.execute(
                    statement(SQL, "forget_decisions", review=review_table(job.staging)),
                    {"job": job.pk, "class": name},
                )
        others = [each for each in job.left_out_classes if each != name]
        job.left_out_classes = others if include else [*others, name]
        job.save(update_fields=["left_out_classes"])


def _waiting(job: ImportJob) -> ImportJob:
    """The job, locked, if it still waits for its review."""
    waiting = ImportJob.objects.select_for_update().filter(pk=job.pk).first()
    if waiting is None or waiting.state != ImportJob.State.REVIEW:
        raise ReviewRefused("wrong_state", "The import does not wait for a review any more.")
    if not stands(waiting):
        raise ReviewRefused(
            "gone",
            "The database was restarted, and what the review showed is gone. Read the file again.",
        )
    return waiting


def review_anew(job: ImportJob) -> None:
    """Have the file of a review that is gone read and compared once more; its decisions stay.

    Raises:
        ReviewRefused: wrong_state.
    """
    with transaction.atomic():
        queued = ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.REVIEW).update(
            state=ImportJob.State.QUEUED,
            # As if it had been applied: without its tables it is then held once more.
            applied_at=ClockTimestamp(),
            applied_by=None,
            staging="",
            attempt=0,
            request_id=asking_request(),
            progress={},
        )
        if not queued:
            raise ReviewRefused("wrong_state", "The import does not wait for a review any more.")
        transaction.on_commit(partial(wake_worker, ImportJob))


def apply_review(
    job: ImportJob,
    *,
    user: AbstractBaseUser | None,
    missing_agreed: int | None = None,
    on_conflict: str = ImportJob.Conflict.LEAVE,
) -> None:
    """Let the import go on as it was decided.

    Raises:
        ReviewRefused: wrong_state; gone; confirm, when many products of the catalog would go and
            `missing_agreed` is not their number.
    """
    with transaction.atomic():
        job = _waiting(job)
        does = outcome(job)
        going = does.deactivated + does.deleted
        if (
            going
            and is_many(going, catalog_size(job), percent=settings.RISK_CATALOG_PERCENT)
            and missing_agreed != going
        ):
            goes = "deleted" if does.deleted else "deactivated"
            raise ReviewRefused(
                "confirm",
                f"{going:,} product{pluralize(going)} would be {goes}, more than"
                f" {settings.RISK_CATALOG_PERCENT} % of the catalog. Give that number to say that"
                " it is meant.",
            )
        ImportJob.objects.filter(pk=job.pk).update(
            state=ImportJob.State.QUEUED,
            applied_at=ClockTimestamp(),
            applied_by=user.pk if user else None,
            missing_agreed=missing_agreed,
            on_conflict=on_conflict,
            attempt=0,
            request_id=asking_request(),
            progress={},
        )
        transaction.on_commit(partial(wake_worker, ImportJob))


# --- applied -----------------------------------------------------------------------------------


def compare_decided(job: ImportJob, table: str) -> tuple[MergeCounts, str]:
    """Compare staging with the catalog once more and take out what the review stops.

    Runs under the writers' lock. Returns the counts and the name of the table of missing products
    that are to go, "" for none.
    """
    rules = rules_of(job)
    compare(table, rules)
    overwrites = job.on_conflict == ImportJob.Conflict.OVERWRITE
    stopping = ["left_out"] if overwrites else ["left_out", "conflict"]
    judged = judged_table(table)
    with connection.cursor() as cursor:
        cursor.execute(
            statement(
                SQL,
                "keep_verdicts",
                judged=judged,
                verdicts=statement(SQL, "review_verdicts", review=review_table(table)),
            ),
            {**parameters(job), "stopping": stopping},
        )
        verdicts = sql.SQL("SELECT verdict FROM {}").format(sql.Identifier(judged))
        cursor.execute(statement(SQL, "count_verdicts", verdicts=verdicts))
        stopped: dict[str, int] = dict(cursor.fetchall())
        cursor.execute(statement(SQL, "leave_out", compared=compared_table(table), judged=judged))
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(judged)))
    counts = count(table, rules)
    left_out, conflicts = stopped.get("left_out", 0), stopped.get("conflict", 0)
    counts = replace(
        counts,
        left_out=left_out,
        conflicts=conflicts,
        unchanged=counts.unchanged - left_out - conflicts,
    )
    missing = _missing_decided(job, table, overwrites=overwrites)
    return replace(counts, missing=missing), judged if missing else ""


def _missing_decided(job: ImportJob, table: str, *, overwrites: bool) -> int:
    if job.missing == ImportJob.Missing.KEEP:
        return 0
    stopped = judged_table(table)
    going: list[Any] = ["go", "conflict"] if overwrites else ["go"]
    with connection.cursor() as cursor:
        cursor.execute(
            statement(
                SQL,
                "missing_decided",
                decided=stopped,
                verdicts=statement(SQL, "review_missing_verdicts", missing=missing_table(table)),
            ),
            {**parameters(job), "going": going},
        )
        return int(cursor.rowcount)
