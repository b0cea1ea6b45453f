"""Endpoints with how they do, for a page of them, in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Case, Count, F, Q, QuerySet, When

from webhooks.endpoints import known
from webhooks.figures import Figures, Waiting, figures_of, waiting_at
from webhooks.models import Delivery, Endpoint, Lane
from webhooks.retries import BREAKER

State = Endpoint.State


@dataclass(frozen=True)
class Row:
    """One endpoint; `failed` deliveries would be sent if it were enabled with what failed."""

    endpoint: Endpoint
    figures: Figures
    waiting: Waiting = field(default_factory=Waiting)
    failed: int = 0

    @property
    def lane(self) -> Lane:
        return self.endpoint.lane

    @property
    def state(self) -> str:
        """The endpoint's state, or "failing" while an active one's breaker is open."""
        if self.endpoint.state == State.ACTIVE and self.lane.failures >= BREAKER:
            return "failing"
        return self.endpoint.state


def listed() -> QuerySet[Endpoint]:
    """All endpoints, each with its lane."""
    return known().select_related("lane")


def troubled_first() -> QuerySet[Endpoint]:
    """Those that fail or are disabled before the others."""
    trouble = Case(
        When(state=State.ACTIVE, lane__failures__gte=BREAKER, then=0),
        When(state=State.DISABLED, then=1),
        default=2,
    )
    return listed().order_by(trouble, "pk")


def rows(endpoints: Sequence[Endpoint]) -> list[Row]:
    """The endpoints, which have their lanes, with their figures."""
    figures = figures_of(endpoints)
    waiting = waiting_at(endpoints)
    failed = failed_at([each for each in endpoints if each.state == State.DISABLED])
    return [
        Row(each, figures[each.pk], waiting[each.pk], failed.get(each.pk, 0)) for each in endpoints
    ]


def with_figures(endpoints: Sequence[Endpoint]) -> list[Row]:
    """The endpoints, which have their lanes, with their figures alone, in one query."""
    figures = figures_of(endpoints)
    return [Row(each, figures[each.pk]) for each in endpoints]


def failed_at(endpoints: Sequence[Endpoint]) -> dict[int, int]:
    """What `endpoints.enable` would send again with `send_failed`."""
    if not endpoints:
        return {}
    since = Q(endpoint__lane__failing_since__isnull=True) | Q(
        finished_at__gte=F("endpoint__lane__failing_since")
    )
    counted = (
        Delivery.objects.filter(
            since, endpoint__in=endpoints, state=Delivery.State.FAILED, is_test=False
        )
        .order_by()
        .values_list("endpoint_id")
        .annotate(count=Count("pk"))
    )
    return dict(counted)
