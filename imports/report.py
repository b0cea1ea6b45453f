"""Rejected rows: grouped by cause, listed, and handed back as a CSV that can be imported again."""

import base64
import codecs
import csv
import io
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

SQL = Path(__file__).parent / "sql"
PAGE_ROWS = 2000


@dataclass(frozen=True)
class Cause:
    """Rows refused for one reason, with the first of them as an example."""

    code: str
    title: str
    count: int
    example_line: int
    example_value: str


def causes(job: ImportJob) -> list[Cause]:
    """The reasons for which a job's rows were refused, most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "rejected_causes"), {"job": job.pk})
        return [
            Cause(code, CAUSES.get(code, code), count, line, value)
            for code, count, line, value in cursor.fetchall()
        ]


def rejected_rows(job: ImportJob, *, cause: str = "") -> QuerySet[RejectedRow]:
    """A job's rejected rows in the file's order, perhaps of one cause only; without their bytes."""
    rows = RejectedRow.objects.filter(job=job).defer("raw").order_by("line")
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
    """Write the CSV of a job's rejected rows: the bytes of each as they came, then its reasons.

    Encoding, delimiter and byte order mark are those of the file.
    """
    detected = job.detected
    codec = detected.get("encoding", "utf-8")
    delimiter = detected.get("delimiter", ",")
    if detected.get("bom"):
        file.write(
            {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(
                codec, codecs.BOM_UTF8
            )
        )
    plain = "utf-8" if codec == "utf-8-sig" else codec
    width = len(detected.get("header", ()))
    header = base64.b64decode(detected.get("header_raw", ""))
    file.write(_with_cell(header, "error", delimiter, plain, missing=0))
    last = 0
    while rows := RejectedRow.objects.filter(job=job, line__gt=last).order_by("line")[:PAGE_ROWS]:
        for row in rows:
            reasons = " ".join(problem["message"] for problem in row.problems)
            missing = max(0, width - row.cells) if row.cells else 0
            file.write(_with_cell(bytes(row.raw), reasons, delimiter, plain, missing=missing))
            last = row.line
    file.seek(0)


def _with_cell(raw: bytes, text: str, delimiter: str, codec: str, *, missing: int) -> bytes:
    """A record's bytes with one more cell; `missing` cells before it keep the columns in place."""
    cell = io.StringIO(newline="")
    csv.writer(cell, delimiter=delimiter, lineterminator="\r\n").writerow([text])
    ends = ["\r".encode(codec), "\n".encode(codec)]
    while raw.endswith(tuple(ends)):
        raw = raw[: -len(ends[0])]
    return raw + (delimiter * (missing + 1) + cell.getvalue()).encode(codec, "replace")
