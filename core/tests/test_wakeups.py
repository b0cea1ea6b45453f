"""Wake-ups are hints: sent on commit alone, and a broker that is away costs a second at most."""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.apps import apps
from django.conf import settings

from config.celery import app
from core.leases import ClockTimestamp
from core.wakeups import WAKE_UPS, send_wake_up, wake_workers
from dev.valkey import free_port

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Job: Any = apps.get_model("imports", "ImportJob")


def messages(queue: str) -> list[dict[str, Any]]:
    """What waits in a queue, the oldest first."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    try:
        return [json.loads(each) for each in reversed(client.lrange(queue, 0, -1))]
    finally:
        client.close()


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Pools remember their broker; the test's own are dropped with it.
    with monkeypatch.context() as away:
        away.setitem(app.conf, "broker_url", f"redis://127.0.0.1:{free_port()}/0")
        away.setattr(app, "_pool", None)
        away.setattr(app.amqp, "_producer_pool", None)
        yield


def queued(count: int) -> None:
    for number in range(count):
        Job.objects.create(state="queued", accepted_at=ClockTimestamp(), file_name=f"{number}.csv")


def test_message_names_the_task_and_expires() -> None:
    assert send_wake_up("webhooks.send_test", 7, expires=30)

    (message,) = messages("webhooks")
    assert message["headers"]["task"] == "webhooks.send_test"
    assert message["headers"]["expires"] is not None
    assert message["headers"]["ignore_result"] is True
    assert message["headers"]["argsrepr"] == "(7,)"


def test_some_workers_are_woken_however_much_waits() -> None:
    queued(WAKE_UPS + 2)

    wake_workers(Job)

    assert [each["headers"]["task"] for each in messages("imports")] == ["imports.run_next"] * 4


def test_broker_that_is_away_costs_a_line_in_the_log(
    no_broker: None, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        sent = send_wake_up("webhooks.publish")

    assert not sent
    assert time.monotonic() - began < 10
    (line,) = caplog.messages
    assert line.startswith("no worker woken, the broker is away: ")


def test_broker_that_is_away_is_asked_once_however_many_are_to_be_woken(
    no_broker: None, caplog: pytest.LogCaptureFixture
) -> None:
    queued(WAKE_UPS)

    with caplog.at_level(logging.WARNING):
        wake_workers(Job)

    assert len(caplog.messages) == 1
