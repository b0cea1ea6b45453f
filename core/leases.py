"""Work that is claimed, kept alive and given back: rows with a lease.

PostgreSQL is the queue of record. A worker takes a row by one conditional UPDATE, which sets a
token that nobody else has; every later write of that worker names the token and checks that it
hit one row. A worker that was silent for longer than its lease has lost the row, whatever it still
believes. Only the database's clock is asked, so that machines may disagree about the time.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.dispatch import Signal

from core.logs import current_request

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25

# Sent with `sender=` the model, `state` and `row` when a row is left in its last state, in the
# transaction that says so; `row` is None, or has not been read again, if nobody held it.
row_ended = Signal()


class ClockTimestamp(models.Func):
    """The database's time of day; unlike now() it moves on inside a transaction."""

    function = "CLOCK_TIMESTAMP"
    template = "%(function)s()"
    output_field = models.DateTimeField()


class LeaseLost(Exception):
    """The row is no longer this worker's: stop without another word."""


class Cancelled(Exception):
    """Somebody asked for the work to be cancelled, and nothing of it may remain."""


def asking_request() -> str:
    """The id of the request that is being answered, "" outside of one."""
    return current_request()


class Leased(models.Model):
    """A row that one worker at a time holds, as long as its token stands in it."""

    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True


