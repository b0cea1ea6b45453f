"""A file through the API: the same door as the page's, answered for programs."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from conftest import ApiClient
from imports.models import ImportJob, StoredFile
from imports.tests.importing import csv_of, woken

# A job is committed before a worker hears of it.
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,")


def file(text: str = TEXT) -> SimpleUploadedFile:
    return SimpleUploadedFile("prices.csv", text.encode(), "text/csv")


def nothing_came_in() -> bool:
    return not ImportJob.objects.exists() and not StoredFile.objects.exists() and woken() == 0


def test_upload_is_accepted_with_its_options(editor_api: ApiClient) -> None:
    response = editor_api.post(
        "/api/upload",
        {"file": file(), "delimiter": ",", "encoding": "utf-8", "empty": "clear"},
    )

    job = ImportJob.objects.get()
    assert response.status_code == 202, response.content
    assert response.json() == {
        "task_id": f"import-{job.pk}",
        "job_id": job.pk,
        "message": "Processing started",
    }
    assert response["Location"] == f"/api/imports/{job.pk}"
    assert (job.state, job.file_name, job.size) == ("queued", "prices.csv", len(TEXT))
    assert job.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (job.delimiter, job.encoding, job.empty) == (",", "utf-8", "clear")
    assert job.created_by_id == editor_api.token.user_id
    assert woken() == 1


def test_upload_that_is_repeated_under_its_key_is_one_import(editor_api: ApiClient) -> None:
    headers = {"Idempotency-Key": "prices-of-monday"}

    first = editor_api.post("/api/upload", {"file": file()}, headers=headers)
    again = editor_api.post("/api/upload", {"file": file()}, headers=headers)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert ImportJob.objects.count() == 1
    assert woken() == 1


def test_another_file_under_the_same_key_is_refused(editor_api: ApiClient) -> None:
    headers = {"Idempotency-Key": "prices-of-monday"}
    editor_api.post("/api/upload", {"file": file()}, headers=headers)

    response = editor_api.post("/api/upload", {"file": file("sku,name\n")}, headers=headers)

    assert (response.status_code, response.json()["type"]) == (422, "/api/docs#key-reused")
    assert ImportJob.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({}, "file", "Choose a CSV file first."),
        ({"file": "text"}, "file", "Choose a CSV file first."),
        ({"file": SimpleUploadedFile("a.csv", b"")}, "file", "The file is empty"),
        ({"file": file(), "sep": ";"}, "sep", "There is no “sep” here."),
        ({"file": file(), "delimiter": "x"}, "delimiter", "not one of the available choices"),
        ({"file": file(), "empty": ["keep", "clear"]}, "empty", "It is given more than once."),
    ],
)
def test_what_is_wrong_with_an_upload_is_said_by_field(
    fields: dict[str, object], field: str, said: str, editor_api: ApiClient
) -> None:
    response = editor_api.post("/api/upload", fields)

    assert response.status_code == 400, response.content
    body = response.json()
    assert body["type"] == "/api/docs#invalid"
    (problem,) = body["errors"]
    assert problem["field"] == field
    assert said in problem["message"]
    assert nothing_came_in()


def test_upload_without_a_body_lacks_its_file(editor_api: ApiClient) -> None:
    response = editor_api.post("/api/upload")

    assert response.status_code == 400
    assert [each["field"] for each in response.json()["errors"]] == ["file"]


def test_file_that_is_too_large_is_413(editor_api: ApiClient, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 10

    response = editor_api.post("/api/upload", {"file": file()})

    assert (response.status_code, response.json()["type"]) == (413, "/api/docs#too-large")
    assert nothing_came_in()


def test_upload_beyond_the_quota_is_413(editor_api: ApiClient, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_BYTES = 10

    response = editor_api.post("/api/upload", {"file": file()})

    assert (response.status_code, response.json()["type"]) == (413, "/api/docs#quota-full")
    assert "UPLOAD_QUOTA_BYTES" in response.json()["detail"]
    assert nothing_came_in()


@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
def test_upload_in_another_format_is_415(editor_api: ApiClient, media_type: str) -> None:
    response = editor_api.post("/api/upload", b'{"file": "a"}', content_type=media_type)

    assert response.status_code == 415
    assert response["Content-Type"] == "application/problem+json"
    assert nothing_came_in()


def test_broken_multipart_body_is_malformed(editor_api: ApiClient) -> None:
    response = editor_api.post("/api/upload", b"x", content_type="multipart/form-data")

    assert (response.status_code, response.json()["type"]) == (400, "/api/docs#malformed")


def test_viewer_may_not_upload(viewer_api: ApiClient) -> None:
    response = viewer_api.post("/api/upload", {"file": file()})

    assert response.status_code == 403
    assert nothing_came_in()


def test_token_that_reads_may_not_upload(editor_api: ApiClient) -> None:
    reading = ApiClient(editor_api.token.user, scope="read")

    response = reading.post("/upload", {"file": file()})

    assert response.status_code == 403
    assert "needs write" in response.json()["detail"]
    assert nothing_came_in()


def test_session_uploads_only_with_the_token_of_its_page(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    assert client.post("/upload", {"file": file()}).status_code == 403
    assert nothing_came_in()


def test_people_at_the_address_are_led_to_the_page(viewer_client: Client) -> None:
    response = viewer_client.get("/upload")
    assert (response.status_code, response["Location"]) == (302, "/imports/")

    stranger = Client().get("/upload")
    assert stranger.status_code == 302
    assert stranger["Location"] == "/account/sign-in/?next=/imports/"


def test_uploads_without_end_are_slowed_down(editor_api: ApiClient, settings: Settings) -> None:
    settings.UPLOADS_A_MINUTE = 1
    assert editor_api.post("/api/upload", {"file": file()}).status_code == 202

    response = editor_api.post("/api/upload", {"file": file()})

    assert response.status_code == 429
    assert response.json()["detail"].startswith("Too many uploads. Try again in ")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert ImportJob.objects.count() == 1
