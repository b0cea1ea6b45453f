"""How often something may be tried: counters in Valkey that expire.

A limit is a brake, not a lock: without Valkey everything is allowed, and nobody is kept out.
"""

import hashlib
import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from django.http import HttpRequest

logger = logging.getLogger(__name__)

_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
IPV6_PREFIX = 64


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, **_TIMEOUTS)


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
    try:
        with _client().pipeline(transaction=True) as pipe:
            for limit in limits:
                pipe.set(limit.key, 0, ex=limit.seconds, nx=True)
                pipe.incr(limit.key)
                pipe.ttl(limit.key)
            answers = pipe.execute()
    except redis.RedisError as error:
        logger.warning("tries not limited, Valkey is away: %s", error)
        return 0
    waits = [
        max(1, ttl)
        for limit, tries, ttl in zip(limits, answers[1::3], answers[2::3], strict=True)
        if tries > limit.most
    ]
    return max(waits, default=0)


def give_back(limits: Sequence[Limit]) -> None:
    """Take the last try off again: it was a good one."""
    try:
        with _client().pipeline(transaction=True) as pipe:
            for limit in limits:
                pipe.set(limit.key, 1, ex=limit.seconds, nx=True)
                pipe.decr(limit.key)
            pipe.execute()
    except redis.RedisError as error:
        logger.warning("try not given back, Valkey is away: %s", error)


def forget(limits: Sequence[Limit]) -> None:
    """Start to count anew."""
    try:
        _client().delete(*(limit.key for limit in limits))
    except redis.RedisError as error:
        logger.warning("tries not forgotten, Valkey is away: %s", error)


def sender(request: HttpRequest) -> str:
    """Where a request comes from: an IPv4 address, or the network that an IPv6 one belongs to.

    Behind a proxy it is what the proxy itself has added to X-Forwarded-For, the last entry;
    whatever stands before it the client may have written.
    """
    address = request.META.get("REMOTE_ADDR") or ""
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        address = forwarded or address
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)
