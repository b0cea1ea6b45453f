"""What is too old to keep, and what deleted endpoints leave behind."""

import logging
import time
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from core.advisory import only_one
from core.leases import ClockTimestamp
from webhooks.models import Attempt, Delivery, Endpoint, EndpointHour, Event

logger = logging.getLogger(__name__)

PRUNE_LOCK = 0x77687072  # "whpr"
BATCH: Final = 5000
# A beat task that takes longer leaves the rest to the next one.
SECONDS: Final = 300.0


def prune_webhooks() -> None:
    """Forget deliveries, attempts and events past WEBHOOK_RETENTION_DAYS, and deleted endpoints.

    What still waits at an endpoint that is active stays, however old; what waits at one that is
    paused or disabled goes, as its page says.
    """
    ends = time.monotonic() + SECONDS
    old = ClockTimestamp() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    held_back = (Endpoint.State.PAUSED, Endpoint.State.DISABLED)
    past = Q(created_at__lt=old) & (
        ~Q(state__in=Delivery.PENDING) | Q(endpoint__state__in=held_back) | Q(is_test=True)
    )
    gone = _delete_deliveries(past | Q(endpoint__state=Endpoint.State.DELETED), ends)
    unsent = ~Exists(Delivery.objects.filter(event=OuterRef("pk")))
    _delete(Event.objects.filter(unsent, created_at__lt=old), ends)
    _delete(EndpointHour.objects.filter(hour__lt=old), ends)
    if gone:
        Endpoint.objects.filter(state=Endpoint.State.DELETED).delete()


def _delete_deliveries(chosen: Q, ends: float) -> bool:
    """Attempts first, by hand: Django would read each of them to delete it."""
    while time.monotonic() < ends:
        with only_one(PRUNE_LOCK) as alone:
            if not alone:
                return False
            ids = list(Delivery.objects.filter(chosen).values_list("pk", flat=True)[:BATCH])
            Attempt.objects.filter(delivery_id__in=ids).delete()
            Delivery.objects.filter(pk__in=ids).only("pk").delete()
        if len(ids) < BATCH:
            return True
    return False


def _delete(rows: QuerySet[Any], ends: float) -> None:
    while time.monotonic() < ends:
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        rows.model._default_manager.filter(pk__in=ids).only("pk").delete()
        if len(ids) < BATCH:
            return
