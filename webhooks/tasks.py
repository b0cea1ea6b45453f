"""Celery tasks: each reads, calls one function, is done."""

import threading
import time
from typing import Final

from celery import shared_task
from django.conf import settings

from core.endings import told_to_end
from webhooks import cleaning, deliveries, events, trial
from webhooks.wakeups import LANES, wake_drain, wake_for_all, wake_publisher

# Threads of this process that drain lanes of each kind; a message too many finds no room and goes.
_ROOM: Final = {slow: threading.BoundedSemaphore(lanes) for slow, lanes in LANES.items()}


@shared_task(name="webhooks.publish")
def publish() -> None:
    """Make events of the change sets that wait."""
    if events.publish_pending(seconds=settings.WEBHOOK_YIELD_SECONDS):
        wake_publisher()


@shared_task(name="webhooks.drain")
def drain() -> None:
    """Send what is due, lane by lane."""
    _drain(slow=False)


@shared_task(name="webhooks.drain_slow")
def drain_slow() -> None:
    """Send what is due at endpoints that take their time."""
    _drain(slow=True)


def _drain(*, slow: bool) -> None:
    """One lane after the other, since a database connection for each costs more than it sends."""
    if not _ROOM[slow].acquire(blocking=False):
        return
    ends = time.monotonic() + settings.WEBHOOK_YIELD_SECONDS
    try:
        while deliveries.drain(slow=slow):
            if told_to_end() or time.monotonic() > ends:
                wake_drain(slow=slow)
                break
    finally:
        _ROOM[slow].release()


@shared_task(name=trial.SEND_TASK)
def send_test(delivery_id: int) -> None:
    """Send the test of an endpoint."""
    trial.send_test(delivery_id)


@shared_task(name="webhooks.tick")
def tick() -> None:
    """Wake whoever has something to do, in case the wake-up was lost or its time has come."""
    wake_for_all()
    for delivery_id in trial.overdue_tests():
        trial.send_test(delivery_id)


@shared_task(name="webhooks.prune")
def prune() -> None:
    """Forget what is older than the settings keep."""
    cleaning.prune_webhooks()
