"""When a delivery is tried again: ten tries over three days, spread, with Retry-After bounded."""

import random
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.retries import SCHEDULE, TRIES, is_success, wait_before_next

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MINUTE, HOUR = 60, 3600


class Extreme(random.Random):
    """Chance at one end of what it may be."""

    def __init__(self, *, highest: bool) -> None:
        super().__init__()
        self.highest = highest

    def uniform(self, a: float, b: float) -> float:
        return b if self.highest else a


def bounds(
    tries: int, *, status: int | None = 500, error: str = "", retry_after: str = ""
) -> tuple[float, float] | None:
    """The shortest and the longest wait after so many tries; None when there is none."""
    ends = [
        wait_before_next(
            tries,
            status=status,
            error=error,
            retry_after=retry_after,
            now=NOW,
            chance=Extreme(highest=highest),
        )
        for highest in (False, True)
    ]
    if ends == [None, None]:
        return None
    shortest, longest = (round(seconds or 0, 6) for seconds in ends)
    return shortest, longest


# --- the schedule ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tries", "seconds"),
    [
        (1, 5),
        (2, 5 * MINUTE),
        (3, 30 * MINUTE),
        (4, 2 * HOUR),
        (5, 5 * HOUR),
        (6, 10 * HOUR),
        (7, 14 * HOUR),
        (8, 20 * HOUR),
        (9, 24 * HOUR),
    ],
)
def test_waits_grow_and_are_spread_by_a_fifth(tries: int, seconds: float) -> None:
    assert bounds(tries) == (round(0.8 * seconds, 6), round(1.2 * seconds, 6))


def test_tenth_try_is_the_last() -> None:
    assert TRIES == 10
    assert bounds(10) is None
    assert bounds(11) is None
    assert bounds(10, retry_after="5") is None
    assert bounds(10, status=503) is None


def test_ten_tries_take_about_three_days() -> None:
    assert sum(SCHEDULE) == pytest.approx(75.6 * HOUR, abs=0.1 * HOUR)


# --- an endpoint that has too much to do -----------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_overloaded_endpoint_has_a_minute_at_least(status: int) -> None:
    assert bounds(1, status=status) == (60, 72)
    assert bounds(2, status=status) == (300, 360)


def test_endpoint_that_says_nothing_in_time_has_a_minute_at_least() -> None:
    assert bounds(1, status=None, error="time_out") == (60, 72)


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, ""), (404, ""), (301, ""), (None, "dns"), (None, "refused"), (None, "tls")],
)
def test_other_failures_are_tried_again_after_five_seconds(status: int | None, error: str) -> None:
    assert bounds(1, status=status, error=error) == (4, 6)


# --- Retry-After -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "shortest"),
    [("0", 300), ("299", 300), ("450", 450), ("600", 600), ("601", 600), ("9" * 5000, 600)],
)
def test_retry_after_counts_between_the_wait_and_twice_that(asked: str, shortest: float) -> None:
    assert bounds(2, retry_after=asked) == (shortest, 1.2 * shortest)


def test_retry_after_of_an_overloaded_endpoint_counts_from_a_minute_on() -> None:
    assert bounds(1, status=503, retry_after="90") == (90, 108)
    assert bounds(1, status=503, retry_after="3600") == (120, 144)


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))]
)
def test_retry_after_may_be_a_date(zone: timezone) -> None:
    at = format_datetime((NOW + timedelta(seconds=400)).astimezone(zone))
    assert bounds(2, retry_after=at) == (400, 480)


def test_date_without_a_zone_is_taken_for_utc() -> None:
    assert bounds(2, retry_after="Sat, 31 Jan 2026 12:06:40 -0000") == (400, 480)


def test_date_that_is_over_changes_nothing_but_that_the_wait_is_not_cut_short() -> None:
    assert bounds(2, retry_after="Fri, 30 Jan 2026 12:00:00 GMT") == (300, 360)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "٣٠٠",
        "²",
        "5 minutes",
        "Sat, 31 Jan 99999999999999999999 12:00:00 GMT",
        "Sat, 31 Foo 2026 12:00:00 GMT",
        "Sat, 99 Jan 2026 99:99:99 +999999",
    ],
)
def test_retry_after_that_is_none_is_passed_over(nonsense: str) -> None:
    assert bounds(2, retry_after=nonsense) == (240, 360)


NUMBER = st.integers(0, 10**30).map(str)
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}{}".format,
    st.sampled_from(["Sat", "Sun", ""]),
    NUMBER,
    st.sampled_from(["Jan", "Dec", "Foo"]),
    NUMBER,
    NUMBER,
    NUMBER,
    NUMBER,
    st.sampled_from(["+", "-", ""]),
    NUMBER | st.just("GMT"),
)


@given(
    tries=st.integers(1, TRIES - 1),
    retry_after=st.text() | NUMBER | DATES | st.text("0123456789:-+, JanGMT"),
    status=st.sampled_from([None, 301, 404, 429, 500, 503]),
    error=st.sampled_from(["", "time_out", "connection"]),
    seed=st.integers(),
)
def test_no_answer_makes_a_wait_too_short_or_more_than_doubles_it(
    tries: int, retry_after: str, status: int | None, error: str, seed: int
) -> None:
    seconds = wait_before_next(
        tries,
        status=status,
        error=error,
        retry_after=retry_after,
        now=NOW,
        chance=random.Random(seed),  # noqa: S311
    )

    base = SCHEDULE[tries]
    overloaded = status in {429, 503} or error == "time_out"
    assert seconds is not None
    if overloaded:
        base = max(base, 60)
    assert (base if overloaded else 0.8 * base) <= seconds <= 2 * base * 1.2


@given(tries=st.integers(1, TRIES - 1), asked=NUMBER, seed=st.integers())
def test_wait_that_was_asked_for_is_never_cut_short(tries: int, asked: str, seed: int) -> None:
    seconds = wait_before_next(
        tries,
        status=500,
        error="",
        retry_after=asked,
        now=NOW,
        chance=random.Random(seed),  # noqa: S311
    )

    assert seconds is not None
    assert SCHEDULE[tries] <= seconds <= 2 * SCHEDULE[tries] * 1.2


# --- success ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert is_success(status, "")


@pytest.mark.parametrize("status", [None, 100, 199, 300, 301, 302, 304, 400, 404, 410, 500, 503])
def test_anything_else_is_none(status: int | None) -> None:
    assert not is_success(status, "")


def test_status_of_an_answer_that_broke_off_is_no_success() -> None:
    assert not is_success(200, "time_out")
