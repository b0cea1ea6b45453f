from collections.abc import Iterator

import pytest
import redis
from django.conf import settings


@pytest.fixture(autouse=True)
def no_wake_ups() -> Iterator[None]:
    """A test that woke a worker leaves no message behind for the next, nor finds one."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("imports")
    yield
    client.delete("imports")
    client.close()
