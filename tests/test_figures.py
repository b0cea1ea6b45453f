"""How figures, moments and changes read on a page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.templatetags.changes import change, price_change
from core.templatetags.figures import (
    ago,
    count,
    duration,
    in_words,
    money,
    percent_of,
    size,
)

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), ("", "–"), (0, "0"), (999, "999"), (500_184, "500,184")]
)
def test_counts_have_thousands_separators(value: int | None, text: str) -> None:
    assert count(value) == text


def test_prices_have_two_decimals() -> None:
    assert [money(Decimal(text)) for text in ("0", "24.9", "1180")] == ["0.00", "24.90", "1,180.00"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (68_367_155, "65.2 MB"),
        (100 * 1024**2, "100 MB"),
        (1024**2 - 1, "1 MB"),
        (3 * 1024**4, "3 TB"),
    ],
)
def test_sizes_take_the_unit_that_fits(value: int, text: str) -> None:
    assert size(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.42, "0.4 s"),
        (3.0, "3 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (4320, "1 h 12 min"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_time_left_has_no_decimals() -> None:
    assert duration(3.4, 0) == "3 s"


def test_a_share_is_never_rounded_to_nothing() -> None:
    shares = [(3_412, 318_902), (1, 500_000), (0, 500), (5, 0)]
    assert [percent_of(*each) for each in shares] == ["1.1 %", "under 0.1 %", "0 %", "0 %"]


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=-5), "0 s ago"),
        (timedelta(seconds=15), "15 s ago"),
        (timedelta(minutes=2, seconds=59), "2 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=13), "yesterday"),
        (timedelta(days=2), "Nov 20"),
        (timedelta(days=400), "Oct 18, 2025"),
    ],
)
def test_moments_are_said_by_their_distance(before: timedelta, text: str) -> None:
    assert in_words(NOON - before, now=NOON) == text


def test_a_moment_holds_its_exact_time_in_the_zone_of_the_reader() -> None:
    with timezone.override("Europe/Zurich"):
        html = ago(datetime(2020, 11, 22, 9, 41, 47, tzinfo=UTC))
    assert html == (
        '<time datetime="2020-11-22T09:41:47Z" title="22 Nov 2020, 10:41:47 CET">'
        "Nov 22, 2020</time>"
    )


def test_a_short_change_shows_both_values_escaped() -> None:
    assert change("<b>", None) == "<del>&lt;b&gt;</del> → <ins>none</ins>"


def test_a_long_text_is_compared_by_word() -> None:
    assert change("DIN 933, full thread, A2 <i>", "DIN 933, full thread, stainless A2 <i>") == (
        "DIN 933, full thread, <ins>stainless</ins> A2 &lt;i&gt;"
    )


def test_a_price_says_by_how_much_it_moved() -> None:
    assert price_change("22.40", "24.90") == (
        '<del>22.40</del> → <ins>24.90</ins> <span class="soft small">+11.2 %</span>'
    )


@pytest.mark.parametrize(("old", "new"), [(None, "21.80"), ("0.00", "21.80"), ("21.80", None)])
def test_a_price_out_of_nothing_moved_by_no_percentage(old: str | None, new: str | None) -> None:
    assert "%" not in price_change(old, new)
