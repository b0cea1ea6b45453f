"""The pages of imports, for those who may and those who may not."""

import asyncio
import re
from typing import cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.models import Product
from catalog.tests.change_sets import undone
from core.leases import request_cancel
from imports.models import ImportJob, StoredFile
from imports.sample import SAMPLE_CSV
from imports.tests.importing import (
    accepted,
    catalog,
    claimed,
    completed,
    csv_of,
    imported,
    run_next,
    woken,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,", "A-2,,,a lot,")
HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}
LIST, UPLOAD = "/imports/", "/imports/upload/"


def url(name: str, job: ImportJob) -> str:
    return reverse(f"imports:{name}", args=[job.pk])


def file(text: str = TEXT, name: str = "list.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), "text/csv")


def text_of(response: object) -> str:
    return cast("HttpResponse", response).content.decode()


def streamed(response: object) -> bytes:
    async def read() -> bytes:
        content = cast("StreamingHttpResponse", response).streaming_content
        return b"".join([chunk async for chunk in content])  # type: ignore[union-attr]

    return asyncio.run(read())


def cancelled() -> ImportJob:
    job = accepted(TEXT)
    assert request_cancel(job)
    return job


def test_form_takes_a_file_and_leads_to_its_import(editor_client: Client) -> None:
    response = editor_client.post(UPLOAD, {"file": file(), "empty": "clear", "delimiter": ","})

    job = ImportJob.objects.get()
    assert (response.status_code, response["Location"]) == (302, url("detail", job))
    assert (job.state, job.file_name, job.empty, job.delimiter) == (
        "queued", "list.csv", "clear", ",",
    )  # fmt: skip
    assert job.created_by is not None
    assert job.created_by.username == "editor"
    assert woken() == 1


def test_script_is_answered_202_with_the_jobs_url(editor_client: Client) -> None:
    response = editor_client.post(UPLOAD, {"file": file()}, headers=JSON)

    job = ImportJob.objects.get()
    assert response.status_code == 202
    assert response.json() == {"url": url("detail", job), "job_id": job.pk}
    assert run_next().state == ImportJob.State.COMPLETED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Choose a CSV file first."),
        ({"file": file("")}, "The file is empty: 0 bytes. Choose another one."),
        ({"file": file(), "empty": "burn"}, "burn is not one of the available choices."),
    ],
)
def test_upload_that_can_not_be_taken_is_refused_in_words(
    editor_client: Client, given: dict[str, object], said: str
) -> None:
    for each in given.values():
        if isinstance(each, SimpleUploadedFile):
            each.seek(0)
    form = editor_client.post(UPLOAD, given)
    script = editor_client.post(UPLOAD, given, headers=JSON)

    assert form.status_code == script.status_code == 400
    assert said in script.json()["detail"]
    assert not ImportJob.objects.exists()
    assert not StoredFile.objects.exists()
    assert woken() == 0


def test_reason_of_a_refused_file_stands_on_the_page(editor_client: Client) -> None:
    response = editor_client.post(UPLOAD, {"file": file("")})

    assert "The file is empty: 0 bytes. Choose another one." in text_of(response)


