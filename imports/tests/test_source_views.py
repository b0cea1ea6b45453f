"""The pages of sources: the list, the form, trying out, fetching, and the word on the home page."""

import re

import pytest
from django.test import Client
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from accounts.models import User
from imports.fetches import schedules, sources
from imports.fetches.fetching import claim, run_fetch
from imports.fetches.schedules import checked
from imports.fetches.sources import Access
from imports.models import Fetch, ImportJob, Source
from imports.options import Options
from imports.tests.serving import CSV, shelf

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

URL = "http://127.0.0.1:9999/prices.csv?token=secret"
TYPED = {"name": "Northwind", "url": URL, "enabled": "on", "at": "06:00", "time_zone": "UTC"}


@pytest.fixture(autouse=True)
def on_this_machine(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True
    settings.OUTBOUND_CA_BUNDLE = ""


@pytest.fixture
def source(editor: User) -> Source:
    return sources.create(
        actor=editor,
        name="Northwind",
        access=Access(URL, "shop", "pass-word"),
        options=Options(mode="update"),
        schedule=checked("30 6 * * 1", "Europe/Berlin"),
    )


def test_source_is_made_with_its_schedule_and_options(editor: User, editor_client: Client) -> None:
    chosen = {"repeat": "weekly", "weekday": "3", "at": "05:45", "time_zone": "Asia/Tokyo"}
    response = editor_client.post(
        "/imports/sources/new/",
        {**TYPED, **chosen, "username": "shop", "password": " pass-word ", "mode": "create"},
    )

    made = Source.objects.get()
    assert response["Location"] == f"/imports/sources/{made.pk}/"
    assert sources.access_of(made) == Access(URL, "shop", " pass-word ")
    assert made.address == "http://127.0.0.1:9999/prices.csv?…"
    assert Options.from_json(made.options).mode == "create"
    assert (made.created_by, made.enabled) == (editor, True)
    assert schedules.of_source(made) == checked("45 5 * * 3", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"name": ""}, "name", "Say whose file it is"),
        ({"url": ""}, "url", "The address is empty"),
        ({"url": "ftp://a.example.com/"}, "url", "does not start with https://"),
        ({"url": "https://me:pw@a.example.com/"}, "url", "user name or a password"),
        ({"username": "a:b", "password": "c"}, "username", "colon"),
        ({"repeat": "daily", "at": "25:00"}, "at", "Write a time of day"),
        ({"repeat": "daily", "at": ""}, "at", "Write a time of day"),
        ({"repeat": "daily", "time_zone": "Nowhere"}, "time_zone", "not a time zone"),
        ({"repeat": "cron", "cron": "0 6 1 * 1"}, "cron", "not both"),
    ],
)
def test_what_can_not_be_taken_says_so_at_its_field(
    typed: dict[str, str], field: str, told: str, editor_client: Client
) -> None:
    response = editor_client.post("/imports/sources/new/", {**TYPED, **typed})

    assert response.status_code == 400
    assert told in " ".join(response.context["form"].errors[field])
    assert told in response.content.decode()
    assert not Source.objects.exists()
    assert not PeriodicTask.objects.exists()


def test_private_address_is_refused(editor_client: Client, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = False

    response = editor_client.post("/imports/sources/new/", TYPED)

    assert "not an address of the public internet" in response.content.decode()
    assert not Source.objects.exists()


def test_name_is_given_once(source: Source, editor_client: Client) -> None:
    response = editor_client.post("/imports/sources/new/", TYPED)

    assert "There is a source “Northwind” already" in response.content.decode()
    assert Source.objects.count() == 1


def test_form_shows_what_is_set_and_no_secret(source: Source, editor_client: Client) -> None:
    page = editor_client.get(f"/imports/sources/{source.pk}/edit/").content.decode()

    assert 'value="http://127.0.0.1:9999/prices.csv?…"' in page
    assert 'value="shop"' in page
    assert re.search(r'value="weekly" selected', page)
    assert re.search(r'name="at" value="06:30"', page)
    assert 'value="Europe/Berlin"' in page
    assert re.search(r'value="update" selected', page)
    assert "secret" not in page
    assert "pass-word" not in page


def test_saving_what_was_shown_changes_nothing(source: Source, editor_client: Client) -> None:
    PeriodicTask.objects.update(total_run_count=3)
    Source.objects.update(etag="v1", sha256="a" * 64)
    page = editor_client.get(f"/imports/sources/{source.pk}/edit/")
    form = page.context["form"]
    shown = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in shown.items() if value not in (None, False)}

    editor_client.post(f"/imports/sources/{source.pk}/edit/", sent)

    after = Source.objects.get()
    assert sources.access_of(after) == Access(URL, "shop", "pass-word")
    assert (after.etag, after.options) == ("v1", source.options)
    assert PeriodicTask.objects.get().total_run_count == 3


