"""The writers' lock: who may write products beside whom.

A single edit takes it shared, an import, a big bulk action or an undo takes it alone, each in a
statement of its own before the one that writes. Without it the log lies: an edit that commits
between a merge's snapshot and its row locks is missing from the log, and an undo destroys it.
"""

from django.db import OperationalError, connection
from psycopg import errors

CATALOG_LOCK = 0x70726F64  # "prod"


class CatalogBusy(Exception):
    """An import is being applied; a moment later the change can be made."""


def share_catalog() -> None:
    """Join the single writers until the transaction ends.

    Raises:
        CatalogBusy: somebody held the catalog alone for longer than lock_timeout.
    """
    _lock("SELECT pg_advisory_xact_lock_shared(%s)")


def _lock(statement: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, [CATALOG_LOCK])
    except OperationalError as error:
        if isinstance(error.__cause__, errors.LockNotAvailable):
            raise CatalogBusy("An import is being applied. Try again in a moment.") from error
        raise


def take_catalog(*, patience: float = 0) -> None:
    """Keep every other writer out until the transaction ends.

    Waits `patience` seconds; 0 means as long as it takes.

    Raises:
        CatalogBusy: others wrote for longer than that.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience * 1000:.0f}ms"])
    _lock("SELECT pg_advisory_xact_lock(%s)")
