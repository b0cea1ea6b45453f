"""When a delivery that failed is tried again. Pure: figures in, seconds out."""

import datetime
import random
from email.utils import parsedate_to_datetime
from typing import Final

#: Seconds before each try: at once, then further and further apart, about 75 hours in all.
SCHEDULE: Final = (
    0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600,
)  # fmt: skip
TRIES: Final = len(SCHEDULE)
JITTER: Final = 0.2
#: An endpoint that says it is overloaded, or says nothing in time, gets at least that pause.
OVERLOADED: Final = frozenset({429, 502, 503, 504})
PAUSE_SECONDS: Final = 60.0

#: Failures in a row after which only the oldest delivery is tried until one arrives.
BREAKER: Final = 5
#: Nothing but failure for that long disables an endpoint.
GIVE_UP_AFTER: Final = datetime.timedelta(days=5)


def is_success(status: int | None, error: str) -> bool:
    """2xx, and nothing went wrong on the way."""
    return not error and status is not None and 200 <= status < 300


def wait_before_next(
    tries: int,
    *,
    status: int | None,
    error: str,
    retry_after: str = "",
    now: datetime.datetime,
    chance: random.Random,
) -> float | None:
    """Seconds until the next try after `tries` of them; None when there is none.

    `retry_after` is the header's text. It is respected between the wait that it replaces and
    twice that; the result is spread by JITTER, so that what failed together comes back apart.
    """
    if tries >= TRIES:
        return None
    base = float(SCHEDULE[tries])
    overloaded = status in OVERLOADED or error == "time_out"
    if overloaded:
        base = max(base, PAUSE_SECONDS)
    asked = _seconds(retry_after, now)
    if asked is not None:
        base = min(max(base, asked), 2 * base)
    # A pause that the endpoint needs, or has asked for, is never cut short.
    return base * chance.uniform(1 if overloaded or asked is not None else 1 - JITTER, 1 + JITTER)


def _seconds(retry_after: str, now: datetime.datetime) -> float | None:
    """Retry-After as RFC 9110 has it: seconds, or a date; None for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    return (at - now).total_seconds()
