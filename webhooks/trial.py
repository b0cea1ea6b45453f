"""The test of an endpoint: one request, at once, by itself; its delivery is the result."""

import datetime
import time
from functools import partial
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import F, QuerySet

from core.leases import ClockTimestamp
from core.limits import Limit, spend
from core.outbound import Sender
from core.streams import is_stopping
from core.wakeups import send_wake_up
from webhooks import bodies
from webhooks.deliveries import log, send
from webhooks.lanes import log_interrupted
from webhooks.models import TEST, Delivery, Endpoint, Event

SEND_TASK: Final = "webhooks.send_test"
TESTS_A_MINUTE: Final = 20
#: One whose wake-up was lost, or whose worker died, is sent by a tick after that many seconds.
OVERDUE_SECONDS: Final = 20
#: Tests that one tick sends.
AT_ONCE: Final = 20
#: Whoever waits for a test's result looks that often.
LOOK_SECONDS: Final = 0.2


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


def wait_for_result(delivery: Delivery, *, seconds: float) -> Delivery | None:
    """The test's delivery with its result, or as it is after so long; None when it is gone.

    Called outside of transactions. The database connection is given back between two looks: there
    are fewer of them than requests that may wait.
    """
    until = time.monotonic() + seconds
    while True:
        found = Delivery.objects.filter(pk=delivery.pk).first()
        if found is None or not found.is_pending:
            return found
        left = until - time.monotonic()
        if left <= 0 or is_stopping():
            return found
        connection.close()
        time.sleep(min(left, LOOK_SECONDS))


def send_test(delivery_id: int) -> None:
    """Send a test that waits; one that another worker has taken is left alone."""
    waiting = _tests().filter(pk=delivery_id, state=Delivery.State.WAITING)
    taken = waiting.update(
        state=Delivery.State.SENDING, attempts=F("attempts") + 1, due_at=ClockTimestamp()
    )
    if not taken:
        return
    delivery = Delivery.objects.select_related("event", "endpoint").get(pk=delivery_id)
    with Sender(connections=1) as sender:
        sent = send(sender, delivery.endpoint, delivery)
    with transaction.atomic():
        # Unless it was given to somebody else meanwhile, who has logged this attempt as cut off.
        ended = Delivery.objects.filter(
            pk=delivery_id, state=Delivery.State.SENDING, attempts=delivery.attempts
        ).update(
            state=Delivery.State.ARRIVED if sent.arrived else Delivery.State.FAILED,
            status=sent.answer.status,
            error=sent.answer.error,
            milliseconds=sent.answer.milliseconds,
            finished_at=ClockTimestamp(),
        )
        if ended:
            log(sent)


@transaction.atomic
def overdue_tests() -> list[int]:
    """Tests that nobody has sent, or whose worker has died: they are to be sent now."""
    late = ClockTimestamp() - datetime.timedelta(seconds=OVERDUE_SECONDS)
    overdue = _tests().filter(due_at__lt=late)
    waiting = overdue.filter(state=Delivery.State.WAITING)
    found = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
    sending = overdue.filter(state=Delivery.State.SENDING).select_for_update(skip_locked=True)
    cut_off = list(sending.values_list("pk", "attempts")[:AT_ONCE])
    log_interrupted(cut_off)
    dead = [pk for pk, _ in cut_off]
    Delivery.objects.filter(pk__in=dead).update(state=Delivery.State.WAITING)
    return found + dead


def _tests() -> QuerySet[Delivery]:
    gone = Endpoint.objects.filter(state=Endpoint.State.DELETED)
    return Delivery.objects.filter(is_test=True).exclude(endpoint__in=gone)
