"""Attempts are counted by endpoint and hour; latencies by class, exact to that class."""

import bisect
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks import hours
from webhooks.hours import percentile
from webhooks.models import LATENCIES, EndpointHour
from webhooks.tests.listening import endpoint

AT = datetime(2026, 1, 31, 12, 34, 56, tzinfo=UTC)
HOUR = datetime(2026, 1, 31, 12, tzinfo=UTC)


def counted(milliseconds: list[int]) -> list[int]:
    """Latencies by class, as `hours.count` sorts them."""
    latencies = [0] * (len(LATENCIES) + 1)
    for each in milliseconds:
        latencies[bisect.bisect_left(LATENCIES, each)] += 1
    return latencies


@pytest.mark.integration
@pytest.mark.django_db
class TestCounting:
    def test_attempts_of_an_hour_are_one_row(self) -> None:
        one = endpoint()
        for minutes, arrived, milliseconds in (
            (0, True, 5),
            (1, True, 6),
            (2, False, 15_000),
            (-34, True, 5),
            (25, True, 20_000),
        ):
            hours.count(
                one.pk, AT + timedelta(minutes=minutes), arrived=arrived, milliseconds=milliseconds
            )

        row = EndpointHour.objects.get()
        assert (row.endpoint_id, row.hour) == (one.pk, HOUR)
        assert (row.arrived, row.failed) == (4, 1)
        assert row.latencies == counted([5, 6, 5, 20_000])

    def test_hours_and_endpoints_are_counted_apart(self) -> None:
        one, other = endpoint(), endpoint()
        for each, minutes in ((one, 0), (one, 26), (one, -35), (other, 0)):
            hours.count(each.pk, AT + timedelta(minutes=minutes), arrived=True, milliseconds=1)

        rows = EndpointHour.objects.order_by("endpoint", "hour")
        assert list(rows.values_list("endpoint", "hour", "arrived")) == [
            (one.pk, HOUR - timedelta(hours=1), 1),
            (one.pk, HOUR, 1),
            (one.pk, HOUR + timedelta(hours=1), 1),
            (other.pk, HOUR, 1),
        ]

    def test_hours_are_those_of_utc(self) -> None:
        kathmandu = timezone(timedelta(hours=5, minutes=45))
        hours.count(endpoint().pk, AT.astimezone(kathmandu), arrived=False, milliseconds=1)

        assert EndpointHour.objects.get().hour == HOUR


def test_nothing_has_no_percentile() -> None:
    assert percentile(counted([]), 0.5) is None


def test_percentile_lies_within_its_class() -> None:
    assert percentile(counted([80] * 100), 0.5) == 88
    assert percentile(counted([80] * 95 + [4000] * 5), 0.5) == 88
    assert percentile(counted([80] * 94 + [4000] * 6), 0.95) == pytest.approx(3333, abs=1)


def test_what_is_slower_than_all_classes_is_told_as_the_slowest() -> None:
    assert percentile(counted([60_000]), 0.5) == 15_000
    assert percentile(counted([60_000]), 1.0) == 15_000


@given(
    milliseconds=st.lists(st.integers(0, 30_000), min_size=1, max_size=200),
    share=st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]),
)
def test_percentile_is_exact_to_the_class(milliseconds: list[int], share: float) -> None:
    found = percentile(counted(milliseconds), share)

    exact = sorted(milliseconds)[max(0, -int(-share * len(milliseconds) // 1) - 1)]
    at = bisect.bisect_left(LATENCIES, exact)
    low = LATENCIES[at - 1] if at else 0
    high = LATENCIES[min(at, len(LATENCIES) - 1)]
    assert found is not None
    assert min(low, high) <= found <= high