class LeasedRow(Leased):
    """Work from its queue to its end, done by one worker at a time.

    Subclasses name the states in which a row waits for a worker (`QUEUED`) or a person (`IDLE`) and
    is worked on (`RUNNING`), the two in which the reaper may leave it, and the task that claims and
    runs the next one (`RUN_TASK`).
    """

    QUEUED: ClassVar[str] = "queued"
    FAILED: ClassVar[str] = "failed"
    CANCELLED: ClassVar[str] = "cancelled"
    RUNNING: ClassVar[tuple[str, ...]]
    IDLE: ClassVar[tuple[str, ...]] = ()
    RUN_TASK: ClassVar[str]

    state = models.CharField(max_length=16)
    attempt = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    progress = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)
    #: Of the request or command that asked for it: what its worker logs carries it on.
    request_id = models.CharField(
        max_length=128, blank=True, default=asking_request, editable=False
    )
    accepted_at = models.DateTimeField(null=True, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_running(self) -> bool:
        return self.state == self.QUEUED or self.state in self.RUNNING


Held = TypeVar("Held", bound=Leased)
Row = TypeVar("Row", bound=LeasedRow)


def lease_end() -> Any:
    """When a lease that is taken or renewed now runs out, by the database's clock."""
    return ClockTimestamp() + timedelta(seconds=settings.LEASE_SECONDS)


def expired(model: type[Row]) -> Q:
    """Rows whose worker has been silent for too long."""
    return Q(state__in=model.RUNNING, leased_until__lt=ClockTimestamp())


@dataclass(frozen=True)
class Hold(Generic[Held]):
    """The right to write one row, held while its token stands in the row."""

    row: Held
    token: uuid.UUID

    def held(self) -> models.QuerySet[Held]:
        """The row, if it is still this worker's."""
        objects: models.Manager[Held] = type(self.row)._default_manager
        return objects.filter(pk=self.row.pk, lease_token=self.token)

    def update(self, **fields: Any) -> None:
        """Write fields of the row and show them on the instance.

        Raises:
            LeaseLost: the row is somebody else's by now; nothing was written.
        """
        if self.held().update(**fields) != 1:
            raise LeaseLost
        for name, value in fields.items():
            setattr(self.row, name, value)

    def lock(self) -> None:
        """Keep the row as it is until the caller's transaction ends.

        A worker that wakes up late writes nothing beside the one that has its row by now.

        Raises:
            LeaseLost: the row is somebody else's by now.
        """
        if not self.held().select_for_update().exists():
            raise LeaseLost

    def expire(self) -> None:
        """End the lease now, so that nobody need wait for it to run out."""
        self.held().update(leased_until=ClockTimestamp())


@dataclass(frozen=True)
class Lease(Hold[Row]):
    """The right to carry one row's work to its end."""

    def finish(self, state: str, **fields: Any) -> None:
        """Leave the row in its last state, in the caller's transaction.

        Raises:
            Cancelled: a cancel came first, so the caller must roll back.
            LeaseLost: the row is somebody else's by now; the caller must roll back.
        """
        finished = self.held().filter(cancel_requested=False)
        if not self._close(finished, state, **fields):
            self.check()
            raise LeaseLost

    def cancel(self, **fields: Any) -> bool:
        """Leave the row cancelled; returns False when it was no longer this worker's."""
        return self._close(self.held(), self.row.CANCELLED, **fields)

    def fail(self, code: str, message: str, **fields: Any) -> bool:
        """Leave the row failed with a reason a person can act on.

        Returns False when it was no longer this worker's, and nothing was written.
        """
        return self._close(
            self.held(), self.row.FAILED, error_code=code, error_message=message, **fields
        )

    def step_back(self) -> None:
        """Give the row back to the queue in its old place, as if it had not been claimed.

        Raises:
            Cancelled: a cancel came first; nobody would ever claim the row.
            LeaseLost: the row is somebody else's by now.
        """
        given_back = (
            self.held()
            .filter(cancel_requested=False)
            .update(
                state=self.row.QUEUED,
                attempt=F("attempt") - 1,
                lease_token=None,
                leased_until=None,
                progress={},
            )
        )
        if not given_back:
            self.check()
            raise LeaseLost

    def check(self) -> None:
        """Raise Cancelled or LeaseLost if the row says so."""
        cancel_requested = self.held().values_list("cancel_requested", flat=True).first()
        if cancel_requested is None:
            raise LeaseLost
        if cancel_requested:
            raise Cancelled

    def _close(self, rows: models.QuerySet[Row], state: str, **fields: Any) -> bool:
        closed = rows.update(
            state=state,
            lease_token=None,
            leased_until=None,
            finished_at=ClockTimestamp(),
            **fields,
        )
        if closed:
            self.row.refresh_from_db()
            row_ended.send(sender=type(self.row), state=state, row=self.row)
        return bool(closed)


def claim_next(model: type[Row], first_state: str) -> Lease[Row] | None:
    """Take the row that was accepted first among those that wait or whose worker has died.

    One conditional UPDATE decides between workers: the one whose update hits a row has it.
    Returns None when there is nothing to do.
    """
    claimable = model._default_manager.filter(
        Q(state=model.QUEUED) | expired(model),
        cancel_requested=False,
        attempt__lt=settings.MAX_ATTEMPTS,
    )
    for pk in claimable.order_by("accepted_at", "pk").values_list("pk", flat=True)[:20]:
        token = uuid.uuid4()
        taken = claimable.filter(pk=pk).update(
            state=first_state,
            attempt=F("attempt") + 1,
            lease_token=token,
            leased_until=lease_end(),
            started_at=Coalesce(F("started_at"), ClockTimestamp()),
            progress={},
        )
        if taken:
            return Lease(row=model._default_manager.get(pk=pk), token=token)
    return None


def request_cancel(row: Row) -> bool:
    """Ask for a row's work to be cancelled; one that nobody holds is cancelled at once.

    Returns False when the work had already ended.
    """
    objects = type(row)._default_manager.filter(pk=row.pk)
    idle = objects.filter(state__in=(row.QUEUED, *row.IDLE)).update(
        state=row.CANCELLED, cancel_requested=True, finished_at=ClockTimestamp()
    )
    if idle:
        row_ended.send(sender=type(row), state=row.CANCELLED, row=row)
        return True
    return bool(objects.filter(state__in=row.RUNNING).update(cancel_requested=True))


@dataclass(frozen=True)
class Reaped:
    """What a reaper found: numbers of rows, and the keys of those that failed for good."""

    requeued: int
    failed: list[int]
    cancelled: int


def reap(model: type[Row], *, lost_message: str) -> Reaped:
    """Give dead workers' rows back to the queue; fail those that were lost too often.

    In the caller's transaction, which tells of those that failed.
    """
    dead = model._default_manager.filter(expired(model))
    ended: dict[str, Any] = {
        "lease_token": None,
        "leased_until": None,
        "finished_at": ClockTimestamp(),
        "progress": {},
    }
    cancelled = dead.filter(cancel_requested=True).update(state=model.CANCELLED, **ended)
    hopeless = dead.filter(attempt__gte=settings.MAX_ATTEMPTS).select_for_update(skip_locked=True)
    failed = list(hopeless.values_list("pk", flat=True))
    model._default_manager.filter(pk__in=failed).update(
        state=model.FAILED, error_code="worker_lost", error_message=lost_message, **ended
    )
    for state in [model.CANCELLED] * cancelled + [model.FAILED] * len(failed):
        row_ended.send(sender=model, state=state, row=None)
    # Not what the statements before left out, locked or not dead yet: nobody could claim it.
    requeued = dead.filter(cancel_requested=False, attempt__lt=settings.MAX_ATTEMPTS).update(
        state=model.QUEUED, lease_token=None, leased_until=None, progress={}
    )
    if requeued or failed or cancelled:
        logger.warning(
            "reaped: model=%s requeued=%d failed=%d cancelled=%d",
            model.__name__,
            requeued,
            len(failed),
            cancelled,
        )
    return Reaped(requeued=requeued, failed=failed, cancelled=cancelled)


class Heartbeat(Generic[Row]):
    """Keeps a lease alive from a thread with a connection of its own while the block works.

    The thread renews the lease, writes the latest figures to the row, hands them to `publish`
    several times a second, and sees a cancel. A cancel or a lost lease interrupts the statement
    that the block is running, and `check()` raises between statements.
    """

    def __init__(self, lease: Lease[Row], *, publish: Callable[[dict[str, Any]], None]) -> None:
        self.lease = lease
        self.figures: dict[str, Any] = {}
        self._publish = publish
        self._sampler: Callable[[], dict[str, Any]] | None = None
        self._stop = threading.Event()
        self._verdict: type[Exception] | None = None
        # In a copy of this context: its log lines belong to the same row.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._beat,), name="heartbeat", daemon=True
        )

    def report(self, **figures: Any) -> None:
        """Say how far the work is; costs the block nothing but a dict."""
        self.figures = {**self.figures, **figures}

    def sample(self, sampler: Callable[[], dict[str, Any]]) -> None:
        """Let the thread ask for figures itself, while the block waits for one long statement."""
        self._sampler = sampler

    def check(self) -> None:
        """Raise Cancelled or LeaseLost once the thread has seen either."""
        if self._verdict is not None:
            raise self._verdict

    def stop(self) -> None:
        """End the beats. Called before the row's last update, which a late beat would mistake for
        a lost lease; the lease itself runs on for LEASE_SECONDS."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        connection.ensure_connection()
        self._working = connection.connection
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if isinstance(error, OperationalError) and self._verdict is not None:
            raise self._verdict from error

    def _beat(self) -> None:
        shown: dict[str, Any] = {}
        last_beat = last_success = time.monotonic()
        try:
            while not self._stop.wait(TICK_SECONDS):
                self._take_sample()
                if self.figures != shown:
                    shown = self.figures
                    self._publish(shown)
                now = time.monotonic()
                if now - last_beat < settings.HEARTBEAT_SECONDS:
                    continue
                last_beat = now
                if self._renew(shown):
                    last_success = now
                elif now - last_success > settings.LEASE_SECONDS:
                    self._verdict = LeaseLost
                if self._verdict is not None:
                    self._working.cancel_safe(timeout=5.0)
                    return
        finally:
            connection.close()

    def _take_sample(self) -> None:
        if self._sampler is None:
            return
        try:
            self.report(**self._sampler())
        except DatabaseError as error:
            logger.warning("no figures: %s", error)
            connection.close()

    def _renew(self, figures: dict[str, Any]) -> bool:
        """Renew once; False when the database could not be asked."""
        try:
            renewed = self.lease.held().update(leased_until=lease_end(), progress=figures)
            if not renewed:
                self._verdict = LeaseLost
            elif self.lease.held().filter(cancel_requested=True).exists():
                self._verdict = Cancelled
        except DatabaseError as error:
            logger.warning("heartbeat missed: %s", error)
            connection.close()
            return False
        return True
