"""The web process's pool of database connections, after PostgreSQL was restarted."""

import time

from django.db import connections
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

AGAIN_SECONDS = 0.5


def renew_broken_pool(alias: str) -> None:
    """Let the first broken connection that is found renew them all.

    The pool looks at one at a time and waits 1, 2, 4 … seconds in between: with ten of them broken
    by a restart, pages answered 500 for twenty seconds (seen with psycopg_pool 3.3).
    """
    pool = connections[alias].pool  # type: ignore[attr-defined]
    if pool is None:
        return

    renewed = 0.0

    def check(connection: Connection) -> None:
        nonlocal renewed
        try:
            ConnectionPool.check_connection(connection)
        except OperationalError:
            # Many threads find theirs broken at once: the fresh ones are not renewed again.
            if time.monotonic() - renewed > AGAIN_SECONDS:
                renewed = time.monotonic()
                pool.drain()
            raise

    pool._check = check
