"""The file of a repair: rejected rows with cells mended, checked as an import checks them.

Plain UTF-8 CSV, whatever the first file was, so that nothing about it has to be found out; the
column `error` says which row each was.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Final

from django.core.files.base import File
from django.db import connection, transaction

from accounts.models import User
from catalog.rules import Problem
from core.leases import ClockTimestamp, Lease, request_cancel
from core.sql import statement
from core.wakeups import wake_worker
from imports.checking import checker
from imports.models import ImportJob, RejectedRow
from imports.options import Options
from imports.reading import read
from imports.records import Writing
from imports.repairs.returning import ERROR, claim, mark
from imports.storage import uploads
from imports.uploads import accept_upload, check_room, count_upload, says_no_room

SQL: Final = Path(__file__).parents[1] / "sql"
ENCODING: Final = "utf-8"
DELIMITER: Final = ","
BUSY: Final = "Somebody repairs some of these rows just now. Look again."


class RepairRefused(Exception):
    """The rows can't be imported; the text says why."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What an import would say to a row: its SKU, or its problems."""

    row: int
    sku: str
    problems: Sequence[Problem]


class RepairFile:
    """Rows of one job on their way into another import.

    `rows` are their ids and `lines` where they stood, in the file's order.

    Text that is none (half characters, bytes of another encoding) goes in as broken bytes, so
    that the check refuses it.
    """

    def __init__(self, job: ImportJob) -> None:
        self.rows: list[int] = []
        self.lines: list[int] = []
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._job = job
        self._writing = Writing.of(job.detected)
        self._write([*self._writing.header, ERROR])

    def __enter__(self) -> RepairFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()

    def add(self, row: RejectedRow, cells: Sequence[str]) -> None:
        """Put a row with these cells in, as many as the header has."""
        self.rows.append(row.pk)
        self.lines.append(row.line)
        self._write([*cells, mark(self._job, row.line)])

    def check(self) -> Iterator[Checked]:
        """Each row as an import of the file will judge it.

        Raises:
            Unreadable: a row is too long.
        """
        self.file.seek(0)
        reader = read(self.file, **self.options(review=ImportJob.Review.NEVER).reading())
        check = checker(reader.format)
        for number, _, cells in reader:
            clean = check(cells)
            if isinstance(clean, tuple):
                yield Checked(self.rows[number - 1], clean[0], ())
            else:
                yield Checked(self.rows[number - 1], "", clean)

    def keep(self, rows: set[int]) -> None:
        """Leave all rows out but these."""
        if len(rows) == len(self.rows):
            return
        whole, old = self.file, zip(self.rows, self.lines, strict=True)
        whole.seek(0)
        self.file, self.rows, self.lines = tempfile.TemporaryFile(), [], []  # noqa: SIM115
        with whole:
            text = io.TextIOWrapper(whole, ENCODING, errors="surrogateescape", newline="")
            records = csv.reader(text)
            self._write(next(records))
            for (row, line), cells in zip(old, records, strict=True):
                if row in rows:
                    self.rows.append(row)
                    self.lines.append(line)
                    self._write(cells)

    def options(self, *, review: str) -> Options:
        """The options of its import: those of the job, read as it is written.

        Products that are not in it stay: it has but a few of the file's rows.
        """
        return replace(
            Options.of(self._job),
            encoding=ENCODING,
            delimiter=DELIMITER,
            header_line=1,
            decimal=self._writing.decimal,
            columns=(*self._writing.fields, ""),
            missing=ImportJob.Missing.KEEP,
            missing_agreed=None,
            review=review,
        )

    def _write(self, cells: Sequence[str]) -> None:
        line = io.StringIO(newline="")
        csv.writer(line).writerow(cells)
        self.file.write(line.getvalue().encode(ENCODING, "surrogatepass"))


def cells_of(row: RejectedRow, writing: Writing) -> list[str] | None:
    """A rejected row's cells, as many as the header has; None when that is in doubt."""
    if not row.cells:
        return None
    cells = writing.cells(bytes(row.raw))
    width = len(writing.header)
    if len(cells) != row.cells or len(cells) < width or "".join(cells[width:]).strip():
        return None
    return cells[:width]


