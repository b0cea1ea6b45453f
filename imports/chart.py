"""Rows imported a day, as a chart in HTML: no script, percent units, colours by the stylesheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.dateformat import format as format_date

from imports.models import ImportJob

DAYS = 30
LABEL_EVERY = 7
MOST_STEPS = 4
# Percent of the drawing: the axis ends above for the dates, bars leave a gap to the next day.
TOP, FLOOR = 4.0, 88.0
PITCH, WIDTH = 3.36, 2.4


@dataclass(frozen=True)
class Day:
    """The rows that the imports completed on one day created, updated and rejected."""

    date: date
    created: int = 0
    updated: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.rejected

    @property
    def in_words(self) -> str:
        return f"{self.updated:,} updated, {self.created:,} created, {self.rejected:,} rejected"


@dataclass(frozen=True)
class Part:
    """One rectangle: its class is its colour; `y` and `height` are percent of the drawing."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One day's stack, a little left and right of `x` percent."""

    day: Day
    x: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Tick:
    label: str
    y: float


@dataclass(frozen=True)
class Label:
    """A date under the axis; the last one ends at the edge, so that it does not stick out."""

    text: str
    x: float
    anchor: str


@dataclass(frozen=True)
class Chart:
    """What the template draws; `summary` says the same in a sentence."""

    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    labels: Sequence[Label]
    summary: str
    days: Sequence[Day]
    width: float = WIDTH
    top: float = TOP
    depth: float = FLOOR - TOP

    @property
    def is_empty(self) -> bool:
        return not any(day.rows for day in self.days)


def rows_a_day() -> Chart:
    """The last DAYS days, today last, in the zone of whoever looks."""
    return draw(daily(timezone.localdate()))


def daily(today: date) -> list[Day]:
    """Each of the DAYS days up to `today`, those without an import too."""
    first = today - timedelta(days=DAYS - 1)
    found = (
        ImportJob.objects.filter(state=ImportJob.State.COMPLETED, finished_at__gte=_midnight(first))
        .order_by()
        .values(date=TruncDate("finished_at"))
        .annotate(created=Sum("created"), updated=Sum("updated"), rejected=Sum("rejected"))
    )
    days = {row["date"]: Day(**row) for row in found}
    each = (first + timedelta(days=number) for number in range(DAYS))
    return [days.get(day, Day(day)) for day in each]


def draw(days: Sequence[Day]) -> Chart:
    """Lay the days out, oldest first."""
    ticks = scale(max(day.rows for day in days))
    last = len(days) - 1
    return Chart(
        bars=[
            Bar(day, round(number * PITCH, 2), _stack(day, ticks[-1]))
            for number, day in enumerate(days)
        ],
        ticks=[Tick(short(value), round(_height(value, ticks[-1]), 2)) for value in ticks],
        labels=[
            _label(days[number].date, number, last)
            for number in range(last % LABEL_EVERY, len(days), LABEL_EVERY)
        ],
        summary=_summary(days),
        days=days,
    )


def scale(most: int) -> list[int]:
    """Values from 0 to `most` or a little more, in at most MOST_STEPS steps of 1, 2 or 5 · 10ⁿ."""
    least = max(1, math.ceil(most / MOST_STEPS))
    power = 10 ** (len(str(least)) - 1)
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= least)
    return [step * number for number in range(max(1, math.ceil(most / step)) + 1)]


def short(value: int) -> str:
    """50k for 50,000, 1.5M for 1,500,000."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if value >= 1000 else str(value)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _height(value: int, most: int) -> float:
    """Where a value stands, in percent from the top."""
    return FLOOR - (FLOOR - TOP) * value / most


def _stack(day: Day, most: int) -> tuple[Part, ...]:
    parts = []
    below = 0
    for tone, rows in (("live", day.updated), ("ok", day.created), ("bad", day.rejected)):
        if rows:
            y, floor = _height(below + rows, most), _height(below, most)
            parts.append(Part(tone, round(y, 2), round(floor - y, 2)))
        below += rows
    return tuple(parts)


def _label(day: date, number: int, last: int) -> Label:
    text = format_date(day, "j M")
    if number == last:
        return Label(text, 100, "end")
    return Label(text, round(number * PITCH + WIDTH / 2, 2), "middle")


def _summary(days: Sequence[Day]) -> str:
    most = max(days, key=lambda day: day.rows)
    return (
        f"Rows imported a day in the last {len(days)} days."
        f" Most on {format_date(most.date, 'j M')}: {most.in_words}."
        f" Today: {days[-1].in_words}."
    )
