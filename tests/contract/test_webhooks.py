"""What programs rely on: webhooks, their tests, logs and deliveries, in exact shapes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from conftest import ApiClient
from webhooks import trial
from webhooks.api import deliveries as calls
from webhooks.models import Delivery, Endpoint
from webhooks.receiving import Receiver
from webhooks.tests.listening import endpoint, sent
from webhooks.tests.queueing import queued
from webhooks.tests.sending import sender

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

URL = "https://1.1.1.1/hook"
PATH = "/api/webhooks"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW_HTTP = settings.OUTBOUND_ALLOW_PRIVATE = True
    with Receiver("127.0.0.1", answer=lambda _: (200, {}, b'{"taken": 1}')) as running:
        yield running


def is_time(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(TIME, value) is not None


def expect_webhook(shown: dict[str, Any], **values: Any) -> None:
    """A webhook that has sent nothing yet."""
    assert is_time(shown.pop("created_at"))
    assert is_time(shown.pop("state_since"))
    assert shown == {
        "id": Endpoint.objects.get().pk,
        "url": URL,
        "event_type": "product.updated",
        "event_types": ["product.updated"],
        "enabled": True,
        "description": "",
        "bulk": "batch",
        "ordered": False,
        "rate_per_hour": 1000,
        "headers": {},
        "state": "active",
        "reason": None,
        "failing_since": None,
        "last_at": None,
        "last_status": None,
        "last_error": None,
        "last_time_ms": None,
        "success_rate": None,
        "previous_until": None,
        **values,
    }


SPELLINGS = pytest.mark.parametrize(
    "events", [{"event_type": "product.updated"}, {"event_types": ["product.updated"]}]
)


@SPELLINGS
def test_post_webhooks(manager_api: ApiClient, events: dict[str, Any]) -> None:
    response = manager_api.send("POST", PATH, {"url": URL, **events, "enabled": True})

    assert response.status_code == 201
    made = Endpoint.objects.get()
    assert response["Location"] == f"http://testserver{PATH}/{made.pk}"
    expect_webhook(response.json(), secret=made.secret)


def test_get_webhooks(manager_api: ApiClient) -> None:
    endpoint(URL, event_types=["product.updated"])

    response = manager_api.get(PATH)

    assert response.status_code == 200
    body = response.json()
    (item,) = body.pop("items")
    assert body == {"total": 1, "page": 1, "pages": 1}
    expect_webhook(item)


def test_get_webhook(manager_api: ApiClient) -> None:
    one = endpoint(URL, event_types=["product.updated"])

    response = manager_api.get(f"{PATH}/{one.pk}")

    assert response.status_code == 200
    expect_webhook(response.json())


@SPELLINGS
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_change_of_a_webhook(manager_api: ApiClient, events: dict[str, Any], method: str) -> None:
    one = endpoint("https://1.0.0.1/former", event_types=["import.failed"])

    response = manager_api.send(
        method, f"{PATH}/{one.pk}", {"url": URL, **events, "enabled": False}
    )

    assert response.status_code == 200
    expect_webhook(response.json(), enabled=False, state="paused")


def test_delete_webhook(manager_api: ApiClient) -> None:
    one = endpoint(URL)

    response = manager_api.send("DELETE", f"{PATH}/{one.pk}")

    assert (response.status_code, response.json()) == (200, {"message": "Deleted"})
    assert manager_api.get(f"{PATH}/{one.pk}").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("body", [None, {}, {"payload": {"sku": "A-1"}}])
def test_post_test(manager_api: ApiClient, receiver: Receiver, body: Any) -> None:
    one = endpoint(receiver.url)

    with sender():
        response = manager_api.send("POST", f"{PATH}/{one.pk}/test", body)

    assert response.status_code == 200
    delivery = Delivery.objects.get()
    assert response.json() == {
        "status": 200,
        "time_ms": delivery.milliseconds,
        "response": '{"taken": 1}',
        "error": None,
        "delivery": delivery.pk,
    }


@pytest.mark.django_db(transaction=True)
def test_post_test_that_takes_longer(
    manager_api: ApiClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WAIT_SECONDS", 0)
    one = endpoint(receiver.url)

    response = manager_api.send("POST", f"{PATH}/{one.pk}/test", {"payload": 1})

    delivery = Delivery.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver/api/deliveries/{delivery.pk}"
    assert response.json() == {
        "status": None, "time_ms": None, "response": None, "error": None, "delivery": delivery.pk,
    }  # fmt: skip
    trial.send_test(delivery.pk)
    shown = manager_api.get(response["Location"])
    assert (shown.status_code, shown.json()["state"]) == (200, "arrived")


def test_get_logs(manager_api: ApiClient, receiver: Receiver) -> None:
    one = endpoint(receiver.url)
    _, second = queued(one, count=2)
    sent()

    response = manager_api.get(f"{PATH}/{one.pk}/logs?limit=50")

    assert response.status_code == 200
    entries = response.json()
    assert len(entries) == 2
    entry = next(each for each in entries if each["delivery"] == second.pk)
    assert is_time(entry.pop("created_at"))
    attempt = second.log.get()
    assert entry == {
        "event_type": "product.updated",
        "payload": {"number": 2},
        "response_status": 200,
        "response_time_ms": attempt.milliseconds,
        "error_message": None,
        "id": attempt.pk,
        "attempt": 1,
        "response": '{"taken": 1}',
        "delivery": second.pk,
        "webhook_id": second.event.webhook_id,
    }


def test_post_rotate_secret(manager_api: ApiClient) -> None:
    one = endpoint(URL)
    former = one.secret

    response = manager_api.send("POST", f"{PATH}/{one.pk}/rotate-secret")

    assert response.status_code == 200
    body = response.json()
    one.refresh_from_db()
    assert is_time(body.pop("previous_until"))
    assert body == {"secret": one.secret}
    assert one.secret != former


def test_post_redeliver(manager_api: ApiClient) -> None:
    (delivery,) = queued(endpoint(URL))
    Delivery.objects.update(state="arrived")
    path = f"/api/deliveries/{delivery.pk}"

    response = manager_api.send("POST", f"{path}/redeliver")

    assert (response.status_code, response.json()) == (202, {"message": "It is sent again now."})
    assert response["Location"] == f"http://testserver{path}"
    Delivery.objects.update(state="sending")
    refused = manager_api.send("POST", f"{path}/redeliver")
    assert (refused.status_code, refused.json()["type"]) == (409, "/api/docs#wrong-state")


@pytest.mark.parametrize("state", ["failed", "arrived", "all"])
@pytest.mark.parametrize("since", [None, "2026-01-31T12:00:00Z"])
def test_post_replay(manager_api: ApiClient, state: str, since: str | None) -> None:
    one = endpoint(URL)
    queued(one)
    Delivery.objects.update(state="arrived" if state == "arrived" else "failed")

    response = manager_api.send("POST", f"{PATH}/{one.pk}/replay", {"since": since, "state": state})

    assert response.status_code == 202
    assert response.json() == {"count": 1, "message": "1 delivery is sent again."}
    assert Delivery.objects.get().state == "waiting"
