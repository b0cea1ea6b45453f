"""Who may send to an endpoint, how much, and when it is looked at again."""

import datetime
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.db.models import F, QuerySet

from core.leases import ClockTimestamp, Hold, lease_end
from core.sql import statement
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.retries import BREAKER
from webhooks.wakeups import due_lanes

SQL = Path(__file__).parent / "sql"
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
        due = due_lanes(slow=slow).select_related("endpoint")
        lane = due.select_for_update(skip_locked=True, of=("self",)).first()
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
    cut_off = list(sending.order_by("pk").values_list("pk", "attempts"))
    if not cut_off:
        return
    log_interrupted(cut_off)
    sending.update(
        state=Delivery.State.RETRYING,
        error=INTERRUPTED,
        status=None,
        tries=F("tries") - 1,
        due_at=ClockTimestamp(),
    )


def log_interrupted(cut_off: Sequence[tuple[int, int]]) -> None:
    """Log the attempts of a dead process, by delivery and number: what came of them is unknown."""
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
    with connection.cursor() as cursor:
        cursor.execute(
            statement(SQL, "take_oldest" if alone else "take_due"),
            {"endpoint": endpoint.pk, "free": free},
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    if not ids:
        return []
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
    """Let the lane go and say when it is to be looked at again."""
    with transaction.atomic():
        lane = hold.held().select_for_update().annotate(now=ClockTimestamp()).first()
        if lane is not None:
            let_go(lane, endpoint, lane.now)
            lane.save()


def let_go(lane: Lane, endpoint: Endpoint, now: datetime.datetime) -> None:
    """Say on a locked lane when it is to be looked at again; the caller saves it.

    Locked in a statement before this one's, so that deliveries which were added meanwhile are
    seen: who adds some locks the lane too.
    """
    waiting = pending(lane)
    dues = [waiting.order_by("due_at", "pk")]
    if only_oldest(lane, endpoint):
        dues = [waiting.order_by("pk"), waiting.filter(urgent=True).order_by("due_at")]
    found = [rows.values_list("due_at", flat=True).first() for rows in dues]
    lane.due_at = min((at for at in found if at is not None), default=None)
    if lane.due_at is not None:
        # Not before now: lanes that are due take turns.
        wait = max(0.0, 1 - lane.tokens) * 3600 / endpoint.rate_per_hour
        lane.due_at = max(lane.due_at, now + datetime.timedelta(seconds=wait))
    lane.lease_token = lane.leased_until = None