def test_password_does_not_move_to_another_machine(source: Source, editor_client: Client) -> None:
    moved = {**TYPED, "url": "http://127.0.0.2:9999/prices.csv", "username": "shop"}

    refused = editor_client.post(f"/imports/sources/{source.pk}/edit/", moved)
    assert "Type the password for it" in refused.content.decode()
    assert sources.access_of(Source.objects.get()) == Access(URL, "shop", "pass-word")

    editor_client.post(f"/imports/sources/{source.pk}/edit/", {**moved, "password": "other"})
    assert sources.access_of(Source.objects.get()) == Access(moved["url"], "shop", "other")


def test_without_a_user_name_no_password_is_kept(source: Source, editor_client: Client) -> None:
    editor_client.post(f"/imports/sources/{source.pk}/edit/", {**TYPED, "url": source.address})

    assert sources.access_of(Source.objects.get()) == Access(URL)
    # No rhythm was sent: by hand only.
    assert not PeriodicTask.objects.exists()


def test_switch_that_is_off_stops_the_schedule_and_keeps_it(
    source: Source, editor_client: Client
) -> None:
    sent = {**TYPED, "url": source.address, "repeat": "daily"}
    del sent["enabled"]
    editor_client.post(f"/imports/sources/{source.pk}/edit/", sent)

    assert schedules.scheduled_pks() == []
    page = editor_client.get("/imports/sources/").content.decode()
    assert "switched off" in page


@pytest.mark.parametrize("htmx", [True, False])
def test_address_is_tried_out_without_an_import(htmx: bool, editor_client: Client) -> None:
    lines = ("Content-Type: text/csv",)
    with shelf(b"sku,name,colour\nA-1,One,red\n", lines=lines) as server:
        response = editor_client.post(
            "/imports/sources/new/",
            {"url": server.url, "try": "1"},
            headers={"HX-Request": "true"} if htmx else {},
        )

    told = re.sub(r"<[^>]+>|\s+", " ", response.content.decode())
    assert "prices.csv" in told
    assert "text/csv" in told
    assert re.search(r"3 columns: +sku +\(sku\) *, +name +\(name\) *, +colour", told)
    assert response.status_code == 200
    assert ("<html" in response.content.decode()) == (not htmx)
    assert not Source.objects.exists()
    assert not ImportJob.objects.exists()


def test_trial_says_what_is_wrong(editor_client: Client) -> None:
    with shelf(status="404 Not Found") as server:
        response = editor_client.post(
            "/imports/sources/new/", {"url": server.url, "try": "1"}, headers={"HX-Request": "true"}
        )

    assert "has no file at this address (404)" in response.content.decode()


def test_trial_uses_the_password_that_is_kept(source: Source, editor_client: Client) -> None:
    with shelf() as server:
        Source.objects.filter(pk=source.pk).delete()
        made = sources.create(
            actor=None, name="A", access=Access(server.url, "shop", "pass-word"), options=Options()
        )
        editor_client.post(
            f"/imports/sources/{made.pk}/edit/",
            {"url": made.address, "username": "shop", "try": "1"},
        )

    assert b"Authorization: Basic c2hvcDpwYXNzLXdvcmQ=" in server.requests[0]


def test_nobody_tries_without_end(editor_client: Client) -> None:
    with shelf() as server:
        answers = [
            editor_client.post(
                "/imports/sources/new/",
                {"url": server.url, "try": "1"},
                headers={"HX-Request": "true"},
            ).content.decode()
            for _ in range(11)
        ]

    assert "Tried too often" not in answers[9]
    assert "Tried too often" in answers[10]
    assert len(server.requests) == 10


@pytest.mark.django_db(transaction=True)
def test_file_is_fetched_once_from_the_imports_page(editor: User, editor_client: Client) -> None:
    with shelf() as server:
        first = editor_client.post("/imports/fetch/", {"url": server.url})
        lease = claim()
        assert lease is not None
        run_fetch(lease)
        second = editor_client.post("/imports/fetch/", {"url": server.url})

    made = Source.objects.get()
    assert first["Location"] == second["Location"] == f"/imports/sources/{made.pk}/"
    assert made.name == server.url.split("//")[1].split(":")[0] + "/lists/prices.csv"
    assert Fetch.objects.count() == 2
    job = ImportJob.objects.get()
    assert (job.file_name, job.created_by, job.size) == ("prices.csv", editor, len(CSV))
    page = editor_client.get(first["Location"]).content.decode()
    assert f'href="/imports/{job.pk}/"' in page


