"""Schedules: how a person's choice becomes a cron line, and when it strikes next."""

import datetime
import zoneinfo

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from imports.fetches import schedules, sources
from imports.fetches.schedules import Schedule, ScheduleRefused, checked, usual
from imports.fetches.sources import Access
from imports.models import Source
from imports.options import Options

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("repeat", "cron", "words", "at"),
    [
        ("hourly", "5 * * * *", "every hour at minute 5", ""),
        ("daily", "5 6 * * *", "every day at 06:05", "06:05"),
        ("weekdays", "5 6 * * 1-5", "Monday to Friday at 06:05", "06:05"),
        ("weekly", "5 6 * * 0", "every Sunday at 06:05", "06:05"),
        ("monthly", "5 6 28 * *", "on day 28 of every month at 06:05", "06:05"),
        ("cron", "*/10 4-6 * * mon,thu", "by the cron line */10 4-6 * * mon,thu", ""),
    ],
)
def test_usual_rhythm_is_a_cron_line_and_known_again(
    repeat: str, cron: str, words: str, at: str
) -> None:
    schedule = usual(
        repeat,
        at=datetime.time(6, 5),
        weekday="0",
        day=28,
        cron=" */10  4-6 * * MON,THU ",
        time_zone=BERLIN,
    )

    assert (schedule.cron, schedule.time_zone) == (cron, BERLIN)
    assert (schedule.repeat, schedule.words, schedule.at) == (repeat, words, at)


@pytest.mark.parametrize(
    "cron", ["0 6 1 6 *", "0 6,7 * * *", "*/5 * * * *", "0 6 31 * *", "0 * * * 1", "0 6 * * 2-4"]
)
def test_other_lines_are_lines(cron: str) -> None:
    assert checked(cron, "UTC").repeat == "cron"


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("", "five parts"),
        ("0 6 * *", "five parts"),
        ("0 6 * * * *", "five parts"),
        ("@daily", "five parts"),
        ("0 6 1 * 1", "not both"),
        ("60 6 * * *", "No day and time fits"),
        ("0 24 * * *", "No day and time fits"),
        ("0 6 31 2 *", "No day and time fits"),
        ("0 6 * * someday", "No day and time fits"),
        ("0 6 * 13 *", "No day and time fits"),
        ("* * * * *", "60 times an hour; 12 is the most"),
        ("*/4 6 * * *", "15 times an hour"),
        ("0 " + "1," * 150 + "1 * * *", "five parts"),
    ],
)
def test_line_that_strikes_never_too_often_or_not_clearly_is_refused(
    cron: str, reason: str
) -> None:
    with pytest.raises(ScheduleRefused, match=reason):
        checked(cron, "UTC")


def test_time_zone_must_be_known() -> None:
    with pytest.raises(ScheduleRefused, match="Europe/Berlin"):
        checked("0 6 * * *", "Berlin")


def test_next_run_is_on_the_clock_of_its_zone() -> None:
    for zone in (BERLIN, "Asia/Kolkata", "UTC", "America/New_York"):
        following = checked("30 6 * * *", zone).next_run()
        now = datetime.datetime.now(datetime.UTC)

        assert now < following <= now + datetime.timedelta(hours=25)
        local = following.astimezone(zoneinfo.ZoneInfo(zone))
        assert (local.hour, local.minute) == (6, 30)


@pytest.mark.integration
@pytest.mark.django_db
class TestKept:
    @pytest.fixture
    def source(self) -> Source:
        return sources.create(
            actor=None,
            name="A",
            access=Access("https://a.example.com/a.csv"),
            options=Options(),
            schedule=checked("0 6 * * *", BERLIN),
        )

    def test_schedule_is_a_row_of_the_clock(self, source: Source) -> None:
        task = PeriodicTask.objects.get()

        assert (task.name, task.task) == (f"source-{source.pk}", "imports.fetch_scheduled")
        assert (task.args, task.enabled) == (f"[{source.pk}]", True)
        assert str(task.crontab) == "0 6 * * * (m/h/dM/MY/d) Europe/Berlin"
        assert schedules.of_source(source) == Schedule("0 6 * * *", BERLIN)
        assert schedules.scheduled_pks() == [source.pk]

    def test_change_keeps_one_row_and_waits_for_its_first_time(self, source: Source) -> None:
        PeriodicTask.objects.update(total_run_count=7)

        schedules.keep(source, checked("0 7 * * *", BERLIN))

        task = PeriodicTask.objects.get()
        assert CrontabSchedule.objects.get().hour == "7"
        assert task.total_run_count == 0
        assert task.last_run_at is not None

    def test_same_schedule_is_no_change(self, source: Source) -> None:
        PeriodicTask.objects.update(total_run_count=7)

        schedules.keep(source, checked("0 6 * * *", BERLIN))

        assert PeriodicTask.objects.get().total_run_count == 7

    def test_source_that_is_switched_off_keeps_its_schedule(self, source: Source) -> None:
        source.enabled = False
        schedules.keep(source, checked("0 6 * * *", BERLIN))

        assert schedules.of_source(source) is not None
        assert schedules.scheduled_pks() == []

    def test_no_schedule_leaves_no_row(self, source: Source) -> None:
        schedules.keep(source, None)

        assert not PeriodicTask.objects.exists()
        assert not CrontabSchedule.objects.exists()
        assert schedules.of_source(source) is None
