"""Fixtures that every tier shares; the database and Valkey come from `python -m dev test`."""

import contextlib
import gc
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client, TransactionTestCase
from pytest_django import Settings

from accounts import tokens
from accounts.models import User
from accounts.roles import EDITOR, MANAGER, VIEWER
from core import limits, metrics

KEPT = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
}
STAGED = "^imports_staging_"


# A module that is of the one tier as a whole, and one that has something of it.
WHOLLY_ACCEPTANCE = re.compile(r"^pytestmark = pytest\.mark\.acceptance$", re.MULTILINE)
SOME_ACCEPTANCE = re.compile(r"\bmark\.acceptance\b")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no module of which the asked tier would run nothing: that takes 15 s of a process."""
    tier = config.option.markexpr
    if not collection_path.name.startswith("test_") or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text("utf-8")
    if tier == "acceptance" and not SOME_ACCEPTANCE.search(text):
        return True
    return (tier == "not acceptance" and bool(WHOLLY_ACCEPTANCE.search(text))) or None


def pytest_collection_finish() -> None:
    """Leave what lives to the end to itself: every collection would walk through all of it."""
    gc.collect()
    gc.freeze()


@cache
def _emptying() -> str:
    tables = connection.introspection.django_table_names(only_existing=True)
    return "; ".join(f'DELETE FROM "{table}"' for table in sorted(set(tables) - KEPT))


def _empty_tables(case: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_emptying())
        # Of imports that wait for a review.
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ %s", [STAGED]
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{name}"')


@pytest.fixture(scope="session", autouse=True)
def quick_clean_up() -> Iterator[None]:
    """Empty the tables by DELETE after a test that commits: 6 ms.

    Django's flush takes 370 ms, most of it to make the groups and permissions again, which stay.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", _empty_tables)
        yield


@pytest.fixture(autouse=True)
def plain_http(settings: Settings) -> None:
    """Tests speak http; what production adds is tested where it is the subject."""
    settings.SECURE_SSL_REDIRECT = False
    # Nobody is there to look; tests of the review ask for it.
    settings.IMPORT_REVIEW = "never"
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """The hash that production uses takes half a second for each user, by design."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def empty_valkey() -> Iterator[None]:
    """A test that woke a worker or showed figures leaves nothing behind for the next."""
    yield
    with contextlib.suppress(redis.RedisError):
        _valkey(configured.REDIS_URL).flushdb()


@cache
def _valkey(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def _user(role: str) -> User:
    """Somebody of whom the audit log says nothing: tests of it add users as people do."""
    user = User(username=role, password=make_password("correct horse"))
    User.objects.bulk_create([user])
    member = User.groups.through(user=user, group_id=_group(role))
    User.groups.through.objects.bulk_create([member])
    return user


@cache
def _group(role: str) -> int:
    return Group.objects.get(name=role).pk


def _signed_in(user: User) -> Client:
    """By a session alone, without what a sign-in notes."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = configured.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    client = Client()
    client.cookies[configured.SESSION_COOKIE_NAME] = str(session.session_key)
    return client


@pytest.fixture(autouse=True)
def limits_from_the_start() -> None:
    """What a process has counted while Valkey was away belongs to one test."""
    limits.forget_local()


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    """What a test's process has counted belongs to that test."""
    metrics.forget_counted()
    yield
    metrics.forget_counted()


@pytest.fixture
def viewer(db: None) -> User:
    return _user(VIEWER)


@pytest.fixture
def editor(db: None) -> User:
    return _user(EDITOR)


@pytest.fixture
def manager(db: None) -> User:
    return _user(MANAGER)


@pytest.fixture
def editor_client(editor: User) -> Client:
    return _signed_in(editor)


@pytest.fixture
def viewer_client(viewer: User) -> Client:
    return _signed_in(viewer)


class ApiClient(Client):
    """A program with a token of a user; sends and reads JSON."""

    def __init__(self, user: User, *, scope: str = "manage", **how: Any) -> None:
        self.token, secret = tokens.create(user=user, name="test", scope=scope, days=None)
        super().__init__(**how, headers={"Authorization": f"Bearer {secret}"})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request; `headers` by their names with underscores, as in `If_Match`."""
        data = b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.generic(method, path, data, "application/json", headers=named)


@pytest.fixture
def viewer_api(viewer: User) -> ApiClient:
    return ApiClient(viewer)


@pytest.fixture
def editor_api(editor: User) -> ApiClient:
    return ApiClient(editor)


@pytest.fixture
def manager_api(manager: User) -> ApiClient:
    return ApiClient(manager)
