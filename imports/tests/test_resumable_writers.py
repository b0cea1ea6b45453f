"""Uploads in parts when something goes wrong: one writer at a time, full disks, dead clients."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import ApiClient
from core import streams
from imports.cleaning import reap_imports
from imports.models import FilePart, ImportJob, ResumableUpload, StoredFile
from imports.resumable.store import PIECE_BYTES
from imports.storage import uploads
from imports.tests.importing import csv_of
from imports.tests.test_storage import bucket  # noqa: F401
from imports.tests.tus import CUT, Answer, Tus, last, more, patching, row_of

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,4.20,", "A-2,Two,,,").encode()
Call = Callable[[], Awaitable[Answer]]
LARGE = bytes(at % 251 for at in range(5 * PIECE_BYTES // 2))


@pytest.fixture
def tus(editor_api: ApiClient) -> Tus:
    return Tus(editor_api)


def kind(answer: Answer) -> str:
    return answer.body.decode().partition("/api/docs#")[2].partition('"')[0]


def while_writing(tus: Tus, path: str, second: Call) -> tuple[Answer, Answer]:
    """What two requests are answered; the second comes when the first has sent 10 bytes."""
    found: list[Answer] = []

    async def before(number: int) -> None:
        if number == 1:
            found.append(await second())

    body = [more(LARGE[:10]), last(LARGE[10:])]
    first = asyncio.run(tus.ask("PATCH", path, body, before=before, headers=patching(0)))
    return first, found[0]


def test_two_never_write_at_once(tus: Tus) -> None:
    path = tus.begin(len(LARGE))

    first, second = while_writing(
        tus, path, lambda: tus.ask("PATCH", path, [last(LARGE)], headers=patching(0))
    )

    assert (second.status, kind(second)) == (423, "upload-locked")
    assert second.headers["retry-after"] == "2"
    assert first.status == 204
    assert ImportJob.objects.get().sha256 == hashlib.sha256(LARGE).hexdigest()


def test_silent_writer_is_taken_over_and_writes_no_more(tus: Tus, settings: Settings) -> None:
    # Whoever has kept something may be taken over at once.
    settings.LEASE_SECONDS = 0.0
    path = tus.begin(len(LARGE))

    first, second = while_writing(
        tus, path, lambda: tus.ask("PATCH", path, [last(b"y" * 5)], headers=patching(10))
    )

    assert (second.status, second.headers["upload-offset"]) == (204, "15")
    assert (first.status, kind(first)) == (423, "upload-locked")
    assert tus.offset(path) == 15
    assert bytes(FilePart.objects.get().data) == LARGE[:10] + b"y" * 5


def test_upload_that_is_given_up_while_it_is_written_leaves_nothing(tus: Tus) -> None:
    path = tus.begin(len(LARGE))

    first, second = while_writing(tus, path, lambda: tus.ask("DELETE", path))

    assert second.status == 204
    assert (first.status, kind(first)) == (423, "upload-locked")
    assert not ResumableUpload.objects.exists()
    assert not StoredFile.objects.exists()
    assert not FilePart.objects.exists()


def test_bytes_of_a_slow_client_are_kept_while_it_sends(tus: Tus, settings: Settings) -> None:
    settings.LEASE_SECONDS = 0.3
    path = tus.begin(len(TEXT))
    seen: list[int] = []

    async def before(number: int) -> None:
        if number == 1:
            await asyncio.sleep(0.25)
            answer = await tus.ask("HEAD", path)
            seen.append(int(answer.headers["upload-offset"]))

    messages = [more(TEXT[:10]), more(TEXT[10:20]), last(TEXT[20:])]
    answer = asyncio.run(tus.ask("PATCH", path, messages, before=before, headers=patching(0)))

    assert seen == [10]
    assert answer.status == 204
    assert ImportJob.objects.get().sha256 == hashlib.sha256(TEXT).hexdigest()


def test_process_that_is_told_to_stop_keeps_what_came_and_says_so(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tus.begin(len(LARGE))
    monkeypatch.setattr(streams, "_is_stopping", lambda: True)

    answer = tus.patch(path, more(LARGE[:100_000]), more(LARGE[100_000:]))

    assert (answer.status, kind(answer)) == (503, "restarting")
    assert answer.headers["upload-offset"] == "100000"
    assert tus.offset(path) == 100_000


def test_refused_body_is_read_so_that_its_sender_sees_why(tus: Tus) -> None:
    path = tus.begin(len(LARGE))
    came: list[int] = []

    async def before(number: int) -> None:
        came.append(number)

    messages = [more(LARGE), more(LARGE), last()]
    answer = asyncio.run(tus.ask("PATCH", path, messages, before=before, headers=patching(5)))

    assert answer.status == 409
    assert came == [0, 1, 2]


@pytest.fixture
def full_disk() -> Iterator[None]:
    """PostgreSQL has no room for a part behind the first one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$;"
            " CREATE TRIGGER is_full BEFORE INSERT ON imports_filepart FOR EACH ROW"
            " WHEN (NEW.number > 0) EXECUTE FUNCTION is_full()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION is_full CASCADE")


