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
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import AuditEntry
from core.endings import told_to_end
from core.leases import ClockTimestamp, Hold, lease_end
from core.logs import log_ids
from core.outbound import Answer, Sender
from webhooks import hours, lanes, metrics, retries
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.signing import signed_headers

logger = logging.getLogger(__name__)

USER_AGENT: Final = "product-importer/1.0"
#: Of an answer's body and headers.
BODY_KEPT: Final = 4096
HEADERS_KEPT: Final = 50
GONE: Final = 410
#: What we say of a request, or what says where it ends and goes: nobody else's word counts there.
OURS: Final = frozenset({
    "accept-encoding", "connection", "expect", "forwarded", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent",
})  # fmt: skip
OUR_PREFIXES: Final = ("content-", "proxy-", "webhook-", "x-forwarded-")
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

#: A person's header that no request can carry, as with a line break in its value.
UNSENDABLE: Final = Answer(
    status=None,
    headers={},
    body=b"",
    milliseconds=0,
    error="header",
    message="One of the endpoint's own headers can't be sent. Change its name or its value.",
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
        self.endpoint = hold.row.endpoint
        self._slow = hold.row.slow
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
                self._flying |= {
                    threads.submit(send, sender, self.endpoint, delivery) for delivery in taken
                }
                if not self._flying:
                    return
                done, self._flying = wait(self._flying, return_when=FIRST_COMPLETED)

    def _step(self, sent: list[Sent]) -> list[Delivery]:
        """Record what was sent and take the next, or let the lane go, in one transaction.

        When the lane is somebody else's by now, nothing is recorded and nothing taken.
        """
        with transaction.atomic():
            held = self.hold.held().select_for_update(of=("self",)).annotate(now=ClockTimestamp())
            lane = held.select_related("endpoint").first()
            if lane is None:
                with log_ids(endpoint_id=self.hold.row.pk):
                    logger.warning("lane lost: endpoint=%d sent=%d", self.hold.row.pk, len(sent))
                return []
            self.endpoint = lane.endpoint
            for each in sent:
                _record(lane, each, lane.now)
            lanes.refill(lane, self.endpoint, lane.now)
            taken = []
            if not self._ending(lane):
                taken = lanes.take(lane, self.endpoint, busy=len(self._flying))
            if taken or self._flying:
                lane.leased_until = lease_end()
            else:
                lanes.let_go(lane, self.endpoint, lane.now)
            lane.save()
        return taken

    def _ending(self, lane: Lane) -> bool:
        return (
            self.endpoint.state != Endpoint.State.ACTIVE
            # It goes on among its like: one that hangs keeps nobody else waiting.
            or lane.slow != self._slow
            or time.monotonic() > self._ends
            or told_to_end()
        )


def send(sender: Sender, endpoint: Endpoint, delivery: Delivery) -> Sent:
    """Sign and post one delivery; touches no database, so that threads may do it side by side."""
    with log_ids(
        change_set_id=delivery.event.change_set_id,
        endpoint_id=endpoint.pk,
        delivery_id=delivery.pk,
    ):
        sent = _send(sender, endpoint, delivery)
        logger.info(
            "attempt ended: number=%d status=%s error=%s milliseconds=%d",
            delivery.attempts,
            sent.answer.status,
            sent.answer.error,
            sent.answer.milliseconds,
        )
    return sent


def _send(sender: Sender, endpoint: Endpoint, delivery: Delivery) -> Sent:
    at = datetime.datetime.now(datetime.UTC)
    if endpoint.secret is None:
        return Sent(delivery, at, {}, UNREADABLE)
    body = delivery.event.body.encode()
    headers = request_headers(endpoint, delivery.event.webhook_id, at, body)
    try:
        answer = sender.post(endpoint.url, body, headers)
    except ValueError:
        answer = UNSENDABLE
    return Sent(delivery, at, headers, answer)


def is_ours(name: str) -> bool:
    """Whether a header of this name is none that a person can add."""
    return name.lower() in OURS or name.lower().startswith(OUR_PREFIXES)


def request_headers(
    endpoint: Endpoint, webhook_id: str, at: datetime.datetime, body: bytes
) -> dict[str, str]:
    """All headers of a request; those that a person added override none of ours."""
    secrets = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until and at < endpoint.previous_until:
        secrets.append(endpoint.previous_secret)
    added = {name.lower(): value for name, value in (endpoint.headers or {}).items()}
    return {
        **{name: value for name, value in added.items() if not is_ours(name)},
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **signed_headers(webhook_id=webhook_id, at=at, body=body, secrets=secrets),
    }


def _record(lane: Lane, sent: Sent, now: datetime.datetime) -> None:
    """Log an attempt and decide what becomes of the delivery, its lane and its endpoint."""
    log(sent)
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


def log(sent: Sent) -> None:
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
        request_headers=_without_secrets(sent.headers),
        response_headers=dict(list(answer.headers.items())[:HEADERS_KEPT]),
        response_body=_text(answer.body[:BODY_KEPT]),
    )
    transaction.on_commit(partial(metrics.count_attempt, answer, arrived=sent.arrived))
    hours.count(
        sent.delivery.endpoint_id,
        sent.at,
        arrived=sent.arrived,
        milliseconds=answer.milliseconds,
    )


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """By what is ours, not by what is configured: that may have changed since it was sent."""
    return {name: value if is_ours(name) else HIDDEN for name, value in headers.items()}


def _text(body: bytes) -> str:
    """Bytes of somebody else's as text that PostgreSQL takes."""
    return body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")


def _disable(endpoint: Endpoint, reason: Endpoint.Reason) -> None:
    disabled = Endpoint.objects.filter(pk=endpoint.pk, state=Endpoint.State.ACTIVE).update(
        state=Endpoint.State.DISABLED, state_since=ClockTimestamp(), reason=reason
    )
    if disabled:
        endpoint.state = Endpoint.State.DISABLED
        with log_ids(endpoint_id=endpoint.pk):
            logger.warning("endpoint disabled: id=%d reason=%s", endpoint.pk, reason)
        audit.record(
            AuditEntry.Action.ENDPOINT_DISABLED, actor=None, target=endpoint.host, reason=reason
        )
