"""One PostgreSQL and one Valkey with default settings, and a database for each way."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from dev.servers import DATABASE, Postgres, Valkey

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """The running services; databases come from a migrated template or empty."""

    def __init__(self, postgres: Postgres, redis_url: str) -> None:
        self._postgres = postgres
        self.redis_url = redis_url

    def environment(self, database: str) -> dict[str, str]:
        """What a process of the project needs to work on one database."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "only-for-benchmarks-" + "x" * 40,
            "DATABASE_URL": self._postgres.url_of(database),
            "REDIS_URL": self.redis_url,
        }

    def connect(self, database: str) -> psycopg.Connection:
        """A connection that commits each statement."""
        return psycopg.connect(self._postgres.url_of(database), autocommit=True)

    def make_database(self, name: str, *, migrated: bool) -> None:
        """A new database, in place of an older one of this name."""
        template = DATABASE if migrated else "template0"
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )

    def migrate(self) -> None:
        """Bring the template for `make_database(migrated=True)` to the present schema."""
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env=self.environment(DATABASE),
            check=True,
        )

    def version(self) -> str:
        """The server's version, for the record."""
        with self.connect("postgres") as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""


@contextmanager
def running() -> Iterator[tuple[Server, Path]]:
    """A server for the time of the block, and a folder for files; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="product-importer-bench-") as name:
        folder = Path(name)
        # As root, PostgreSQL runs as another user, who has to reach its data.
        folder.chmod(0o711)
        postgres, valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
        try:
            postgres.start()
            valkey.start()
            yield Server(postgres, valkey.url), folder
        finally:
            valkey.stop()
            postgres.remove()