@pytest.mark.usefixtures("full_disk")
def test_full_disk_is_said_and_what_was_kept_stays(tus: Tus) -> None:
    path = tus.begin(len(LARGE))

    answer = tus.patch(path, last(LARGE))

    assert (answer.status, kind(answer)) == (507, "no-room")
    assert answer.headers["upload-offset"] == str(PIECE_BYTES)
    assert tus.offset(path) == PIECE_BYTES
    assert not ImportJob.objects.exists()


@pytest.fixture
def small_parts(settings: Settings) -> None:
    settings.UPLOAD_PART_BYTES = 20


@pytest.mark.usefixtures("full_disk", "small_parts")
def test_plain_upload_onto_a_full_disk_is_refused_in_words_and_leaves_nothing(
    editor_api: ApiClient, editor_client: Client
) -> None:
    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("a.csv", TEXT)

    call = editor_api.post("/api/upload", {"file": file()})
    page = editor_client.post("/imports/upload/", {"file": file()})

    assert (call.status_code, call.json()["type"]) == (507, "/api/docs#no-room")
    assert page.status_code == 507
    assert "a disk is full" in page.text
    assert not ImportJob.objects.exists()
    assert not StoredFile.objects.exists()
    assert not FilePart.objects.exists()


def test_damaged_part_is_found_before_anything_is_imported(tus: Tus) -> None:
    path = tus.begin(len(LARGE))
    tus.patch(path, last(LARGE[:PIECE_BYTES]))
    FilePart.objects.update(data=b"damaged")

    answer = tus.patch(path, last(LARGE[PIECE_BYTES:]), offset=PIECE_BYTES)

    assert answer.status == 404
    assert "Part 1 of the upload is damaged" in answer.body.decode()
    assert not ImportJob.objects.exists()
    assert not StoredFile.objects.exists()


def test_upload_that_was_left_alone_is_removed_and_its_room_is_free_again(
    tus: Tus, settings: Settings
) -> None:
    settings.UPLOAD_QUOTA_BYTES = len(LARGE)
    path = tus.begin(len(LARGE))
    tus.patch(path, more(LARGE[:10]), CUT)
    left = row_of(path)
    assert timedelta(hours=23) < left.expires_at - timezone.now() <= timedelta(hours=24)

    ResumableUpload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    reap_imports()

    assert not ResumableUpload.objects.exists()
    assert not StoredFile.objects.exists()
    assert tus.begin(len(LARGE)) != path


def test_upload_that_goes_on_for_days_is_left_alone(tus: Tus) -> None:
    path = tus.begin(len(LARGE))
    StoredFile.objects.update(created_at=timezone.now() - timedelta(days=3))

    reap_imports()

    assert tus.patch(path, last(LARGE)).status == 204


def test_file_of_an_import_outlives_its_upload(tus: Tus) -> None:
    path = tus.begin(len(TEXT))
    tus.patch(path, last(TEXT))
    ResumableUpload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    reap_imports()

    assert not ResumableUpload.objects.exists()
    with uploads().open(ImportJob.objects.get().upload) as file:
        assert file.read() == TEXT


@pytest.mark.usefixtures("bucket")
def test_object_storage_gets_the_whole_file(tus: Tus) -> None:
    path = tus.begin(len(TEXT))

    tus.patch(path, last(TEXT))

    job = ImportJob.objects.get()
    assert job.sha256 == hashlib.sha256(TEXT).hexdigest()
    with uploads().open(job.upload) as file:
        assert file.read() == TEXT
    assert not StoredFile.objects.exists()
    assert not FilePart.objects.exists()


def test_unfinished_uploads_are_listed_for_whoever_began_them(
    tus: Tus, editor_client: Client, manager_api: ApiClient
) -> None:
    path = tus.begin(200, filename="supplier.csv")
    tus.patch(path, last(b"x" * 86))
    Tus(manager_api).begin(10, filename="of-somebody-else.csv")

    page = editor_client.get("/imports/").text

    assert "<b>supplier.csv</b>, 43 % of 200 bytes received" in page
    assert "of-somebody-else" not in page


def test_unfinished_upload_is_discarded_on_the_page(
    tus: Tus, editor_client: Client, manager_api: ApiClient
) -> None:
    path = tus.begin(200, filename="supplier.csv")
    other = Tus(manager_api).begin(10)
    discard = "/imports/uploads/{}/discard/"

    response = editor_client.post(discard.format(path.rpartition("/")[2]), follow=True)

    assert "The upload of supplier.csv was discarded." in response.text
    assert editor_client.post(discard.format(other.rpartition("/")[2])).status_code == 404
    assert ResumableUpload.objects.get() == row_of(other)
