"""When a source is fetched by itself: a cron line in a time zone, kept by django-celery-beat.

A person chooses from a few usual rhythms; each is a cron line, so one reading serves page, API and
clock. Days of the month and days of the week are never both given: cron programs disagree about
whether then either is enough.
"""

import datetime
import json
import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from celery.schedules import ParseException
from django.db import transaction
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from django_celery_beat.tzcrontab import TzAwareCrontab

from imports.models import Source

FETCH_TASK: Final = "imports.fetch_scheduled"
#: A message that no worker took for so long is of no use: the reaper makes up for it.
EXPIRES_SECONDS: Final = 3600
MOST_AN_HOUR: Final = 12
LINE_MAX: Final = 200

HOURLY, DAILY, WEEKDAYS, WEEKLY, MONTHLY, CRON = (
    "hourly",
    "daily",
    "weekdays",
    "weekly",
    "monthly",
    "cron",
)
DAYS: Final = (
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("0", "Sunday"),
)
REPEATS: Final = (
    ("", "By hand only"),
    (HOURLY, "Every hour"),
    (DAILY, "Every day"),
    (WEEKDAYS, "Monday to Friday"),
    (WEEKLY, "Every week"),
    (MONTHLY, "Every month"),
    (CRON, "By a cron line"),
)
#: The month's days that every month has.
LAST_DAY: Final = 28

_NUMBER = re.compile(r"\d{1,2}")
_LINE = re.compile(r"[\d*/,a-zA-Z-]+( [\d*/,a-zA-Z-]+){4}")


class ScheduleRefused(Exception):
    """It is no schedule; the text says why and what helps."""


@dataclass(frozen=True)
class Schedule:
    """A cron line (minute, hour, day of the month, month, day of the week) in a time zone."""

    cron: str
    time_zone: str

    @property
    def repeat(self) -> str:
        """The usual rhythm that it is, CRON for another."""
        minute, hour, day, month, weekday = self.cron.split()
        if month != "*" or not _NUMBER.fullmatch(minute):
            return CRON
        if hour == "*":
            return HOURLY if (day, weekday) == ("*", "*") else CRON
        if not _NUMBER.fullmatch(hour):
            return CRON
        if day == "*":
            named = {"*": DAILY, "1-5": WEEKDAYS} | {number: WEEKLY for number, _ in DAYS}
            return named.get(weekday, CRON)
        of_every_month = _NUMBER.fullmatch(day) and int(day) <= LAST_DAY
        return MONTHLY if of_every_month and weekday == "*" else CRON

    @property
    def at(self) -> str:
        """The time of day as HH:MM; "" for one that has none."""
        minute, hour, *_ = self.cron.split()
        if self.repeat in (CRON, HOURLY):
            return ""
        return f"{int(hour):02}:{int(minute):02}"

    @property
    def words(self) -> str:
        minute, _, day, _, weekday = self.cron.split()
        match self.repeat:
            case "hourly":
                return f"every hour at minute {int(minute)}"
            case "daily":
                return f"every day at {self.at}"
            case "weekdays":
                return f"Monday to Friday at {self.at}"
            case "weekly":
                return f"every {dict(DAYS)[weekday]} at {self.at}"
            case "monthly":
                return f"on day {int(day)} of every month at {self.at}"
        return f"by the cron line {self.cron}"

    def next_run(self) -> datetime.datetime:
        """From now on, in UTC.

        Raises:
            RuntimeError: there is none, as for 31 February.
        """
        zone = zoneinfo.ZoneInfo(self.time_zone)
        now = datetime.datetime.now(zone)
        # By the clock on the wall, so that an hour more or less in between does not count.
        following: datetime.datetime = now + _crontab(self.cron, zone).remaining_estimate(now)
        # Some microseconds later than it was asked: to the minute.
        following += datetime.timedelta(seconds=30)
        return following.replace(second=0, microsecond=0).astimezone(datetime.UTC)


def usual(
    repeat: str, *, at: datetime.time, weekday: str, day: int, cron: str, time_zone: str
) -> Schedule:
    """The schedule that a person chose; `at` counts by its minute alone for every hour.

    Raises:
        ScheduleRefused: the cron line, for those who wrote one.
    """
    time = f"{at.minute} {at.hour}"
    lines = {
        HOURLY: f"{at.minute} * * * *",
        DAILY: f"{time} * * *",
        WEEKDAYS: f"{time} * * 1-5",
        WEEKLY: f"{time} * * {weekday}",
        MONTHLY: f"{time} {day} * *",
    }
    return checked(lines.get(repeat, cron), time_zone)


