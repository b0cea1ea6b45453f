"""How fast an import is and how far: the figures of its bar."""

import time
from typing import Any

# A row passes twice: read and checked, then merged, which takes about twice as long.
READING_PERCENT = 35

# Before that much is done, the time left would be a guess.
SHARE_TO_TELL = 0.02
SECONDS_TO_TELL = 0.3


class Pace:
    """The clock of one phase, which fills the bar from `first` to `last` percent."""

    def __init__(self, *, first: int, last: int) -> None:
        self._first = first
        self._last = last
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the phase began, in milliseconds' precision."""
        return round(time.monotonic() - self._began, 3)

    def figures(self, *, done: int, total: int | None, share: float) -> dict[str, Any]:
        """Rows done of rows in all, rows a second, seconds left in the phase; `share` is 0 to 1."""
        share = min(1.0, max(0.0, share))
        elapsed = self.seconds
        telling = share > SHARE_TO_TELL and elapsed > SECONDS_TO_TELL
        return {
            "done": done,
            "total": total,
            "percent": round(self._first + (self._last - self._first) * share),
            "rows_per_second": round(done / elapsed) if telling and done else None,
            "seconds_left": round(elapsed * (1 - share) / share, 1) if telling else None,
        }
