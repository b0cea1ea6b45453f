"""Webhooks through the API: the same functions and rules as the pages."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry
from conftest import ApiClient
from webhooks import endpoints
from webhooks.deliveries import HIDDEN
from webhooks.models import Delivery, Endpoint, Event, EventType, Lane
from webhooks.tests.listening import PRODUCT_EVENTS, endpoint
from webhooks.tests.queueing import queued, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PATH = "/api/webhooks"
URL = "https://1.1.1.1/hook?token=secret"


def problem(response: Any) -> dict[str, str]:
    """What a 400 says by field."""
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return {each["field"]: each["message"] for each in response.json()["errors"]}


def test_webhook_is_created_with_a_secret_that_is_shown_once(manager_api: ApiClient) -> None:
    response = manager_api.send(
        "POST", PATH, {"url": URL, "event_type": "import.completed", "headers": {"X-Key": "abc"}}
    )

    assert response.status_code == 201, response.content
    made = Endpoint.objects.get()
    body = response.json()
    assert body.pop("secret") == made.secret
    assert body == {
        "id": made.pk,
        "url": URL,
        "event_type": "import.completed",
        "event_types": ["import.completed"],
        "enabled": True,
        "description": "",
        "bulk": "batch",
        "ordered": False,
        "rate_per_hour": 1000,
        "headers": {"X-Key": HIDDEN},
        "state": "active",
        "state_since": made.state_since.isoformat().replace("+00:00", "Z"),
        "reason": None,
        "failing_since": None,
        "last_at": None,
        "last_status": None,
        "last_error": None,
        "last_time_ms": None,
        "success_rate": None,
        "previous_until": None,
        "created_at": made.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert response["Location"] == f"http://testserver{PATH}/{made.pk}"
    assert (made.created_by_id, made.headers) == (manager_api.token.user_id, {"X-Key": "abc"})
    assert manager_api.get(f"{PATH}/{made.pk}").json() == body
    assert made.secret not in manager_api.get(PATH).content.decode()


def test_without_events_it_hears_of_products_as_on_the_page(manager_api: ApiClient) -> None:
    response = manager_api.send("POST", PATH, {"url": URL})

    assert response.json()["event_types"] == PRODUCT_EVENTS
    assert response.json()["event_type"] == "product.created"


def test_webhook_that_is_not_enabled_is_made_paused(manager_api: ApiClient) -> None:
    response = manager_api.send("POST", PATH, {"url": URL, "enabled": False})

    assert (response.json()["state"], response.json()["enabled"]) == ("paused", False)
    assert Endpoint.objects.get().state == "paused"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "url", "The URL is empty. It looks like https://shop.example.com/path."),
        ({"url": ""}, "url", "The URL is empty. It looks like https://shop.example.com/path."),
        ({"url": 1}, "url", "Write it as a string, in quotes."),
        ({"url": "https://127.0.0.1/"}, "url", "127.0.0.1 is not an address of the public"),
        (
            {"event_type": "product.made"},
            "event_type",
            "There is no “product.made” here.",
        ),
        ({"event_types": []}, "event_types", "Choose at least one event."),
        (
            {"event_type": "product.created", "event_types": ["product.created"]},
            "event_type",
            "Give event_type or event_types, not both.",
        ),
        ({"enabled": "false"}, "enabled", "Write true or false, without quotes."),
        ({"bulk": "one"}, "bulk", "There is no “one” here. There is batch, summary, each."),
        ({"rate_per_hour": 0}, "rate_per_hour", "The rate is too low."),
        ({"rate_per_hour": "10"}, "rate_per_hour", "The rate is no whole number."),
        ({"rate_per_hour": 1.5}, "rate_per_hour", "The rate is no whole number."),
        ({"headers": {"Host": "a"}}, "headers.Host", "Host is set by the sender. Leave it out."),
        ({"headers": {"X-A": "a\nb"}}, "headers.X-A", "The value of X-A has a character"),
        ({"headers": {"X-A": HIDDEN}}, "headers.X-A", "The value of X-A is not known."),
        ({"headers": {"X-A": 1}}, "headers.X-A", "Write it as a string, in quotes."),
        ({"headers": {f"X-{n}": "a" for n in range(21)}}, "headers", "There are 21 headers."),
        ({"events": ["product.created"]}, "events", "There is no “events” here."),
    ],
)
def test_what_the_form_refuses_is_refused(
    manager_api: ApiClient, body: dict[str, Any], field: str, message: str
) -> None:
    given = body if field == "url" else {"url": URL, **body}

    errors = problem(manager_api.send("POST", PATH, given))

    assert list(errors) == [field]
    assert message in errors[field]
    assert not Endpoint.objects.exists()


def test_header_keeps_its_value_when_the_mark_comes_back(manager_api: ApiClient) -> None:
    one = endpoint(URL, headers={"X-Key": "abc", "X-Old": "old"})
    shown = manager_api.get(f"{PATH}/{one.pk}").json()["headers"]
    assert shown == {"X-Key": HIDDEN, "X-Old": HIDDEN}

    response = manager_api.send(
        "PATCH", f"{PATH}/{one.pk}", {"headers": {"x-key": HIDDEN, "X-New": "new"}}
    )

    assert response.json()["headers"] == {"x-key": HIDDEN, "X-New": HIDDEN}
    one.refresh_from_db()
    assert one.headers == {"x-key": "abc", "X-New": "new"}


def test_put_keeps_what_is_left_out_and_needs_url_and_events(manager_api: ApiClient) -> None:
    one = endpoint(URL, description="Shop", rate_per_hour=5)
    path = f"{PATH}/{one.pk}"

    assert list(problem(manager_api.send("PUT", path, {"url": URL}))) == ["event_types"]
    assert list(problem(manager_api.send("PUT", path, {"event_type": "import.failed"}))) == ["url"]
    body = {"url": "https://1.0.0.1/", "event_types": ["import.failed", "product.deleted"]}
    response = manager_api.send("PUT", path, body)

    assert response.status_code == 200, response.content
    shown = response.json()
    assert (shown["url"], shown["description"], shown["rate_per_hour"]) == (
        "https://1.0.0.1/", "Shop", 5,
    )  # fmt: skip
    assert shown["event_types"] == ["product.deleted", "import.failed"]
    assert "secret" not in shown
    assert AuditEntry.objects.latest("pk").action == AuditEntry.Action.ENDPOINT_CHANGED


def test_enabled_pauses_and_enables_a_disabled_one_too(manager_api: ApiClient) -> None:
    one = endpoint(URL)
    path = f"{PATH}/{one.pk}"

    assert manager_api.send("PATCH", path, {"enabled": False}).json()["state"] == "paused"
    assert manager_api.send("PATCH", path, {"enabled": True}).json()["state"] == "active"
    Endpoint.objects.update(state="disabled", reason="gone")
    shown = manager_api.get(path).json()
    assert (shown["state"], shown["reason"], shown["enabled"]) == ("disabled", "gone", False)
    assert manager_api.send("PATCH", path, {"enabled": False}).json()["state"] == "disabled"
    shown = manager_api.send("PATCH", path, {"enabled": True}).json()
    assert (shown["state"], shown["reason"], shown["enabled"]) == ("active", None, True)


def test_list_shows_how_they_do_in_a_fixed_number_of_queries(
    manager_api: ApiClient, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        endpoint(f"https://1.1.1.1/{number}")
    now = timezone.now()
    Lane.objects.update(last_at=now, last_status=503, last_milliseconds=120, failing_since=now)
    manager_api.get(PATH)

    response = manager_api.get(f"{PATH}?page=2&limit=2")

    assert response.status_code == 200, response.content
    (item,) = response.json()["items"]
    assert (item["url"], item["last_status"], item["last_time_ms"]) == (
        "https://1.1.1.1/2", 503, 120,
    )  # fmt: skip
    assert (response.json()["total"], response.json()["page"], response.json()["pages"]) == (
        3,
        2,
        2,
    )
    assert 'rel="prev"' in response["Link"]
    # token; user's permissions, twice; count, endpoints, figures
    with django_assert_num_queries(6):
        manager_api.get(PATH)


def test_deleted_webhook_is_gone(manager_api: ApiClient) -> None:
    one = endpoint(URL)

    response = manager_api.send("DELETE", f"{PATH}/{one.pk}")

    assert (response.status_code, response.json()) == (200, {"message": "Deleted"})
    one.refresh_from_db()
    assert one.state == "deleted"
    assert manager_api.get(f"{PATH}/{one.pk}").status_code == 404
    assert manager_api.get(PATH).json()["items"] == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_webhooks_are_the_managers(editor_api: ApiClient, method: str) -> None:
    one = endpoint(URL)
    path = PATH if method == "POST" else f"{PATH}/{one.pk}"

    response = editor_api.send(method, path, None if method == "GET" else {"url": URL})

    assert response.status_code == 403
    assert (Endpoint.objects.count(), Endpoint.objects.get().state) == (1, "active")


def test_rotation_gives_a_new_secret_until_it_is_ended(
    manager_api: ApiClient, settings: Settings
) -> None:
    settings.WEBHOOK_ROTATION_HOURS = 24
    one = endpoint(URL)
    former = one.secret
    path = f"{PATH}/{one.pk}"

    response = manager_api.send("POST", f"{path}/rotate-secret")

    assert response.status_code == 200, response.content
    one.refresh_from_db()
    assert one.previous_secret == former != one.secret
    assert one.previous_until is not None
    assert one.previous_until - timezone.now() > timedelta(hours=23.9)
    until = one.previous_until.isoformat().replace("+00:00", "Z")
    assert response.json() == {"secret": one.secret, "previous_until": until}
    assert manager_api.get(path).json()["previous_until"] == until
    ended = manager_api.send("POST", f"{path}/end-rotation")
    assert ended.json() == {"message": "The former secret has ended."}
    again = manager_api.send("POST", f"{path}/end-rotation")
    assert (again.status_code, again.json()["type"]) == (409, "/api/docs#wrong-state")


def test_enabling_sends_what_failed_if_asked_to(manager_api: ApiClient) -> None:
    one = endpoint(URL)
    queued(one, count=2)
    Delivery.objects.update(state="failed", finished_at=timezone.now())
    Endpoint.objects.update(state="disabled", reason="failing")
    path = f"{PATH}/{one.pk}/enable"

    response = manager_api.send("POST", path, {"send_failed": True})

    assert (response.status_code, response.json()["state"]) == (200, "active")
    assert states() == ["waiting", "waiting"]
    again = manager_api.send("POST", path)
    assert (again.status_code, again.json()["type"]) == (409, "/api/docs#wrong-state")


def test_replay_sends_again_what_ended_as_asked(manager_api: ApiClient) -> None:
    one = endpoint(URL)
    old, failed, arrived = queued(one, count=3)
    Delivery.objects.filter(pk__in=[old.pk, failed.pk]).update(state="failed")
    Delivery.objects.filter(pk=arrived.pk).update(state="arrived")
    long_ago = timezone.now() - timedelta(days=2)
    Delivery.objects.filter(pk=old.pk).update(created_at=long_ago)
    path = f"{PATH}/{one.pk}/replay"
    since = (long_ago + timedelta(hours=1)).isoformat()

    response = manager_api.send("POST", path, {"since": since, "state": "failed"})

    assert response.status_code == 202, response.content
    assert response.json() == {"count": 1, "message": "1 delivery is sent again."}
    assert states() == ["failed", "waiting", "arrived"]
    assert manager_api.send("POST", path, {"since": None, "state": "all"}).json()["count"] == 2
    nothing = manager_api.send("POST", path)
    assert nothing.json() == {"count": 0, "message": "There was nothing to send again."}
    assert list(problem(manager_api.send("POST", path, {"state": "waiting"}))) == ["state"]
    assert list(problem(manager_api.send("POST", path, {"since": "today"}))) == ["since"]


def test_what_waits_is_tried_now(manager_api: ApiClient) -> None:
    one = endpoint(URL)
    queued(one, count=2)
    Delivery.objects.update(state="retrying", due_at=timezone.now() + timedelta(hours=1))
    path = f"{PATH}/{one.pk}/try-now"

    response = manager_api.send("POST", path)

    assert response.status_code == 202, response.content
    assert response.json() == {"count": 2, "message": "2 deliveries are tried now."}
    assert not Delivery.objects.filter(due_at__gt=timezone.now()).exists()
    endpoints.delete(one, actor=None)
    assert manager_api.send("POST", path).status_code == 404


def test_event_types_are_those_of_the_form(manager_api: ApiClient) -> None:
    response = manager_api.send("POST", PATH, {"url": URL, "event_types": EventType.values[::-1]})

    assert response.json()["event_types"] == EventType.values
    assert not Event.objects.exists()
