"""Products that a file does not have: found, counted, held back when they are many."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from core.sql import statement
from imports.merge import SQL
from imports.models import ImportJob, RejectedRow
from imports.staging import missing_table


def find_missing(
    table: str, *, wanted: str, job_pk: int | None = None, rejected: Sequence[str] = ()
) -> int:
    """Find the products that staging does not have, as far as `wanted` would change them.

    They stand in `missing_table(table)` then. A product whose row was refused is not missing: the
    SKUs of the job's rejected rows, and those given, count as had. Returns how many are missing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement(SQL, "find_missing", table=table, missing=missing_table(table)),
            {
                "job": job_pk,
                "rejected": list(rejected),
                "only_active": wanted == ImportJob.Missing.DEACTIVATE,
            },
        )
        return int(cursor.rowcount)


def unreadable_rows(job: ImportJob) -> int:
    """How many rejected rows may be of any product, since their SKUs could not be made out."""
    return RejectedRow.objects.filter(job=job, sku="").count() if job.rejected else 0


def is_many(count: int, catalog: int, *, percent: int) -> bool:
    """Whether so many of so many products are more than a person would let go unasked."""
    return count * 100 > catalog * percent
