"""How fast an import is, how far, and how long it still takes: the figures of its bar.

An import is a row of stretches, each with its own price of a row. What a stretch has cost so far is
measured where it can be; what is still to come is the rows that are expected there, at a price
between what this import has shown by then and what the last large import took.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

# Before that much has passed, rates and the time left would be guesses.
TELLING_SECONDS = 0.5
#: No matter what is to come, reading fills so much of the bar at least, and so much at most.
LEAST_READING_PERCENT: Final = 20
MOST_READING_PERCENT: Final = 85
#: What a row costs in each stretch, reading it being 1: medians of `make bench`.
COSTS: Final = {
    "read": 1.0,
    "compare": 0.6,
    "create": 1.05,
    "log": 0.6,
    "update": 2.1,
    "missing": 2.4,
}
_ORDER: Final = tuple(COSTS)
# From what share of a stretch on its own speed is all that counts.
_TRUSTED: Final = 0.3
# A stretch that takes longer than planned is nearly at its end, for as long as it takes.
_NEARLY: Final = 0.04


def merge_cost(*, rows: int, created: int, updated: int) -> float:
    """What comparing so many rows and writing those that differ costs, in rows read."""
    writing = created * COSTS["create"] + updated * (COSTS["log"] + COSTS["update"])
    return rows * COSTS["compare"] + writing


@dataclass(frozen=True)
class Shown:
    """What merging cost in earlier imports.

    `dearer` is how many times as much it cost, beside reading, as COSTS say; `unit` the seconds
    that one of COSTS took, 0 where nothing is known.
    """

    dearer: float = 1.0
    unit: float = 0.0


class Pace:
    """The clock of one import."""

    def __init__(
        self, *, earlier: Shown = Shown(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._earlier = earlier
        self._rows = dict.fromkeys(COSTS, 0.0)
        #: Of the rows still to come, by what a sample says.
        self._created, self._updated = 1.0, 0.0
        #: Seconds of what is over.
        self._spent = 0.0
        self._percent = 0
        self._unit: float | None = None
        self.begin()
        self._stretch = "read"
        self._entered = self._began
        self._resting = False
        self._moving: tuple[float, int] | None = None

    def begin(self) -> None:
        """Begin a phase: what `seconds` are counted from."""
        self._began = self._clock()

    @property
    def seconds(self) -> float:
        """Since the phase began, to the millisecond."""
        return round(self._clock() - self._began, 3)

    def expect(self, *, created: float, updated: float) -> None:
        """Take shares of rows that will be created and updated, 0 to 1, by a sample of them."""
        self._created, self._updated = created, updated

    def plan(self, *, created: int, updated: int, missing: int = 0) -> None:
        """Take the rows that will be written, once the comparison has told them."""
        self._rows |= {
            "create": created,
            "log": updated,
            "update": updated,
            "missing": missing,
        }

    def enter(self, stretch: str, *, rows: int) -> None:
        """Begin a stretch with so many rows; time since the last one ended is nobody's."""
        if stretch == self._stretch and self._rows[stretch]:
            return
        self.leave()
        self._stretch = stretch
        self._rows[stretch] = rows
        self._entered = self._clock()
        self._resting = False
        self._moving = None

    def leave(self) -> None:
        """End a stretch, to wait or to enter the next."""
        if self._resting:
            return
        self._resting = True
        took = self._clock() - self._entered
        rows = self._rows[self._stretch]
        if rows and took:
            shown = took / (rows * COSTS[self._stretch])
            if self._stretch == "read":
                self._unit = self._merging(shown)
            elif self._stretch == "compare" and self._unit:
                self._unit = (self._unit + shown) / 2
        self._spent += took

    def figures(self, *, done: int, total: int | None, share: float | None) -> dict[str, Any]:
        """Rows done of rows in all, percent, rows a second, seconds left to the end of the import.

        `share` is the part of the stretch that is done, 0 to 1, or None where nothing shows it.
        """
        now = self._clock()
        took = now - self._entered
        if self._stretch == "read" and total:
            self._foresee(total)
        left = self._left(took, share)
        elapsed = self._spent + took
        percent = 100 * elapsed / (elapsed + left) if left is not None and elapsed else 0.0
        if self._stretch == "read":
            percent = min(percent, MOST_READING_PERCENT * (share or 0.0))
            percent = max(percent, LEAST_READING_PERCENT * (share or 0.0))
        else:
            percent = max(percent, LEAST_READING_PERCENT)
        self._percent = max(self._percent, min(99, int(percent)))
        if done and self._moving is None:
            self._moving = now, done
        since, base = self._moving or (now, 0)
        moved = now - since > TELLING_SECONDS
        telling = elapsed > TELLING_SECONDS and left is not None
        return {
            "done": done,
            "total": total,
            "percent": self._percent,
            "rows_per_second": round((done - base) / (now - since)) if moved else None,
            "seconds_left": round(left, 1) if telling and left is not None else None,
        }

    def _foresee(self, rows: int) -> None:
        """Expect of so many rows what the sample has said."""
        updated = rows * self._updated
        self._rows |= {
            "read": rows,
            "compare": rows,
            "create": rows * self._created,
            "log": updated,
            "update": updated,
        }

    def _left(self, took: float, share: float | None) -> float | None:
        """Seconds to the end, None before anything is known."""
        unit = self._unit
        if self._stretch == "read":
            if not share:
                return None
            whole = took / share
            rows = self._rows["read"]
            unit = self._merging(whole / rows) if rows else 0.0
        elif unit is None:
            return None
        else:
            whole = self._cost(self._stretch) * unit
            if share:
                trust = min(1.0, share / _TRUSTED)
                whole = trust * took / share + (1 - trust) * whole
        here = max(whole - took, whole * _NEARLY * (1 - (share or 0.0)))
        later = _ORDER[_ORDER.index(self._stretch) + 1 :]
        return here + sum(map(self._cost, later)) * unit

    def _merging(self, reading: float) -> float:
        """What one of COSTS will take in merging, where it takes `reading` seconds in reading.

        Whatever else runs may slow down both, or reading alone, which needs two processes at once:
        halfway between is never far off.
        """
        foreseen = reading * self._earlier.dearer
        return math.sqrt(foreseen * self._earlier.unit) if self._earlier.unit else foreseen

    def _cost(self, stretch: str) -> float:
        return self._rows[stretch] * COSTS[stretch]
