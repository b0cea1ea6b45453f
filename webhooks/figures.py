"""How endpoints do, in figures of the last 24 hours and of this moment."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count, Min, Q, QuerySet

from webhooks.hours import percentile
from webhooks.models import LATENCIES, Delivery, Endpoint, EndpointHour, Lane
from webhooks.retries import BREAKER

HOURS: Final = 24


@dataclass(frozen=True)
class Hour:
    """Attempts of one hour."""

    arrived: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Figures:
    """Attempts of the last 24 hours, the oldest hour first; latencies are milliseconds."""

    hours: list[Hour] = field(default_factory=lambda: [Hour()] * HOURS)
    median: int | None = None
    p95: int | None = None

    @property
    def arrived(self) -> int:
        return sum(hour.arrived for hour in self.hours)

    @property
    def failed(self) -> int:
        return sum(hour.failed for hour in self.hours)

    @property
    def attempts(self) -> int:
        return self.arrived + self.failed

    @property
    def arrived_percent(self) -> float | None:
        """Of the attempts, those that arrived; None when there were none."""
        return 100 * self.arrived / self.attempts if self.attempts else None


@dataclass(frozen=True)
class Waiting:
    """Deliveries that have not arrived yet, and since when the oldest waits."""

    count: int = 0
    oldest: datetime.datetime | None = None


@dataclass(frozen=True)
class Overview:
    """All endpoints together."""

    figures: Figures
    waiting: Waiting
    failing: int
    disabled: int


def overview() -> Overview:
    """What the head of the list and the home page show."""
    lanes = Lane.objects.filter(endpoint__state=Endpoint.State.ACTIVE, failures__gte=BREAKER)
    waiting = _pending().aggregate(count=Count("pk"), oldest=Min("created_at"))
    return Overview(
        figures=_figures(_hours().exclude(endpoint__state=Endpoint.State.DELETED)),
        waiting=Waiting(**waiting),
        failing=lanes.count(),
        disabled=Endpoint.objects.filter(state=Endpoint.State.DISABLED).count(),
    )


def figures_of(endpoints: Iterable[Endpoint]) -> dict[int, Figures]:
    """Of each endpoint, by its id."""
    rows: dict[int, list[EndpointHour]] = {endpoint.pk: [] for endpoint in endpoints}
    for row in _hours().filter(endpoint_id__in=rows):
        rows[row.endpoint_id].append(row)
    return {endpoint_id: _figures(found) for endpoint_id, found in rows.items()}


def waiting_at(endpoints: Iterable[Endpoint]) -> dict[int, Waiting]:
    """What waits at each endpoint, by its id."""
    ids = [endpoint.pk for endpoint in endpoints]
    rows = (
        _pending()
        .filter(endpoint_id__in=ids)
        .order_by()
        .values_list("endpoint_id")
        .annotate(count=Count("pk"), oldest=Min("created_at"))
    )
    found = {endpoint_id: Waiting(count, oldest) for endpoint_id, count, oldest in rows}
    return {endpoint_id: found.get(endpoint_id, Waiting()) for endpoint_id in ids}


def _pending() -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        ~Q(endpoint__state=Endpoint.State.DELETED), state__in=Delivery.PENDING, is_test=False
    )


def _first_hour() -> datetime.datetime:
    now = datetime.datetime.now(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    return now - datetime.timedelta(hours=HOURS - 1)


def _hours() -> QuerySet[EndpointHour]:
    return EndpointHour.objects.filter(hour__gte=_first_hour())


def _figures(rows: Iterable[EndpointHour]) -> Figures:
    first = _first_hour()
    counts = [[0, 0] for _ in range(HOURS)]
    latencies = [0] * (len(LATENCIES) + 1)
    for row in rows:
        place = int((row.hour - first).total_seconds() // 3600)
        if 0 <= place < HOURS:
            counts[place][0] += row.arrived
            counts[place][1] += row.failed
        latencies = [known + new for known, new in zip(latencies, row.latencies, strict=True)]
    return Figures(
        hours=[Hour(*count) for count in counts],
        median=percentile(latencies, 0.5),
        p95=percentile(latencies, 0.95),
    )
