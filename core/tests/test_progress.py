"""Live figures in Valkey; a Valkey that is away costs nothing but the figures."""

import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from core import progress
from dev.valkey import free_port


@pytest.fixture
def forgetful() -> Iterator[None]:
    """A connection and a pause of one test are nothing to the next."""
    progress._client.cache_clear()
    yield
    progress._client.cache_clear()
    progress._Away.until = 0.0


@pytest.fixture
def valkey_away(settings: Settings, forgetful: None) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"


@pytest.mark.integration
@pytest.mark.usefixtures("forgetful")
def test_figures_come_back_as_they_were_published() -> None:
    progress.publish("test:1", {"done": 7, "share": 0.5, "phase": "reading", "left": None})

    assert progress.latest("test:1") == {
        "done": 7, "share": 0.5, "phase": "reading", "left": None,
    }  # fmt: skip
    assert progress.latest("test:2") is None


@pytest.mark.integration
@pytest.mark.usefixtures("forgetful")
def test_figures_are_forgotten_after_a_minute() -> None:
    progress.publish("test:1", {"done": 7})

    assert 0 < progress._client().ttl("test:1") <= progress.EXPIRY_SECONDS == 60


@pytest.mark.usefixtures("valkey_away")
def test_without_valkey_nothing_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    progress.publish("test:1", {"done": 7})

    assert progress.latest("test:1") is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.usefixtures("valkey_away")
def test_valkey_that_is_away_is_not_asked_again_at_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(100):
        progress.publish("test:1", {"done": 7})
        progress.latest("test:1")

    # One line each time that it was asked.
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.usefixtures("valkey_away")
def test_valkey_that_came_back_is_used_again(settings: Settings) -> None:
    progress.publish("test:1", {"done": 7})
    assert progress._Away.until > time.monotonic()

    progress._Away.until = 0.0
    progress.publish("test:1", {"done": 7})

    assert 4 < progress._Away.until - time.monotonic() <= progress.RETRY_SECONDS