def test_bad_address_is_told_on_the_imports_page(editor_client: Client) -> None:
    response = editor_client.post("/imports/fetch/", {"url": "prices.csv"})

    assert response.status_code == 400
    assert "does not start with https://" in response.content.decode()
    assert not Source.objects.exists()


def test_fetch_now_asks_once(source: Source, editor: User, editor_client: Client) -> None:
    for _ in range(2):
        response = editor_client.post(f"/imports/sources/{source.pk}/fetch/")

    assert response["Location"] == f"/imports/sources/{source.pk}/"
    fetch = Fetch.objects.get()
    assert (fetch.state, fetch.created_by, fetch.scheduled) == ("queued", editor, False)
    assert "every 1s" in editor_client.get(response["Location"]).content.decode()


def test_source_is_deleted_with_its_schedule(source: Source, editor_client: Client) -> None:
    asked = editor_client.get(f"/imports/sources/{source.pk}/delete/").content.decode()
    assert "can't be undone" in asked
    editor_client.post(f"/imports/sources/{source.pk}/delete/")

    assert not Source.objects.exists()
    assert not PeriodicTask.objects.exists()


def test_viewer_sees_sources_and_no_buttons(source: Source, viewer_client: Client) -> None:
    for path in ("/imports/sources/", f"/imports/sources/{source.pk}/"):
        page = viewer_client.get(path).content.decode()
        assert "Northwind" in page
        assert "Fetch now" not in page
        assert "Edit" not in page
        assert "secret" not in page


# --- The home page ---


def failed(source: Source, **fields: object) -> Fetch:
    values = {"state": "failed", "error_code": "not_found", "error_message": "Nothing there."}
    fetch: Fetch = Fetch.objects.create(source=source, **values | fields)
    Fetch.objects.filter(pk=fetch.pk).update(finished_at=fetch.created_at)
    return fetch


def home(client: Client) -> str:
    return client.get("/").content.decode()


def test_failed_schedule_is_told_on_the_home_page(source: Source, viewer_client: Client) -> None:
    assert "Northwind" not in home(viewer_client)

    failed(source)

    page = home(viewer_client)
    assert "Northwind</b> could not be fetched" in page
    assert "Nothing there." in page
    assert f'href="/imports/sources/{source.pk}/"' in page


def test_later_success_takes_the_word_away(source: Source, viewer_client: Client) -> None:
    failed(source)
    failed(source, state="unchanged", error_code="", error_message="")

    assert "Northwind" not in home(viewer_client)


def test_failure_stays_while_the_next_try_runs(source: Source, viewer_client: Client) -> None:
    failed(source)
    Fetch.objects.create(source=source, state="fetching")

    assert "could not be fetched" in home(viewer_client)


@pytest.mark.parametrize(
    ("state", "told"),
    [("failed", "its import failed. Not CSV."), ("review", "its import waits for a review")],
)
def test_import_that_failed_or_waits_is_told(
    state: str, told: str, source: Source, viewer_client: Client
) -> None:
    job = ImportJob.objects.create(
        source=source, state=state, file_name="a.csv", error_message="Not CSV."
    )
    failed(source, state="completed", error_code="", error_message="", job=job)

    page = home(viewer_client)

    assert told in page
    assert f'<a class="btn btn-sm" href="/imports/{job.pk}/">' in page


@pytest.mark.parametrize("quiet", ["by hand", "switched off"])
def test_source_without_a_running_schedule_is_not_told(
    quiet: str, source: Source, editor: User, viewer_client: Client
) -> None:
    failed(source)
    if quiet == "by hand":
        sources.change(source, actor=editor, schedule=None)
    else:
        sources.change(source, actor=editor, enabled=False)

    assert "Northwind" not in home(viewer_client)


def test_fetch_is_cancelled_on_the_page(source: Source, editor_client: Client) -> None:
    path = f"/imports/sources/{source.pk}/"
    assert 'id="cancel-fetch"' not in editor_client.get(path).content.decode()
    editor_client.post(f"{path}fetch/")
    assert 'id="cancel-fetch"' in editor_client.get(path).content.decode()

    response = editor_client.post(f"{path}cancel/", follow=True)

    page = response.content.decode()
    assert "The fetch is being cancelled. Nothing of it will remain." in page
    assert Fetch.objects.get().state == "cancelled"
    assert 'id="cancel-fetch"' not in page
    again = editor_client.post(f"{path}cancel/", follow=True).content.decode()
    assert "The fetch had already ended." in again
