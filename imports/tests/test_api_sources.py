"""Sources by the API."""

from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from accounts.models import User
from conftest import ApiClient
from imports.fetches import sources
from imports.fetches.sources import Access
from imports.models import Fetch, Source

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

URL = "http://127.0.0.1:9999/prices.csv?token=secret"


@pytest.fixture(autouse=True)
def on_this_machine(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True


def made(api: ApiClient, **body: Any) -> dict[str, Any]:
    response = api.send("POST", "/api/sources", {"name": "Northwind", "url": URL, **body})
    assert response.status_code == 201, response.content
    assert response["Location"].endswith(f"/api/sources/{response.json()['id']}")
    return dict(response.json())


def test_source_is_made_and_its_secrets_are_not_shown(editor_api: ApiClient, editor: User) -> None:
    source = made(
        editor_api,
        username="shop",
        password="hidden",
        options={"mode": "update", "empty": "clear"},
        schedule={"cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin"},
    )

    pk = source.pop("id")
    assert source.pop("created_at").endswith("Z")
    assert source.pop("next_run_at").endswith(":00:00Z")
    assert source == {
        "name": "Northwind",
        "address": "http://127.0.0.1:9999/prices.csv?…",
        "username": "shop",
        "options": {
            "encoding": "",
            "delimiter": "",
            "decimal": "",
            "empty": "clear",
            "mode": "update",
            "missing": "keep",
            "review": "never",
        },
        "schedule": {
            "cron": "0 6 * * 1-5",
            "time_zone": "Europe/Berlin",
            "words": "Monday to Friday at 06:00",
        },
        "enabled": True,
        "trouble": None,
        "last_fetch": None,
        "created_by": "editor",
    }
    assert sources.access_of(Source.objects.get(pk=pk)) == Access(URL, "shop", "hidden")


def test_without_a_schedule_it_is_fetched_by_hand(editor_api: ApiClient) -> None:
    source = made(editor_api)

    assert (source["schedule"], source["next_run_at"]) == (None, None)
    assert not PeriodicTask.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"url": "ftp://a/"}, "url"),
        ({"url": None}, "url"),
        ({"username": "a:b", "password": "c"}, "username"),
        ({"schedule": {"cron": "* * * * *"}}, "schedule.cron"),
        ({"schedule": {"cron": "0 6 * * *", "time_zone": "Nowhere"}}, "schedule.cron"),
        ({"options": {"mode": "delete"}}, "options.mode"),
        ({"options": {"file": "a"}}, "options.file"),
        ({"etag": "a"}, "etag"),
    ],
)
def test_what_can_not_be_taken_is_named(
    body: dict[str, Any], field: str, editor_api: ApiClient
) -> None:
    response = editor_api.send("POST", "/api/sources", {"name": "A", "url": URL, **body})

    assert response.status_code in (400, 422)
    assert [each["field"] for each in response.json()["errors"]] == [field]
    assert not Source.objects.exists()


def test_name_is_given_once(editor_api: ApiClient) -> None:
    made(editor_api)
    response = editor_api.send("POST", "/api/sources", {"name": "Northwind", "url": URL})

    assert response.json()["errors"][0]["field"] == "name"


def test_part_is_changed_and_the_rest_stays(editor_api: ApiClient) -> None:
    pk = made(editor_api, username="shop", password="hidden", schedule={"cron": "0 6 * * *"})["id"]

    changed = editor_api.send("PATCH", f"/api/sources/{pk}", {"enabled": False, "name": "B"})
    assert (changed.json()["name"], changed.json()["enabled"]) == ("B", False)
    assert changed.json()["schedule"]["time_zone"] == "UTC"
    assert changed.json()["next_run_at"] is None
    assert sources.access_of(Source.objects.get()) == Access(URL, "shop", "hidden")

    editor_api.send("PATCH", f"/api/sources/{pk}", {"schedule": None, "password": "new"})
    assert sources.access_of(Source.objects.get()) == Access(URL, "shop", "new")
    assert not PeriodicTask.objects.exists()


def test_password_does_not_move_to_another_machine(editor_api: ApiClient) -> None:
    pk = made(editor_api, username="shop", password="hidden")["id"]

    response = editor_api.send("PATCH", f"/api/sources/{pk}", {"url": "http://127.0.0.2:9999/"})

    assert response.json()["errors"][0]["field"] == "password"
    assert sources.access_of(Source.objects.get()) == Access(URL, "shop", "hidden")


def test_fetch_is_asked_for_once_and_listed(editor_api: ApiClient) -> None:
    pk = made(editor_api)["id"]

    first, second = (editor_api.send("POST", f"/api/sources/{pk}/fetch") for _ in range(2))

    assert (first.status_code, first.json()) == (202, second.json())
    assert first["Location"].endswith(f"/api/sources/{pk}/fetches")
    fetch = Fetch.objects.get()
    listed = editor_api.get(f"/api/sources/{pk}/fetches").json()
    assert listed == {"items": [first.json()], "total": 1, "page": 1, "pages": 1}
    shown = dict(first.json())
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": fetch.pk,
        "state": "queued",
        "scheduled": False,
        "size": None,
        "import": None,
        "error": None,
        "created_by": "editor",
        "started_at": None,
        "finished_at": None,
    }
    assert editor_api.get(f"/api/sources/{pk}").json()["last_fetch"] == first.json()


def test_fetch_is_cancelled(editor_api: ApiClient) -> None:
    pk = made(editor_api)["id"]
    editor_api.send("POST", f"/api/sources/{pk}/fetch")

    cancelled = editor_api.send("POST", f"/api/sources/{pk}/cancel")
    again = editor_api.send("POST", f"/api/sources/{pk}/cancel")

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (again.status_code, again.json()["type"]) == (409, "/api/docs#wrong-state")
    editor_api.send("POST", f"/api/sources/{pk}/fetch")
    Fetch.objects.filter(state="queued").update(state="fetching")
    assert editor_api.send("POST", f"/api/sources/{pk}/cancel").status_code == 202
    assert Fetch.objects.filter(cancel_requested=True, state="fetching").count() == 1


def test_failure_is_told(editor_api: ApiClient) -> None:
    pk = made(editor_api)["id"]
    Fetch.objects.create(
        source_id=pk, state="failed", error_code="not_found", error_message="Nothing there."
    )

    source = editor_api.get("/api/sources").json()["items"][0]

    assert source["trouble"] == "fetch"
    assert source["last_fetch"]["error"] == {"code": "not_found", "message": "Nothing there."}


def test_source_is_deleted(editor_api: ApiClient) -> None:
    pk = made(editor_api, schedule={"cron": "0 6 * * *"})["id"]

    assert editor_api.send("DELETE", f"/api/sources/{pk}").json() == {"message": "Deleted"}
    assert editor_api.get(f"/api/sources/{pk}").status_code == 404
    assert not PeriodicTask.objects.exists()


def test_viewer_reads_and_changes_nothing(editor_api: ApiClient, viewer_api: ApiClient) -> None:
    pk = made(editor_api)["id"]

    assert viewer_api.get("/api/sources").json()["total"] == 1
    for method, path in (
        ("POST", "/api/sources"),
        ("PATCH", f"/api/sources/{pk}"),
        ("DELETE", f"/api/sources/{pk}"),
        ("POST", f"/api/sources/{pk}/fetch"),
        ("POST", f"/api/sources/{pk}/cancel"),
    ):
        assert viewer_api.send(method, path, {}).status_code == 403
    assert not Fetch.objects.exists()