def faults_left(
    row: RejectedRow,
    old: Sequence[str],
    new: Sequence[str],
    writing: Writing,
    *,
    used: Sequence[str] = (),
) -> list[dict[str, str]]:
    """A row's problems for which nothing was changed, but those whose remedy was used.

    In a file of fewer rows a figure of two readings might be taken for sure.
    """
    left = []
    for problem in row.problems:
        at = writing.index_of(problem["column"])
        same = list(old) == list(new) if at is None else old[at] == new[at]
        if same and problem["code"] not in used:
            left.append(problem)
    return left


def check_completed(job: ImportJob) -> None:
    """Raise RepairRefused unless the job's good rows are in the catalog."""
    if job.state != ImportJob.State.COMPLETED:
        raise RepairRefused("Only rows of an import that is completed can be repaired.")


def overtaken(job: ImportJob, skus: Sequence[str]) -> int:
    """How many of these products were changed since a job's file was handed in."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"skus": list(skus), "since": job.accepted_at}
        cursor.execute(statement(SQL, "skus_overtaken"), values)
        (count,) = cursor.fetchone()
    return int(count)


def hand_in(job: ImportJob, mended: RepairFile, skus: Sequence[str], *, user: User) -> ImportJob:
    """Take the file in and the rows with it: both, or neither.

    A product that was changed since the rows were handed in is not overwritten unseen.
    """
    count_upload(user)
    repairing = accept_upload(
        File(mended.file),
        file_name=_file_name(job),
        user=user,
        options=mended.options(review=_review(job, skus)),
        repairs=job,
    )
    try:
        _claim(repairing, job, mended)
    except RepairRefused:
        request_cancel(repairing)
        raise
    return repairing


def hand_in_later(
    job: ImportJob, mended: RepairFile, *, remedy: dict[str, Any], user: User
) -> ImportJob:
    """Queue an import of rows that its worker is to mend; one at a time for those of a job.

    Raises:
        RepairRefused: another one has not come to its rows yet.
        UploadRefused: too often.
    """
    count_upload(user)
    with transaction.atomic():
        ImportJob.objects.select_for_update().get(pk=job.pk)
        waiting = (ImportJob.State.QUEUED, *ImportJob.RUNNING)
        others = ImportJob.objects.filter(repairs=job, upload="", state__in=waiting)
        if others.exists():
            raise RepairRefused(BUSY)
        made = ImportJob.objects.create(
            file_name=_file_name(job),
            created_by_id=user.pk,
            repairs=job,
            remedy=remedy,
            state=ImportJob.State.QUEUED,
            **mended.options(review=job.review).as_json(),
        )
        ImportJob.objects.filter(pk=made.pk).update(accepted_at=ClockTimestamp())
        transaction.on_commit(partial(wake_worker, ImportJob))
    return made


def keep_upload(
    lease: Lease[ImportJob], job: ImportJob, mended: RepairFile, skus: Sequence[str]
) -> None:
    """Make the file the upload of a lease's import, and its rows taken: both, or neither.

    Raises:
        RepairRefused: somebody else repairs one of the rows now.
        UploadRefused: there is no room.
        LeaseLost: the import is another worker's by now.
    """
    content = File(mended.file)
    check_room(content.size, lease.row.created_by)
    content.seek(0)
    sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    name = f"imports/{lease.row.pk}-{uuid.uuid4().hex}"
    try:
        with says_no_room():
            stored = uploads().save(name, content)
        with transaction.atomic():
            lease.update(
                upload=stored,
                size=content.size,
                sha256=sha256,
                review=_review(job, skus),
            )
            _claim(lease.row, job, mended)
    except BaseException:
        uploads().delete(name)
        raise


def _claim(repairing: ImportJob, job: ImportJob, mended: RepairFile) -> None:
    if claim(repairing, {job.pk: mended.lines}) != len(mended.rows):
        raise RepairRefused(BUSY)


def _file_name(job: ImportJob) -> str:
    return f"{PurePosixPath(job.file_name).stem[:200]}-repair.csv"


def _review(job: ImportJob, skus: Sequence[str]) -> str:
    return ImportJob.Review.ALWAYS if overtaken(job, skus) else job.review
