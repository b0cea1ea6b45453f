"""How fast an import is and how far: the figures of its bar."""

import time
from typing import Any

# A row passes twice: read and checked, then merged, which takes about twice as long.
READING_PERCENT = 35

# Before that much has passed, rates and the time left would be guesses.
TELLING_SECONDS = 0.5
TELLING_PERCENT = 2


class Pace:
    """The clock of one import, and of the phase it is in, which fills a span of the bar."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.enter(first=0, last=READING_PERCENT)

    def enter(self, *, first: int, last: int) -> None:
        """Begin a phase, which fills the bar from `first` to `last` percent."""
        self._first = first
        self._last = last
        self._entered = time.monotonic()
        self._moving: tuple[float, int] | None = None

    @property
    def seconds(self) -> float:
        """Since the phase began, to the millisecond."""
        return round(time.monotonic() - self._entered, 3)

    def figures(self, *, done: int, total: int | None, share: float) -> dict[str, Any]:
        """Rows done of rows in all, percent, rows a second, seconds left to the end of the import.

        `share` is the part of the phase that is done, 0 to 1. The rate counts from the first row
        on: a merge compares for a while before it writes.
        """
        now = time.monotonic()
        share = min(1.0, max(0.0, share))
        percent = self._first + (self._last - self._first) * share
        if done and self._moving is None:
            self._moving = now, done
        since, base = self._moving or (now, 0)
        elapsed = now - self._began
        telling = elapsed > TELLING_SECONDS and percent > TELLING_PERCENT
        moved = now - since > TELLING_SECONDS
        return {
            "done": done,
            "total": total,
            "percent": int(percent),
            "rows_per_second": round((done - base) / (now - since)) if moved else None,
            "seconds_left": round(elapsed * (100 - percent) / percent, 1) if telling else None,
        }
