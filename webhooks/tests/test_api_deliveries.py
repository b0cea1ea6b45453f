"""Deliveries, tests and the log of attempts through the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from conftest import ApiClient
from core.tests.test_wakeups import messages
from webhooks import attempts, endpoints, trial
from webhooks.api import deliveries as calls
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.receiving import Receiver
from webhooks.tests.answering import Answering, says
from webhooks.tests.listening import endpoint, sent
from webhooks.tests.queueing import queued, states
from webhooks.tests.sending import sender
from webhooks.trial import TESTS_A_MINUTE, send_test

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

URL = "https://1.1.1.1/hook"


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LOOK_SECONDS", 0.02)


def test_path(one: Endpoint) -> str:
    return f"/api/webhooks/{one.pk}/test"


test_path.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_test_answers_with_what_came_of_it(manager_api: ApiClient, answering: Answering) -> None:
    receiver = answering(says(418, b"short and stout"))
    one = endpoint(receiver.url)

    with sender():
        response = manager_api.send("POST", test_path(one), {"payload": {"sku": "Größe"}})

    delivery = Delivery.objects.get()
    assert response.status_code == 200, response.content
    assert response.json() == {
        "status": 418,
        "time_ms": delivery.milliseconds,
        "response": "short and stout",
        "error": None,
        "delivery": delivery.pk,
    }
    (received,) = receiver.received
    assert received.event is not None
    assert received.event["data"] == {"sku": "Größe"}


@pytest.mark.django_db(transaction=True)
def test_test_without_an_answer_says_why(manager_api: ApiClient, local_receivers: None) -> None:
    with Receiver("127.0.0.1") as gone:
        url = gone.url
    one = endpoint(url)

    with sender():
        response = manager_api.send("POST", test_path(one))

    body = response.json()
    assert (response.status_code, body["status"], body["response"]) == (200, None, None)
    assert "Nothing listens at 127.0.0.1" in body["error"]


@pytest.mark.django_db(transaction=True)
def test_result_that_takes_longer_stands_at_the_delivery_later(
    manager_api: ApiClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WAIT_SECONDS", 0.05)
    one = endpoint(receiver.url)

    response = manager_api.send("POST", test_path(one), {"payload": None}, Idempotency_Key="k")

    delivery = Delivery.objects.get()
    assert response.status_code == 202, response.content
    assert response.json() == {
        "status": None, "time_ms": None, "response": None, "error": None, "delivery": delivery.pk,
    }  # fmt: skip
    assert response["Location"] == f"http://testserver/api/deliveries/{delivery.pk}"
    assert messages("webhooks")[0]["headers"]["task"] == "webhooks.send_test"
    again = manager_api.send("POST", test_path(one), {"payload": None}, Idempotency_Key="k")
    assert (again.status_code, again["Location"]) == (202, response["Location"])
    assert Delivery.objects.count() == 1
    assert manager_api.get(response["Location"]).json()["state"] == "waiting"
    send_test(delivery.pk)
    shown = manager_api.get(response["Location"]).json()
    assert (shown["state"], shown["test"], shown["attempts"][0]["response_status"]) == (
        "arrived", True, 200,
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_connection_is_given_back_while_it_waits(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = trial.request_test(endpoint(receiver.url), actor=None)
    open_meanwhile: list[Any] = []
    monkeypatch.setattr(
        "webhooks.trial.time.sleep", lambda _: open_meanwhile.append(connection.connection)
    )
    monkeypatch.setattr(trial, "is_stopping", lambda: len(open_meanwhile) == 2)

    waiting = trial.wait_for_result(delivery, seconds=60)

    assert waiting is not None
    assert waiting.is_pending
    assert open_meanwhile == [None, None]


@pytest.mark.django_db(transaction=True)
def test_wait_ends_when_the_process_is_told_to_end(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = trial.request_test(endpoint(receiver.url), actor=None)
    monkeypatch.setattr(trial, "is_stopping", lambda: True)

    waiting = trial.wait_for_result(delivery, seconds=60)

    assert waiting is not None
    assert waiting.is_pending


def test_too_many_tests_are_told_when_to_try_again(
    manager_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WAIT_SECONDS", 0)
    one = endpoint(URL)
    for _ in range(TESTS_A_MINUTE):
        assert manager_api.send("POST", test_path(one)).status_code == 202

    response = manager_api.send("POST", test_path(one))

    assert response.status_code == 429
    assert response.json()["type"] == "/api/docs#too-many-requests"
    assert 0 < int(response["Retry-After"]) <= 60
    assert Delivery.objects.count() == TESTS_A_MINUTE


@pytest.mark.parametrize("text", ["[" * 60 + "]" * 60, "1e400", '[{"a": -1e999}]'])
def test_payload_that_can_not_be_written_is_refused(manager_api: ApiClient, text: str) -> None:
    response = manager_api.generic(
        "POST", test_path(endpoint(URL)), f'{{"payload": {text}}}'.encode(), "application/json"
    )

    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["field"] == "payload"
    assert not Delivery.objects.exists()


def test_delivery_is_shown_with_its_attempts_and_payload(
    manager_api: ApiClient, answering: Answering
) -> None:
    receiver = answering(says(503, b"not today"))
    (delivery,) = queued(endpoint(receiver.url))
    sent()

    response = manager_api.get(f"/api/deliveries/{delivery.pk}")

    assert response.status_code == 200, response.content
    delivery.refresh_from_db()
    attempt = Attempt.objects.get()

    def moment(at: Any) -> str:
        return str(at.isoformat().replace("+00:00", "Z"))

    assert response.json() == {
        "id": delivery.pk,
        "webhook": delivery.endpoint_id,
        "webhook_id": delivery.event.webhook_id,
        "event_type": "product.updated",
        "test": False,
        "state": "retrying",
        "change_set": None,
        "created_at": moment(delivery.created_at),
        "due_at": moment(delivery.due_at),
        "finished_at": None,
        "attempt_count": 1,
        "attempts": [
            {
                "id": attempt.pk,
                "attempt": 1,
                "response_status": 503,
                "response_time_ms": attempt.milliseconds,
                "error_message": None,
                "response": "not today",
                "created_at": moment(attempt.at),
            }
        ],
        "payload": {"number": 1},
    }


def test_delivery_of_a_deleted_webhook_is_gone(manager_api: ApiClient) -> None:
    one = endpoint(URL)
    (delivery,) = queued(one)
    endpoints.delete(one, actor=None)

    assert manager_api.get(f"/api/deliveries/{delivery.pk}").status_code == 404
    assert manager_api.send("POST", f"/api/deliveries/{delivery.pk}/redeliver").status_code == 404
    assert manager_api.get(f"/api/webhooks/{one.pk}/logs").status_code == 404


def test_delivery_is_sent_again(manager_api: ApiClient) -> None:
    (delivery,) = queued(endpoint(URL))
    Delivery.objects.update(state="failed")
    path = f"/api/deliveries/{delivery.pk}/redeliver"

    response = manager_api.send("POST", path)

    assert response.status_code == 202, response.content
    assert response.json() == {"message": "It is sent again now."}
    assert response["Location"] == f"http://testserver/api/deliveries/{delivery.pk}"
    assert states("state", "urgent") == [("waiting", True)]
    Endpoint.objects.update(state="paused")
    later = manager_api.send("POST", path).json()["message"]
    assert later == "It is sent again as soon as the endpoint is enabled."


@pytest.mark.parametrize(
    ("values", "words"),
    [({"state": "sending"}, "being sent"), ({"state": "failed", "is_test": True}, "A test")],
)
def test_delivery_under_way_and_a_test_are_not_sent_again(
    manager_api: ApiClient, values: dict[str, Any], words: str
) -> None:
    (delivery,) = queued(endpoint(URL))
    Delivery.objects.update(**values)

    response = manager_api.send("POST", f"/api/deliveries/{delivery.pk}/redeliver")

    assert (response.status_code, response.json()["type"]) == (409, "/api/docs#wrong-state")
    assert words in response.json()["detail"]
    assert states() == [values["state"]]


def attempted(one: Endpoint, *, count: int) -> list[int]:
    """So many attempts, one a delivery; their ids, newest first."""
    made = [
        Attempt.objects.create(
            delivery=delivery, number=1, at=timezone.now() - timedelta(seconds=1), status=200
        )
        for delivery in queued(one, count=count)
    ]
    return [each.pk for each in reversed(made)]


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [each["id"] for each in response.json()]


def test_log_is_a_list_of_attempts_the_newest_first(manager_api: ApiClient) -> None:
    one = endpoint(URL)
    attempted(endpoint("https://1.0.0.1/"), count=2)
    newest, *others = attempted(one, count=5)
    retried = Attempt.objects.create(
        delivery=Delivery.objects.filter(endpoint=one).earliest("pk"),
        number=2,
        at=timezone.now(),
        error="refused",
        message="Nothing listens there.",
    )
    path = f"/api/webhooks/{one.pk}/logs"

    response = manager_api.get(f"{path}?limit=3")

    assert ids(response) == [retried.pk, newest, others[0]]
    assert response.json()[0] == {
        "id": retried.pk,
        "attempt": 2,
        "response_status": None,
        "response_time_ms": None,
        "error_message": "Nothing listens there.",
        "response": None,
        "created_at": retried.at.isoformat().replace("+00:00", "Z"),
        "delivery": retried.delivery_id,
        "webhook_id": retried.delivery.event.webhook_id,
        "event_type": "product.updated",
        "payload": {"number": 1},
    }
    link = f'<http://testserver{path}?limit=3&before={others[0]}>; rel="next"'
    assert response["Link"] == link
    last = manager_api.get(f"{path}?limit=3&before={others[0]}")
    assert ids(last) == others[1:]
    assert "Link" not in last


def test_page_of_large_bodies_ends_early(
    manager_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = endpoint(URL)
    first, second, third = attempted(one, count=3)
    path = f"/api/webhooks/{one.pk}/logs"
    monkeypatch.setattr(attempts, "PAGE_BYTES", 2 * len('{"number":1}'))

    response = manager_api.get(path)

    assert ids(response) == [first, second]
    assert f"?before={second}>" in response["Link"]
    monkeypatch.setattr(attempts, "PAGE_BYTES", 1)
    assert ids(manager_api.get(f"{path}?before={second}")) == [third]


@pytest.mark.parametrize("query", ["limit=0", "limit=251", "before=0", "before=a", "page=2"])
def test_log_takes_no_other_parameters(manager_api: ApiClient, query: str) -> None:
    response = manager_api.get(f"/api/webhooks/{endpoint(URL).pk}/logs?{query}")

    assert response.status_code == 400
    assert [each["field"] for each in response.json()["errors"]] == [query.split("=")[0]]


def test_deliveries_are_the_managers(editor_api: ApiClient) -> None:
    one = endpoint(URL)
    (delivery,) = queued(one)

    for method, path in (
        ("GET", f"/api/deliveries/{delivery.pk}"),
        ("POST", f"/api/deliveries/{delivery.pk}/redeliver"),
        ("GET", f"/api/webhooks/{one.pk}/logs"),
        ("POST", test_path(one)),
    ):
        assert editor_api.send(method, path).status_code == 403

    assert states() == ["waiting"]
