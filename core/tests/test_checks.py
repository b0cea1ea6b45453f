"""System checks name what is wrong and the remedy."""

import pytest
import redis
from django.conf import settings as configured
from django.core.checks import CheckMessage
from django.db import connection
from pytest_django import Settings

from core.checks import (
    allowed_origins_are_origins,
    database_folds_case_by_unicode,
    lease_outlives_heartbeats,
    lease_outlives_requests,
    private_networks_are_out_of_reach,
    valkey_keeps_what_it_is_given,
)
from dev.valkey import free_port


def ids(found: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in found]


def test_defaults_let_two_heartbeats_be_lost() -> None:
    assert lease_outlives_heartbeats(None) == []


def test_lease_that_one_late_beat_would_lose_is_an_error(settings: Settings) -> None:
    defaults = (
        f"LEASE_SECONDS to {settings.LEASE_SECONDS:g}"
        f" and HEARTBEAT_SECONDS to {settings.HEARTBEAT_SECONDS:g}"
    )
    settings.LEASE_SECONDS, settings.HEARTBEAT_SECONDS = 25.0, 10.0

    (error,) = lease_outlives_heartbeats(None)

    assert error.id == "core.E001"
    assert error.msg == (
        "LEASE_SECONDS (25) is less than three times HEARTBEAT_SECONDS (10): "
        "one late beat loses the work."
    )
    assert error.hint == f"Set {defaults}, the defaults."


def test_lease_that_ends_during_a_request_is_an_error(settings: Settings) -> None:
    assert lease_outlives_requests(None) == []
    settings.LEASE_SECONDS = settings.OUTBOUND_DEADLINE_SECONDS

    (error,) = lease_outlives_requests(None)

    assert error.id == "core.E004"


def test_private_networks_in_reach_are_warned_of(settings: Settings) -> None:
    assert private_networks_are_out_of_reach(None) == []
    settings.OUTBOUND_ALLOW_PRIVATE = True

    (warning,) = private_networks_are_out_of_reach(None)

    assert warning.id == "core.W002"


@pytest.mark.integration
@pytest.mark.django_db
def test_this_database_folds_case_and_is_new_enough() -> None:
    assert database_folds_case_by_unicode(["default"]) == []
    assert database_folds_case_by_unicode(None) == []


@pytest.mark.integration
@pytest.mark.django_db
def test_database_that_folds_ascii_alone_is_an_error() -> None:
    with connection.cursor() as cursor:
        # Found before the real one: what lower() is in a database with LC_CTYPE C.
        cursor.execute("CREATE SCHEMA ascii")
        cursor.execute(
            "CREATE FUNCTION ascii.lower(text) RETURNS text LANGUAGE sql"
            """ RETURN pg_catalog.lower($1 COLLATE "C")"""
        )
        cursor.execute("SET LOCAL search_path = ascii, pg_catalog, public")

    (error,) = database_folds_case_by_unicode(["default"])

    assert error.id == "core.E002"
    assert error.hint is not None
    assert "LC_CTYPE 'C.UTF-8'" in error.hint


@pytest.mark.integration
def test_valkey_of_the_tests_evicts_nothing() -> None:
    assert valkey_keeps_what_it_is_given(["default"]) == []
    assert valkey_keeps_what_it_is_given(None) == []


@pytest.mark.integration
def test_valkey_that_evicts_is_warned_of() -> None:
    client = redis.Redis.from_url(configured.REDIS_URL)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        (warning,) = valkey_keeps_what_it_is_given(["default"])
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.close()

    assert warning.id == "core.W001"
    assert warning.hint == "Start it with --maxmemory-policy noeviction."


def test_valkey_that_is_away_is_left_to_readyz(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"

    assert valkey_keeps_what_it_is_given(["default"]) == []


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example.com", "http://localhost:3000", "http://127.0.0.1:8000",
        "http://[::1]:8000", "https://shop.example.com:80",
    ],
)  # fmt: skip
def test_origin_as_a_browser_sends_it_is_allowed(settings: Settings, origin: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = [origin]

    assert allowed_origins_are_origins(None) == []


@pytest.mark.parametrize(
    "origin",
    [
        "*", "null", "file://", "", "shop.example.com", "https://shop.example.com/",
        "https://Shop.example.com", "HTTPS://shop.example.com", "https://shop.example.com:443",
        "http://shop.example.com:80", "https://*.example.com", "https://a@shop.example.com",
        "https://shop.example.com\n",
    ],
)  # fmt: skip
def test_entry_that_is_no_origin_is_named(settings: Settings, origin: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://good.example.com", origin]

    (error,) = allowed_origins_are_origins(None)

    assert error.id == "core.E005"
    assert repr(origin) in error.msg
    assert "https://shop.example.com" in str(error.hint)
