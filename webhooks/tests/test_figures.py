"""Figures of the last 24 hours and of this moment, from counted hours and pending rows alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from webhooks import figures
from webhooks.figures import Figures, Hour, Waiting, figures_of, overview, waiting_at
from webhooks.models import LATENCIES, Delivery, Endpoint, EndpointHour, Lane
from webhooks.tests.listening import endpoint
from webhooks.tests.queueing import queued

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def counted(
    one: Endpoint, *, hours_ago: int, arrived: int = 0, failed: int = 0, place: int = 6
) -> None:
    """Attempts of one hour, all of those that arrived in one class of latency."""
    latencies = [0] * (len(LATENCIES) + 1)
    latencies[place] = arrived
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    EndpointHour.objects.create(
        endpoint=one,
        hour=this_hour - timedelta(hours=hours_ago),
        arrived=arrived,
        failed=failed,
        latencies=latencies,
    )


def test_hours_without_attempts_are_there_too() -> None:
    one = endpoint()
    counted(one, hours_ago=0, arrived=3, failed=1)
    counted(one, hours_ago=5, failed=2)
    counted(one, hours_ago=23, arrived=6, place=15)
    counted(one, hours_ago=24, arrived=100, failed=100)

    found = figures_of([one])[one.pk]

    expected = [Hour()] * 24
    expected[0], expected[18], expected[23] = Hour(6, 0), Hour(0, 2), Hour(3, 1)
    assert found.hours == expected
    assert (found.arrived, found.failed, found.attempts) == (9, 3, 12)
    assert found.arrived_percent == 75
    assert found.median == 2250
    assert found.p95 == pytest.approx(2925, abs=50)


def test_endpoint_that_was_sent_nothing_has_empty_figures() -> None:
    one = endpoint()

    found = figures_of([one])[one.pk]

    assert found == Figures()
    assert len(found.hours) == 24
    assert (found.arrived_percent, found.median, found.p95) == (None, None, None)
    assert figures_of([]) == {}


def test_endpoint_that_only_failed_has_no_latency() -> None:
    one = endpoint()
    counted(one, hours_ago=1, failed=4)

    found = figures_of([one])[one.pk]

    assert (found.arrived_percent, found.median) == (0, None)


def test_figures_of_endpoints_are_kept_apart_by_one_question(
    django_assert_num_queries: Any,
) -> None:
    one, other = endpoint(), endpoint()
    counted(one, hours_ago=1, arrived=1)
    counted(other, hours_ago=1, arrived=2)

    with django_assert_num_queries(1):
        found = figures_of([one, other])

    assert {pk: each.arrived for pk, each in found.items()} == {one.pk: 1, other.pk: 2}


def test_what_waits_is_counted_with_the_oldest() -> None:
    one, other, idle = endpoint(), endpoint(), endpoint()
    first, second, third, *_, trial = queued(one, count=6)
    queued(other)
    oldest = timezone.now() - timedelta(hours=3)
    for delivery, state in ((first, "arrived"), (second, "failed"), (third, "retrying")):
        Delivery.objects.filter(pk=delivery.pk).update(
            state=state, created_at=oldest - timedelta(hours=int(delivery is not third))
        )
    Delivery.objects.filter(pk=trial.pk).update(is_test=True, created_at=oldest)

    found = waiting_at([one, idle])

    assert found == {one.pk: Waiting(3, oldest), idle.pk: Waiting(0, None)}


def test_overview_is_of_all_that_are_not_deleted() -> None:
    one, other, deleted, disabled = (endpoint() for _ in range(4))
    for each in (one, other, deleted, disabled):
        counted(each, hours_ago=2, arrived=2, failed=1)
        queued(each)
    Lane.objects.exclude(pk=other.pk).update(failures=5)
    Lane.objects.filter(pk=other.pk).update(failures=4)
    Endpoint.objects.filter(pk=deleted.pk).update(state=Endpoint.State.DELETED)
    Endpoint.objects.filter(pk=disabled.pk).update(state=Endpoint.State.DISABLED)

    found = overview()

    assert (found.figures.arrived, found.figures.failed) == (6, 3)
    assert (found.waiting.count, found.failing, found.disabled) == (3, 1, 1)
    assert found.waiting.oldest == Delivery.objects.earliest("created_at").created_at


def test_overview_of_nothing(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(4):
        found = overview()

    assert found == figures.Overview(Figures(), Waiting(), failing=0, disabled=0)
