"""How often something may be tried: counters in Valkey that expire, shared by all processes.

Without Valkey each process counts for itself: nobody is kept out, and the limits hold for each
process on its own.
"""

import hashlib
import ipaddress
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from django.http import HttpRequest

logger = logging.getLogger(__name__)

_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
IPV6_PREFIX = 64
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
RETRY_SECONDS = 5.0
#: Counters that a process keeps while Valkey is away; a flood of addresses starts them anew.
KEPT_LOCALLY = 10_000


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, **_TIMEOUTS)


class _Local:
    """Counters of this process, for as long as Valkey is away."""

    def __init__(self) -> None:
        self.away_until = 0.0
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def is_asked(self) -> bool:
        """Whether Valkey was away a moment ago: a dead one costs one time-out in five seconds."""
        return time.monotonic() < self.away_until

    def valkey_is_away(self, error: redis.RedisError) -> None:
        self.away_until = time.monotonic() + RETRY_SECONDS
        logger.warning("limits are counted by each process, Valkey is away: %s", error)

    def spend(self, limit: "Limit") -> int:
        now = time.monotonic()
        with self._lock:
            tries, until = self._counts.get(limit.key, (0, 0.0))
            if until <= now:
                tries, until = 0, now + limit.seconds
            if len(self._counts) >= KEPT_LOCALLY:
                self._counts.clear()
            self._counts[limit.key] = (tries + 1, until)
        return max(1, round(until - now)) if tries + 1 > limit.most else 0

    def give_back(self, limit: "Limit") -> None:
        with self._lock:
            if limit.key in self._counts:
                tries, until = self._counts[limit.key]
                self._counts[limit.key] = (max(0, tries - 1), until)

    def forget(self, limit: "Limit") -> None:
        with self._lock:
            self._counts.pop(limit.key, None)

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()
        self.away_until = 0.0


_local = _Local()


@dataclass(frozen=True)
class Limit:
    """At most `most` tries in `seconds`, for each value of `of` on its own."""

    name: str
    of: tuple[str, ...]
    most: int
    seconds: int

    @property
    def key(self) -> str:
        """Says nothing of whom it counts: names and addresses go in as a digest."""
        digest = hashlib.sha256("\0".join(self.of).encode()).hexdigest()
        return f"limit:{self.name}:{digest[:32]}"


def spend(limits: Sequence[Limit]) -> int:
    """Count one try against each limit before it is made, so that many at once get no further.

    Returns the seconds to wait until it is allowed, 0 if it is now. The time runs from the first
    try that is counted; tries in vain don't lengthen it.
    """
    if not _local.is_asked():
        try:
            return _spend(limits)
        except redis.RedisError as error:
            _local.valkey_is_away(error)
    return max((_local.spend(limit) for limit in limits), default=0)


def _spend(limits: Sequence[Limit]) -> int:
    with _client().pipeline(transaction=True) as pipe:
        for limit in limits:
            pipe.set(limit.key, 0, ex=limit.seconds, nx=True)
            pipe.incr(limit.key)
            pipe.ttl(limit.key)
        answers = pipe.execute()
    waits = [
        max(1, ttl)
        for limit, tries, ttl in zip(limits, answers[1::3], answers[2::3], strict=True)
        if tries > limit.most
    ]
    return max(waits, default=0)


def give_back(limits: Sequence[Limit]) -> None:
    """Take the last try off again: it was a good one."""
    for limit in limits:
        _local.give_back(limit)
    if _local.is_asked():
        return
    try:
        with _client().pipeline(transaction=True) as pipe:
            for limit in limits:
                pipe.set(limit.key, 1, ex=limit.seconds, nx=True)
                pipe.decr(limit.key)
            pipe.execute()
    except redis.RedisError as error:
        _local.valkey_is_away(error)


def forget(limits: Sequence[Limit]) -> None:
    """Start to count anew."""
    for limit in limits:
        _local.forget(limit)
    if _local.is_asked():
        return
    try:
        _client().delete(*(limit.key for limit in limits))
    except redis.RedisError as error:
        _local.valkey_is_away(error)


def forget_local() -> None:
    """Start to count anew what this process counts while Valkey is away."""
    _local.clear()


def sender(request: HttpRequest) -> str:
    """Where a request comes from: an IPv4 address, or the network that an IPv6 one belongs to."""
    text = _address_text(request)
    address = _parsed(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return text if address is None else str(address)


def sender_address(request: HttpRequest) -> IpAddress | None:
    """The very address that a request comes from; None where there is none, as at a socket."""
    return _parsed(_address_text(request))


def _address_text(request: HttpRequest) -> str:
    """Behind a proxy, what the proxy itself has added to X-Forwarded-For, the last entry.

    Whatever stands before it the client may have written.
    """
    address: str = request.META.get("REMOTE_ADDR") or ""
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        return forwarded or address
    return address


def _parsed(text: str) -> IpAddress | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
