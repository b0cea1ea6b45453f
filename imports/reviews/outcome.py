"""What applying a review would do now: by what is decided and what has changed since."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Count, Max, Sum
from psycopg import sql

from catalog.locks import take_catalog
from catalog.models import ChangeSet, Product
from core.sql import statement
from imports.merge import SQL
from imports.models import Decision, ImportJob
from imports.staging import missing_table, review_table

_VERDICTS: Final = {"new": "create", "changed": "update", "unchanged": "unchanged"}
_RISKS: Final = ("price_moved", "emptied", "deactivates")


@dataclass(frozen=True)
class Outcome:
    """What applying a review would do now: rows, and products that the file does not have.

    `missing_left_out` and `missing_conflicts` are products, the other counts are of rows.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    left_out: int = 0
    conflicts: int = 0
    deactivated: int = 0
    deleted: int = 0
    missing_left_out: int = 0
    missing_conflicts: int = 0


def outcome(job: ImportJob) -> Outcome:
    """What applying the review of a job would do now, by its decisions and the catalog's state."""
    rows = _rows(job)
    counted = Outcome(
        created=rows["create"],
        updated=rows["update"],
        unchanged=rows["unchanged"],
        skipped=rows["skip"],
        left_out=rows["left_out"],
        conflicts=rows["conflict"],
    )
    if job.missing == ImportJob.Missing.KEEP:
        return counted
    products = _products(job)
    deletes = job.missing == ImportJob.Missing.DELETE
    return replace(
        counted,
        deleted=products["go"] if deletes else 0,
        deactivated=0 if deletes else products["go"],
        missing_left_out=products["left_out"],
        missing_conflicts=products["conflict"],
    )


def parameters(job: ImportJob) -> dict[str, Any]:
    """The parameters of the queries about what is decided and what has changed since."""
    version, _ = job.reviewed["version"]
    return {
        "job": job.pk,
        "classes": job.left_out_classes,
        "version": version,
        "newest": job.reviewed["newest"],
    }


def settled_version() -> dict[str, Any]:
    """The catalog's version, newest id and size at a moment in which nobody was writing.

    Whatever is written afterwards is then in the log behind that version, or has a higher id.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        take_catalog()
        cursor.execute(statement(SQL, "newest_product"))
        (newest,) = cursor.fetchone()
        return {
            "version": catalog_version(),
            "newest": newest or 0,
            "catalog": Product.objects.count(),
        }


def catalog_version() -> list[int]:
    """Something that is another one after every change of the catalog.

    The count sees a change set that was begun earlier and committed later than the last one.
    """
    found = ChangeSet.objects.aggregate(last=Max("pk"), count=Count("pk"))
    return [found["last"] or 0, found["count"]]


def has_moved(job: ImportJob) -> bool:
    """Whether the catalog has changed since the review was made."""
    return bool(job.reviewed.get("version") != catalog_version())


def catalog_size(job: ImportJob) -> int:
    """How many products there are now: those at the review, and what came and went since."""
    version, _ = job.reviewed["version"]
    since = ChangeSet.objects.filter(pk__gt=version)
    found = since.aggregate(came=Sum("created"), went=Sum("deleted"))
    return int(job.reviewed["catalog"] + (found["came"] or 0) - (found["went"] or 0))


def moved_rows(job: ImportJob) -> sql.Composed:
    """The query for the lines of a review whose products changed since, by `parameters`."""
    review = review_table(job.staging)
    if is_logged(job):
        return statement(SQL, "review_moved", review=review)
    verdicts = statement(SQL, "review_verdicts", review=review)
    return statement(SQL, "review_conflicting", verdicts=verdicts, key="line")


def moved_products(job: ImportJob) -> sql.Composed:
    """The query for the missing products of a review that changed since, by `parameters`."""
    missing = missing_table(job.staging)
    if is_logged(job):
        return statement(SQL, "review_missing_moved", missing=missing)
    verdicts = statement(SQL, "review_missing_verdicts", missing=missing)
    return statement(SQL, "review_conflicting", verdicts=verdicts, key="product_id")


def is_logged(job: ImportJob) -> bool:
    """Whether the log of all that changed since is there: the oldest of it is forgotten in time."""
    version, _ = job.reviewed["version"]
    return not ChangeSet.objects.filter(pk__gt=version, pruned_at__isnull=False).exists()


def _rows(job: ImportJob) -> Counter[str]:
    """How many rows have which verdict of `review_verdicts.sql`.

    By the counts of the review and those of the few rows that were decided by themselves, or whose
    product has changed: nothing here looks at all rows.
    """
    review, values = review_table(job.staging), parameters(job)
    counts: Counter[tuple[Any, ...]] = Counter()
    for *row, count in job.reviewed["classes"]:
        counts[row[0], _is_out(job, row, None)] += count
    for *row, include, count in _all(statement(SQL, "review_decided", review=review), values):
        counts[row[0], _is_out(job, row, None)] -= count
        counts[row[0], _is_out(job, row, include)] += count
    rows: Counter[str] = Counter()
    for (kind, out), count in counts.items():
        rows["left_out" if out else _VERDICTS.get(kind, "skip")] += count
    if has_moved(job):
        moved = statement(SQL, "review_moved_counts", review=review, moved=moved_rows(job))
        for *row, include, count in _all(moved, values):
            if not _is_out(job, row, include):
                rows[_VERDICTS.get(row[0], "skip")] -= count
                rows["conflict"] += count
    return rows


def _is_out(job: ImportJob, row: list[Any], include: bool | None) -> bool:
    """Whether rows of a kind with these risks are left out; `include` was decided about them."""
    kind, *risks = row
    if kind not in ("new", "changed"):
        return False
    if include is not None:
        return not include
    named = {kind, *(name for name, there in zip(_RISKS, risks, strict=True) if there)}
    return not named.isdisjoint(job.left_out_classes)


def _products(job: ImportJob) -> Counter[str]:
    """How many missing products have which verdict of `review_missing_verdicts.sql`."""
    decided = Decision.objects.filter(job=job, product_id__isnull=False)
    out = decided.filter(include=False).count()
    whole = "missing" in job.left_out_classes
    if whole:
        out = job.reviewed["missing"] - decided.filter(include=True).count()
    products = Counter(left_out=out, go=job.reviewed["missing"] - out)
    if has_moved(job):
        moved = statement(SQL, "review_missing_moved_counts", moved=moved_products(job))
        for include, count in _all(moved, parameters(job)):
            if include or (include is None and not whole):
                products["go"] -= count
                products["conflict"] += count
    return products


def _all(query: sql.Composed, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