def test_file_above_the_limit_is_refused(editor_client: Client, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 10

    response = editor_client.post(UPLOAD, {"file": file()}, headers=JSON)

    assert response.status_code == 400
    assert "manage.py import_products" in response.json()["detail"]
    assert not ImportJob.objects.exists()


def test_full_quota_is_told_in_words(editor_client: Client, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_BYTES = 10

    response = editor_client.post(UPLOAD, {"file": file()}, headers=JSON)

    assert response.status_code == 400
    assert "UPLOAD_QUOTA_BYTES" in response.json()["detail"]
    assert not ImportJob.objects.exists()


def test_uploads_without_end_are_slowed_down(editor_client: Client, settings: Settings) -> None:
    settings.UPLOADS_A_MINUTE = 1
    assert editor_client.post("/imports/upload/", {"file": file()}).status_code == 302

    response = editor_client.post("/imports/upload/", {"file": file()})

    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert b"Too many uploads. Try again in" in response.content
    assert ImportJob.objects.count() == 1


def test_viewer_sees_imports_and_changes_none(viewer_client: Client) -> None:
    waiting, ended = accepted(TEXT), cancelled()

    for path in (LIST, url("detail", waiting), url("live", waiting), "/imports/sample.csv"):
        assert viewer_client.get(path).status_code == 200
    refused = [
        viewer_client.post(UPLOAD, {"file": file()}),
        viewer_client.post(url("cancel", waiting)),
        viewer_client.get(url("retry", ended)),
        viewer_client.post(url("retry", ended)),
    ]

    assert [response.status_code for response in refused] == [403] * 4
    assert ImportJob.objects.count() == 2
    waiting.refresh_from_db()
    ended.refresh_from_db()
    assert (waiting.state, waiting.cancel_requested) == ("queued", False)
    assert ended.state == "cancelled"
    assert woken() == 0


def test_viewer_is_offered_nothing_that_is_refused(viewer_client: Client) -> None:
    ended = cancelled()

    pages = text_of(viewer_client.get(LIST)) + text_of(viewer_client.get(url("detail", ended)))

    assert UPLOAD not in pages
    assert url("retry", ended) not in pages


def test_list_is_a_page_for_browsers_and_a_fragment_for_htmx(editor_client: Client) -> None:
    completed(TEXT, name="spring.csv")

    page = text_of(editor_client.get(LIST))
    fragment = text_of(editor_client.get(LIST, headers=HTMX))

    assert page.lstrip().startswith("<!doctype html>")
    assert fragment.lstrip().startswith("<section")
    assert all('id="history"' in each and "spring.csv" in each for each in (page, fragment))


@pytest.mark.parametrize(
    ("state", "shown"),
    [("", {"done.csv", "wrong.csv", "waiting.csv"}), ("running", {"waiting.csv"}),
     ("failed", {"wrong.csv"}), ("nonsense", {"done.csv", "wrong.csv", "waiting.csv"})],
)  # fmt: skip
def test_list_can_be_narrowed_to_a_state(
    editor_client: Client, state: str, shown: set[str]
) -> None:
    completed(TEXT, name="done.csv")
    imported("a,b\n", name="wrong.csv")
    accepted(TEXT, name="waiting.csv")

    page = text_of(editor_client.get(LIST, {"state": state}))

    names = {"done.csv", "wrong.csv", "waiting.csv"}
    assert {name for name in names if name in page} == shown


def test_list_without_imports_says_what_to_do(editor_client: Client) -> None:
    assert "No imports yet" in text_of(editor_client.get(LIST))
    assert "Nothing is running" in text_of(editor_client.get(LIST, {"state": "running"}))
    assert "No import has failed" in text_of(editor_client.get(LIST, {"state": "failed"}))


def test_lists_say_which_imports_were_undone_and_which_took_nothing(editor_client: Client) -> None:
    change_set = completed(csv_of("A-1,One,,,")).change_set
    assert change_set is not None
    undone(change_set)
    completed(csv_of("A-2,,,,", "A-3,,,,"))

    for path in (LIST, "/"):
        page = re.sub(r"<svg.*?</svg>", "", text_of(editor_client.get(path)), flags=re.DOTALL)
        states = re.findall(r'<span class="state (\w+)">([^<]+)</span>([^/]*)', page)
        assert [(tone, words, "undone" in rest) for tone, words, rest in states] == [
            ("warn", "Nothing imported", False),
            ("ok", "Completed", True),
        ]
    assert Product.objects.count() == 0


def test_import_whose_undo_was_undone_is_not_called_undone(editor_client: Client) -> None:
    change_set = completed(csv_of("A-1,One,,,")).change_set
    assert change_set is not None
    undone(undone(change_set))

    for path in (LIST, "/"):
        page = text_of(editor_client.get(path))
        assert "Completed" in page
        assert '<span class="soft small">undone</span>' not in page
    assert Product.objects.count() == 1


def test_list_costs_the_same_queries_however_long_it_is(
    editor_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        accepted(TEXT)

    # Session, user, user's and groups' permissions, how many run, how many wait for a review, how
    # many in all, the page, the mappings to choose from, the uploads that are not whole.
    with django_assert_max_num_queries(12):
        editor_client.get(LIST)


def test_waiting_import_offers_to_be_cancelled(editor_client: Client) -> None:
    job = accepted(TEXT)

    page = text_of(editor_client.get(url("detail", job)))

    assert "Queued" in page
    assert url("events", job) in page
    assert f'action="{url("cancel", job)}"' in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_running_import_shows_its_steps(editor_client: Client) -> None:
    accepted(TEXT)
    job = claimed().row

    page = text_of(editor_client.get(url("detail", job)))

    assert "<progress" in page
    assert 'aria-current="step"' in page


def test_completed_import_shows_its_rejected_rows(editor_client: Client) -> None:
    job = completed(TEXT)

    page = text_of(editor_client.get(url("detail", job)))

    assert "Completed" in page
    assert "1 row was left aside</b>, 50 % of the file. The other was taken." in page
    assert "Name is empty. Every product needs one." in page
    assert "Price is not a number. Write digits and a point: 12.90." in page
    assert url("rejected_csv", job) in page
    assert url("events", job) not in page


def test_failed_import_shows_the_reason_and_how_to_go_on(editor_client: Client) -> None:
    job = imported("a,b\n1,2\n")

    page = text_of(editor_client.get(url("detail", job)))

    assert "Nothing was imported." in page
    assert "the header has no columns" in page
    assert url("retry", job) in page


def test_cancelled_import_says_that_nothing_was_changed(editor_client: Client) -> None:
    page = text_of(editor_client.get(url("detail", cancelled())))

    assert "Cancelled: nothing was changed." in page


def test_import_that_does_not_exist_is_not_found(editor_client: Client) -> None:
    for name in ("detail", "live", "events", "rejected_csv", "retry"):
        assert editor_client.get(url(name, ImportJob(pk=7))).status_code == 404
    assert editor_client.post(url("cancel", ImportJob(pk=7))).status_code == 404


def test_rejected_rows_are_paged(editor_client: Client) -> None:
    job = completed(csv_of(*(f"A-{at},,,," for at in range(60))))

    first = text_of(editor_client.get(url("detail", job)))
    second = text_of(editor_client.get(url("detail", job), {"page": "2"}))

    assert "<b>1–50</b> of <b>60</b>" in first
    assert "<b>51–60</b> of <b>60</b>" in second


def test_rejected_rows_can_be_narrowed_to_a_cause(editor_client: Client) -> None:
    job = completed(csv_of("A-1,,,,", "A-2,Two,,a lot,"))

    page = text_of(editor_client.get(url("detail", job), {"cause": "name_empty"}))

    assert "Every product needs one." in page
    assert "Write digits and a point: 12.90." not in page


def test_rejected_rows_come_as_a_download(editor_client: Client) -> None:
    job = completed(TEXT, name="spring list.csv")

    response = editor_client.get(url("rejected_csv", job))

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == ('attachment; filename="spring list-rejected.csv"')
    header, row = streamed(response).decode().splitlines()
    assert header == "sku,name,description,price,active,error"
    assert row.startswith("A-2,,,a lot,,Line 3 of import")
    assert "Name is empty." in row


def test_events_of_an_ended_import_end(editor_client: Client) -> None:
    job = completed(TEXT)

    response = editor_client.get(url("events", job))

    assert response["Content-Type"] == "text/event-stream"
    assert streamed(response).endswith(b"event: done\ndata: completed\n\n")


def test_live_fragment_is_never_cached(editor_client: Client) -> None:
    response = editor_client.get(url("live", accepted(TEXT)))

    assert "no-store" in response["Cache-Control"]
    assert 'id="live"' in text_of(response)
    assert "<html" not in text_of(response)


def test_cancel_of_a_waiting_import_takes_effect_at_once(editor_client: Client) -> None:
    job = accepted(TEXT)

    response = editor_client.post(url("cancel", job), follow=True)

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED
    assert "The import is being cancelled. Nothing of it will remain." in text_of(response)


def test_cancel_that_comes_too_late_says_so_and_changes_nothing(editor_client: Client) -> None:
    job = completed(TEXT)

    response = editor_client.post(url("cancel", job), follow=True)

    job.refresh_from_db()
    assert (job.state, job.cancel_requested) == (ImportJob.State.COMPLETED, False)
    assert "The import had already ended." in text_of(response)


def test_nothing_is_cancelled_or_taken_by_a_link(editor_client: Client) -> None:
    job = accepted(TEXT)

    assert editor_client.get(url("cancel", job)).status_code == 405
    assert editor_client.get(UPLOAD).status_code == 405
    job.refresh_from_db()
    assert job.state == ImportJob.State.QUEUED


def test_retry_asks_first_and_names_what_changed_since(editor_client: Client) -> None:
    job = cancelled()
    newer = completed(csv_of("A-1,Newer,,,"), name="newer.csv")

    page = text_of(editor_client.get(url("retry", job)))

    assert "The catalog was changed 1 time since this file was uploaded." in page
    assert "newer.csv" in page
    assert f"#{newer.change_set_id:,}" in page
    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED


def test_retry_of_an_untouched_catalog_says_so(editor_client: Client) -> None:
    page = text_of(editor_client.get(url("retry", cancelled())))

    assert "The catalog has not changed since this file was uploaded." in page


def test_retry_runs_the_import_again(editor_client: Client) -> None:
    job = cancelled()

    response = editor_client.post(url("retry", job))

    assert response["Location"] == url("detail", job)
    assert woken() == 1
    assert run_next().pk == job.pk
    assert len(catalog()) == 1


def test_retry_of_a_completed_import_is_refused_in_words(editor_client: Client) -> None:
    job = completed(TEXT)

    response = editor_client.post(url("retry", job), follow=True)

    assert "Only an import that failed or was cancelled can run again." in text_of(response)
    job.refresh_from_db()
    assert job.state == ImportJob.State.COMPLETED


def test_sample_imports_clean(editor_client: Client) -> None:
    response = editor_client.get("/imports/sample.csv")

    assert response.content == SAMPLE_CSV
    assert "sample_products.csv" in response["Content-Disposition"]
    job = completed(response.content)
    assert (job.rejected, job.duplicates) == (0, 0)
    assert job.created == job.read > 0


def test_what_a_file_says_is_text_on_every_page(editor_client: Client) -> None:
    evil = "<script>alert(1)</script>"
    job = completed(f'sku,name,"{evil}",price\nA-1,,1,{evil}\n', name=f"{evil}.csv")

    for path in (LIST, url("detail", job), url("live", job), url("retry", job)):
        assert evil not in text_of(editor_client.get(path))
