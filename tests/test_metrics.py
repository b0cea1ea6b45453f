"""`/metrics`: who may read it, and what it tells."""

import re
from ipaddress import ip_network
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from catalog import products
from catalog.models import BulkOperation
from config.metrics import KEPT, Scrape
from core import metrics
from core.leases import ClockTimestamp
from core.metrics import PREFIX
from dev.valkey import free_port
from imports.models import ImportJob
from tests.test_docs import DOCS, section, table
from webhooks.models import Delivery, Endpoint, Event, Lane

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

TOKEN = "metrics-token-of-the-tests"


@pytest.fixture
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scrape(**how: Any) -> dict[str, float]:
    """Everything that is served, by name and labels."""
    response = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", **how})
    assert response.status_code == 200
    return {
        sample.name.removeprefix(PREFIX) + "".join(f" {value}" for value in sample.labels.values()):
        sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }  # fmt: skip


def test_nobody_reads_metrics_until_a_setting_says_who() -> None:
    response = Client().get("/metrics")

    assert response.status_code == 403
    assert response["Content-Type"] == "text/plain"
    assert "METRICS_TOKEN or METRICS_ADDRESSES" in response.content.decode()


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("sent", ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_wrong_token_is_refused(sent: str) -> None:
    response = Client().get("/metrics", headers={"Authorization": sent})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert PREFIX not in response.content.decode()


@pytest.mark.usefixtures("token")
def test_sign_in_is_no_token(client: Client, manager: Any) -> None:
    client.force_login(manager)

    assert client.get("/metrics").status_code == 401


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.1.2.3", 200),
        ("11.1.2.3", 403),
        ("::ffff:10.1.2.3", 200),
        ("2001:db8::1", 200),
        # Of the same network of 64 bits, which limits take for one sender.
        ("2001:db8::2", 403),
        ("", 403),
    ],
)
def test_only_addresses_of_the_list_are_let_in(
    settings: Settings, address: str, status: int
) -> None:
    settings.METRICS_ADDRESSES = [ip_network("10.0.0.0/8"), ip_network("2001:db8::1/128")]

    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == status


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(settings: Settings) -> None:
    settings.METRICS_ADDRESSES = [ip_network("10.0.0.0/8")]
    settings.BEHIND_PROXY = True
    client = Client(REMOTE_ADDR="10.0.0.1")

    claimed = client.get("/metrics", headers={"X-Forwarded-For": "10.9.9.9, 203.0.113.5"})
    real = client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.5, 10.9.9.9"})

    assert (claimed.status_code, real.status_code) == (403, 200)


@pytest.mark.usefixtures("token")
def test_with_both_settings_address_and_token_are_needed(settings: Settings) -> None:
    settings.METRICS_ADDRESSES = [ip_network("10.0.0.0/8")]
    right = {"Authorization": f"Bearer {TOKEN}"}

    answers = [
        Client(REMOTE_ADDR=address).get("/metrics", headers=headers).status_code
        for address, headers in (("10.1.2.3", right), ("10.1.2.3", {}), ("11.1.2.3", right))
    ]

    assert answers == [200, 401, 403]


