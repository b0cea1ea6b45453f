"""How many products match: counted within a budget, else estimated; kept for a minute at most.

A total is kept together with the catalog's version, a random word which every committed change of
the catalog replaces, and is believed only under the same version. Who counts reads the version
first, so a count that a commit overtakes is kept under a version that is gone. What is left is a
new version that never arrived, since Valkey was away or the writer died between its commit and
this: so no total is kept for longer than `KEPT_SECONDS`, and none is ever older.
"""

import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from psycopg import errors

from catalog.models import Product
from catalog.signals import products_changed
from core.remembering import recall, remember

# 5,000,000 products are counted in about half of it; a text that few of them hold takes longer.
COUNT_BUDGET_SECONDS = 1.0
KEPT_SECONDS = 60

VERSION_KEY = "catalog:version"


@dataclass(frozen=True)
class Total:
    """A number of products; `exact` or PostgreSQL's estimate."""

    count: int
    exact: bool = True


def total_of(products: QuerySet[Product]) -> Total:
    """How many products the queryset holds, whatever its order."""
    unordered = products.order_by()
    key = _key(unordered)
    if key is None:
        return Total(0)
    known = recall([VERSION_KEY, key])
    version = known.get(VERSION_KEY)
    match known.get(key):
        case [str(of), int(count), bool(exact)] if version is not None and of == version:
            return Total(count, exact)
    if version is None:
        version = _new_version()
    total = _counted(unordered)
    remember(key, [version, total.count, total.exact], seconds=KEPT_SECONDS)
    return total


@receiver(products_changed)
def forget_totals(**kwargs: Any) -> None:
    """Make every kept total worthless once the change is there for all to see."""
    transaction.on_commit(_new_version)


def _new_version() -> str:
    version = secrets.token_hex(8)
    remember(VERSION_KEY, version, seconds=None)
    return version


def _key(products: QuerySet[Product]) -> str | None:
    """Where its total is kept; None for a queryset that Django knows to be empty."""
    try:
        sql, params = products.query.sql_with_params()
    except EmptyResultSet:
        return None
    return f"catalog:total:{sha256(repr((sql, params)).encode()).hexdigest()}"


def _counted(products: QuerySet[Product]) -> Total:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                milliseconds = round(1000 * COUNT_BUDGET_SECONDS)
                cursor.execute(f"SET LOCAL statement_timeout = {milliseconds}")
            count = products.count()
            # Nothing was written; and around it may stand a transaction with a longer time-out.
            transaction.set_rollback(True)
        return Total(count)
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.QueryCanceled):
            raise
        return Total(_estimated(products), exact=False)


def _estimated(products: QuerySet[Product]) -> int:
    [plan] = json.loads(products.explain(format="json"))
    return _rounded(int(plan["Plan"]["Plan Rows"]))


def _rounded(number: int) -> int:
    """Three figures of an estimate are more than it is worth."""
    return round(number, 3 - len(str(number)))
