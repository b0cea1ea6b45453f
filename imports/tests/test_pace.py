"""The bar and the time left, on a clock that the test turns."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from imports.pace import COSTS, Pace, Shown, merge_cost

ROWS = 500_000
TICK = 0.25


@dataclass
class Run:
    """An import as a clock sees it: (elapsed, figures) four times a second.

    `costs` are the true microseconds of a row in each stretch; `lag` is waited before the merge.
    """

    created: int = 0
    updated: int = 0
    missing: int = 0
    costs: dict[str, float] = field(default_factory=lambda: {k: 8 * v for k, v in COSTS.items()})
    earlier: Shown = field(default_factory=Shown)
    sampled: bool = True
    lag: float = 0.0
    now: float = 100.0
    seen: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def go(self) -> float:
        """Run it; seconds that it worked."""
        pace = Pace(earlier=self.earlier, clock=lambda: self.now)
        worked = self._stretch(pace, "read", ROWS, shows=True)
        pace.leave()
        self.now += self.lag
        pace.begin()
        for stretch, rows, shows in (
            ("compare", ROWS, False),
            ("create", self.created, True),
            ("log", self.updated, False),
            ("update", self.updated, True),
            ("missing", self.missing, False),
        ):
            if stretch != "compare":
                pace.plan(created=self.created, updated=self.updated, missing=self.missing)
            if rows:
                pace.enter(stretch, rows=rows)
                worked += self._stretch(pace, stretch, rows, shows=shows)
        return worked

    def _stretch(self, pace: Pace, name: str, rows: int, *, shows: bool) -> float:
        seconds = rows * self.costs[name] / 1e6
        begun, done = self.now, 0.0
        while (done := self.now - begun) < seconds:
            share = done / seconds
            if self.sampled and name == "read" and share > 0.2:
                pace.expect(created=self.created / ROWS, updated=self.updated / ROWS)
            if share or not shows:
                figures = pace.figures(
                    done=int(rows * share), total=rows, share=share if shows else None
                )
                self.seen.append((self.now, figures))
            self.now += TICK
        self.now = begun + seconds
        return seconds


CASES: dict[str, dict[str, Any]] = {
    "new rows": {"created": ROWS},
    "the same file again": {},
    "every row changed": {"updated": ROWS},
    "some of each": {"created": 100_000, "updated": 150_000},
    "waits for another import": {"created": ROWS, "lag": 20.0},
    "a machine on which writing is dear, as the last import showed": {
        "created": ROWS,
        "costs": {name: cost * (8 if name == "read" else 16) for name, cost in COSTS.items()},
        "earlier": Shown(dearer=2.0, unit=16e-6),
    },
}

DISTURBED: dict[str, dict[str, Any]] = {
    "reading is slowed down by something else, merging is not": {
        "costs": {name: cost * (16 if name == "read" else 8) for name, cost in COSTS.items()},
    },
    "both take twice as long as the last time": {
        "costs": {name: cost * 16 for name, cost in COSTS.items()},
    },
}


@pytest.mark.parametrize("name", CASES)
def test_time_left_is_right_within_a_fifth_from_the_first_quarter_on(name: str) -> None:
    run = Run(**CASES[name])
    began = run.now
    whole = run.go()
    merged_from = began + ROWS * run.costs["read"] / 1e6 + run.lag
    judged = 0
    for at, figures in run.seen:
        left = run.now - at - (0 if at >= merged_from else run.lag)
        if whole - left < whole / 4:
            continue
        judged += 1
        assert figures["seconds_left"] == pytest.approx(left, rel=0.2, abs=0.35), (at, figures)
    assert judged > 10


@pytest.mark.parametrize("name", DISTURBED)
def test_time_left_is_off_by_a_fifth_of_the_whole_at_most_on_a_disturbed_machine(name: str) -> None:
    run = Run(created=ROWS, earlier=Shown(unit=8e-6), **DISTURBED[name])
    began = run.now
    whole = run.go()
    late = [(run.now - at, each) for at, each in run.seen if at - began >= whole / 4]
    assert len(late) > 10
    for left, figures in late:
        assert figures["seconds_left"] == pytest.approx(left, abs=whole / 5), figures


def test_products_that_go_are_counted_in_as_soon_as_they_are_known() -> None:
    run = Run(missing=150_000)
    run.go()
    going = 150_000 * run.costs["missing"] / 1e6
    told = [(run.now - at, each) for at, each in run.seen if run.now - at < going]
    assert len(told) > 5
    for left, figures in told:
        assert figures["seconds_left"] == pytest.approx(left, rel=0.2, abs=0.35)


@pytest.mark.parametrize("name", CASES)
def test_bar_never_goes_back_and_is_full_only_at_the_end(name: str) -> None:
    run = Run(**CASES[name])
    run.go()
    percents = [figures["percent"] for _, figures in run.seen]
    assert percents == sorted(percents)
    assert 85 <= percents[-1] <= 99


def test_nothing_is_told_before_something_is_known() -> None:
    now = [10.0]
    pace = Pace(clock=lambda: now[0])
    now[0] += 0.1
    figures = pace.figures(done=0, total=None, share=0.0)
    assert figures == {
        "done": 0,
        "total": None,
        "percent": 0,
        "rows_per_second": None,
        "seconds_left": None,
    }


def test_cost_of_a_merge_is_that_of_its_rows() -> None:
    assert merge_cost(rows=100, created=0, updated=0) == pytest.approx(60)
    assert merge_cost(rows=100, created=100, updated=0) == pytest.approx(165)
    assert merge_cost(rows=100, created=0, updated=100) == pytest.approx(330)
