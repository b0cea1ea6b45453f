"""Idempotency-Key: a request that is repeated is done once and answered the same."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.db import connection
from django.urls import include, path
from django.utils import timezone
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_MAX, STALE_SECONDS
from accounts.api.views import ApiView
from accounts.cleaning import prune_accounts
from accounts.models import IdempotentRequest, User
from conftest import ApiClient
from core.api.problems import Problem

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Product = apps.get_model("catalog", "Product")
ChangeSet = apps.get_model("catalog", "ChangeSet")
PRODUCTS = "/api/products"
NEW = {"sku": "A-1", "name": "One"}
KEY = "4f1c3b1e-0000-4000-8000-000000000001"


def create(api: ApiClient, body: Any = NEW, *, key: str = KEY, path: str = PRODUCTS) -> Any:
    return api.send("POST", path, body, Idempotency_Key=key)


def test_same_request_is_done_once_and_answered_the_same(editor_api: ApiClient) -> None:
    first = create(editor_api)
    second = create(editor_api)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert (second["Location"], second["ETag"]) == (first["Location"], first["ETag"])
    assert Product.objects.count() == ChangeSet.objects.count() == 1


def test_order_of_fields_and_white_space_are_the_same_request(editor_api: ApiClient) -> None:
    create(editor_api)
    body = b'{ "name" :"One",\n "sku":"A-1"}'

    again = editor_api.generic(
        "POST", PRODUCTS, body, "application/json", headers={"Idempotency-Key": KEY}
    )

    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")


def test_answer_stays_though_the_product_is_gone(editor_api: ApiClient) -> None:
    first = create(editor_api)
    Product.objects.all().delete()

    assert create(editor_api).json() == first.json()
    assert not Product.objects.exists()


def test_key_of_another_request_is_refused(editor_api: ApiClient) -> None:
    create(editor_api)

    for response in (
        create(editor_api, {"sku": "A-2", "name": "Two"}),
        create(editor_api, path=f"{PRODUCTS}/actions"),
        create(editor_api, None),
    ):
        assert response.status_code == 422
        assert response.json()["type"] == "/api/docs#key-reused"
    assert [each.sku for each in Product.objects.all()] == ["A-1"]


def test_keys_belong_to_their_users(editor_api: ApiClient, manager_api: ApiClient) -> None:
    create(editor_api)

    response = create(manager_api, {"sku": "B-1", "name": "Two"})

    assert response.status_code == 201
    assert "Idempotency-Replayed" not in response
    assert IdempotentRequest.objects.filter(key=KEY).count() == 2


def test_tokens_of_one_user_share_keys(editor: User) -> None:
    create(ApiClient(editor))

    assert create(ApiClient(editor))["Idempotency-Replayed"] == "true"


def test_error_is_not_kept(editor_api: ApiClient) -> None:
    taken = Product.objects.create(sku="a-1", name="One")
    assert create(editor_api).status_code == 409
    assert create(editor_api, {"sku": ""}).status_code == 400
    assert not IdempotentRequest.objects.exists()
    taken.delete()

    assert create(editor_api).status_code == 201
    assert IdempotentRequest.objects.get().status == 201


def test_without_a_key_every_request_is_done(editor_api: ApiClient) -> None:
    assert create(editor_api, key="").status_code == 201
    assert create(editor_api, key="").status_code == 409
    assert not IdempotentRequest.objects.exists()


def test_methods_that_are_safe_to_repeat_take_no_key(editor_api: ApiClient) -> None:
    create(editor_api)
    product = Product.objects.get().pk

    response = editor_api.send(
        "PATCH", f"{PRODUCTS}/{product}", {"name": "Two"}, Idempotency_Key=KEY
    )

    assert response.status_code == 200
    assert IdempotentRequest.objects.count() == 1


@pytest.mark.parametrize("key", ["x" * (KEY_MAX + 1), "a b", "a\tb", "schlüssel", "\x7f", "a\0b"])
def test_key_that_is_none_is_refused(editor_api: ApiClient, key: str) -> None:
    response = create(editor_api, key=key)

    assert response.status_code == 400
    assert [each["field"] for each in response.json()["errors"]] == ["Idempotency-Key"]
    assert not Product.objects.exists()


def test_longest_key_is_taken(editor_api: ApiClient) -> None:
    assert create(editor_api, key="x" * KEY_MAX).status_code == 201


def test_keys_are_forgotten_after_their_time(editor_api: ApiClient, settings: Settings) -> None:
    settings.IDEMPOTENCY_HOURS = 24
    create(editor_api)
    create(editor_api, {"sku": "A-2", "name": "Two"}, key="young")
    for key, hours in ((KEY, 24.01), ("young", 23.99)):
        at = timezone.now() - timedelta(hours=hours)
        IdempotentRequest.objects.filter(key=key).update(created_at=at)

    prune_accounts()

    assert [each.key for each in IdempotentRequest.objects.all()] == ["young"]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls return, each made in a thread of its own and all at the same moment."""
    gate = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        gate.wait(10)
        try:
            found[number] = call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.mark.django_db(transaction=True)
