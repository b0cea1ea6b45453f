"""Telling workers that there is work: a hint, the rows are the queue."""

import logging
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError as BrokerError

from core.leases import LeasedRow

logger = logging.getLogger(__name__)

# Each wakes the next one when more waits; more than the workers can take would only pile up.
WAKE_UPS = 4


def send_wake_up(task: str, *arguments: Any, expires: float | None = None) -> bool:
    """Send one wake-up; a broker that is away is logged, a beat task makes up for it.

    After `expires` seconds nobody need be woken by it any more. Returns whether it was sent: to
    try the next one at a broker that is away would cost as long again.
    """
    try:
        current_app.send_task(task, args=arguments, expires=expires, ignore_result=True)
    except BrokerError as error:
        logger.warning("no worker woken, the broker is away: %s", error)
        return False
    return True


def wake_worker(model: type[LeasedRow]) -> bool:
    """Wake one for the model's queue; returns whether the broker was there."""
    return send_wake_up(model.RUN_TASK)


def wake_workers(model: type[LeasedRow]) -> None:
    """Wake some for the rows that wait, in case their own wake-up was lost."""
    for _ in model._default_manager.filter(state=model.QUEUED)[:WAKE_UPS]:
        if not wake_worker(model):
            return
