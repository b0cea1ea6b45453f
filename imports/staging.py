"""Clean rows → COPY → a staging table; refused rows → RejectedRow.

Each attempt has an UNLOGGED table of its own, named by the job and the lease, so that a worker that
was thought dead can't mix its rows into those of the next.
"""

import gc
import itertools
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from django.db import connection, transaction
from psycopg import sql

from catalog.rules import Problem
from core.leases import Lease
from core.sql import statement
from imports.checking import Check, batch_checker, checker, known_sku
from imports.models import ImportJob, RejectedRow
from imports.reading import Batch, Broken, Reader, Record

SQL = Path(__file__).parent / "sql"
STAGING_PREFIX = "imports_staging_"

# One COPY at a time: refused rows wait in memory while it runs, so it ends before they are many.
COPY_ROWS = 100_000
REJECTED_ROWS = 5_000
REJECTED_BYTES = 8 * 1024**2
# Figures and cancels are looked at this often, some 100 times a second.
LOOK_ROWS = 4096


class Watch(Protocol):
    """Who is told how far the reading is, and raises when it should stop."""

    def __call__(self, *, read: int, rejected: int, bytes_read: int) -> None: ...


def staging_table(job_pk: int, token: uuid.UUID) -> str:
    """The name of one attempt's table."""
    return f"{STAGING_PREFIX}{job_pk}_{token.hex[:12]}"


def counter(table: str) -> str:
    """The name of a staging table's row counter."""
    return f"{table}_n"


def compared_table(table: str) -> str:
    """The name of the table that a merge makes of a staging table."""
    return f"{table}_c"


def review_table(table: str) -> str:
    """The name of the table in which a review shows what a staging table would do."""
    return f"{table}_r"


def missing_table(table: str) -> str:
    """The name of the table of products that a staging table does not have."""
    return f"{table}_m"


def judged_table(table: str) -> str:
    """The name of the table of what a review's decisions stop, or let go, while it is applied."""
    return f"{table}_j"


def create(table: str) -> None:
    """Make an empty staging table and its counter."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "create_staging", table=table))
        cursor.execute(statement(SQL, "create_counter", table=table, counter=counter(table)))


def drop(table: str) -> None:
    """Remove a staging table, if it is there."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table)))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hold back the cycle collector: it walks the lists of a batch again and again, which takes a
    quarter of the time, and there are no cycles among them to find."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Stager:
    """Copies a reader's clean rows into a staging table and its refused rows beside them.

    After `run`: `read`, `staged` and `rejected` are the exact counts of rows, `read = staged +
    rejected`. One bad row never stops the rest; memory stays flat, since refused rows are written
    out before they are many.
    """

    def __init__(
        self,
        table: str,
        *,
        lease: Lease[ImportJob] | None = None,
        copied: Callable[[], None] | None = None,
    ) -> None:
        """`copied` is called whenever some 100,000 more rows can be seen in staging."""
        self.table = table
        self._lease = lease
        self._copied = copied
        self.read = self.staged = self.rejected = 0
        self.examples: list[dict[str, Any]] = []
        #: Of refused rows, as far as they could be made out; kept when no rows are written.
        self.rejected_skus: list[str] = []
        self._waiting: list[tuple[Any, ...]] = []
        self._waiting_bytes = 0

    def run(self, reader: Reader, watch: Watch) -> None:
        """Read everything.

        Raises:
            Unreadable: the file has to be refused as a whole.
        """
        parts = self._parts(reader)
        copy_sql = statement(SQL, "copy_staging", table=self.table)
        more = True
        with _without_collector(), connection.cursor() as cursor:
            while more:
                # For this transaction only, so that it works behind PgBouncer too.
                with transaction.atomic():
                    cursor.execute("SET LOCAL statement_timeout = 0")
                    with connection.wrap_database_errors, cursor.copy(copy_sql) as copy:
                        more = self._copy(copy.write_row, parts, reader, watch)
                    self._write_rejected(cursor)
                if self._copied is not None:
                    self._copied()

    def _copy(
        self,
        write: Callable[[Sequence[Any]], None],
        parts: Iterator[Iterable[tuple[Any, ...]]],
        reader: Reader,
        watch: Watch,
    ) -> bool:
        """One COPY; False when the file is at its end."""
        pause = reader.rows + COPY_ROWS
        for part in parts:
            for row in part:
                write(row)
            self.read = reader.rows
            self.staged = self.read - self.rejected
            watch(read=self.read, rejected=self.rejected, bytes_read=reader.bytes_read)
            if (
                self.read >= pause
                or self._waiting_bytes > REJECTED_BYTES
                or len(self._waiting) > REJECTED_ROWS
            ):
                return True
        return False

    def _parts(self, reader: Reader) -> Iterator[Iterable[tuple[Any, ...]]]:
        """Clean rows as COPY takes them, some thousands at a time; refused ones are set aside."""
        found = reader.format
        check = checker(found, reader.note)
        check_all = batch_checker(found)
        for part in reader.batches():
            if isinstance(part, Batch):
                columns = check_all(part.records)
                if columns is not None:
                    yield zip(itertools.count(part.line), *columns, strict=False)
                    continue
                part = reader.each(part)
            for first in part:
                some = itertools.chain([first], itertools.islice(part, LOOK_ROWS - 1))
                yield self._checked(some, check, reader)

    def _checked(
        self, records: Iterable[Record], check: Check, reader: Reader
    ) -> Iterator[tuple[Any, ...]]:
        for number, line, cells in records:
            clean = check(cells)
            if type(clean) is tuple:
                yield (line, *clean)
            else:
                self._reject(number, line, cells, clean, reader)
                if self._waiting_bytes > REJECTED_BYTES:
                    return

    def _reject(
        self, number: int, line: int, cells: list[str], problems: Any, reader: Reader
    ) -> None:
        self.rejected += 1
        listed: list[Problem] = problems
        known = len(cells.cells if isinstance(cells, Broken) else cells)
        described = [asdict(problem) for problem in listed]
        if len(self.examples) < 100:
            self.examples.append({"line": line, "problems": described})
        sku = known_sku(cells, reader.format)
        if self._lease is None:
            self.rejected_skus.append(sku)
            return
        raw = reader.raw()
        self._waiting.append(
            (self._lease.row.pk, line, number, sku, known, json.dumps(described), raw)
        )
        self._waiting_bytes += len(raw)

    def _write_rejected(self, cursor: Any) -> None:
        if self._lease is not None and self._waiting:
            self._lease.lock()
            columns = ("job_id", "line", "row_number", "sku", "cells", "problems", "raw")
            copy_sql = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(RejectedRow._meta.db_table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
            )
            with connection.wrap_database_errors, cursor.copy(copy_sql) as copy:
                for row in self._waiting:
                    copy.write_row(row)
        self._waiting = []
        self._waiting_bytes = 0
