"""What keeps an endpoint's deliveries from arriving, for its page to say."""

import datetime
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db.models import F, QuerySet

from catalog.models import ChangeSet
from core.admin import COUNTED, about
from webhooks.audience import EACH_MAX
from webhooks.listing import failed_at
from webhooks.log import Total
from webhooks.models import BATCH, Delivery, Endpoint, Event
from webhooks.retries import BREAKER, GIVE_UP_AFTER

#: Something happens to a delivery within that time: the page looks often.
SOON: Final = datetime.timedelta(minutes=1)
State = Delivery.State


@dataclass(frozen=True)
class Obstacles:
    """`oldest` is the delivery that all others wait for, None when they don't wait for one.

    `failed` are those that were given up since it began to fail, counted for a disabled endpoint.
    `fell_back` is the newest change set of `products` that came in batches though they were wanted
    one by one. `disabled_at` is when an endpoint that fails will be disabled.
    """

    waiting: Total
    failures: int = 0
    next_at: datetime.datetime | None = None
    disabled_at: datetime.datetime | None = None
    oldest: Delivery | None = None
    failed: int = 0
    fell_back: ChangeSet | None = None
    products: int = 0

    @property
    def held_back(self) -> int:
        """How many wait behind the oldest."""
        return max(0, self.waiting.count - 1)


def obstacles_of(endpoint: Endpoint) -> Obstacles:
    """What stands in the way at this moment, or stood lately."""
    lane = endpoint.lane
    waiting = pending(endpoint)
    count = about(waiting)
    failing = lane.failures >= BREAKER
    change_set, products = _fell_back(endpoint)
    is_active = endpoint.state == Endpoint.State.ACTIVE
    is_disabled = endpoint.state == Endpoint.State.DISABLED
    return Obstacles(
        waiting=Total(count, count <= COUNTED),
        failures=lane.failures if failing else 0,
        next_at=lane.due_at,
        disabled_at=lane.failing_since + GIVE_UP_AFTER if lane.failing_since else None,
        oldest=_oldest(waiting) if is_active and (failing or endpoint.ordered) else None,
        failed=failed_at([endpoint]).get(endpoint.pk, 0) if is_disabled else 0,
        fell_back=change_set,
        products=products,
    )


def pending(endpoint: Endpoint) -> QuerySet[Delivery]:
    """Deliveries that have neither arrived nor been given up."""
    return Delivery.objects.filter(endpoint=endpoint, state__in=Delivery.PENDING, is_test=False)


def next_look(endpoint: Endpoint, shown: list[Delivery]) -> int | None:
    """Seconds until something may have changed on the page; None when nothing is to come.

    `shown` are deliveries on the page, of which a test moves by itself.
    """
    if any(each.is_test and each.is_pending for each in shown):
        return 2
    if endpoint.state != Endpoint.State.ACTIVE:
        return 2 if any(each.state == State.SENDING for each in shown) else None
    lane = endpoint.lane
    if lane.leased_until is not None:
        return 2
    if lane.due_at is None:
        # Sent since the page was read, or the next page of a change set is being published.
        moving = any(each.is_pending for each in shown)
        unpublished = ChangeSet.objects.filter(published_at__isnull=True)
        return 2 if moving or unpublished.exists() else None
    left = lane.due_at - datetime.datetime.now(datetime.UTC)
    return 2 if left < SOON else int((left - SOON).total_seconds()) + 2


def _oldest(waiting: QuerySet[Delivery]) -> Delivery | None:
    return waiting.select_related("event").defer("event__body").order_by("pk").first()


def _fell_back(endpoint: Endpoint) -> tuple[ChangeSet | None, int]:
    if endpoint.bulk != Endpoint.Bulk.EACH:
        return None, 0
    lately = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
        days=settings.WEBHOOK_RETENTION_DAYS
    )
    large = (
        ChangeSet.objects.annotate(products=F("created") + F("updated") + F("deleted"))
        .filter(
            pk__gt=endpoint.since_change_set,
            created_at__gte=lately,
            products__gt=max(EACH_MAX, endpoint.rate_per_hour),
        )
        .order_by("-pk")
        .first()
    )
    if large is None:
        return None, 0
    batches = Event.objects.filter(change_set=large, type=BATCH, deliveries__endpoint=endpoint)
    return (large, large.products) if batches.exists() else (None, 0)
