"""The clock: what it sends, what it writes down, and what it does without a database."""

import datetime
import json
import logging
import zoneinfo
from collections.abc import Callable, Iterator

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from config.celery import app
from core import beat
from core.beat import Clock

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TASK = "imports.fetch_scheduled"


@pytest.fixture(autouse=True)
def asks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "ASK_SECONDS", 0.0)


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock(app=app)
    yield made
    made.producer.close()


def scheduled(*, ran_before: datetime.timedelta, hour: str = "*") -> PeriodicTask:
    """A schedule of once a day, or hourly: due a minute ago, and not again before the test ends."""
    due = timezone.now() - datetime.timedelta(minutes=1)
    timing = CrontabSchedule.objects.create(
        minute="0" if hour != "*" else str(due.minute),
        hour=hour,
        timezone=zoneinfo.ZoneInfo("UTC"),
    )
    return PeriodicTask.objects.create(
        name="source-1",
        task=TASK,
        args="[1]",
        crontab=timing,
        last_run_at=timezone.now() - ran_before,
    )


def tick(clock: Clock, *, times: int = 20) -> None:
    """Until nothing is due any more."""
    for _ in range(times):
        if clock.tick():
            return


def sent() -> list[str]:
    """The tasks whose messages wait in the workers' queue."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    try:
        return [json.loads(each)["headers"]["task"] for each in client.lrange("imports", 0, -1)]
    finally:
        client.close()


def test_settings_entries_need_no_rows(clock: Clock) -> None:
    assert set(clock.schedule) == set(settings.CELERY_BEAT_SCHEDULE)
    assert not PeriodicTask.objects.exists()


def test_what_is_due_is_sent_and_written_down(clock: Clock) -> None:
    task = scheduled(ran_before=datetime.timedelta(minutes=2))

    tick(clock)

    assert sent() == [TASK]
    task.refresh_from_db()
    assert task.total_run_count == 1
    assert task.last_run_at is not None
    assert timezone.now() - task.last_run_at < datetime.timedelta(seconds=30)


def test_what_was_sent_is_not_sent_again_when_it_is_read_anew(clock: Clock) -> None:
    scheduled(ran_before=datetime.timedelta(minutes=2))
    tick(clock)

    PeriodicTasks.update_changed()
    tick(clock)

    assert sent() == [TASK]


def test_run_that_was_missed_while_no_clock_ran_is_made_up_for(clock: Clock) -> None:
    """Twelve hours from now: the package alone would leave it out."""
    hour = (timezone.now().hour + 12) % 24
    scheduled(ran_before=datetime.timedelta(days=1, hours=1), hour=str(hour))

    tick(clock)

    assert sent() == [TASK]


def test_change_is_seen(clock: Clock) -> None:
    task = scheduled(ran_before=datetime.timedelta(0))
    assert "source-1" in clock.schedule

    task.enabled = False
    task.save()
    assert "source-1" not in clock.schedule

    task.enabled = True
    task.save()
    assert "source-1" in clock.schedule

    task.delete()
    assert "source-1" not in clock.schedule


def test_nobody_asks_more_often_than_every_five_seconds(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    asked: list[str] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        for _ in range(100):
            assert clock.schedule

    assert beat.ASK_SECONDS == 5
    # When it changed, and once what there is.
    assert len(asked) == 2


def test_clock_goes_on_without_the_database_and_comes_back(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*rest: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, "core.beat"):
        patched.setattr(connection, "connect", away)
        connection.close()
        for _ in range(3):
            assert set(clock.schedule) == set(settings.CELERY_BEAT_SCHEDULE)
            clock.sync()
    assert len([each for each in caplog.records if each.name == "core.beat"]) == 1

    scheduled(ran_before=datetime.timedelta(minutes=2))
    tick(clock)
    assert sent() == [TASK]


def test_run_that_can_not_be_written_down_is_written_later(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = scheduled(ran_before=datetime.timedelta(minutes=2))
    assert "source-1" in clock.schedule

    def away(*rest: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "connect", away)
        connection.close()
        tick(clock)
    assert sent() == [TASK]
    task.refresh_from_db()
    assert task.total_run_count == 0

    tick(clock)

    task.refresh_from_db()
    assert (task.total_run_count, sent()) == (1, [TASK])


def test_a_persons_change_is_newer_than_a_run(clock: Clock) -> None:
    task = scheduled(ran_before=datetime.timedelta(minutes=2))
    entry = clock.schedule["source-1"]
    changed_at = timezone.now() + datetime.timedelta(hours=1)
    task.last_run_at = changed_at
    task.save()

    clock.reserve(entry)

    task.refresh_from_db()
    assert (task.last_run_at, task.total_run_count) == (changed_at, 0)
