"""Settings come from the environment, are named in `.env.example`, and are safe by default."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

ROOT = Path(__file__).resolve().parent.parent
NAME = "[A-Z][A-Z0-9_]*"
# Read by compose.yaml itself.
NOT_OURS = {"POSTGRES_PASSWORD"}

PRODUCTION = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "DATABASE_URL": "postgres://nobody@%2Fnonexistent/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "products.example.com",
}
DUMP = """
import json
from config import settings
print(json.dumps({k: v for k, v in vars(settings).items() if k.isupper()}, default=str))
"""


def python(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_under(environment: dict[str, str]) -> dict[str, Any]:
    done = python("-c", DUMP, environment=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def variables_read() -> set[str]:
    settings = (ROOT / "config" / "settings.py").read_text("utf-8")
    gunicorn = (ROOT / "gunicorn.conf.py").read_text("utf-8")
    return set(re.findall(rf'env\.\w+\(\s*"({NAME})"', settings)) | set(
        re.findall(rf"environ\.get\(\s*[\"']({NAME})[\"']", gunicorn)
    )


def example() -> str:
    return (ROOT / ".env.example").read_text("utf-8")


def shown_defaults() -> dict[str, str]:
    """The commented-out lines of `.env.example`, which show the defaults."""
    shown = dict(re.findall(rf"^#({NAME})=(.+)$", example(), re.MULTILINE))
    return {name: value for name, value in shown.items() if name not in PRODUCTION}


def test_example_names_exactly_the_variables_that_are_read() -> None:
    named = re.findall(rf"^#?({NAME})=", example(), re.MULTILINE)

    assert len(named) == len(set(named))
    assert set(named) - NOT_OURS == variables_read()
    assert all(f"${{{name}" in (ROOT / "compose.yaml").read_text("utf-8") for name in NOT_OURS)


def test_every_variable_is_explained() -> None:
    lines = example().splitlines()
    blocks = "\n".join(lines).split("\n\n")
    unexplained = [
        block for block in blocks if re.search(rf"^#?{NAME}=", block, re.MULTILINE)
        and not block.startswith("# ")
    ]  # fmt: skip

    assert unexplained == []


def test_example_shows_the_real_defaults() -> None:
    assert len(shown_defaults()) > 20

    assert settings_under({**PRODUCTION, **shown_defaults()}) == settings_under(PRODUCTION)


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
def test_start_without_a_needed_variable_fails_and_names_it(name: str) -> None:
    environment = {key: value for key, value in PRODUCTION.items() if key != name}

    done = python("manage.py", "check", environment=environment)

    assert done.returncode != 0
    assert f'"{name}"' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMPORTS_STORAGE", "disk"),
        ("LOG_FORMAT", "xml"),
        ("LEASE_SECONDS", "a minute"),
        ("METRICS_ADDRESSES", "10.0.0.1/8"),
    ],
)
def test_start_with_a_value_that_makes_no_sense_fails_and_names_it(name: str, value: str) -> None:
    done = python("manage.py", "check", environment={**PRODUCTION, name: value})

    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


def test_defaults_are_safe() -> None:
    found = settings_under(PRODUCTION)

    expected = {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["products.example.com"],
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "X_FRAME_OPTIONS": "DENY",
        "CELERY_ACCEPT_CONTENT": ["json"],
    }
    assert {name: found[name] for name in expected} == expected
    assert found["STORAGES"]["imports"]["BACKEND"] == "imports.storage.DatabaseStorage"
    assert "SECURE_PROXY_SSL_HEADER" not in found


def test_plain_http_is_asked_for_by_name() -> None:
    found = settings_under({**PRODUCTION, "SECURE_TRANSPORT": "false"})

    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    assert [found[name] for name in names] == [False] * 3
    assert found["SECURE_HSTS_SECONDS"] == 0


def test_a_proxys_header_is_trusted_only_if_there_is_a_proxy() -> None:
    found = settings_under({**PRODUCTION, "BEHIND_PROXY": "true"})

    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_object_storage_comes_in_by_environment() -> None:
    found = settings_under({**PRODUCTION, "IMPORTS_STORAGE": "s3", "S3_BUCKET": "uploads"})

    storage = found["STORAGES"]["imports"]
    assert storage["BACKEND"] == "storages.backends.s3.S3Storage"
    assert storage["OPTIONS"]["bucket_name"] == "uploads"
    assert storage["OPTIONS"]["file_overwrite"] is False


def test_deployment_check_has_nothing_to_say() -> None:
    done = python(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING", environment=PRODUCTION
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "System check identified no issues (0 silenced).\n"


@pytest.mark.integration
@pytest.mark.django_db
def test_every_page_carries_the_security_headers() -> None:
    response = Client().get("/account/sign-in/", secure=True)

    assert response.status_code == 200
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Strict-Transport-Security"] == ("max-age=31536000; includeSubDomains; preload")


@pytest.mark.integration
@pytest.mark.django_db
def test_cookies_stay_on_https_and_away_from_scripts() -> None:
    client = Client()
    response = client.get("/account/sign-in/", secure=True)

    cookie = response.cookies["csrftoken"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")


@pytest.mark.integration
@pytest.mark.django_db
def test_answer_carries_the_id_that_its_log_lines_carry() -> None:
    response = Client().get("/healthz", headers={"X-Request-ID": "abc123"})

    assert response["X-Request-ID"] == "abc123"
    assert len(Client().get("/healthz")["X-Request-ID"]) == 32
