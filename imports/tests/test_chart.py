"""Rows imported a day: what is added up, and how it is drawn."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from imports import chart
from imports.chart import Day, Part, Tick
from imports.models import ImportJob

TODAY = date(2026, 11, 22)


def job(at: datetime, state: str = "completed", **counts: int) -> None:
    ImportJob.objects.create(file_name="a.csv", state=state, finished_at=at, **counts)


def with_rows(days: list[Day]) -> list[Day]:
    return [day for day in days if day.rows]


def month(*days: Day) -> list[Day]:
    """The 30 days up to TODAY, those given and empty ones."""
    given = {day.date: day for day in days}
    each = [TODAY - timedelta(days=number) for number in reversed(range(30))]
    return [given.get(day, Day(day)) for day in each]


@pytest.mark.integration
@pytest.mark.django_db
def test_imports_of_a_day_add_up() -> None:
    job(datetime(2026, 11, 21, 8, tzinfo=UTC), created=1, updated=20, rejected=300)
    job(datetime(2026, 11, 21, 9, tzinfo=UTC), created=4, updated=50)
    job(datetime(2026, 11, 22, 0, tzinfo=UTC), updated=7, unchanged=5, duplicates=9)

    days = chart.daily(TODAY)

    assert [days[0].date, days[-1].date, len(days)] == [date(2026, 10, 24), TODAY, 30]
    assert with_rows(days) == [
        Day(date(2026, 11, 21), created=5, updated=70, rejected=300),
        Day(TODAY, updated=7),
    ]


@pytest.mark.integration
@pytest.mark.django_db
def test_only_imports_that_were_completed_count() -> None:
    now = datetime(2026, 11, 22, 8, tzinfo=UTC)
    for state in ("failed", "cancelled", "merging", "queued"):
        job(now, state, created=1, rejected=1)

    assert with_rows(chart.daily(TODAY)) == []


@pytest.mark.integration
@pytest.mark.django_db
def test_day_is_that_of_whoever_looks() -> None:
    job(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), created=1)
    job(datetime(2026, 10, 23, 22, 30, tzinfo=UTC), created=2)  # 24 Oct 00:30 in Berlin
    job(datetime(2026, 10, 23, 21, 30, tzinfo=UTC), created=4)

    with timezone.override(ZoneInfo("Europe/Berlin")):
        seen = with_rows(chart.daily(TODAY))
    assert seen == [Day(date(2026, 10, 24), created=2), Day(TODAY, created=1)]
    assert with_rows(chart.daily(TODAY)) == [Day(date(2026, 11, 21), created=1)]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (20, [0, 5, 10, 15, 20]),
        (21, [0, 10, 20, 30]),
        (139_631, [0, 50_000, 100_000, 150_000]),
        (4_000_001, [0, 2_000_000, 4_000_000, 6_000_000]),
    ],
)
def test_axis_has_few_and_round_values(most: int, ticks: list[int]) -> None:
    assert chart.scale(most) == ticks


def test_axis_always_reaches_above_the_rows_in_at_most_four_steps() -> None:
    for most in [*range(2000), *(7**power for power in range(4, 12))]:
        ticks = chart.scale(most)
        assert most <= ticks[-1] <= max(1, 2.5 * most)
        assert 2 <= len(ticks) <= 5


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (500, "500"), (1000, "1k"), (1500, "1.5k"), (50_000, "50k"), (500_000, "500k"),
     (1_500_000, "1.5M"), (20_000_000, "20M")],
)  # fmt: skip
def test_values_at_the_axis_are_short(value: int, text: str) -> None:
    assert chart.short(value) == text


def test_stack_stands_on_the_floor_updated_created_rejected() -> None:
    drawn = chart.draw(month(Day(TODAY, created=30, updated=50, rejected=20)))

    assert drawn.bars[-1].x == 97.44
    assert drawn.bars[-1].parts == (
        Part("live", 46.0, 42.0),
        Part("ok", 20.8, 25.2),
        Part("bad", 4.0, 16.8),
    )
    assert drawn.bars[0].parts == ()
    assert drawn.ticks == [Tick("0", 88.0), Tick("50", 46.0), Tick("100", 4.0)]


def test_kinds_without_rows_have_no_part() -> None:
    drawn = chart.draw(month(Day(TODAY, rejected=1)))

    assert drawn.bars[-1].parts == (Part("bad", 4.0, 84.0),)


def test_each_week_has_its_date_and_today_ends_at_the_edge() -> None:
    labels = chart.draw(month()).labels

    assert [(label.text, label.x, label.anchor) for label in labels] == [
        ("25 Oct", 4.56, "middle"),
        ("1 Nov", 28.08, "middle"),
        ("8 Nov", 51.6, "middle"),
        ("15 Nov", 75.12, "middle"),
        ("22 Nov", 100, "end"),
    ]


def test_summary_says_it_in_words() -> None:
    drawn = chart.draw(
        month(Day(date(2026, 11, 8), created=1200, updated=3), Day(TODAY, updated=5))
    )

    assert drawn.summary == (
        "Rows imported a day in the last 30 days."
        " Most on 8 Nov: 3 updated, 1,200 created, 0 rejected."
        " Today: 5 updated, 0 created, 0 rejected."
    )
    assert not drawn.is_empty
    assert chart.draw(month()).is_empty
