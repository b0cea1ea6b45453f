"""Sending: claim a lane, sign, post, record what came of it, decide what is next.

A lane's holder marks a delivery as being sent, with the number of the attempt, before it sends
it, and records the attempt only while the lane is still its own. So whatever dies, no attempt is
missing from the log, and what was under way is sent once more under the same `webhook-id`.
"""

import datetime
import logging
import random
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

from celery.worker import state as worker_state
from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import AuditEntry
from core.leases import ClockTimestamp, Hold, lease_end
from core.outbound import Answer, Sender
from webhooks import hours, lanes, retries
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.signing import signed_headers

logger = logging.getLogger(__name__)

USER_AGENT: Final = "product-importer/1.0"
#: Of an answer's body and headers.
BODY_KEPT: Final = 4096
HEADERS_KEPT: Final = 50
GONE: Final = 410
HIDDEN: Final = "••••••"
#: Without a secret nothing can be signed, and nothing is sent.
UNREADABLE: Final = Answer(
    status=None,
    headers={},
    body=b"",
    milliseconds=0,
    error="secret",
    message=(
        "The signing secret can't be read: the operator put another SECRET_KEY in place. Rotate"
        " the secret, or have the former key added to SECRET_KEY_FALLBACKS."
    ),
)

_chance = random.SystemRandom()


@dataclass(frozen=True)
class Sent:
    """One attempt: when it began, the headers that it sent, what came back."""

    delivery: Delivery
    at: datetime.datetime
    headers: dict[str, str]
    answer: Answer

    @property
    def arrived(self) -> bool:
        return retries.is_success(self.answer.status, self.answer.error)


def drain(*, slow: bool) -> bool:
    """Send what is due at the endpoint that has waited longest; False when none is due.

    Ends when nothing is due any more, when the lane has had its turn, when somebody else holds
    it, or when the process is told to end.
    """
    hold = lanes.claim(slow=slow)
    if hold is None:
        return False
    Drain(hold).run()
    return True


class Drain:
    """The turn of one lane."""

    def __init__(self, hold: Hold[Lane]) -> None:
        self.hold = hold
        self.endpoint = Endpoint.objects.get(pk=hold.row.pk)
        self._ends = time.monotonic() + settings.WEBHOOK_YIELD_SECONDS
        self._flying: set[Future[Sent]] = set()

    def run(self) -> None:
        """Send until there is nothing to send; an attempt is as short as OUTBOUND_DEADLINE."""
        with (
            Sender(connections=lanes.WIDTH) as sender,
            ThreadPoolExecutor(lanes.WIDTH, thread_name_prefix="send") as threads,
        ):
            done: set[Future[Sent]] = set()
            while True:
                taken = self._step([future.result() for future in done])
                if taken is None:
                    return
                self._flying |= {
                    threads.submit(send, sender, self.endpoint, delivery) for delivery in taken
                }
                if not self._flying:
                    break
                done, self._flying = wait(self._flying, return_when=FIRST_COMPLETED)
        lanes.release(self.hold, self.endpoint)

    def _step(self, sent: list[Sent]) -> list[Delivery] | None:
        """Record what was sent and take the next, in one transaction.

        Returns None when the lane is somebody else's by now: nothing was recorded.
        """
        with transaction.atomic():
            held = self.hold.held().select_for_update(of=("self",)).annotate(now=ClockTimestamp())
            lane = held.select_related("endpoint").first()
            if lane is None:
                logger.warning("lane lost: endpoint=%d sent=%d", self.hold.row.pk, len(sent))
                return None
            self.endpoint = lane.endpoint
            for each in sent:
                _record(lane, each, lane.now)
            lanes.refill(lane, self.endpoint, lane.now)
            taken = []
            if not self._ending():
                taken = lanes.take(lane, self.endpoint, busy=len(self._flying))
            lane.leased_until = lease_end()
            lane.save()
        return taken

    def _ending(self) -> bool:
        return (
            self.endpoint.state != Endpoint.State.ACTIVE
            or time.monotonic() > self._ends
            or worker_state.should_stop is not None
            or worker_state.should_terminate is not None
        )


