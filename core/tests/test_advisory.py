"""Of several processes that want to do the same work, one does it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from core.advisory import only_one

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

KEY = 0x74657374


@contextmanager
def held_by_another(key: int) -> Iterator[None]:
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
        yield
        other.rollback()
    finally:
        other.close()


def alone_beside(key: int) -> bool:
    """What a second connection is told."""
    told: list[bool] = []

    def ask() -> None:
        with only_one(key) as alone:
            told.append(alone)
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return told[0]


def test_second_one_is_told_so_at_once() -> None:
    with only_one(KEY) as alone:
        assert alone
        assert not alone_beside(KEY)


def test_next_one_is_alone_once_the_first_is_done() -> None:
    with only_one(KEY):
        pass

    assert alone_beside(KEY)


def test_next_one_is_alone_also_when_the_first_broke() -> None:
    with pytest.raises(ZeroDivisionError), only_one(KEY):
        raise ZeroDivisionError

    assert alone_beside(KEY)


def test_different_work_goes_on_side_by_side() -> None:
    with only_one(KEY):
        assert alone_beside(KEY + 1)


def test_one_that_is_not_alone_takes_nothing_away() -> None:
    with held_by_another(KEY):
        with only_one(KEY) as alone:
            assert not alone
        assert not alone_beside(KEY)

    assert alone_beside(KEY)


def test_lock_goes_with_the_transaction_that_holds_it() -> None:
    with transaction.atomic():
        with only_one(KEY):
            pass
        assert not alone_beside(KEY)

    assert alone_beside(KEY)
