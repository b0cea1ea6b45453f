"""The public contract of sources: each row of the API's table."""

from typing import Any

import pytest
from pytest_django import Settings

from conftest import ApiClient
from imports.models import Fetch, Source
from tests.contract.test_imports import MAYBE_INT, MAYBE_TEXT, PAGE, has_shape, refused

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

URL = "http://127.0.0.1:9999/prices.csv?token=secret"
FETCH: dict[str, Any] = {
    "id": int, "state": str, "scheduled": bool, "size": MAYBE_INT, "import": MAYBE_INT,
    "error": (dict, type(None)), "created_by": MAYBE_TEXT, "created_at": str,
    "started_at": MAYBE_TEXT, "finished_at": MAYBE_TEXT,
}  # fmt: skip
SOURCE: dict[str, Any] = {
    "id": int, "name": str, "address": str, "username": str, "options": dict,
    "schedule": (dict, type(None)), "enabled": bool, "next_run_at": MAYBE_TEXT,
    "trouble": MAYBE_TEXT, "last_fetch": (dict, type(None)), "created_by": MAYBE_TEXT,
    "created_at": str,
}  # fmt: skip


@pytest.fixture(autouse=True)
def on_this_machine(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True


@pytest.fixture
def path(editor_api: ApiClient) -> str:
    response = editor_api.send(
        "POST",
        "/api/sources",
        {"name": "Northwind", "url": URL, "schedule": {"cron": "0 6 * * *", "time_zone": "UTC"}},
    )

    assert response.status_code == 201
    assert has_shape(response.json(), SOURCE), response.json()
    assert has_shape(response.json()["schedule"], {"cron": str, "time_zone": str, "words": str})
    path = f"/api/sources/{response.json()['id']}"
    assert response["Location"].endswith(path)
    return path


def test_list_of_sources(path: str, viewer_api: ApiClient) -> None:
    response = viewer_api.get("/api/sources?page=1&limit=50")

    assert response.status_code == 200
    body = response.json()
    assert has_shape(body, PAGE)
    assert (body["total"], body["page"], body["pages"]) == (1, 1, 1)
    assert has_shape(body["items"][0], SOURCE)
    assert viewer_api.get(path).json() == body["items"][0]


def test_change_of_a_source(path: str, editor_api: ApiClient) -> None:
    response = editor_api.send("PATCH", path, {"enabled": False, "schedule": None})

    assert response.status_code == 200
    assert has_shape(response.json(), SOURCE)
    assert (response.json()["enabled"], response.json()["schedule"]) == (False, None)


def test_end_of_a_source(path: str, editor_api: ApiClient) -> None:
    response = editor_api.send("DELETE", path)

    assert (response.status_code, response.json()) == (200, {"message": "Deleted"})
    assert not Source.objects.exists()
    assert editor_api.get(path).status_code == 404


def test_fetch_and_its_cancel(path: str, editor_api: ApiClient) -> None:
    response = editor_api.send("POST", f"{path}/fetch")

    assert response.status_code == 202
    assert has_shape(response.json(), FETCH), response.json()
    assert response["Location"].endswith(f"{path}/fetches")
    response = editor_api.send("POST", f"{path}/cancel")
    assert response.status_code == 200
    assert has_shape(response.json(), FETCH)
    assert response.json()["state"] == "cancelled"
    assert refused(editor_api.send("POST", f"{path}/cancel"))


def test_list_of_fetches(path: str, editor_api: ApiClient, viewer_api: ApiClient) -> None:
    editor_api.send("POST", f"{path}/fetch")
    Fetch.objects.update(state="failed", error_code="not_found", error_message="Nothing there.")

    response = viewer_api.get(f"{path}/fetches")

    assert response.status_code == 200
    body = response.json()
    assert has_shape(body, PAGE)
    (fetch,) = body["items"]
    assert has_shape(fetch, FETCH)
    assert has_shape(fetch["error"], {"code": str, "message": str})
    assert viewer_api.get(path).json()["trouble"] == "fetch"
