"""The list of endpoints: what stands there of each, and what can be done from it."""

import datetime
import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, User
from webhooks.models import Delivery, Endpoint, EndpointHour, Event, Lane
from webhooks.tests.listening import endpoint

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def lane(of: Endpoint, **values: Any) -> None:
    Lane.objects.filter(pk=of.pk).update(**values)


def delivery(of: Endpoint, **values: Any) -> Delivery:
    event = Event.objects.create(type="product.created", body="{}")
    return Delivery.objects.create(endpoint=of, event=event, **values)


def hour(of: Endpoint, *, ago: int, arrived: int, failed: int = 0) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    EndpointHour.objects.create(
        endpoint=of, hour=now - datetime.timedelta(hours=ago), arrived=arrived, failed=failed
    )


def text(response: Any) -> str:
    """The words of the page, without marks."""
    page = re.sub(r"<svg.*?</svg>", "", response.content.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def row(response: Any, of: Endpoint) -> str:
    """The HTML of one endpoint's part of the table."""
    found = re.search(rf'<tbody id="endpoint-{of.pk}".*?</tbody>', response.content.decode(), re.S)
    assert found is not None
    return found.group()


def words(markup: str) -> str:
    without = re.sub(r"<svg.*?</svg>", "", markup, flags=re.DOTALL)
    bare = re.sub(r"<wbr>|</?b>|</?span[^>]*>", "", without)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))).strip()


def test_empty_list_says_what_an_endpoint_is_and_holds_the_button(client: Client) -> None:
    response = client.get("/webhooks/")

    assert "No endpoints yet" in text(response)
    assert response.content.decode().count('href="/webhooks/new/"') == 1
    assert "Deliveries in 24 hours" not in text(response)


def test_endpoint_is_told_by_address_subscription_and_last_answer(client: Client) -> None:
    shop = endpoint("https://shop.example.com:8443/in/products?key=k-13579")
    lane(shop, last_status=200, last_milliseconds=1240)
    hour(shop, ago=1, arrived=998, failed=2)

    response = client.get("/webhooks/")

    found = row(response, shop)
    assert "<b>shop.example.com</b>:8443<wbr>/in<wbr>/products?…" in found
    assert words(found) == (
        "Active shop.example.com:8443/in/products?… product.created, .updated, .deleted; in batches"
        " 200 1,240 ms 99.8 % Test"
    )
    assert "k-13579" not in response.content.decode()


@pytest.mark.parametrize(
    ("types", "bulk", "told"),
    [
        (["product.updated"], "each", "product.updated; one by one"),
        (
            ["import.failed", "import.completed"],
            "summary",
            "import.completed, import.failed; as a summary",
        ),
        (
            ["product.created", "import.completed", "product.deleted"],
            "batch",
            "product.created, .deleted, import.completed; in batches",
        ),
    ],
)
def test_subscription_is_told_in_words(
    client: Client, types: list[str], bulk: str, told: str
) -> None:
    made = endpoint(event_types=types, bulk=bulk)

    assert told in words(row(client.get("/webhooks/"), made))


def test_error_is_told_in_a_word_with_more_of_it_in_the_title(client: Client) -> None:
    made = endpoint()
    lane(made, last_error="time_out", last_milliseconds=15_003)

    found = row(client.get("/webhooks/"), made)

    assert '<span class="code bad" title="Took too long">time-out</span>' in found
    assert "15.0 s" in found


def test_five_failures_in_a_row_are_a_failing_endpoint_with_its_next_try(client: Client) -> None:
    made = endpoint()
    delivery(made)
    delivery(made, state="retrying")
    soon = timezone.now() + datetime.timedelta(minutes=94, seconds=30)
    lane(made, failures=5, last_status=503, last_answer="upstream <b>error</b>", due_at=soon)

    found = row(client.get("/webhooks/"), made)

    assert "Failing" in words(found)
    assert (
        "5 failures in a row; 2 deliveries wait. Only the oldest is tried, next in 1 h 34 min ."
        " Answer: upstream <b>error</b>"
    ) in words(found)


def test_four_failures_in_a_row_are_none_yet(client: Client) -> None:
    made = endpoint()
    lane(made, failures=4, last_status=503)

    found = words(row(client.get("/webhooks/"), made))

    assert found.startswith("Active")
    assert "in a row" not in found


def test_disabled_endpoint_can_be_enabled_with_what_failed_since_it_began_to_fail(
    client: Client,
) -> None:
    made = endpoint()
    now = timezone.now()
    lane(made, failures=40, failing_since=now - datetime.timedelta(days=5), due_at=None)
    Endpoint.objects.filter(pk=made.pk).update(state="disabled", reason="failing")
    for days in (1, 4, 6):
        delivery(made, state="failed", finished_at=now - datetime.timedelta(days=days))

    found = row(client.get("/webhooks/"), made)
    assert "after 5 days of nothing but failure. What happens now is not sent." in words(found)
    assert "Enable it and send the 2 that failed" in words(found)
    assert "Test" not in words(found)

    response = client.post(
        f"/webhooks/{made.pk}/enable/", {"send_failed": "1", "next": "/webhooks/"}, follow=True
    )

    assert response.redirect_chain == [("/webhooks/", 302)]
    assert "is enabled. What failed is sent again." in text(response)
    made.refresh_from_db()
    assert made.state == "active"
    assert list(made.deliveries.order_by("pk").values_list("state", flat=True)) == [
        "waiting", "waiting", "failed",
    ]  # fmt: skip


