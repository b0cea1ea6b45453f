"""`/metrics`: every app's figures in Prometheus' format, for those whom the settings let in."""

import hmac
import logging
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import django
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseUnavailable
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

import catalog.metrics
import imports.metrics
import webhooks.metrics
from core import middleware
from core.limits import sender_address
from core.metrics import PREFIX, Counter, Histogram, flush, gauge, gauges, queue_lengths, stored
from core.sql import statement
from core.streams import streams_open

logger = logging.getLogger(__name__)

SQL = Path(__file__).parent / "sql"
#: No figure is worth a statement that takes longer.
STATEMENT_TIMEOUT: Final = "2s"
KEPT: Final[tuple[Counter | Histogram, ...]] = (
    *middleware.KEPT,
    *imports.metrics.KEPT,
    *catalog.metrics.KEPT,
    *webhooks.metrics.KEPT,
)
OFF: Final = "Metrics are off. Set METRICS_TOKEN or METRICS_ADDRESSES to turn them on.\n"
ELSEWHERE: Final = "Metrics are not for this address. METRICS_ADDRESSES names those they are for.\n"
NO_TOKEN: Final = "Send Authorization: Bearer with the value of METRICS_TOKEN.\n"  # noqa: S105


@login_not_required
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures, for who comes from METRICS_ADDRESSES and has METRICS_TOKEN, as far as set."""
    return _refusal(request) or _answer(request)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if not settings.METRICS_TOKEN and not settings.METRICS_ADDRESSES:
        return HttpResponseForbidden(OFF, content_type="text/plain")
    if settings.METRICS_ADDRESSES:
        address = sender_address(request)
        if address is None or not any(address in each for each in settings.METRICS_ADDRESSES):
            return HttpResponseForbidden(ELSEWHERE, content_type="text/plain")
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(sent, f"Bearer {settings.METRICS_TOKEN}".encode()):
            challenge = {"WWW-Authenticate": "Bearer"}
            return HttpResponse(NO_TOKEN, status=401, content_type="text/plain", headers=challenge)
    return None


@require_safe
def _answer(request: HttpRequest) -> HttpResponse:
    registry = CollectorRegistry()
    registry.register(Scrape())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


class Scrape(Collector):
    """Everything that there is to tell, as it is now."""

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: a scrape asks the database once."""
        return []

    def collect(self) -> Iterator[Metric]:
        began = time.monotonic()
        yield _build()
        yield gauge("event_streams_open", "Event streams of this process.", streams_open())
        yield from _kept()
        yield from _of_the_database()
        yield from _pool()
        seconds = time.monotonic() - began
        yield gauge("scrape_seconds", "Seconds that it took to put this together.", seconds)


def _build() -> Metric:
    versions = {"python": platform.python_version(), "django": django.get_version()}
    family = GaugeMetricFamily(PREFIX + "build_info", "What runs.", labels=list(versions))
    family.add_metric(list(versions.values()), 1)
    return family


def _kept() -> Iterator[Metric]:
    """What all processes have counted, and what waits in Celery's queues."""
    flush()
    counted = stored([each.name for each in KEPT])
    if counted is not None:
        for each, values in zip(KEPT, counted, strict=True):
            yield each.family(values)
    queues = sorted({route["queue"] for route in settings.CELERY_TASK_ROUTES.values()})
    lengths = queue_lengths(queues)
    if lengths is not None:
        messages = dict(zip(queues, lengths, strict=True))
        yield gauges("broker_messages", "Messages that wait for a worker.", "queue", messages)
    answers = counted is not None and lengths is not None
    yield gauge("valkey_up", "Whether Valkey answers.", int(answers))


def _of_the_database() -> Iterator[Metric]:
    """What PostgreSQL knows; of what can't be asked nothing is told."""
    answers = True
    for name, ask in (
        ("imports", imports.metrics.families),
        ("operations", catalog.metrics.families),
        ("webhooks", webhooks.metrics.families),
        ("connections", _connections),
    ):
        try:
            yield from _asked(ask)
        except DatabaseUnavailable as error:
            logger.warning("metrics left out: of=%s error=%s", name, error)
            if connection.connection is None or not connection.is_usable():
                answers = False
                break
    yield gauge("database_up", "Whether PostgreSQL answers.", int(answers))


def _asked(ask: Callable[[], Iterable[Metric]]) -> list[Metric]:
    """All of it, or an exception."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT])
        return list(ask())


def _connections() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "connections"))
        found = dict(cursor.fetchall())
        cursor.execute("SHOW max_connections")
        (most,) = cursor.fetchone()
    yield gauges("database_connections", "Connections to the database.", "state", found)
    yield gauge("database_max_connections", "Connections that the server allows.", int(most))


def _pool() -> Iterator[Metric]:
    pool: Any = connection.pool  # type: ignore[attr-defined]
    stats = pool.get_stats() if pool is not None else {}
    for name, key, text in (
        ("size", "pool_size", "Connections in the pool of this process."),
        ("max", "pool_max", "Connections that the pool of this process may have."),
        ("available", "pool_available", "Those of the pool that are idle."),
        ("waiting", "requests_waiting", "Threads that wait for a connection of the pool."),
    ):
        yield gauge(f"database_pool_{name}", text, stats.get(key, 0))
