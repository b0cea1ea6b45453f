"""The live figures of running work: Valkey for the moment, the row for what lasts.

A figure that is lost harms nobody: without Valkey the page shows the row, a second behind.
"""

import json
import logging
import time
from functools import cache
from typing import Any

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

EXPIRY_SECONDS = 60
RETRY_SECONDS = 5.0
_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, **_TIMEOUTS)


class _Away:
    """Since when Valkey has not answered, so that a dead one costs one time-out in five seconds."""

    until = 0.0


def publish(key: str, figures: dict[str, Any]) -> None:
    """Show the figures under `key` for a minute; a Valkey that is away is logged and left alone."""
    if time.monotonic() < _Away.until:
        return
    try:
        _client().set(key, json.dumps(figures), ex=EXPIRY_SECONDS)
    except redis.RedisError as error:
        _Away.until = time.monotonic() + RETRY_SECONDS
        logger.warning("progress not shown, Valkey is away: %s", error)


def latest(key: str) -> dict[str, Any] | None:
    """The figures last shown under `key`; None if there are none or Valkey is away."""
    if time.monotonic() < _Away.until:
        return None
    try:
        stored = _client().get(key)
    except redis.RedisError as error:
        _Away.until = time.monotonic() + RETRY_SECONDS
        logger.warning("progress not read, Valkey is away: %s", error)
        return None
    if stored is None:
        return None
    figures: dict[str, Any] = json.loads(stored)
    return figures
