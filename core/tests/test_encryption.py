"""What stands in an encrypted column: nothing for who reads the table, all for who has the key."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from pytest_django import Settings

from core import encryption

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

# By name: core knows no app, and its tests no more than that encrypted columns exist.
Endpoint: Any = apps.get_model("webhooks", "Endpoint")
SECRET = "whsec_abc"
HEADERS = {"Authorization": "Bearer Größe-1", "X-Number": "7"}


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Iterator[Settings]:
    settings.SECRET_KEY = "first"
    settings.SECRET_KEY_FALLBACKS = []
    yield settings
    encryption._fernet.cache_clear()


def stored() -> Any:
    return Endpoint.objects.create(
        url="https://shop.example.com/hook", event_types=[], headers=HEADERS, secret=SECRET
    )


def in_table(column: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM webhooks_endpoint')
        (value,) = cursor.fetchone()
    return value


def test_value_comes_back_as_it_was() -> None:
    stored()

    endpoint = Endpoint.objects.get()

    assert endpoint.secret == SECRET
    assert endpoint.headers == HEADERS


def test_table_does_not_show_it() -> None:
    stored()

    for column, words in (("secret", [SECRET]), ("headers", ["Bearer", "X-Number"])):
        value = in_table(column)
        assert value.startswith("gAAAA"), "a Fernet token"
        assert not any(word in value for word in words)


def test_same_value_is_never_encrypted_the_same() -> None:
    endpoint = stored()
    first = in_table("secret")

    endpoint.save(update_fields=["secret"])

    assert in_table("secret") != first
    assert Endpoint.objects.get().secret == SECRET


def test_nothing_stays_null() -> None:
    endpoint = stored()

    assert in_table("previous_secret") is None
    assert Endpoint.objects.get().previous_secret is None
    assert Endpoint.objects.filter(previous_secret__isnull=True).get() == endpoint


def test_former_key_still_reads_and_the_new_one_writes(keys: Settings) -> None:
    stored()
    keys.SECRET_KEY = "second"
    keys.SECRET_KEY_FALLBACKS = ["first"]

    endpoint = Endpoint.objects.get()
    assert endpoint.secret == SECRET

    endpoint.save()
    keys.SECRET_KEY_FALLBACKS = []
    assert Endpoint.objects.get().secret == SECRET
    assert Endpoint.objects.get().headers == HEADERS


def test_value_without_its_key_is_none_and_the_log_says_what_is_missing(
    keys: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    stored()
    keys.SECRET_KEY = "second"

    with caplog.at_level(logging.ERROR):
        endpoint = Endpoint.objects.get()

    assert (endpoint.secret, endpoint.headers) == (None, None)
    assert endpoint.url == "https://shop.example.com/hook"
    assert [record.getMessage() for record in caplog.records] == [
        f"a value of webhooks.Endpoint.{name} can't be decrypted: is a former SECRET_KEY missing"
        " in SECRET_KEY_FALLBACKS?"
        for name in ("headers", "secret")
    ]


def test_value_that_cannot_be_read_stays_as_it_is_when_others_are_saved(keys: Settings) -> None:
    stored()
    keys.SECRET_KEY = "second"
    endpoint = Endpoint.objects.get()
    endpoint.description = "Shop"
    endpoint.save(update_fields=["description"])

    keys.SECRET_KEY = "first"

    assert Endpoint.objects.get().secret == SECRET


@pytest.mark.parametrize("rubbish", ["", "whsec_plain", "gAAAAAbroken", "ä\u2028"])
def test_rubbish_in_the_table_is_none(rubbish: str) -> None:
    stored()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET secret = %s", [rubbish])

    assert Endpoint.objects.get().secret is None


def test_value_that_was_tampered_with_is_none() -> None:
    stored()
    token = in_table("secret")
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_endpoint SET secret = %s",
            [token[:middle] + other + token[middle + 1 :]],
        )

    assert Endpoint.objects.get().secret is None


@pytest.mark.parametrize("value", ["", "ä\U0001f600", {}, {"a": ["b", None, True, 1.5]}, [1], 0])
def test_any_json_is_kept(value: Any) -> None:
    endpoint = stored()
    endpoint.headers = value
    endpoint.save()

    assert Endpoint.objects.get().headers == json.loads(json.dumps(value)) == value
