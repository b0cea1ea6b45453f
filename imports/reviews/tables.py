"""The tables of a review: what a merge would do, row by row, for people to look at."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import connection
from psycopg import sql

from core.sql import statement
from imports.merge import SQL, Rules, widen
from imports.missing import find_missing, unreadable_rows
from imports.models import ImportJob
from imports.staging import missing_table, review_table

_FIELDS: Final = ("name", "description", "price", "active")


def make(job: ImportJob, table: str, rules: Rules) -> dict[str, Any]:
    """Make the tables of a job's review from its staging table; return what they hold, as JSON."""
    review = review_table(table)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        widen(cursor)
        cursor.execute(
            statement(SQL, "review_rows", table=table, review=review),
            {
                **rules.clearing,
                "creates": rules.creates,
                "updates": rules.updates,
                "price_percent": settings.RISK_PRICE_PERCENT,
            },
        )
        rows = cursor.rowcount
        _order(cursor, review)
        cursor.execute(statement(SQL, "review_counts", review=review))
        names = ("new", "changed", "unchanged", "skipped", "price_moved", "emptied", "deactivates")
        counted = cursor.fetchone()
        fields = dict(zip(_FIELDS, counted[len(names) :], strict=True))
        _order_fields(cursor, review, fields, changed=counted[1])
    found: dict[str, Any] = dict(zip(names, counted, strict=False))
    missing = 0
    if job.missing != ImportJob.Missing.KEEP:
        missing = find_missing(table, wanted=job.missing, job_pk=job.pk)
        _key(missing_table(table))
    found |= {
        "classes": _classes(review),
        "furthest": _furthest(review) if found["price_moved"] else None,
        "fields": fields,
        "missing": missing,
        "duplicates": job.staged - rows,
        "rejected": job.rejected,
        "unreadable": unreadable_rows(job) if missing else 0,
    }
    return found


def _order(cursor: Any, review: str) -> None:
    """Make the indexes by which the rows of a review are found, and the figures to plan by."""
    name = sql.Identifier(review)
    cursor.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (line)").format(name))
    for part in ("order", "order_product", "order_key"):
        index = statement(SQL, f"review_{part}", review=review, order=f"{review}_{part}")
        cursor.execute(index)
    cursor.execute(sql.SQL("ANALYZE {}").format(name))


def _order_fields(cursor: Any, review: str, fields: dict[str, int], *, changed: int) -> None:
    """Have the rows found that change a field which few of the others do."""
    for field, count in fields.items():
        if 0 < count * 20 < changed:
            names = {"field": field, "old": f"old_{field}", "order": f"{review}_{field}"}
            cursor.execute(statement(SQL, "review_order_field", review=review, **names))


def _key(missing: str) -> None:
    """Have single missing products found without a look at all."""
    with connection.cursor() as cursor:
        key = sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (product_id)")
        cursor.execute(key.format(sql.Identifier(missing)))


def _classes(review: str) -> list[list[Any]]:
    """How many rows there are of each kind with each of the risks."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "review_classes", review=review))
        return [list(each) for each in cursor.fetchall()]


def _furthest(review: str) -> list[str]:
    """The price that moves the furthest, before and after."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "review_furthest", review=review))
        return [str(price) for price in cursor.fetchone()]
