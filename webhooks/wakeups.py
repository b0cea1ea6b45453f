"""Telling the deliver processes what there is to do; a message that is lost costs one tick."""

from typing import Final

from django.db.models import F, Q, QuerySet

from catalog.models import ChangeSet
from core.leases import ClockTimestamp
from core.wakeups import send_wake_up
from webhooks.models import Endpoint, Lane

#: Lanes of each kind that one process works on at once: the other threads of its pool are left to
#: publishing and tests, and endpoints that hang leave the greater part to those that don't.
LANES: Final = {False: 12, True: 6}
#: By then a tick has looked again.
EXPIRES_SECONDS: Final = 30.0


def due_lanes(*, slow: bool) -> QuerySet[Lane]:
    """Lanes that nobody holds and that have something to send now, the longest due first."""
    return Lane.objects.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=ClockTimestamp()),
        due_at__lte=ClockTimestamp(),
        slow=slow,
        endpoint__state=Endpoint.State.ACTIVE,
    ).order_by(F("due_at"), "pk")


def wake_publisher() -> None:
    """Have change sets published."""
    send_wake_up("webhooks.publish", expires=EXPIRES_SECONDS)


def wake_drain(*, slow: bool) -> bool:
    """Have one lane drained; returns whether the broker was there."""
    return send_wake_up(
        "webhooks.drain_slow" if slow else "webhooks.drain", expires=EXPIRES_SECONDS
    )


def wake_drains() -> None:
    """Have the lanes that are due drained, as many as a process takes at once."""
    for slow, most in LANES.items():
        for _ in due_lanes(slow=slow).values_list("pk")[:most]:
            if not wake_drain(slow=slow):
                return


def wake_for_all() -> None:
    """Wake whoever has something to do."""
    if ChangeSet.objects.filter(published_at__isnull=True).exists():
        wake_publisher()
    wake_drains()
