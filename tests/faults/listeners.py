"""Endpoints with real receivers, and what must be true of what they were told."""

import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from django.test import override_settings

from core.encryption import EncryptedField
from tests.faults.harness import PATIENCE, Site, eventually
from webhooks.models import EventType
from webhooks.receiving import OK, Answer, Received, Receiver
from webhooks.signing import new_secret

BROKEN: Answer = (500, {}, b"not today")
PENDING = ("waiting", "sending", "retrying")

_INSERT = """
WITH made AS (
    INSERT INTO webhooks_endpoint (
        url, description, event_types, bulk, ordered, rate_per_hour, headers, secret, state,
        state_since, reason, since_change_set, created_at
    )
    SELECT %(url)s, '', %(event_types)s, %(bulk)s, %(ordered)s, 10000000, %(headers)s, %(secret)s,
           %(state)s, now(), '', coalesce(max(id), 0), now()
    FROM catalog_changeset
    RETURNING id
)
INSERT INTO webhooks_lane (endpoint_id, failures, slow, tokens, last_error, last_answer)
SELECT id, 0, false, 0, '', '' FROM made
RETURNING endpoint_id AS id
"""
_DELIVERIES = """
SELECT delivery.id, delivery.state, delivery.attempts, delivery.tries, delivery.due_at,
       'msg_' || replace(event.uid::text, '-', '') AS webhook_id, event.body, event.type,
       event.change_set_id, event.sequence,
       coalesce((
           SELECT json_agg(json_build_object(
               'number', number, 'status', status, 'error', error) ORDER BY number)
           FROM webhooks_attempt WHERE delivery_id = delivery.id
       ), '[]') AS log
FROM webhooks_delivery AS delivery JOIN webhooks_event AS event ON event.id = delivery.event_id
WHERE delivery.endpoint_id = %s AND NOT delivery.is_test
ORDER BY delivery.id
"""


@dataclass(frozen=True)
class Delivered:
    """A delivery as the database has it, with its attempts."""

    id: int
    state: str
    attempts: int
    tries: int
    due_at: Any
    webhook_id: str
    body: str
    type: str
    change_set_id: int | None
    sequence: int | None
    log: Sequence[Mapping[str, Any]]