@pytest.mark.usefixtures("token")
def test_format_is_the_one_that_is_asked_for() -> None:
    plain = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    open_metrics = Client().get(
        "/metrics",
        headers={
            "Authorization": f"Bearer {TOKEN}",
            "Accept": "application/openmetrics-text; version=1.0.0",
        },
    )

    assert plain["Content-Type"].startswith("text/plain; version=0.0.4")
    assert open_metrics["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert open_metrics.content.endswith(b"# EOF\n")
    assert (
        Client().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405
    )


@pytest.mark.usefixtures("token")
def test_gauges_tell_what_waits_and_what_is_worked_on() -> None:
    hour_ago = "clock_timestamp() - interval '1 hour'"
    for state in ("queued", "queued", "merging", "completed"):
        ImportJob.objects.create(state=state, file_name="a.csv", accepted_at=ClockTimestamp())
    BulkOperation.objects.create(kind="delete", state="running", accepted_at=ClockTimestamp())
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE imports_importjob SET accepted_at = {hour_ago}")
    active, paused = (
        Endpoint.objects.create(url="https://1.1.1.1/", event_types=[], state=state, secret="s")
        for state in ("active", "paused")
    )
    Lane.objects.create(endpoint=active, failures=9)
    Lane.objects.create(endpoint=paused, failures=9)
    products.create(
        source="form", actor=None, sku="A-1", name="One", description="", price=None, active=True
    )
    event = Event.objects.create(type="product.created", body="{}")
    for endpoint, state in ((active, "waiting"), (active, "retrying"), (paused, "waiting"),
                            (active, "arrived"), (active, "failed")):  # fmt: skip
        Delivery.objects.create(event=event, endpoint=endpoint, state=state)
    Delivery.objects.create(event=event, endpoint=active, is_test=True)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE webhooks_delivery SET created_at = {hour_ago}")
        cursor.execute(
            "UPDATE webhooks_delivery SET due_at = now() + interval '1 hour'"
            " WHERE state = 'retrying'"
        )

    found = scrape()

    assert {name: found[f"imports {name}"] for name in ("queued", "reading", "merging")} == {
        "queued": 2, "reading": 0, "merging": 1,
    }  # fmt: skip
    assert found["imports_oldest_waiting_seconds"] == pytest.approx(3600, abs=60)
    assert (found["operations queued"], found["operations running"]) == (0, 1)
    assert found["operations_oldest_waiting_seconds"] == 0
    assert found["change_sets_unpublished"] == 1
    assert 0 <= found["change_sets_oldest_unpublished_seconds"] < 60
    assert (found["deliveries_waiting active"], found["deliveries_waiting paused"]) == (2, 1)
    assert (found["deliveries_due active"], found["deliveries_due paused"]) == (1, 1)
    assert found["deliveries_oldest_waiting_seconds active"] == pytest.approx(3600, abs=60)
    assert found["deliveries_oldest_waiting_seconds disabled"] == 0
    assert (found["endpoints active"], found["endpoints paused"]) == (1, 1)
    assert found["endpoints_failing"] == 1
    assert found["database_connections active"] >= 1
    assert found["database_max_connections"] >= 10
    assert (found["valkey_up"], found["database_up"]) == (1, 1)
    assert 0 < found["scrape_seconds"] < 10


@pytest.mark.usefixtures("token")
def test_messages_that_wait_are_counted_by_queue(settings: Settings) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.lpush("imports", "one", "two")
    client.close()

    found = scrape()

    assert {
        queue: found[f"broker_messages {queue}"]
        for queue in ("imports", "webhooks", "webhooks_slow")
    } == {"imports": 2, "webhooks": 0, "webhooks_slow": 0}


@pytest.mark.usefixtures("token")
def test_requests_are_counted_by_route_and_never_by_address(viewer_client: Client) -> None:
    for path in ("/products/4711/", "/products/4712/?search=secret", "/no/such/4713", "/healthz"):
        viewer_client.get(path)
    viewer_client.generic("BREW4714", "/healthz")

    found = scrape()

    requests = {name: value for name, value in found.items() if name.startswith("http_requests")}
    assert requests == {
        "http_requests_total GET products/<int:pk>/ 404": 2,
        "http_requests_total GET unknown 404": 1,
        "http_requests_total GET healthz 200": 1,
        "http_requests_total other healthz 405": 1,
    }
    assert found["http_request_seconds_count products/<int:pk>/"] == 2
    assert not [name for name in found if re.search(r"471\d|secret", name)]


@pytest.mark.usefixtures("token")
def test_without_valkey_the_gauges_are_served_still(settings: Settings) -> None:
    metrics._client.cache_clear()
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    try:
        found = scrape()
    finally:
        metrics._client.cache_clear()

    assert found["valkey_up"] == 0
    assert found["imports queued"] == 0
    assert not [name for name in found if name.startswith(("http_", "imports_ended", "broker_"))]


@pytest.mark.usefixtures("token")
def test_statement_that_fails_leaves_its_metrics_out_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE webhooks_lane RENAME TO elsewhere")

    found = scrape()

    assert "deliveries_waiting active" not in found
    assert (found["imports queued"], found["database_up"]) == (0, 1)
    (line,) = [each for each in caplog.messages if each.startswith("metrics left out")]
    assert line.startswith("metrics left out: of=webhooks error=")


def test_every_metric_is_documented_and_every_documented_one_is_served() -> None:
    served = {family.name for family in Scrape().collect()}
    counters = {PREFIX + each.name for each in KEPT if isinstance(each, metrics.Counter)}
    named = {name + "_total" if name in counters else name for name in served}

    assert table(section(DOCS / "operations.md", "## Metrics")).keys() == named
