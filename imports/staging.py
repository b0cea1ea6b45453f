"""Clean rows → COPY → a staging table; refused rows → RejectedRow.

Each attempt has an UNLOGGED table of its own, named by the job and the lease, so that a worker that
was thought dead can't mix its rows into those of the next.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from django.db import connection
from psycopg import sql

from catalog.rules import Problem
from core.sql import statement
from imports.checking import Check
from imports.models import RejectedRow
from imports.reading import Broken, Reader

SQL = Path(__file__).parent / "sql"
STAGING_PREFIX = "imports_staging_"

# One COPY at a time: refused rows wait in memory while it runs, so it ends before they are many.
COPY_ROWS = 100_000
REJECTED_ROWS = 5_000
REJECTED_BYTES = 8 * 1024**2
# Figures and cancels are looked at this often; at 400,000 rows/s that is some 100 times a second.
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


def create(table: str, *, temporary: bool = False) -> None:
    """Make an empty staging table; a temporary one is gone with the connection."""
    kind = sql.SQL("TEMPORARY" if temporary else "UNLOGGED")
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "create_staging", table=table, kind=kind))
        cursor.execute(
            statement(SQL, "create_counter", table=table, counter=counter(table), kind=kind)
        )


def drop(table: str) -> None:
    """Remove a staging table, if it is there."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table)))


class Stager:
    """Copies a reader's clean rows into a staging table and its refused rows beside them.

    After `run`: `read`, `staged` and `rejected` are the exact counts of rows, `read = staged +
    rejected`. One bad row never stops the rest; memory stays flat, since refused rows are written
    out before they are many.
    """

    def __init__(self, table: str, *, job_pk: int | None) -> None:
        self.table = table
        self.job_pk = job_pk
        self.read = self.staged = self.rejected = 0
        self.examples: list[dict[str, Any]] = []
        self._waiting: list[tuple[Any, ...]] = []
        self._waiting_bytes = 0

    def run(self, reader: Reader, check: Check, watch: Watch) -> None:
        """Read everything.

        Raises:
            Unreadable: the file has to be refused as a whole.
        """
        copy_sql = statement(SQL, "copy_staging", table=self.table)
        rows = iter(reader)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            try:
                while self._copy(cursor, copy_sql, rows, reader, check, watch):
                    self._write_rejected(cursor)
                self._write_rejected(cursor)
            finally:
                if connection.is_usable():
                    cursor.execute("RESET statement_timeout")

    def _copy(
        self,
        cursor: Any,
        copy_sql: sql.Composed,
        rows: Iterator[tuple[int, int, list[str]]],
        reader: Reader,
        check: Check,
        watch: Watch,
    ) -> bool:
        """One COPY; False when the file is at its end."""
        number = self.read
        pause = number + COPY_ROWS
        staged = self.staged
        with connection.wrap_database_errors, cursor.copy(copy_sql) as copy:
            write = copy.write_row
            for number, line, cells in rows:
                clean = check(cells)
                if type(clean) is tuple:
                    write((line, *clean))
                    staged += 1
                else:
                    self._reject(number, line, cells, clean, reader.raw())
                    if self._waiting_bytes > REJECTED_BYTES or len(self._waiting) > REJECTED_ROWS:
                        break
                if not number % LOOK_ROWS:
                    watch(read=number, rejected=self.rejected, bytes_read=reader.bytes_read)
                    if number >= pause:
                        break
            else:
                pause = 0
        self.read, self.staged = number, staged
        watch(read=number, rejected=self.rejected, bytes_read=reader.bytes_read)
        return bool(pause)

    def _reject(self, number: int, line: int, cells: list[str], problems: Any, raw: bytes) -> None:
        self.rejected += 1
        listed: list[Problem] = problems
        known = len(cells.cells if isinstance(cells, Broken) else cells)
        described = [asdict(problem) for problem in listed]
        if len(self.examples) < 100:
            self.examples.append({"line": line, "problems": described})
        self._waiting.append((self.job_pk, line, number, known, json.dumps(described), raw))
        self._waiting_bytes += len(raw)

    def _write_rejected(self, cursor: Any) -> None:
        if self.job_pk is not None and self._waiting:
            columns = ("job_id", "line", "row_number", "cells", "problems", "raw")
            copy_sql = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(RejectedRow._meta.db_table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
            )
            with connection.wrap_database_errors, cursor.copy(copy_sql) as copy:
                for row in self._waiting:
                    copy.write_row(row)
        self._waiting = []
        self._waiting_bytes = 0
