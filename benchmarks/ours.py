"""The project's own import, by its own pipeline, in a process of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.server import ROOT, Server

TABLES = ("catalog_product", "catalog_productchange")


@dataclass(frozen=True)
class Run:
    """One import: seconds from claim to completed, and what it left in memory and database.

    `cpu_seconds` are the worker's own, without the server's; `receive` is the seconds before the
    claim, in which the file is stored and queued; `written` counts new row versions and deletions
    of products and their log.
    """

    seconds: float
    cpu_seconds: float
    receive: float
    phases: dict[str, float]
    counts: dict[str, int]
    idle_bytes: int
    peak_bytes: int
    wal_bytes: int
    written: int

    @property
    def growth_bytes(self) -> int:
        return self.peak_bytes - self.idle_bytes


def import_file(server: Server, database: str, path: Path) -> Run:
    """Import `path` into a migrated database.

    Raises:
        subprocess.CalledProcessError: the import did not complete; its reason is on stderr.
    """
    received = child(server, database, "receive", str(path))
    with server.connect(database) as connection:
        # Every table: an autovacuum of the stored upload would add its WAL to the import's.
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
        before = _position(connection), _written(connection)
        result = child(server, database, "run")
        after = _position(connection), _written(connection)
    return Run(
        seconds=result["seconds"],
        cpu_seconds=result["cpu_seconds"],
        receive=received["seconds"],
        phases=result["phases"],
        counts=result["counts"],
        idle_bytes=result["idle_bytes"],
        peak_bytes=result["peak_bytes"],
        wal_bytes=after[0] - before[0],
        written=after[1] - before[1],
    )


def child(server: Server, database: str, *arguments: str) -> dict[str, Any]:
    """Run `benchmarks.worker` in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", *arguments],
        cwd=ROOT,
        env=server.environment(database),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _position(connection: psycopg.Connection) -> int:
    """Bytes of write-ahead log that the server wrote since it was made."""
    return _number(connection, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")


def _written(connection: psycopg.Connection) -> int:
    """Row versions written and rows deleted in the tables of products and their log, ever."""
    names = ", ".join(f"'{table}'" for table in TABLES)
    return _number(
        connection,
        "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"
        f" WHERE relname IN ({names})",
    )


def _number(connection: psycopg.Connection, query: str) -> int:
    (number,) = connection.execute(query.encode()).fetchone() or (0,)
    return int(number)
