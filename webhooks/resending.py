"""Sending again: one delivery, those that failed, or all of a time.

The lane is locked before its deliveries, as its holder does it: two who lock in one order wait,
they don't block each other.
"""

import datetime
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import AuditEntry
from core.leases import ClockTimestamp
from webhooks.events import make_due
from webhooks.models import Delivery, Endpoint, Lane
from webhooks.retries import BREAKER

#: What `replay` sends again: those that were given up, those that arrived, or both.
STATES: Final = {
    "failed": (Delivery.State.FAILED,),
    "arrived": (Delivery.State.ARRIVED,),
    "all": (Delivery.State.FAILED, Delivery.State.ARRIVED),
}

#: Deliveries that are written at once: half a second at most.
BATCH: Final = 5000


@transaction.atomic
def redeliver(delivery: Delivery, *, actor: AbstractBaseUser | None) -> bool:
    """Send one again, before all others and whatever holds those back.

    It keeps its `webhook-id`, so a receiver that has it already can tell. Returns False while it
    is being sent, or when it was a test: a test is made anew.
    """
    make_due([delivery.endpoint_id])
    sent_again = Delivery.objects.filter(pk=delivery.pk, is_test=False).exclude(
        state=Delivery.State.SENDING
    )
    changed = sent_again.update(
        state=Delivery.State.WAITING,
        urgent=True,
        tries=0,
        due_at=ClockTimestamp(),
        finished_at=None,
    )
    if changed:
        _recorded(delivery.endpoint, actor, count=1)
    return bool(changed)


def what_follows(delivery: Delivery) -> str:
    """What is said of a delivery that is sent again."""
    if delivery.endpoint.state != Endpoint.State.ACTIVE:
        return "It is sent again as soon as the endpoint is enabled."
    return "It is sent again now."


def why_not(delivery: Delivery) -> str:
    """What is said of a delivery that `redeliver` does not send again."""
    if delivery.is_test:
        return "A test is not sent again: have a new one sent."
    return "It is being sent at this moment: wait for what comes of it."


def replay(
    endpoint: Endpoint,
    *,
    since: datetime.datetime | None,
    state: str,
    actor: AbstractBaseUser | None,
) -> int:
    """Send again what was made since a time and has ended as `state`, a key of STATES.

    Returns how many deliveries that are.
    """
    deliveries = Delivery.objects.filter(state__in=STATES[state])
    if since is not None:
        deliveries = deliveries.filter(created_at__gte=since)
    count = requeue(endpoint, deliveries)
    if count:
        _recorded(endpoint, actor, count=count)
    return count


def try_now(endpoint: Endpoint, *, actor: AbstractBaseUser | None) -> int:
    """Try what waits without waiting for its time; returns how many deliveries that are.

    While the endpoint fails it is the oldest alone that is tried, as ever.
    """
    waiting = Delivery.objects.filter(
        endpoint=endpoint,
        is_test=False,
        state__in=(Delivery.State.WAITING, Delivery.State.RETRYING),
    )
    failures = Lane.objects.values_list("failures", flat=True).get(pk=endpoint.pk)
    if endpoint.ordered or failures >= BREAKER:
        oldest = waiting.order_by("pk").values_list("pk", flat=True)[:1]
        waiting = waiting.filter(pk__in=list(oldest))
    count = _in_batches(endpoint, waiting, due_at=Now())
    if count:
        _recorded(endpoint, actor, count=count)
    return count


def requeue(endpoint: Endpoint, deliveries: QuerySet[Delivery]) -> int:
    """Put an endpoint's deliveries back as if they were new; returns how many."""
    chosen = deliveries.filter(endpoint=endpoint, is_test=False)
    return _in_batches(
        endpoint, chosen, state=Delivery.State.WAITING, tries=0, due_at=Now(), finished_at=None
    )


def _in_batches(endpoint: Endpoint, chosen: QuerySet[Delivery], **values: Any) -> int:
    """Write to deliveries in transactions of BATCH, the oldest first.

    Each locks the lane first, as its holder does, who is kept waiting by none for long.
    """
    count = last = 0
    while True:
        with transaction.atomic():
            make_due([endpoint.pk])
            behind = chosen.filter(pk__gt=last).order_by("pk")
            ids = list(behind.values_list("pk", flat=True)[:BATCH])
            count += Delivery.objects.filter(pk__in=ids).update(**values)
        if len(ids) < BATCH:
            return count
        last = ids[-1]


def _recorded(endpoint: Endpoint, actor: AbstractBaseUser | None, *, count: int) -> None:
    audit.record(
        AuditEntry.Action.DELIVERIES_RESENT, actor=actor, target=endpoint.host, count=count
    )
