"""Deliveries for tests of what becomes of them, and a clock that is moved instead of slept."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from core.leases import ClockTimestamp
from webhooks import events
from webhooks.bodies import as_json
from webhooks.events import Told
from webhooks.models import Attempt, Delivery, Endpoint, Event, EventType, Lane


@transaction.atomic
def queued(*endpoints: Endpoint, count: int = 1) -> list[Delivery]:
    """So many events that each of the endpoints is told of; their deliveries, the oldest first."""
    told = [
        Told(
            Event(
                type=EventType.PRODUCT_UPDATED,
                count=1,
                subject=f"A-{number}",
                body=as_json({"number": number}),
            ),
            [endpoint.pk for endpoint in endpoints],
        )
        for number in range(1, count + 1)
    ]
    events.tell(told)
    made = Delivery.objects.filter(event__in=[each.event for each in told])
    return list(made.select_related("event").order_by("pk"))


def later(**passed: float) -> None:
    """As if so much time had passed since everything that is in the tables."""
    ago = timedelta(**passed)
    Delivery.objects.update(due_at=F("due_at") - ago, created_at=F("created_at") - ago)
    Delivery.objects.update(finished_at=F("finished_at") - ago)
    Event.objects.update(created_at=F("created_at") - ago)
    Lane.objects.update(
        due_at=F("due_at") - ago,
        failing_since=F("failing_since") - ago,
        tokens_at=F("tokens_at") - ago,
        leased_until=F("leased_until") - ago,
    )


def seconds_until_due(delivery: Delivery) -> float:
    now = ClockTimestamp()
    left = Delivery.objects.filter(pk=delivery.pk).values_list(F("due_at") - now, flat=True)
    return float(left.get().total_seconds())


def lane_of(endpoint: Endpoint) -> Lane:
    return Lane.objects.get(pk=endpoint.pk)


def states(*fields: str) -> list[Any]:
    """State, or the fields, of all deliveries, the oldest first."""
    rows = Delivery.objects.order_by("pk")
    return list(rows.values_list(*fields) if fields else rows.values_list("state", flat=True))


def attempts(*fields: str) -> list[Any]:
    """Status, or the fields, of all attempts as they were made."""
    rows = Attempt.objects.order_by("pk")
    return list(rows.values_list(*fields) if fields else rows.values_list("status", flat=True))
