"""Passwords can't be tried without end, and whoever knows theirs is not kept out by others."""

from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User
from core import limits
from dev.valkey import free_port

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PAGE = "/account/sign-in/"
ADMIN_PAGE = "/admin/login/"
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def three_tries(settings: Settings, viewer: User) -> None:
    settings.SIGN_IN_TRIES = 3
    viewer.set_password(PASSWORD)  # by the quick hash of this test
    viewer.save()


@pytest.fixture
def valkey_away(settings: Settings) -> Any:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    limits._client.cache_clear()
    yield
    limits._client.cache_clear()


def attempt(
    password: str,
    *,
    name: str = "viewer",
    page: str = PAGE,
    address: str = "192.0.2.1",
    **extra: Any,
) -> HttpResponse:
    data = {"username": name, "password": password}
    return Client().post(page, data, REMOTE_ADDR=address, **extra)  # type: ignore[return-value]


def fail(times: int, **how: Any) -> None:
    for _ in range(times):
        assert attempt("wrong", **how).status_code == 200


def test_right_password_is_refused_after_too_many_wrong_ones() -> None:
    fail(3)

    response = attempt(PASSWORD)

    assert response.status_code == 429
    assert 295 <= int(response["Retry-After"]) <= 300
    assert "Too many tries. Wait 5 minutes." in response.content.decode()
    assert "sessionid" not in response.cookies
    assert User.objects.get(username="viewer").last_login is None


def test_tries_in_vain_do_not_lengthen_the_wait() -> None:
    fail(3)
    client = redis.Redis.from_url(configured.REDIS_URL)
    for key in client.keys("limit:sign-in:*"):
        client.expire(key, 40)

    waits = [int(attempt("wrong")["Retry-After"]) for _ in range(3)]

    assert max(waits) <= 40
    assert "Wait a minute." in attempt("wrong").content.decode()


def test_after_the_wait_it_goes_on() -> None:
    fail(3)
    client = redis.Redis.from_url(configured.REDIS_URL)
    client.delete(*client.keys("limit:sign-in:*"))

    assert attempt(PASSWORD).status_code == 302


def test_admins_page_has_the_same_limit() -> None:
    fail(3)

    response = attempt(PASSWORD, page=ADMIN_PAGE)

    assert response.status_code == 429
    assert "Too many tries. Wait 5 minutes." in response.content.decode()


def test_name_in_another_case_counts_as_the_same() -> None:
    fail(2, name="viewer")
    fail(1, name="VIEWER")

    assert attempt(PASSWORD).status_code == 429


def test_another_name_and_another_address_are_not_kept_out(editor: User) -> None:
    fail(3)

    assert attempt(PASSWORD, address="192.0.2.2").status_code == 302
    assert attempt(PASSWORD, name="editor").status_code == 302


def test_right_password_starts_the_count_anew() -> None:
    fail(2)
    assert attempt(PASSWORD).status_code == 302
    fail(2)

    assert attempt(PASSWORD).status_code == 302


def test_one_address_can_not_try_names_without_end() -> None:
    for number in range(10):
        fail(3, name=f"user-{number}")

    assert attempt(PASSWORD).status_code == 429
    assert attempt(PASSWORD, address="192.0.2.2").status_code == 302


def test_good_sign_ins_of_an_office_are_not_counted() -> None:
    for _ in range(40):
        assert attempt(PASSWORD).status_code == 302


def test_forwarded_address_counts_only_behind_a_proxy(settings: Settings) -> None:
    for number in range(3):
        fail(1, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert attempt(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 429

    settings.BEHIND_PROXY = True
    assert attempt(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 302
    for number in range(3):
        fail(1, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, 203.0.113.9")
    assert attempt(PASSWORD, HTTP_X_FORWARDED_FOR="10.0.0.9, 203.0.113.9").status_code == 429


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_ipv6_network_counts_as_one_sender(address: str, counted: str) -> None:
    request: HttpRequest = RequestFactory().get("/", REMOTE_ADDR=address)

    assert limits.sender(request) == counted


@pytest.mark.usefixtures("valkey_away")
def test_without_valkey_people_sign_in_and_each_process_counts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fail(2)
    assert attempt(PASSWORD).status_code == 302
    fail(3)

    assert attempt(PASSWORD).status_code == 429
    assert attempt(PASSWORD, address="192.0.2.2").status_code == 302
    assert {record.levelname for record in caplog.records if record.name == "core.limits"} == {
        "WARNING"
    }


def test_keys_say_nothing_of_who_tried() -> None:
    fail(1)

    keys = redis.Redis.from_url(configured.REDIS_URL).keys("limit:*")
    assert len(keys) == 2
    assert not [key for key in keys if b"viewer" in key or b"192" in key]
