"""Webhooks in figures for Prometheus."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db import connection
from django.db.models import Count, F
from prometheus_client.metrics_core import Metric

from catalog.models import ChangeSet
from core.leases import ClockTimestamp
from core.metrics import Counter, Histogram, gauge, gauges
from core.outbound import Answer
from core.sql import statement
from webhooks.models import LATENCIES, Endpoint, Lane
from webhooks.retries import BREAKER

SQL = Path(__file__).parent / "sql"
ARRIVED, FAILED = "arrived", "failed"
#: Where no status came: no connection, no answer in time, nothing that could be sent.
NO_STATUS: Final = "none"
#: Deleted endpoints are only waiting to be removed.
STATES: Final = (Endpoint.State.ACTIVE, Endpoint.State.PAUSED, Endpoint.State.DISABLED)

ATTEMPTS: Final = Counter(
    "delivery_attempts",
    "Requests to endpoints, by whether they arrived and the class of the status.",
    labels=["outcome", "status"],
    known=[[ARRIVED, "2xx"], [FAILED, "4xx"], [FAILED, "5xx"], [FAILED, NO_STATUS]],
)
SECONDS: Final = Histogram(
    "delivery_seconds",
    "Seconds that requests to endpoints took.",
    labels=["outcome"],
    bounds=tuple(milliseconds / 1000 for milliseconds in LATENCIES),
)
KEPT: Final = (ATTEMPTS, SECONDS)


def count_attempt(answer: Answer, *, arrived: bool) -> None:
    """Count one request and how long it took."""
    outcome = ARRIVED if arrived else FAILED
    ATTEMPTS.add(outcome, f"{answer.status // 100}xx" if answer.status else NO_STATUS)
    SECONDS.observe(answer.milliseconds / 1000, outcome)


def families() -> Iterator[Metric]:
    """What is read from PostgreSQL when Prometheus asks."""
    yield from _unpublished()
    yield from _waiting()
    found = dict(Endpoint.objects.order_by().values_list("state").annotate(count=Count("pk")))
    yield gauges(
        "endpoints",
        "Endpoints by state.",
        "state",
        {str(state): found.get(state, 0) for state in STATES},
    )
    failing = Lane.objects.filter(endpoint__state=Endpoint.State.ACTIVE, failures__gte=BREAKER)
    yield gauge(
        "endpoints_failing",
        f"Active endpoints whose last {BREAKER} requests or more failed.",
        failing.count(),
    )


def _unpublished() -> Iterator[Metric]:
    unpublished = ChangeSet.objects.filter(published_at__isnull=True)
    yield gauge(
        "change_sets_unpublished",
        "Change sets of which no events were made yet.",
        unpublished.order_by().count(),
    )
    aged = unpublished.annotate(age=ClockTimestamp() - F("created_at"))
    oldest = aged.order_by("pk").values_list("age", flat=True).first()
    yield gauge(
        "change_sets_oldest_unpublished_seconds",
        "Seconds for which the oldest unpublished change set has waited.",
        oldest.total_seconds() if oldest else 0,
    )


def _waiting() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "waiting_deliveries"))
        rows = {state: figures for state, *figures in cursor.fetchall()}
    columns = list(zip(*(rows.get(state, (0, 0, 0)) for state in STATES), strict=True))
    for values, name, text in zip(
        columns,
        ("deliveries_waiting", "deliveries_due", "deliveries_oldest_waiting_seconds"),
        (
            "Deliveries that have neither arrived nor been given up, by the endpoint's state.",
            "Those of them whose time has come.",
            "Seconds for which the oldest of them has waited.",
        ),
        strict=True,
    ):
        states = map(str, STATES)
        yield gauges(name, text, "endpoint_state", dict(zip(states, values, strict=True)))