class Gate:
    """Holds every request inside the receiver until it is opened."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self, received: Received) -> Answer:
        self._arrived.release()
        self._open.wait(PATIENCE)
        return OK

    def wait(self) -> None:
        """Wait until one more request has come."""
        assert self._arrived.acquire(timeout=PATIENCE), "nothing was sent"

    def open(self) -> None:
        self._open.set()


class Listener:
    """An endpoint that subscribes to everything, with a receiver of its own behind it.

    `answers` may be replaced at any time. `most` is how many requests it ever had at once.
    """

    def __init__(
        self,
        site: Site,
        *,
        bulk: str = "each",
        ordered: bool = False,
        state: str = "active",
        answers: Callable[[Received], Answer] = lambda received: OK,
    ) -> None:
        self.site = site
        self.answers = answers
        self.ordered = ordered
        self.most = 0
        self._inside = 0
        self._counting = threading.Lock()
        secret = new_secret()
        self.receiver = Receiver(secrets=[secret], answer=self._answer)
        field = EncryptedField()
        with override_settings(SECRET_KEY=site.environment()["SECRET_KEY"]):
            encrypted = {
                "secret": field.get_prep_value(secret),
                "headers": field.get_prep_value({}),
            }
        self.id = int(
            site.value(
                _INSERT,
                {
                    "url": self.receiver.url,
                    "event_types": EventType.values,
                    "bulk": bulk,
                    "ordered": ordered,
                    "state": state,
                    **encrypted,
                },
            )
        )

    @property
    def received(self) -> list[Received]:
        return self.receiver.received

    def deliveries(self) -> list[Delivered]:
        """The oldest first."""
        return [Delivered(**row) for row in self.site.rows(_DELIVERIES, [self.id])]

    def lane(self) -> dict[str, Any]:
        (row,) = self.site.rows("SELECT * FROM webhooks_lane WHERE endpoint_id = %s", [self.id])
        return row

    def settled(self, *, seconds: float = PATIENCE) -> None:
        """Wait until everything is published and nothing waits for this endpoint any more."""
        eventually(
            lambda: self.site.value(
                "SELECT NOT EXISTS (SELECT FROM catalog_changeset WHERE published_at IS NULL)"
                " AND NOT EXISTS (SELECT FROM webhooks_delivery WHERE endpoint_id = %s"
                " AND state = ANY(%s))",
                [self.id, list(PENDING)],
            ),
            seconds=seconds,
            what=f"everything to be sent\n{self.site.log('deliver')}",
        )

    def resting(self) -> None:
        """Wait until nobody sends to this endpoint, and nothing is due."""
        eventually(
            lambda: self.site.value(
                "SELECT lease_token IS NULL AND coalesce(due_at > now(), true)"
                " FROM webhooks_lane WHERE endpoint_id = %s",
                [self.id],
            ),
            what=f"the lane to rest\n{self.site.log('deliver')}",
        )

    def time_passes(self, seconds: float) -> None:
        """Move the clock: all that is noted of this endpoint happened that much earlier."""
        self.resting()
        by = {"by": seconds, "id": self.id}
        with psycopg.connect(self.site.dsn) as connection:
            connection.execute(
                "UPDATE webhooks_delivery SET due_at = due_at - make_interval(secs => %(by)s)"
                " WHERE endpoint_id = %(id)s",
                by,
            )
            connection.execute(
                "UPDATE webhooks_lane SET due_at = due_at - make_interval(secs => %(by)s),"
                " failing_since = failing_since - make_interval(secs => %(by)s),"
                " tokens_at = tokens_at - make_interval(secs => %(by)s)"
                " WHERE endpoint_id = %(id)s",
                by,
            )
        self.site.wake(1, task="webhooks.drain", queue="webhooks")

    def seconds_to(self, at: Any) -> float:
        """From the database's time of day on."""
        return float(
            self.site.value("SELECT extract(epoch FROM %s::timestamptz - clock_timestamp())", [at])
        )

    def expect_told(self) -> None:
        """All has arrived, signed, under one id each, and no request is missing from the log."""
        deliveries = self.deliveries()
        seen = defaultdict(list)
        for received in list(self.received):
            assert received.verified, received.problem
            seen[received.webhook_id].append(received.body.decode())
        assert len({each.webhook_id for each in deliveries}) == len(deliveries)
        assert seen.keys() == {each.webhook_id for each in deliveries}
        for each in deliveries:
            expect_log(each)
            assert each.state == "arrived", each
            assert set(seen[each.webhook_id]) == {each.body}
            answered = [attempt for attempt in each.log if attempt["status"] is not None]
            assert len(answered) <= len(seen[each.webhook_id]) <= each.attempts, each
        if self.ordered:
            self.expect_order()

    def expect_order(self) -> None:
        """One at a time, each until it has arrived, as they happened."""
        told = [received.webhook_id for received in self.received]
        turns = [
            webhook_id
            for place, webhook_id in enumerate(told)
            if place == 0 or told[place - 1] != webhook_id
        ]
        deliveries = self.deliveries()
        assert turns == [each.webhook_id for each in deliveries]
        happened = [
            (each.change_set_id, each.sequence) for each in deliveries if each.change_set_id
        ]
        assert happened == sorted(happened)
        assert self.most == 1

    def _answer(self, received: Received) -> Answer:
        with self._counting:
            self._inside += 1
            self.most = max(self.most, self._inside)
        try:
            return self.answers(received)
        finally:
            with self._counting:
                self._inside -= 1

    def __enter__(self) -> Self:
        self.receiver.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.receiver.stop()


class Listeners(contextlib.ExitStack):
    """Makes listeners at a site, and ends them together."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site

    def __call__(self, **values: Any) -> Listener:
        return self.enter_context(Listener(self._site, **values))


@contextlib.contextmanager
def listening(site: Site) -> Iterator[Listeners]:
    """Listeners of a test, whose deliver process lives."""
    site.start_deliver()
    with Listeners(site) as listeners:
        yield listeners


def expect_log(delivery: Delivered) -> None:
    """Every attempt that was begun is written down, once."""
    numbers = [attempt["number"] for attempt in delivery.log]
    assert numbers == list(range(1, delivery.attempts + 1)), delivery


def events(listener: Listener) -> list[dict[str, Any]]:
    """What arrived first under each id, in the order of the events."""
    bodies = {received.webhook_id: received.body for received in listener.received}
    return [json.loads(bodies[each.webhook_id]) for each in listener.deliveries()]
