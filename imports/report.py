"""Rejected rows: grouped by cause, listed, and handed back as a CSV that can be imported again."""

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from django.db import connection
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from catalog.rules import CAUSES
from core.sql import statement
from core.streams import file_stream
from imports.models import ImportJob, RejectedRow
from imports.records import Writing
from imports.repairs.repairing import remedy_of
from imports.repairs.returning import ERROR, mark, still_rejected

SQL = Path(__file__).parent / "sql"
PAGE_ROWS = 2000


@dataclass(frozen=True)
class Cause:
    """Rows refused for one reason, with the first of them as an example.

    `remedy` says in words what would mend them all, "" when nothing does for sure.
    """

    code: str
    title: str
    count: int
    example_line: int
    example_value: str
    remedy: str = ""


def causes(job: ImportJob) -> list[Cause]:
    """The reasons for which a job's rows were refused, most frequent first.

    Rows that another import has taken don't count any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "rejected_causes"), {"job": job.pk})
        found = cursor.fetchall()
    return [
        Cause(code, CAUSES.get(code, code), count, line, value, _remedy(job, code, count))
        for code, count, line, value in found
    ]


def rejected_rows(job: ImportJob, *, cause: str = "") -> QuerySet[RejectedRow]:
    """A job's rejected rows in the file's order, perhaps of one cause only; without their bytes."""
    rows = RejectedRow.objects.filter(job=job).order_by("line")
    rows = rows.select_related("repaired_by").defer("raw")
    return rows.filter(problems__contains=[{"code": cause}]) if cause else rows


def rejected_csv(job: ImportJob) -> StreamingHttpResponse:
    """The rejected rows as they stood in the file, with a column `error` behind them.

    Written to a temporary file first: a cursor that feeds a slow reader holds a transaction open
    for as long as the reader likes.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115
    write_rejected(job, file)
    name = f"{PurePosixPath(job.file_name).stem}-rejected.csv"
    # Named, since a client that is told nothing reads text as Latin-1.
    charset = job.detected.get("encoding", "utf-8").removesuffix("-sig")
    return file_stream(file, file_name=name, content_type=f"text/csv; charset={charset}")


def write_rejected(job: ImportJob, file: IO[bytes]) -> None:
    """Write the CSV of the rows that are still rejected: the bytes of each as they came, and why.

    Encoding, delimiter, quotes and byte order mark are those of the file. The reasons begin with
    the import's number and the line's, by which the file is known when it comes back.
    """
    writing = Writing.of(job.detected)
    width = len(writing.header)
    file.write(writing.bom)
    file.write(writing.with_cell(writing.header_raw, ERROR))
    last = 0
    while rows := still_rejected(job).filter(line__gt=last).order_by("line")[:PAGE_ROWS]:
        for row in rows:
            reasons = " ".join(problem["message"] for problem in row.problems)
            missing = max(0, width - row.cells) if row.cells else 0
            text = f"{mark(job, row.line)}: {reasons}"
            file.write(writing.with_cell(bytes(row.raw), text, missing=missing))
            last = row.line
    file.seek(0)


def _remedy(job: ImportJob, code: str, count: int) -> str:
    remedy = remedy_of(job, code)
    return remedy.label(count) if remedy else ""
