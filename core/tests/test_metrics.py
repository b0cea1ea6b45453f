"""Counters and histograms of many processes are one in Valkey, and Valkey may be away."""

import os
import time
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as configured
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from core import metrics
from core.metrics import Counter, Histogram
from dev.valkey import free_port

DONE = Counter("done", "What was done.", labels=["kind"], known=[["good"], ["bad"]])
TOOK = Histogram("took_seconds", "How long it took.", bounds=(0.1, 1), labels=["kind"])
ALL = Histogram("all_seconds", "All together.", bounds=(1,))


@pytest.fixture
def forgetful() -> Iterator[None]:
    """A connection of one test is nothing to the next."""
    metrics._client.cache_clear()
    yield
    metrics._client.cache_clear()


@pytest.fixture
def valkey_away(settings: Settings, forgetful: None) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"


def shown(*kept: Counter | Histogram) -> dict[str, float]:
    """What Prometheus would read, by name and labels."""
    metrics.flush()
    found = metrics.stored([each.name for each in kept]) or []

    class Collector:
        def collect(self) -> Iterator[Metric]:
            for each, values in zip(kept, found, strict=True):
                yield each.family(values)

    registry = CollectorRegistry()
    registry.register(Collector())
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


@pytest.mark.integration
def test_counter_that_nobody_used_shows_its_known_labels_with_zero() -> None:
    assert shown(DONE) == {
        "product_importer_done_total['good']": 0,
        "product_importer_done_total['bad']": 0,
    }


@pytest.mark.integration
def test_counter_adds_up_by_its_labels() -> None:
    DONE.add("good")
    DONE.add("good", by=41)
    DONE.add('a "strange" one,\n')

    assert shown(DONE) == {
        "product_importer_done_total['good']": 42,
        "product_importer_done_total['bad']": 0,
        "product_importer_done_total['a \"strange\" one,\\n']": 1,
    }


@pytest.mark.integration
def test_histogram_counts_values_up_to_each_bound() -> None:
    for seconds in (0.05, 0.1, 0.5, 7):
        TOOK.observe(seconds, "x")

    assert shown(TOOK) == {
        "product_importer_took_seconds_bucket['0.1', 'x']": 2,
        "product_importer_took_seconds_bucket['1', 'x']": 3,
        "product_importer_took_seconds_bucket['+Inf', 'x']": 4,
        "product_importer_took_seconds_count['x']": 4,
        "product_importer_took_seconds_sum['x']": 7.65,
    }


@pytest.mark.integration
def test_histogram_without_labels_is_shown_from_the_start() -> None:
    assert shown(ALL) == {
        "product_importer_all_seconds_bucket['1']": 0,
        "product_importer_all_seconds_bucket['+Inf']": 0,
        "product_importer_all_seconds_count[]": 0,
        "product_importer_all_seconds_sum[]": 0,
    }


@pytest.mark.integration
def test_processes_add_up() -> None:
    DONE.add("good", by=2)
    child = os.fork()
    if not child:
        # What the parent had not flushed yet is the parent's alone.
        DONE.add("good", by=5)
        metrics.flush()
        os._exit(0)
    os.waitpid(child, 0)

    assert shown(DONE)["product_importer_done_total['good']"] == 7


@pytest.mark.integration
def test_what_was_counted_reaches_valkey_without_being_asked_for() -> None:
    DONE.add("good")

    client = redis.Redis.from_url(configured.REDIS_URL)
    until = time.monotonic() + 10
    while not client.exists(f"{metrics.KEY}done") and time.monotonic() < until:
        time.sleep(0.05)
    assert client.hgetall(f"{metrics.KEY}done") == {b'["good"]': b"1"}
    client.close()


@pytest.mark.usefixtures("valkey_away")
def test_without_valkey_nothing_is_raised_and_it_is_asked_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(100):
        DONE.add("good")
        metrics.flush()
        assert metrics.stored(["done"]) is None
        assert metrics.queue_lengths(["imports"]) is None

    # One line each time that it was asked.
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.integration
@pytest.mark.usefixtures("forgetful")
def test_what_was_counted_without_valkey_is_added_once_it_is_back(settings: Settings) -> None:
    there = settings.REDIS_URL
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    DONE.add("good", by=3)
    metrics.flush()

    settings.REDIS_URL = there
    metrics._client.cache_clear()
    metrics._counted.away_until = 0.0

    assert shown(DONE)["product_importer_done_total['good']"] == 3


@pytest.mark.integration
def test_emptied_valkey_makes_counters_start_anew() -> None:
    DONE.add("good", by=3)
    assert shown(DONE)["product_importer_done_total['good']"] == 3

    redis.Redis.from_url(configured.REDIS_URL).flushdb()
    DONE.add("good")

    assert shown(DONE)["product_importer_done_total['good']"] == 1
