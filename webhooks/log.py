"""The log of an endpoint's deliveries: a page of it in the same time at any length.

Pages go by keyset, newest first, so nothing is lost or doubled when deliveries arrive in between.
The index that serves them has the state before the id; a page is put together from the newest of
each state.
"""

import datetime
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Q, QuerySet

from core.admin import COUNTED, about
from webhooks.models import BATCH, TEST, Delivery, Endpoint, EventType
from webhooks.resending import STATES as REPLAYED

PAGE_SIZE: Final = 25
State = Delivery.State

#: What the page filters by: the word in the URL, the word on the page, the states.
STATES: Final[dict[str, tuple[str, tuple[State, ...]]]] = {
    "": ("All", tuple(State)),
    "open": ("Not arrived", (*Delivery.PENDING, State.FAILED)),
    "arrived": ("Arrived", (State.ARRIVED,)),
}
TYPES: Final = (*EventType.values, BATCH, TEST)


@dataclass(frozen=True)
class Total:
    """A number of deliveries; `exact` or PostgreSQL's estimate."""

    count: int = 0
    exact: bool = True


@dataclass(frozen=True)
class Asked:
    """Which deliveries: `state` a key of STATES, `event` one of TYPES or "", made since `since`."""

    state: str = ""
    event: str = ""
    since: datetime.datetime | None = None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.state or self.event or self.since)

    def condition(self) -> Q:
        """The filters without the states. A test that failed is no event that did not arrive."""
        wanted = Q()
        if self.event == TEST:
            wanted &= Q(is_test=True)
        elif self.event:
            wanted &= Q(event__type=self.event)
        elif self.state:
            wanted &= Q(is_test=False)
        if self.since is not None:
            wanted &= Q(created_at__gte=self.since)
        return wanted


@dataclass(frozen=True)
class LogPage:
    """Deliveries `start` to `end` of `total`; `newer` and `older` are ids, None at an end."""

    rows: list[Delivery] = field(default_factory=list)
    start: int = 0
    end: int = 0
    total: Total = field(default_factory=Total)
    newer: int | None = None
    older: int | None = None


def total_of(endpoint: Endpoint, asked: Asked) -> Total:
    """How many deliveries: exact up to COUNTED, an estimate beyond."""
    count = about(_found(endpoint, asked))
    return Total(count, count <= COUNTED)


def page_of(
    endpoint: Endpoint,
    asked: Asked,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    size: int = PAGE_SIZE,
) -> LogPage:
    """One page, next to a delivery's id or from the newest on; bodies are left out."""
    if newer_than is not None:
        ids = _beside(endpoint, asked, Q(pk__gt=newer_than), size, newer=True)
        if len(ids) <= size:  # the first page, which is always full
            return page_of(endpoint, asked, size=size)
        ids, at_end = ids[:size][::-1], False
    else:
        past = Q() if older_than is None else Q(pk__lt=older_than)
        ids = _beside(endpoint, asked, past, size, newer=False)
        ids, at_end = ids[:size], len(ids) <= size
    if not ids:
        return LogPage(total=total_of(endpoint, asked))
    paged = older_than is not None or newer_than is not None
    ahead = about(_found(endpoint, asked).filter(pk__gt=ids[0])) if paged else 0
    rows = Delivery.objects.filter(pk__in=ids).select_related("event").defer("event__body")
    return LogPage(
        rows=list(rows.order_by("-pk")),
        start=ahead + 1,
        end=ahead + len(ids),
        total=total_of(endpoint, asked),
        newer=ids[0] if ahead else None,
        older=None if at_end else ids[-1],
    )


def replayable(
    endpoint: Endpoint, *, since: datetime.datetime | None, state: str
) -> QuerySet[Delivery]:
    """What `webhooks.resending.replay` would send again."""
    found = Delivery.objects.filter(endpoint=endpoint, is_test=False, state__in=REPLAYED[state])
    return found if since is None else found.filter(created_at__gte=since)


def _found(endpoint: Endpoint, asked: Asked) -> QuerySet[Delivery]:
    found = Delivery.objects.filter(asked.condition(), endpoint=endpoint)
    return found.filter(state__in=STATES[asked.state][1]) if asked.state else found


def _beside(endpoint: Endpoint, asked: Asked, past: Q, size: int, *, newer: bool) -> list[int]:
    """The ids of one delivery more than a page next to a place in the log, the nearest first.

    A state is named as a range and as a part of the order: by ids alone PostgreSQL walked the
    primary key through 300,000 deliveries of other endpoints, for half a second.
    """
    order = ("state", "pk") if newer else ("-state", "-pk")
    of_states = [
        Delivery.objects.filter(
            asked.condition(), past, endpoint=endpoint, state__gte=state, state__lte=state
        )
        .order_by(*order)
        .values_list("pk", "state")[: size + 1]
        for state in STATES[asked.state][1]
    ]
    first, *others = of_states
    found = first.union(*others, all=True) if others else first
    return sorted((pk for pk, _ in found), reverse=not newer)[: size + 1]