def test_endpoint_that_answered_410_says_so(client: Client) -> None:
    made = endpoint()
    Endpoint.objects.filter(pk=made.pk).update(state="disabled", reason="gone")

    found = words(row(client.get("/webhooks/"), made))

    assert "because it answered 410 Gone" in found
    assert "that failed" not in found


def test_paused_endpoint_says_how_many_wait_and_is_enabled_without_what_failed(
    client: Client,
) -> None:
    made = endpoint()
    response = client.post(f"/webhooks/{made.pk}/pause/", {"next": "/webhooks/"}, follow=True)
    assert "is paused. What happens meanwhile waits." in text(response)
    delivery(made)
    failed = delivery(made, state="failed")

    assert "1 delivery waits until it is enabled." in words(row(client.get("/webhooks/"), made))

    client.post(f"/webhooks/{made.pk}/enable/")
    failed.refresh_from_db()
    made.refresh_from_db()
    assert (made.state, failed.state) == ("active", "failed")


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com", ""])
def test_nobody_is_sent_to_another_site_afterwards(client: Client, elsewhere: str) -> None:
    made = endpoint()

    response = client.post(f"/webhooks/{made.pk}/pause/", {"next": elsewhere})

    assert response["Location"] == f"/webhooks/{made.pk}/"


def test_pausing_twice_says_that_nothing_was_changed(client: Client) -> None:
    made = endpoint()
    client.post(f"/webhooks/{made.pk}/pause/", {"next": "/webhooks/"})

    response = client.post(f"/webhooks/{made.pk}/pause/", {"next": "/webhooks/"}, follow=True)

    assert "was not active: nothing was changed" in text(response)
    assert AuditEntry.objects.filter(action="endpoint_paused").count() == 1


def test_figures_of_all_endpoints_stand_above(client: Client) -> None:
    failing, gone = endpoint("https://a.example.com/"), endpoint("https://b.example.com/")
    hour(failing, ago=1, arrived=1180, failed=20)
    hour(gone, ago=30, arrived=500)
    delivery(failing)
    lane(failing, failures=9)
    Endpoint.objects.filter(pk=gone.pk).update(state="disabled")

    found = text(client.get("/webhooks/"))

    assert "2 endpoints" in found
    assert "Deliveries in 24 hours 1,200 Arrived 98.3 % 20 attempts failed Waiting 1" in found
    assert "Need attention 2 1 failing, 1 disabled" in found


def test_what_is_under_way_is_watched_and_nothing_else(client: Client) -> None:
    made = endpoint()
    assert "every 5s" not in client.get("/webhooks/").content.decode()

    delivery(made)

    assert "every 5s" in client.get("/webhooks/").content.decode()
    fragment = client.get(
        "/webhooks/", headers={"HX-Request": "true", "HX-Target": "figures"}
    ).content.decode()
    assert fragment.strip().startswith('<section class="card" id="figures"')
    assert "<html" not in fragment


def test_chart_shows_arrived_below_and_failed_on_top(client: Client) -> None:
    made = endpoint()
    hour(made, ago=23, arrived=10)
    hour(made, ago=1, arrived=15, failed=5)
    hour(made, ago=0, arrived=0, failed=20)

    found = row(client.get("/webhooks/"), made)

    assert 'aria-label="Attempts an hour in the last day: 25 arrived, 25 failed"' in found
    bars = re.findall(r'<rect class="(\w+)" x="(\d+)" y="(\d+)" width="2" height="(\d+)"', found)
    assert bars == [
        ("off", "0", "10", "10"),
        ("bad", "66", "0", "5"), ("off", "66", "5", "15"),
        ("bad", "69", "0", "20"),
    ]  # fmt: skip


def test_fifty_endpoints_a_page_take_as_many_statements_as_one(client: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/webhooks/")
        return len(queries)

    first = endpoint()
    Endpoint.objects.filter(pk=first.pk).update(state="disabled")
    client.get("/webhooks/")
    one = asked()
    for number in range(60):
        made = endpoint(f"https://n{number}.example.com/")
        delivery(made, state="failed")
        if number % 2:
            Endpoint.objects.filter(pk=made.pk).update(state="disabled")

    assert asked() == one
    page = client.get("/webhooks/").content.decode()
    assert page.count('<tbody id="endpoint-') == 50
    assert "of <b>61</b>" in page
    second = client.get("/webhooks/?page=2", headers={"HX-Request": "true"}).content.decode()
    assert second.count('<tbody id="endpoint-') == 11
    assert "<html" not in second


def test_deleting_asks_first_and_says_what_is_lost(client: Client) -> None:
    made = endpoint(description="The shop")
    delivery(made)

    asked = client.get(f"/webhooks/{made.pk}/delete/")

    assert "This can't be undone." in text(asked)
    assert "1 delivery that waits" in text(asked)
    assert Endpoint.objects.get().state == "active"

    response = client.post(f"/webhooks/{made.pk}/delete/", follow=True)

    assert response.redirect_chain == [("/webhooks/", 302)]
    assert "Deleted shop.example.com. Nothing more is sent there." in text(response)
    assert "No endpoints yet" in text(response)
    assert client.get(f"/webhooks/{made.pk}/delete/").status_code == 404
    assert AuditEntry.objects.filter(action="endpoint_deleted").count() == 1


def test_only_managers_are_led_to_webhooks(
    client: Client, editor_client: Client, viewer_client: Client
) -> None:
    endpoint()

    assert 'href="/webhooks/"' in client.get("/products/").content.decode()
    for other in (editor_client, viewer_client):
        for path in ("/", "/products/"):
            assert "/webhooks/" not in other.get(path).content.decode()
        assert other.get("/webhooks/").status_code == 403