def checked(cron: str, time_zone: str) -> Schedule:
    """A schedule that the clock can keep.

    Raises:
        ScheduleRefused
    """
    line = " ".join(cron.split()).lower()
    if time_zone not in zoneinfo.available_timezones():
        raise ScheduleRefused(f"“{time_zone}” is not a time zone. Write it like Europe/Berlin.")
    if len(line) > LINE_MAX or not _LINE.fullmatch(line):
        raise ScheduleRefused(
            "A cron line has five parts: minute, hour, day of the month, month, day of the week."
            " 0 6 * * 1-5 is six o'clock from Monday to Friday."
        )
    _, _, day, _, weekday = line.split()
    if day != "*" and weekday != "*":
        raise ScheduleRefused(
            "Give days of the month or days of the week, not both: cron programs read that in two"
            " ways."
        )
    schedule = Schedule(line, time_zone)
    try:
        parsed = _crontab(line, zoneinfo.ZoneInfo(time_zone))
        schedule.next_run()
    except (ParseException, ValueError, RuntimeError) as error:
        raise ScheduleRefused(f"No day and time fits {line}. Check its numbers.") from error
    if len(parsed.minute) > MOST_AN_HOUR:
        raise ScheduleRefused(
            f"That is {len(parsed.minute)} times an hour; {MOST_AN_HOUR} is the most. */5 in the"
            " first part is every five minutes."
        )
    return schedule


def _crontab(line: str, zone: zoneinfo.ZoneInfo) -> Any:
    minute, hour, day, month, weekday = line.split()
    return TzAwareCrontab(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday,
        tz=zone,
    )


def of_sources(pks: Iterable[int]) -> dict[int, Schedule]:
    """The schedules by their sources' keys, those that are switched off included."""
    names = {task_name(pk): pk for pk in pks}
    tasks = PeriodicTask.objects.filter(name__in=names).select_related("crontab")
    return {names[task.name]: _schedule_of(task.crontab) for task in tasks}


def of_source(source: Source) -> Schedule | None:
    return of_sources([source.pk]).get(source.pk)


def scheduled_pks() -> list[int]:
    """The sources whose schedule is on."""
    tasks = PeriodicTask.objects.filter(task=FETCH_TASK, enabled=True)
    return [json.loads(args)[0] for args in tasks.values_list("args", flat=True)]


@transaction.atomic
def keep(source: Source, schedule: Schedule | None) -> None:
    """Let the clock know when the source is to be fetched; None for never.

    What is new or changed waits for its first time from now on; nothing is made up for.
    """
    task = PeriodicTask.objects.filter(name=task_name(source.pk)).select_related("crontab").first()
    if schedule is None:
        if task is not None:
            _remove(task)
        return
    if task is None:
        task = PeriodicTask(
            name=task_name(source.pk),
            task=FETCH_TASK,
            args=json.dumps([source.pk]),
            crontab=CrontabSchedule(),
            expire_seconds=EXPIRES_SECONDS,
        )
    elif task.enabled == source.enabled and _schedule_of(task.crontab) == schedule:
        return
    timing = task.crontab
    minute, hour, day, month, weekday = schedule.cron.split()
    timing.minute, timing.hour, timing.day_of_week = minute, hour, weekday
    timing.day_of_month, timing.month_of_year = day, month
    timing.timezone = zoneinfo.ZoneInfo(schedule.time_zone)
    timing.save()
    task.crontab = timing
    task.enabled = source.enabled
    task.last_run_at, task.total_run_count = timezone.now(), 0
    task.save()


def forget(source_pk: int) -> None:
    """The source goes, and its schedule with it."""
    task = PeriodicTask.objects.filter(name=task_name(source_pk)).select_related("crontab").first()
    if task is not None:
        _remove(task)


def task_name(source_pk: int) -> str:
    return f"source-{source_pk}"


def _remove(task: PeriodicTask) -> None:
    timing = task.crontab
    task.delete()
    timing.delete()


def _schedule_of(timing: CrontabSchedule) -> Schedule:
    line = " ".join(
        (timing.minute, timing.hour, timing.day_of_month, timing.month_of_year, timing.day_of_week)
    )
    return Schedule(line, str(timing.timezone))
