"""What may be forgotten at any moment: answers kept for seconds, in Django's cache on Valkey.

A Valkey that is away costs one time-out in five seconds and nothing else: `recall` then knows
nothing and `remember` does nothing. Values go as JSON: what comes back is data, never code.
"""

import json
import logging
import time
from collections.abc import Sequence
from typing import Any

import redis
from django.core.cache import cache

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class JsonSerializer:
    """For `CACHES`, in place of Django's, which unpickles whatever it finds."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)


class _Away:
    """Until when Valkey, which did not answer, is not asked again."""

    until = 0.0


def recall(keys: Sequence[str]) -> dict[str, Any]:
    """Those of the values that are still known, by key, in one round trip."""
    if time.monotonic() < _Away.until:
        return {}
    try:
        return cache.get_many(keys)
    except redis.RedisError as error:
        _note(error)
    except ValueError as error:
        logger.warning("not recalled, what is kept can't be read: %s", error)
    return {}


def remember(key: str, value: Any, *, seconds: float | None) -> None:
    """Keep what JSON can say under `key` for so long; None: until there is no room for it."""
    if time.monotonic() < _Away.until:
        return
    try:
        cache.set(key, value, timeout=seconds)
    except redis.RedisError as error:
        _note(error)


def _note(error: redis.RedisError) -> None:
    _Away.until = time.monotonic() + RETRY_SECONDS
    logger.warning("nothing recalled or remembered, Valkey is away: %s", error)
