"""Rejected rows that come back in a file: known for what they are, whoever wrote it.

A file of rejected rows has a column `error`, and each of its cells says in plain ASCII, without a
delimiter, which line of which import it was: that survives a spreadsheet that saves it in another
encoding, with another delimiter or with other columns. The import's SHA-256 stands there in short,
so that another site's import of the same number is not taken for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from core.sql import statement
from imports.models import ImportJob, RejectedRow
from imports.options import Options
from imports.reading import Broken, Reader, read
from imports.storage import uploads

SQL: Final = Path(__file__).parents[1] / "sql"
#: The column's name.
ERROR: Final = "error"
#: An import in these states takes nothing.
WITHOUT_EFFECT: Final = (ImportJob.State.FAILED, ImportJob.State.CANCELLED)

_MARK = re.compile(r"'?\s*Line ([0-9]{1,15}) of import ([0-9]{1,15}) \(([0-9a-f]{8})\)")
#: A file with a column `error` that has no mark in so many rows is an ordinary one.
_ENOUGH: Final = 200
_CHUNK: Final = 10_000

Origin = tuple[int, str]


def mark(job: ImportJob, line: int) -> str:
    """What the cell `error` of a rejected row begins with."""
    return f"Line {line} of import {job.pk} ({job.sha256[:8]})"


def still_rejected(job: ImportJob) -> QuerySet[RejectedRow]:
    """A job's rejected rows that no other import has taken or is about to."""
    return RejectedRow.objects.filter(_open(), job=job)


def taker_of(row: RejectedRow) -> ImportJob | None:
    """The import that took a rejected row or is about to; None while the row is free."""
    taker = row.repaired_by
    return None if taker is None or taker.state in WITHOUT_EFFECT else taker


def claim(job: ImportJob, lines: Mapping[int, Sequence[int]]) -> int:
    """Note that an import takes rejected rows, {job: its lines}, where no other does; how many."""
    claimed = 0
    with transaction.atomic():
        # One at a time: a row that two take at once would be the second one's unseen.
        list(ImportJob.objects.select_for_update().filter(pk__in=lines).order_by("pk"))
        for pk, wanted in lines.items():
            for at in range(0, len(wanted), _CHUNK):
                rows = RejectedRow.objects.filter(job_id=pk, line__in=wanted[at : at + _CHUNK])
                claimed += rows.filter(_open() | Q(repaired_by=job)).update(repaired_by=job)
    return claimed


def take_up(job: ImportJob, table: str) -> dict[str, Any]:
    """Find out whether a file that has been read is one of rejected rows, and note which it takes.

    Called with the job's staging table when its rejected rows are written. Returns the fields of
    the job that change: what it `repairs`; products that it does not have stay, since it has but a
    part of what was handed in; and it waits for a review if products were changed since the rows
    were first handed in, unless nobody is to look.
    """
    found = _marks(job)
    origins = {
        pk: lines
        for (pk, digest), lines in found.items()
        if pk < job.pk and ImportJob.objects.filter(pk=pk, sha256__startswith=digest).exists()
    }
    with transaction.atomic():
        RejectedRow.objects.filter(repaired_by=job).update(repaired_by=None)
        claim(job, origins)
    if not origins:
        return {}
    original = ImportJob.objects.get(pk=max(origins))
    changes = {
        "repairs": job.repairs or original,
        "missing": ImportJob.Missing.KEEP,
        "missing_agreed": None,
    }
    if job.review == ImportJob.Review.RISKS and _overtaken(table, original):
        changes["review"] = ImportJob.Review.ALWAYS
    return changes


def _open() -> Q:
    return Q(repaired_by=None) | Q(repaired_by__state__in=WITHOUT_EFFECT)


def _marks(job: ImportJob) -> dict[Origin, list[int]]:
    """The lines of other imports that the accepted rows of a job's upload say they were."""
    header = job.detected.get("header", ())
    columns = [at for at, name in enumerate(header) if name.strip().casefold() == ERROR]
    if not columns:
        return {}
    rejected = set(RejectedRow.objects.filter(job=job).values_list("line", flat=True))
    with uploads().open(job.upload) as upload:
        return _marks_of(_reader(job, upload), columns, rejected)


def _marks_of(
    reader: Reader, columns: Sequence[int], rejected: set[int]
) -> dict[Origin, list[int]]:
    marks: dict[Origin, list[int]] = defaultdict(list)
    for number, line, record in reader:
        cells = record.cells if isinstance(record, Broken) else record
        for column in columns:
            found = _MARK.match(cells[column]) if column < len(cells) else None
            if found:
                lines = marks[int(found[2]), found[3]]
                if line not in rejected:
                    lines.append(int(found[1]))
        if not marks and number >= _ENOUGH:
            break
    return marks


def _reader(job: ImportJob, upload: Any) -> Reader:
    return read(upload, name=job.file_name, **Options.of(job).reading())


def _overtaken(table: str, original: ImportJob) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            statement(SQL, "staging_overtaken", table=table), {"since": original.accepted_at}
        )
        (found,) = cursor.fetchone()
    return bool(found)
