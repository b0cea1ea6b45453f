"""Attempts counted by endpoint and hour, so that figures cost the same at any number of them."""

import bisect
import datetime
from pathlib import Path

from django.db import connection

from core.sql import statement
from webhooks.models import LATENCIES

SQL = Path(__file__).parent / "sql"


def count(endpoint_id: int, at: datetime.datetime, *, arrived: bool, milliseconds: int) -> None:
    """Count one attempt in its hour; only what arrived is counted by its latency."""
    latencies = [0] * (len(LATENCIES) + 1)
    if arrived:
        latencies[bisect.bisect_left(LATENCIES, milliseconds)] = 1
    with connection.cursor() as cursor:
        cursor.execute(
            statement(SQL, "count_attempt"),
            {
                "endpoint": endpoint_id,
                "at": at,
                "arrived": int(arrived),
                "failed": int(not arrived),
                "latencies": latencies,
            },
        )


def percentile(latencies: list[int], share: float) -> int | None:
    """The latency, in milliseconds, below which that share of answers came, about.

    `latencies` counts answers by LATENCIES; within a class they are taken to be spread evenly.
    None when there were none.
    """
    total = sum(latencies)
    if not total:
        return None
    wanted = share * total
    low = 0
    for number, high in zip(latencies, (*LATENCIES, LATENCIES[-1]), strict=True):
        if number and wanted <= number:
            return round(low + (high - low) * wanted / number)
        wanted -= number
        low = high
    return LATENCIES[-1]