def test_same_request_many_times_at_once_makes_one_product(editor: User) -> None:
    clients = [ApiClient(editor) for _ in range(4)]

    answers = at_once(*[lambda api=api: create(api) for api in clients])

    assert [each.status_code for each in answers] == [201] * 4
    assert all(each.json() == answers[0].json() for each in answers)
    assert sum("Idempotency-Replayed" in each for each in answers) == 3
    assert Product.objects.count() == ChangeSet.objects.count() == 1


# --- Calls that commit on the way -----------------------------------------------------------


class Slow(ApiView):
    """A call that commits and then waits."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ()}
    commits_on_the_way = True
    begun, may_end = threading.Event(), threading.Event()
    done: ClassVar[list[Any]] = []

    def post(self, request: Request) -> Response:
        self.done.append(request.data)
        self.begun.set()
        assert self.may_end.wait(10)
        match request.data:
            case "refuse":
                raise Problem("busy", "An import is being applied.")
            case "break":
                raise RuntimeError("a defect")
        return Response({"number": len(self.done)}, status=202, headers={"Location": "/there"})


urlpatterns = [path("api/slow", Slow.as_view()), path("", include("config.urls"))]


@pytest.fixture
def slow(settings: Settings) -> type[Slow]:
    settings.ROOT_URLCONF = __name__
    Slow.done.clear()
    Slow.begun.clear()
    Slow.may_end.set()
    return Slow


def ask(api: ApiClient, body: Any = "do") -> Any:
    return create(api, body, path="/api/slow")


def test_call_that_commits_on_the_way_is_replayed_too(
    editor_api: ApiClient, slow: type[Slow]
) -> None:
    first, second = ask(editor_api), ask(editor_api)

    assert (first.status_code, first.json()) == (202, {"number": 1})
    assert (second.status_code, second.json()) == (202, {"number": 1})
    assert (second["Location"], second["Idempotency-Replayed"]) == ("/there", "true")
    assert slow.done == ["do"]


@pytest.mark.django_db(transaction=True)
def test_repeat_while_the_first_is_answered_is_told_to_wait(editor: User, slow: type[Slow]) -> None:
    slow.may_end.clear()
    clients = [ApiClient(editor), ApiClient(editor)]

    def second() -> Any:
        assert slow.begun.wait(10)
        try:
            return ask(clients[1])
        finally:
            slow.may_end.set()

    first, waits = at_once(lambda: ask(clients[0]), second)

    assert first.status_code == 202
    assert (waits.status_code, waits["Retry-After"]) == (409, "2")
    assert waits.json()["type"] == "/api/docs#in-progress"
    assert slow.done == ["do"]
    assert ask(clients[1])["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(("body", "status"), [("refuse", 409), ("break", 500)])
def test_error_of_a_call_that_commits_is_not_kept(
    editor_api: ApiClient, slow: type[Slow], body: str, status: int
) -> None:
    editor_api.raise_request_exception = False

    assert ask(editor_api, body).status_code == status
    assert not IdempotentRequest.objects.exists()
    assert ask(editor_api, body).status_code == status
    assert slow.done == [body, body]


@pytest.mark.parametrize(
    ("age", "status", "done"), [(STALE_SECONDS - 5, 409, 0), (STALE_SECONDS + 1, 202, 1)]
)
def test_request_whose_process_died_is_taken_over_after_a_while(
    editor_api: ApiClient, slow: type[Slow], age: int, status: int, done: int
) -> None:
    ask(editor_api)
    slow.done.clear()
    at = timezone.now() - timedelta(seconds=age)
    IdempotentRequest.objects.update(status=None, body=None, created_at=at)

    response = ask(editor_api)

    assert (response.status_code, len(slow.done)) == (status, done)
    if done:
        assert IdempotentRequest.objects.get().status == 202


def test_request_that_is_taken_over_has_to_be_the_same(
    editor_api: ApiClient, slow: type[Slow]
) -> None:
    ask(editor_api)
    long_ago = timezone.now() - timedelta(hours=1)
    IdempotentRequest.objects.update(status=None, created_at=long_ago)

    assert ask(editor_api, "something else").status_code == 422
    assert slow.done == ["do"]


def test_secret_that_is_shown_once_is_kept_encrypted(manager_api: ApiClient) -> None:
    body = {"url": "https://1.1.1.1/hook", "event_types": ["product.updated"]}
    first = manager_api.send("POST", "/api/webhooks", body, Idempotency_Key="one")
    again = manager_api.send("POST", "/api/webhooks", body, Idempotency_Key="one")

    assert (first.status_code, again.json()) == (201, first.json())
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM accounts_idempotentrequest")
        ((stored,),) = cursor.fetchall()
    assert first.json()["secret"] not in stored
