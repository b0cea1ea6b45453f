"""Work that one process at a time does, however many try."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def only_one(key: int) -> Iterator[bool]:
    """A transaction that says whether it is the only one of this key; it never waits.

    The lock ends with the transaction, so that it holds behind PgBouncer too.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
            (alone,) = cursor.fetchone()
        yield alone
