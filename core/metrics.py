"""Counters and histograms of all processes together, kept in Valkey.

Whoever does the work counts it; a thread of the process adds what was counted to Valkey once a
second, so that counting costs microseconds wherever it is done. A Valkey that is away loses
nothing for now, one that was emptied makes the counters start anew, which Prometheus expects of
counters.
"""

import atexit
import bisect
import json
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import Final

import redis
from django.conf import settings
from django.db.models import Count, Max, Min
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from core.leases import ClockTimestamp, LeasedRow

logger = logging.getLogger(__name__)

PREFIX: Final = "product_importer_"
KEY: Final = "product-importer:metrics:"
FLUSH_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
_TIMEOUTS: Final = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
_SUM: Final = "sum"
_MORE: Final = "+Inf"

Stored = Mapping[str, float]


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, **_TIMEOUTS)


class _Counted:
    """What this process has counted and Valkey does not know yet, by metric and field."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Count nothing and have no thread: as in a process that was just forked."""
        self.away_until = 0.0
        self._counts: dict[tuple[str, str], float] = defaultdict(float)
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, name: str, changes: Iterable[tuple[str, float]]) -> None:
        with self._lock:
            for field, by in changes:
                self._counts[name, field] += by
            if self._thread is None:
                self._thread = threading.Thread(target=self._flush, name="metrics", daemon=True)
                self._thread.start()
        self._filled.set()

    def take(self) -> dict[tuple[str, str], float]:
        with self._lock:
            taken, self._counts = self._counts, defaultdict(float)
        return taken

    def give_back(self, taken: Mapping[tuple[str, str], float]) -> None:
        with self._lock:
            for place, by in taken.items():
                self._counts[place] += by

    def _flush(self) -> None:
        while self._filled.wait():
            time.sleep(FLUSH_SECONDS)
            self._filled.clear()
            flush()


_counted = _Counted()
os.register_at_fork(after_in_child=_counted.start_anew)


def flush() -> None:
    """Add to Valkey what this process has counted; without Valkey it is kept for later."""
    if time.monotonic() < _counted.away_until:
        return
    counted = _counted.take()
    if not counted:
        return
    try:
        with _client().pipeline(transaction=True) as pipe:
            for (name, field), by in counted.items():
                pipe.hincrbyfloat(KEY + name, field, by)
            pipe.execute()
    except redis.TimeoutError as error:
        # It may have counted all the same: rather too little than twice.
        _note(error)
    except redis.RedisError as error:
        _counted.give_back(counted)
        _note(error)


atexit.register(flush)


def forget_counted() -> None:
    """Start to count anew in this process."""
    _counted.take()
    _counted.away_until = 0.0


def stored(names: Sequence[str]) -> list[Stored] | None:
    """What all processes have counted, by metric; None while Valkey is away."""
    if time.monotonic() < _counted.away_until:
        return None
    try:
        with _client().pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(KEY + name)
            answers = pipe.execute()
    except redis.RedisError as error:
        _note(error)
        return None
    return [{field: float(value) for field, value in answer.items()} for answer in answers]


def queue_lengths(queues: Sequence[str]) -> list[int] | None:
    """How many messages each of Celery's queues holds; None while Valkey is away."""
    if time.monotonic() < _counted.away_until:
        return None
    try:
        with _client().pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.llen(queue)
            return [int(length) for length in pipe.execute()]
    except redis.RedisError as error:
        _note(error)
        return None


def _note(error: redis.RedisError) -> None:
    """A Valkey that is away costs one time-out in five seconds."""
    _counted.away_until = time.monotonic() + RETRY_SECONDS
    logger.warning("metrics are not kept now, Valkey is away: %s", error)


@lru_cache(maxsize=10_000)
def _field(*values: str) -> str:
    """Where in a metric's hash these values of its labels are counted."""
    return json.dumps(values)


class Counter:
    """A number that only grows; `known` are labels that are shown from the start, with 0."""

    def __init__(
        self,
        name: str,
        text: str,
        *,
        labels: Sequence[str] = (),
        known: Iterable[Sequence[str]] = (),
    ) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self._known = [json.dumps(list(values)) for values in known] if labels else ["[]"]

    def add(self, *labels: str, by: float = 1) -> None:
        """Count for these values of the labels."""
        _counted.add(self.name, [(_field(*labels), by)])

    def family(self, stored: Stored) -> Metric:
        """For Prometheus."""
        family = CounterMetricFamily(PREFIX + self.name, self.text, labels=self.labels)
        for field, value in sorted({**dict.fromkeys(self._known, 0.0), **stored}.items()):
            family.add_metric(json.loads(field), value)
        return family


class Histogram:
    """How often values were up to each of `bounds`, and their sum."""

    def __init__(
        self, name: str, text: str, *, bounds: Sequence[float], labels: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self._bounds = bounds
        self._buckets = [*(f"{bound:g}" for bound in bounds), _MORE]

    def observe(self, value: float, *labels: str) -> None:
        """Count one value for these values of the labels."""
        bucket = self._buckets[bisect.bisect_left(self._bounds, value)]
        _counted.add(
            self.name,
            [(_field(*labels, bucket), 1), (_field(*labels, _SUM), value)],
        )

    def family(self, stored: Stored) -> Metric:
        """For Prometheus, whose buckets hold all values up to their bound."""
        found: dict[tuple[str, ...], dict[str, float]] = {} if self.labels else {(): {}}
        for field, value in stored.items():
            *values, bucket = json.loads(field)
            found.setdefault(tuple(values), {})[bucket] = value
        family = HistogramMetricFamily(PREFIX + self.name, self.text, labels=self.labels)
        for labels, counts in sorted(found.items()):
            up_to = accumulate(counts.get(bucket, 0.0) for bucket in self._buckets)
            buckets = list(zip(self._buckets, up_to, strict=True))
            family.add_metric(labels, buckets, sum_value=counts.get(_SUM, 0.0))
        return family


def gauge(name: str, text: str, value: float) -> Metric:
    """One number as it is now."""
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    """Numbers as they are now, by the value of one label."""
    family = GaugeMetricFamily(PREFIX + name, text, labels=[label])
    for labelled, value in values.items():
        family.add_metric([labelled], value)
    return family


def work_families(model: type[LeasedRow], name: str) -> Iterator[Metric]:
    """How many rows wait and are worked on, and since when the oldest waits.

    Reads the partial index that workers find their work by.
    """
    states = (model.QUEUED, *model.RUNNING)
    rows = (
        model._default_manager.filter(state__in=states)
        .order_by()
        .values("state")
        .annotate(count=Count("pk"), age=Max(ClockTimestamp()) - Min("accepted_at"))
    )
    found = {row["state"]: row for row in rows}
    yield gauges(
        name,
        f"{name.capitalize()} that wait or are worked on.",
        "state",
        {str(state): found[state]["count"] if state in found else 0 for state in states},
    )
    waiting = found.get(model.QUEUED)
    yield gauge(
        f"{name}_oldest_waiting_seconds",
        f"Seconds for which the oldest of the {name} that wait has waited.",
        waiting["age"].total_seconds() if waiting and waiting["age"] else 0,
    )
