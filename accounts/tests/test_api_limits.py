"""How often the API may be asked: counted in Valkey for all processes, and without it by each."""

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.apps import apps
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from conftest import ApiClient
from core import limits
from core.limits import Limit, spend
from dev.valkey import free_port

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Product = apps.get_model("catalog", "Product")
PRODUCTS = "/api/products"


@pytest.fixture(autouse=True)
def three_a_minute(settings: Settings) -> None:
    settings.API_REQUESTS_A_MINUTE = 3
    settings.API_STRANGERS_REQUESTS_A_MINUTE = 2


def statuses(client: Client, times: int, **how: Any) -> list[int]:
    return [client.get(PRODUCTS, **how).status_code for _ in range(times)]


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Settings]:
    """Settings for a test with another Valkey than that of all tests."""
    limits._client.cache_clear()
    yield settings
    limits._client.cache_clear()


def test_token_that_asks_too_often_is_told_when_to_come_back(viewer: User) -> None:
    api = ApiClient(viewer)
    assert statuses(api, 3) == [200, 200, 200]

    response = api.get(PRODUCTS)

    assert response.status_code == 429
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == "/api/docs#too-many-requests"
    wait = int(response["Retry-After"])
    assert 58 <= wait <= 60
    assert response.json()["detail"] == f"At most 3 requests a minute. Try again in {wait} s."


def test_request_over_the_limit_does_nothing(editor: User) -> None:
    api = ApiClient(editor)
    statuses(api, 3)

    response = api.send("POST", PRODUCTS, {"sku": "A-1", "name": "One"}, Idempotency_Key="k")

    assert response.status_code == 429
    assert not Product.objects.exists()


def test_each_token_and_each_user_is_counted_alone(viewer: User, editor: User) -> None:
    first, second, third = ApiClient(viewer), ApiClient(viewer), ApiClient(editor)
    session = Client()
    session.force_login(viewer)
    statuses(first, 4)

    for client in (second, third, session):
        assert statuses(client, 4) == [200, 200, 200, 429]


def test_strangers_are_counted_by_address() -> None:
    assert statuses(Client(), 3, REMOTE_ADDR="192.0.2.1") == [401, 401, 429]
    assert statuses(Client(), 1, REMOTE_ADDR="192.0.2.2") == [401]


def test_guessed_tokens_are_counted_by_address_too(viewer: User) -> None:
    guesses = [
        Client().get(PRODUCTS, headers={"Authorization": f"Bearer pi_{number:080x}"}).status_code
        for number in range(4)
    ]

    assert guesses == [401, 401, 429, 429]
    assert statuses(ApiClient(viewer), 1) == [200]


def test_session_without_its_csrf_token_is_counted_too(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    answers = [client.post(PRODUCTS, {}, "application/json").status_code for _ in range(3)]

    assert answers == [403, 403, 429]


def test_processes_count_together() -> None:
    """What another process has counted stands in Valkey."""
    limit = Limit("shared", ("x",), most=2, seconds=60)
    spend([limit])
    other = redis.Redis.from_url(configured.REDIS_URL)
    other.incr(limit.key)

    assert 58 <= spend([limit]) <= 60
    assert 0 < int(other.ttl(limit.key)) <= 60
    other.close()


def test_without_valkey_requests_go_on_and_are_counted_here(
    viewer: User, elsewhere: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"

    assert statuses(ApiClient(viewer), 4) == [200, 200, 200, 429]
    assert statuses(ApiClient(viewer), 1) == [200]
    told = [each for each in caplog.records if each.name == "core.limits"]
    assert [each.levelno for each in told] == [logging.WARNING]


def test_valkey_that_hangs_costs_one_time_out(elsewhere: Settings) -> None:
    limit = Limit("hanging", ("x",), most=5, seconds=60)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)  # connections are accepted by the kernel and never answered
        elsewhere.REDIS_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        started = time.monotonic()

        waits = [spend([limit]) for _ in range(6)]

        # One for each call would take 6.
        assert time.monotonic() - started < 5 * limits._TIMEOUTS["socket_timeout"]
    assert waits[:5] == [0] * 5
    assert 58 <= waits[5] <= 60


def test_valkey_that_is_back_counts_again(
    elsewhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, right = Limit("back", ("x",), most=1, seconds=60), elsewhere.REDIS_URL
    elsewhere.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    spend([limit])
    elsewhere.REDIS_URL = right
    limits._client.cache_clear()
    later = time.monotonic() + limits.RETRY_SECONDS
    monkeypatch.setattr("core.limits.time.monotonic", lambda: later)

    assert spend([limit]) == 0

    client = redis.Redis.from_url(right)
    assert client.get(limit.key) == b"1"
    client.close()