def send(sender: Sender, endpoint: Endpoint, delivery: Delivery) -> Sent:
    """Sign and post one delivery; touches no database, so that threads may do it side by side."""
    at = datetime.datetime.now(datetime.UTC)
    if endpoint.secret is None:
        return Sent(delivery, at, {}, UNREADABLE)
    body = delivery.event.body.encode()
    headers = request_headers(endpoint, delivery.event.webhook_id, at, body)
    return Sent(delivery, at, headers, sender.post(endpoint.url, body, headers))


def request_headers(
    endpoint: Endpoint, webhook_id: str, at: datetime.datetime, body: bytes
) -> dict[str, str]:
    """All headers of a request; those that a person added override none of ours."""
    secrets = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until and at < endpoint.previous_until:
        secrets.append(endpoint.previous_secret)
    return {
        **(endpoint.headers or {}),
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **signed_headers(webhook_id=webhook_id, at=at, body=body, secrets=secrets),
    }


def _record(lane: Lane, sent: Sent, now: datetime.datetime) -> None:
    """Log an attempt and decide what becomes of the delivery, its lane and its endpoint."""
    log(sent, lane.endpoint)
    delivery, answer = sent.delivery, sent.answer
    outcome: dict[str, Any] = {
        "status": answer.status,
        "error": answer.error,
        "milliseconds": answer.milliseconds,
    }
    if sent.arrived:
        outcome |= {"state": Delivery.State.ARRIVED, "finished_at": now}
    else:
        outcome |= _after_failure(delivery, answer, now)
    Delivery.objects.filter(pk=delivery.pk).update(**outcome)
    lane.last_at, lane.last_status, lane.last_error = now, answer.status, answer.error
    lane.last_milliseconds = answer.milliseconds
    lane.last_answer = "" if sent.arrived else (answer.message or _text(answer.body))[:200]
    lane.slow = answer.milliseconds > lanes.SLOW_MILLISECONDS
    lane.failures = 0 if sent.arrived else lane.failures + 1
    lane.failing_since = None if sent.arrived else lane.failing_since or now
    if answer.status == GONE:
        _disable(lane.endpoint, Endpoint.Reason.GONE)
    elif lane.failing_since and now - lane.failing_since > retries.GIVE_UP_AFTER:
        _disable(lane.endpoint, Endpoint.Reason.FAILING)


def _after_failure(delivery: Delivery, answer: Answer, now: datetime.datetime) -> dict[str, Any]:
    seconds = None
    if answer.status != GONE:
        seconds = retries.wait_before_next(
            delivery.tries,
            status=answer.status,
            error=answer.error,
            retry_after=answer.headers.get("retry-after", ""),
            now=now,
            chance=_chance,
        )
    if seconds is None:
        return {"state": Delivery.State.FAILED, "finished_at": now}
    due = now + datetime.timedelta(seconds=seconds)
    return {"state": Delivery.State.RETRYING, "due_at": due}


def log(sent: Sent, endpoint: Endpoint) -> None:
    """Write an attempt down, and count it in its hour."""
    answer = sent.answer
    Attempt.objects.create(
        delivery=sent.delivery,
        number=sent.delivery.attempts,
        at=sent.at,
        milliseconds=answer.milliseconds,
        status=answer.status,
        error=answer.error,
        message=answer.message,
        request_headers=_without_secrets(sent.headers, endpoint),
        response_headers=dict(list(answer.headers.items())[:HEADERS_KEPT]),
        response_body=_text(answer.body[:BODY_KEPT]),
    )
    hours.count(endpoint.pk, sent.at, arrived=sent.arrived, milliseconds=answer.milliseconds)


def _without_secrets(headers: Mapping[str, str], endpoint: Endpoint) -> dict[str, str]:
    configured = {name.lower() for name in endpoint.headers or {}}
    return {
        name.lower(): HIDDEN if name.lower() in configured else value
        for name, value in headers.items()
    }


def _text(body: bytes) -> str:
    """Bytes of somebody else's as text that PostgreSQL takes."""
    return body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")


def _disable(endpoint: Endpoint, reason: Endpoint.Reason) -> None:
    disabled = Endpoint.objects.filter(pk=endpoint.pk, state=Endpoint.State.ACTIVE).update(
        state=Endpoint.State.DISABLED, state_since=ClockTimestamp(), reason=reason
    )
    if disabled:
        logger.warning("endpoint disabled: id=%d reason=%s", endpoint.pk, reason)
        audit.record(
            AuditEntry.Action.ENDPOINT_DISABLED, actor=None, target=endpoint.host, reason=reason
        )
