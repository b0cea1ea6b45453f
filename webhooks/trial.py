"""The test of an endpoint: one request, at once, by itself; its delivery is the result."""

import datetime
from functools import partial
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from core.leases import ClockTimestamp
from core.limits import Limit, spend
from core.outbound import Sender
from core.wakeups import send_wake_up
from webhooks import bodies
from webhooks.deliveries import log, send
from webhooks.models import TEST, Delivery, Endpoint, Event

SEND_TASK: Final = "webhooks.send_test"
TESTS_A_MINUTE: Final = 20
#: One whose wake-up was lost, or whose worker died, is sent by a tick after that many seconds.
OVERDUE_SECONDS: Final = 20


class TooManyTests(Exception):
    """Somebody tests more often than a person would; `seconds` says when to try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many tests. Try again in {seconds} s.")
        self.seconds = seconds


def request_test(
    endpoint: Endpoint, *, actor: AbstractBaseUser | None, payload: Any = None
) -> Delivery:
    """Have a `webhook.test` sent, to a paused or disabled endpoint too.

    `payload` replaces the `data` of the event. The delivery that is returned holds the result
    once its state is ARRIVED or FAILED: there is one attempt and no other.

    Raises:
        TooManyTests: the same person has sent too many within a minute.
    """
    who = str(actor.pk) if actor else "command line"
    seconds = spend([Limit("webhook-test", of=(who,), most=TESTS_A_MINUTE, seconds=60)])
    if seconds:
        raise TooManyTests(seconds)
    with transaction.atomic():
        body = bodies.trial_body(datetime.datetime.now(datetime.UTC), payload)
        event = Event.objects.create(type=TEST, body=body)
        delivery = Delivery.objects.create(event=event, endpoint=endpoint, is_test=True)
        transaction.on_commit(partial(send_wake_up, SEND_TASK, delivery.pk))
    delivery.refresh_from_db()
    return delivery


def send_test(delivery_id: int) -> None:
    """Send a test that waits; one that another worker has taken is left alone."""
    waiting = Delivery.objects.filter(pk=delivery_id, is_test=True, state=Delivery.State.WAITING)
    taken = waiting.update(
        state=Delivery.State.SENDING, attempts=F("attempts") + 1, due_at=ClockTimestamp()
    )
    if not taken:
        return
    delivery = Delivery.objects.select_related("event", "endpoint").get(pk=delivery_id)
    with Sender(connections=1) as sender:
        sent = send(sender, delivery.endpoint, delivery)
    with transaction.atomic():
        log(sent, delivery.endpoint)
        Delivery.objects.filter(pk=delivery_id).update(
            state=Delivery.State.ARRIVED if sent.arrived else Delivery.State.FAILED,
            status=sent.answer.status,
            error=sent.answer.error,
            milliseconds=sent.answer.milliseconds,
            finished_at=ClockTimestamp(),
        )


def overdue_tests() -> list[int]:
    """Tests that nobody has sent, or whose worker has died: they are to be sent now."""
    late = ClockTimestamp() - datetime.timedelta(seconds=OVERDUE_SECONDS)
    stuck = Delivery.objects.filter(is_test=True, due_at__lt=late)
    stuck.filter(state=Delivery.State.SENDING).update(
        state=Delivery.State.WAITING, due_at=ClockTimestamp()
    )
    waiting = stuck.filter(state=Delivery.State.WAITING)
    return list(waiting.values_list("pk", flat=True)[:20])
