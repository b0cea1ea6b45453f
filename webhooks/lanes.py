"""Who may send to an endpoint, how much, and when it is looked at again."""

import datetime
import uuid
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from core.leases import ClockTimestamp, Hold, lease_end
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.retries import BREAKER
from webhooks.wakeups import due_lanes

#: Requests at a time.
WIDTH: Final = 4
#: Requests that may be sent at once after a rest, if the hourly rate is no lower.
BURST: Final = 1000
#: An answer that takes longer puts the endpoint among the slow ones until one is quicker.
SLOW_MILLISECONDS: Final = 5000
INTERRUPTED: Final = "interrupted"
INTERRUPTED_WORDS: Final = "The process that was sending ended. What came of it is not known."


def claim(*, slow: bool) -> Hold[Lane] | None:
    """Hold the lane that is due the longest; None when there is nothing to send."""
    with transaction.atomic():
        lane = due_lanes(slow=slow).select_for_update(skip_locked=True, of=("self",)).first()
        if lane is None:
            return None
        hold = Hold(row=lane, token=uuid.uuid4())
        Lane.objects.filter(pk=lane.pk).update(lease_token=hold.token, leased_until=lease_end())
        _recover(lane)
    return hold


def pending(lane: Lane) -> QuerySet[Delivery]:
    """The lane's deliveries that have neither arrived nor been given up."""
    return Delivery.objects.filter(endpoint_id=lane.pk, state__in=Delivery.PENDING, is_test=False)


def _recover(lane: Lane) -> None:
    """Take over what a dead holder was sending: the attempt is logged, and made again now."""
    sending = pending(lane).filter(state=Delivery.State.SENDING)
    cut_off = list(sending.values_list("pk", "attempts"))
    if not cut_off:
        return
    now = datetime.datetime.now(datetime.UTC)
    Attempt.objects.bulk_create(
        [
            Attempt(
                delivery_id=pk,
                number=number,
                at=now,
                error=INTERRUPTED,
                message=INTERRUPTED_WORDS,
            )
            for pk, number in cut_off
        ]
    )
    sending.update(
        state=Delivery.State.RETRYING,
        error=INTERRUPTED,
        status=None,
        tries=F("tries") - 1,
        due_at=ClockTimestamp(),
    )


def only_oldest(lane: Lane, endpoint: Endpoint) -> bool:
    """Whether one delivery at a time is tried, the oldest: in strict order, or while it fails."""
    return endpoint.ordered or lane.failures >= BREAKER


def take(lane: Lane, endpoint: Endpoint, *, busy: int) -> list[Delivery]:
    """Mark the next deliveries as being sent, in a transaction that has locked the lane.

    `busy` are being sent already. What a person asked for goes first.
    """
    alone = only_oldest(lane, endpoint)
    free = min((1 if alone else WIDTH) - busy, int(lane.tokens))
    if free <= 0:
        return []
    waiting = pending(lane).exclude(state=Delivery.State.SENDING)
    due = waiting.filter(due_at__lte=ClockTimestamp())
    asked_for = due.filter(urgent=True).order_by("pk")
    ids = list(asked_for.values_list("pk", flat=True)[:free])
    if not ids and alone:
        oldest = waiting.order_by("pk").values_list("pk", flat=True)[:1]
        ids = list(due.filter(pk__in=list(oldest)).values_list("pk", flat=True))
    elif len(ids) < free:
        others = due.filter(urgent=False).order_by("due_at", "pk")
        ids += others.values_list("pk", flat=True)[: free - len(ids)]
    if not ids:
        return []
    Delivery.objects.filter(pk__in=ids).update(
        state=Delivery.State.SENDING,
        attempts=F("attempts") + 1,
        tries=F("tries") + 1,
        urgent=False,
    )
    lane.tokens -= len(ids)
    return list(Delivery.objects.filter(pk__in=ids).select_related("event").order_by("pk"))


def refill(lane: Lane, endpoint: Endpoint, now: datetime.datetime) -> None:
    """Bring the lane's tokens up to `now`, the database's time."""
    burst = min(BURST, endpoint.rate_per_hour)
    if lane.tokens_at is None:
        lane.tokens = burst
    else:
        passed = max(0.0, (now - lane.tokens_at).total_seconds())
        lane.tokens = min(burst, lane.tokens + passed * endpoint.rate_per_hour / 3600)
    lane.tokens_at = now


def release(hold: Hold[Lane], endpoint: Endpoint) -> None:
    """Let the lane go and say when it is to be looked at again.

    Locked in a statement of its own, so that deliveries which were added meanwhile are seen: who
    adds some locks the lane too.
    """
    with transaction.atomic():
        lane = hold.held().select_for_update().annotate(now=ClockTimestamp()).first()
        if lane is None:
            return
        waiting = pending(lane)
        if only_oldest(lane, endpoint):
            first = waiting.order_by("pk")
        else:
            first = waiting.order_by("due_at", "pk")
        due = first.values_list("due_at", flat=True).first()
        asked_for = waiting.filter(urgent=True).order_by("due_at")
        urgent = asked_for.values_list("due_at", flat=True).first()
        due = min((at for at in (due, urgent) if at is not None), default=None)
        if due is not None:
            # Not before now: lanes that are due take turns.
            wait = max(0.0, 1 - lane.tokens) * 3600 / endpoint.rate_per_hour
            due = max(due, lane.now + datetime.timedelta(seconds=wait))
        hold.held().update(due_at=due, lease_token=None, leased_until=None)
