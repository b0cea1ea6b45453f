"""What an import left aside, would do, and did: for programs."""

import asyncio
from threading import Thread
from typing import cast

import pytest
from django.db import connection
from django.http import StreamingHttpResponse

from catalog.models import Product
from conftest import ApiClient
from core.advisory import only_one
from core.leases import request_cancel
from imports.api.outcomes import PREVIEW_LOCK
from imports.models import FilePart, ImportJob, RejectedRow
from imports.storage import uploads
from imports.tests.importing import (
    accepted,
    completed,
    csv_of,
    imported,
    staging_tables,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,", "A-2,,,much,", "A-3,Three,,-1,", "A-4,Four,,much,")


def streamed(response: object) -> bytes:
    async def read() -> bytes:
        content = cast("StreamingHttpResponse", response).streaming_content
        return b"".join([chunk async for chunk in content])  # type: ignore[union-attr]

    return asyncio.run(read())


def test_rejected_rows_are_listed_with_all_that_is_wrong(viewer_api: ApiClient) -> None:
    job = completed(TEXT)

    body = viewer_api.get(f"/api/imports/{job.pk}/rejected?limit=1").json()

    assert (body["total"], body["page"], body["pages"]) == (3, 1, 3)
    (row,) = body["items"]
    assert (row["line"], row["row"]) == (3, 2)
    assert row["problems"] == [
        {
            "code": "name_empty",
            "column": "name",
            "value": "",
            "message": "Name is empty. Every product needs one.",
        },
        {
            "code": "price_not_a_number",
            "column": "price",
            "value": "much",
            "message": "Price is not a number. Write digits and a point: 12.90.",
        },
    ]
    assert body["causes"] == [
        {
            "code": "price_not_a_number",
            "title": "Price is not a number",
            "count": 2,
            "example_line": 3,
            "example_value": "much",
            "remedy": "",
        },
        {
            "code": "name_empty",
            "title": "Name is empty",
            "count": 1,
            "example_line": 3,
            "example_value": "",
            "remedy": "",
        },
        {
            "code": "price_negative",
            "title": "Price is negative",
            "count": 1,
            "example_line": 4,
            "example_value": "-1",
            "remedy": "",
        },
    ]


def test_rejected_rows_of_one_cause(viewer_api: ApiClient) -> None:
    job = completed(TEXT)
    path = f"/api/imports/{job.pk}/rejected"

    body = viewer_api.get(f"{path}?cause=price_not_a_number").json()

    assert [row["line"] for row in body["items"]] == [3, 5]
    assert len(body["causes"]) == 3
    assert viewer_api.get(f"{path}?cause=odd").status_code == 400
    assert viewer_api.get(f"{path}?reason=name_empty").status_code == 400


def test_rejected_rows_are_downloaded_as_on_the_page(viewer_api: ApiClient) -> None:
    job = completed(TEXT, name="spring list.csv")

    response = viewer_api.get(f"/api/imports/{job.pk}/rejected.csv")

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="spring list-rejected.csv"'
    header, first, *_ = streamed(response).decode().splitlines()
    assert header == "sku,name,description,price,active,error"
    assert first.startswith("A-2,,,much,,Line 3 of import ")


def test_changes_of_an_import_are_those_of_its_change_set(viewer_api: ApiClient) -> None:
    completed(csv_of("A-1,Old,,,"))
    job = completed(TEXT)

    body = viewer_api.get(f"/api/imports/{job.pk}/changes").json()

    assert body == viewer_api.get(f"/api/changesets/{job.change_set_id}/changes").json()
    (change,) = body["items"]
    assert (change["sku"], change["kind"]) == ("A-1", "updated")
    assert (change["before"]["name"], change["after"]["name"]) == ("Old", "One")


def test_import_that_changed_nothing_has_no_changes(viewer_api: ApiClient) -> None:
    for job in (imported("a,b\n"), accepted(TEXT)):
        body = viewer_api.get(f"/api/imports/{job.pk}/changes").json()

        assert body["items"] == []


def test_preview_of_a_waiting_import_counts_what_it_would_do(editor_api: ApiClient) -> None:
    completed(csv_of("A-1,Old,,,"))
    job = accepted(csv_of("A-1,One,,,", "A-1,One,,,", "A-3,Three,,,", "A-2,,,,"))

    body = editor_api.get(f"/api/imports/{job.pk}/preview").json()

    assert body["counts"] == {
        "read": 4, "created": 1, "updated": 1, "unchanged": 0, "duplicates": 1, "rejected": 1,
    }  # fmt: skip
    assert body["refused"] is None
    (row,) = body["rejected_rows"]
    assert (row["line"], [each["code"] for each in row["problems"]]) == (5, ["name_empty"])
    job.refresh_from_db()
    assert (job.state, job.read) == ("queued", 0)
    assert list(Product.objects.values_list("sku", "name")) == [("A-1", "Old")]
    assert RejectedRow.objects.count() == 0
    assert staging_tables() == []


def test_preview_reads_with_the_options_of_the_upload(editor_api: ApiClient) -> None:
    completed(csv_of("A-1,One,words,,"))
    job = accepted(csv_of("A-1;One;;;", header="sku;name;description;price;active"), empty="clear")
    assert request_cancel(job)

    body = editor_api.get(f"/api/imports/{job.pk}/preview").json()

    assert (body["counts"]["updated"], body["counts"]["unchanged"]) == (1, 0)


def test_preview_of_a_refused_file_says_why(editor_api: ApiClient) -> None:
    job = imported("a,b\n")

    body = editor_api.get(f"/api/imports/{job.pk}/preview").json()

    assert (body["counts"], body["rejected_rows"]) == (None, [])
    assert body["refused"] == {"code": "header_missing", "message": job.error_message}


def test_preview_of_a_damaged_upload_says_so(editor_api: ApiClient) -> None:
    job = accepted(TEXT)
    FilePart.objects.update(sha256=b"0" * 32)

    body = editor_api.get(f"/api/imports/{job.pk}/preview").json()

    assert body["refused"]["code"] == "upload_damaged"


def test_without_an_upload_there_is_no_preview(editor_api: ApiClient) -> None:
    done = completed(TEXT)
    gone, receiving = accepted(TEXT), accepted(TEXT)
    uploads().delete(gone.upload)
    ImportJob.objects.filter(pk=receiving.pk).update(state="receiving")

    for job, said in (
        (done, f"/api/imports/{done.pk}/changes"),
        (gone, "Upload the file again."),
        (receiving, "still being received"),
    ):
        response = editor_api.get(f"/api/imports/{job.pk}/preview")
        assert (response.status_code, response.json()["type"]) == (409, "/api/docs#wrong-state")
        assert said in response.json()["detail"]


def test_one_preview_at_a_time_is_made(editor_api: ApiClient) -> None:
    job = accepted(TEXT)
    answers = []

    def ask() -> None:
        answers.append(editor_api.get(f"/api/imports/{job.pk}/preview"))
        connection.close()

    with only_one(PREVIEW_LOCK) as alone:
        assert alone
        thread = Thread(target=ask)
        thread.start()
        thread.join()

    (response,) = answers
    assert (response.status_code, response["Retry-After"]) == (429, "5")


def test_viewer_asks_for_no_preview(viewer_api: ApiClient) -> None:
    assert viewer_api.get(f"/api/imports/{accepted(TEXT).pk}/preview").status_code == 403
