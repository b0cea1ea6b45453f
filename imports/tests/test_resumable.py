"""Uploads in parts: begun, written, looked at, given up; what is refused keeps nothing."""

import base64
import hashlib
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from conftest import ApiClient
from imports.models import FilePart, ImportJob, ResumableUpload, StoredFile
from imports.resumable.store import PIECE_BYTES
from imports.tests.importing import accepted, catalog, csv_of, run_next, woken
from imports.tests.tus import Answer, Tus, encoded, last, more, row_of

# Threads of the application have connections of their own.
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,4.20,", "A-2,Two,,,").encode()
LARGE = bytes(at % 251 for at in range(5 * PIECE_BYTES // 2))


@pytest.fixture
def tus(editor_api: ApiClient) -> Tus:
    return Tus(editor_api)


def refused(answer: Answer, status: int, kind: str) -> bool:
    return (
        answer.status == status
        and f'"/api/docs#{kind}"' in answer.body.decode()
        and answer.headers["content-type"] == "application/problem+json"
        and answer.headers["tus-resumable"] == "1.0.0"
    )


def test_options_say_what_can_be_done(tus: Tus, settings: Settings) -> None:
    answer = tus.call("OPTIONS", "/api/uploads/", tus_resumable="")

    assert answer.status == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,checksum,expiration,termination"
    assert answer.headers["tus-max-size"] == str(settings.RESUMABLE_MAX_BYTES)
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256,md5"


def test_upload_in_two_parts_becomes_an_import(tus: Tus, editor: User) -> None:
    path = tus.begin(len(TEXT), filename="price list.csv", delimiter=",", empty="clear")
    assert tus.offset(path) == 0

    first = tus.patch(path, more(TEXT[:5]), last(TEXT[5:20]))
    assert (first.status, first.headers["upload-offset"]) == (204, "20")
    assert tus.offset(path) == 20
    assert not ImportJob.objects.exists()

    second = tus.patch(path, last(TEXT[20:]), offset=20)

    job = ImportJob.objects.get()
    assert (second.status, second.headers["upload-offset"]) == (204, str(len(TEXT)))
    assert second.headers["x-job-id"] == str(job.pk)
    assert second.headers["link"] == f'</api/imports/{job.pk}>; rel="import"'
    assert (job.state, job.file_name, job.created_by) == ("queued", "price list.csv", editor)
    assert (job.size, job.sha256) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())
    assert (job.delimiter, job.empty, job.encoding) == (",", "clear", "")
    assert job.request_id == second.headers["x-request-id"]
    assert woken() == 1
    assert [sku for sku, *_ in catalog()] == []
    assert run_next().state == "completed"
    assert [sku for sku, *_ in catalog()] == ["A-1", "A-2"]


def test_finished_upload_still_says_which_import_it_became(tus: Tus) -> None:
    path = tus.begin(len(TEXT))
    tus.patch(path, last(TEXT))
    job = ImportJob.objects.get()

    shown = tus.call("HEAD", path)
    again = tus.patch(path, offset=len(TEXT))

    for answer in (shown, again):
        assert answer.headers["link"] == f'</api/imports/{job.pk}>; rel="import"'
        assert answer.headers["upload-offset"] == str(len(TEXT))
    assert ImportJob.objects.count() == 1
    assert tus.call("DELETE", path).status == 204
    assert StoredFile.objects.get(complete=True).name == job.upload


def test_head_shows_length_metadata_and_end_and_is_never_cached(tus: Tus) -> None:
    path = tus.begin(7, filename="a.csv")

    answer = tus.call("HEAD", path)

    assert answer.headers["upload-length"] == "7"
    assert answer.headers["upload-metadata"] == encoded(filename="a.csv")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["upload-expires"].endswith(" GMT")


def test_pieces_are_kept_in_whatever_portions_they_arrive(tus: Tus) -> None:
    path = tus.begin(len(LARGE))
    cuts = [0, 1, PIECE_BYTES - 1, PIECE_BYTES + 7, 2 * PIECE_BYTES, len(LARGE)]

    for start, end in pairwise(cuts):
        portions = [more(LARGE[at : min(at + 300_000, end)]) for at in range(start, end, 300_000)]
        assert tus.patch(path, *portions, last(), offset=start).status == 204

    assert ImportJob.objects.get().sha256 == hashlib.sha256(LARGE).hexdigest()
    sizes = [len(part.data) for part in FilePart.objects.order_by("number")]
    assert sizes == [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES // 2]


def test_cut_request_keeps_what_arrived(tus: Tus) -> None:
    path = tus.begin(len(LARGE))

    tus.patch(path, more(LARGE[:1_500_000]), {"type": "http.disconnect"})

    assert tus.offset(path) == 1_500_000
    assert row_of(path).lease_token is None
    assert tus.patch(path, last(LARGE[1_500_000:]), offset=1_500_000).status == 204
    assert ImportJob.objects.get().sha256 == hashlib.sha256(LARGE).hexdigest()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_checksum_lets_right_bytes_in_and_keeps_nothing_of_wrong_ones(
    tus: Tus, algorithm: str
) -> None:
    path = tus.begin(len(LARGE))
    half = PIECE_BYTES + 100
    tus.patch(path, last(LARGE[:100]))

    def sent(data: bytes) -> Answer:
        digest = base64.b64encode(hashlib.new(algorithm, LARGE[100:half]).digest()).decode()
        return tus.patch(path, last(data), offset=100, upload_checksum=f"{algorithm} {digest}")

    assert refused(sent(b"x" * (half - 100)), 460, "checksum-mismatch")
    assert tus.offset(path) == 100
    assert sent(LARGE[100:half]).headers["upload-offset"] == str(half)
    assert tus.patch(path, last(LARGE[half:]), offset=half).status == 204
    assert ImportJob.objects.get().sha256 == hashlib.sha256(LARGE).hexdigest()


def test_cut_request_with_a_checksum_keeps_nothing(tus: Tus) -> None:
    path = tus.begin(len(LARGE))

    tus.patch(
        path, more(LARGE[:2_000_000]), {"type": "http.disconnect"}, upload_checksum="md5 AA=="
    )

    assert tus.offset(path) == 0


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"upload_offset": "3"}, 409, "wrong-offset"),
        ({"upload_offset": ""}, 400, "invalid"),
        ({"upload_offset": "-1"}, 400, "invalid"),
        ({"content_type": "text/csv"}, 415, "unsupported-media-type"),
        ({"content_length": "100000"}, 413, "too-large"),
        ({"upload_checksum": "crc32 AA=="}, 400, "invalid"),
        ({"tus_resumable": "0.2.2"}, 412, "tus-version"),
        ({"tus_resumable": ""}, 412, "tus-version"),
        ({"authorization": "Bearer pi_nobody"}, 401, "not-signed-in"),
    ],
)
def test_part_that_does_not_fit_is_refused_and_not_kept(
    tus: Tus, headers: dict[str, str], status: int, kind: str
) -> None:
    path = tus.begin(len(TEXT))

    said = {"content_type": "application/offset+octet-stream", "upload_offset": "0", **headers}
    answer = tus.call("PATCH", path, last(TEXT), **said)

    assert refused(answer, status, kind), answer
    assert tus.offset(path) == 0
    assert row_of(path).lease_token is None
    assert not FilePart.objects.exists()


def test_more_bytes_than_the_length_are_refused_as_they_come(tus: Tus) -> None:
    path = tus.begin(10)

    answer = tus.patch(path, more(b"0123456789"), last(b"!"))

    assert refused(answer, 413, "too-large")
    assert not ImportJob.objects.exists()


def test_other_version_is_told_which_one_is_spoken(tus: Tus) -> None:
    answer = tus.call("POST", "/api/uploads/", tus_resumable="2.0.0", upload_length="3")

    assert refused(answer, 412, "tus-version")
    assert answer.headers["tus-version"] == "1.0.0"


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({}, 411, "length-missing"),
        ({"upload_defer_length": "1"}, 411, "length-missing"),
        ({"upload_length": "0"}, 400, "invalid"),
        ({"upload_length": "many"}, 400, "invalid"),
        ({"upload_length": "1001"}, 413, "too-large"),
        ({"upload_length": "600"}, 413, "quota-full"),
        ({"upload_length": "3", "upload_metadata": "filename x"}, 400, "invalid"),
        ({"upload_length": "3", "upload_metadata": encoded(mode="upsert")}, 400, "invalid"),
    ],
)
def test_upload_that_can_not_be_taken_is_refused_before_its_bytes_are_sent(
    tus: Tus, editor: User, settings: Settings, headers: dict[str, str], status: int, kind: str
) -> None:
    settings.RESUMABLE_MAX_BYTES = 1000
    settings.UPLOAD_QUOTA_BYTES = 1000
    accepted(b"x" * 300, user=editor)
    tus.begin(200)

    assert refused(tus.call("POST", "/api/uploads/", **headers), status, kind)
    assert ResumableUpload.objects.count() == 1
    assert StoredFile.objects.count() == 2


def test_option_that_is_not_known_is_named_and_other_metadata_is_the_clients(tus: Tus) -> None:
    answer = tus.call(
        "POST",
        "/api/uploads/",
        upload_length="3",
        upload_metadata=encoded(missing="forget", relativePath="a/b"),
    )

    assert answer.status == 400
    assert b'"field":"missing"' in answer.body.replace(b" ", b"")
    assert b"relativePath" not in answer.body


def test_uploads_without_end_are_slowed_down(tus: Tus, settings: Settings) -> None:
    settings.UPLOADS_A_MINUTE = 1
    tus.begin(3)

    answer = tus.call("POST", "/api/uploads/", upload_length="3")

    assert refused(answer, 429, "too-many-requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_upload_of_somebody_else_is_not_there(tus: Tus, manager_api: ApiClient) -> None:
    path = tus.begin(len(TEXT))
    other = Tus(manager_api)

    assert other.call("HEAD", path).status == 404
    assert refused(other.patch(path, last(TEXT)), 404, "not-found")
    assert refused(other.call("DELETE", path), 404, "not-found")
    assert tus.offset(path) == 0


def test_viewer_begins_nothing(viewer_api: ApiClient) -> None:
    answer = Tus(viewer_api).call("POST", "/api/uploads/", upload_length="3")

    assert refused(answer, 403, "not-allowed")
    assert not ResumableUpload.objects.exists()


def test_upload_that_is_given_up_leaves_nothing(tus: Tus) -> None:
    path = tus.begin(len(TEXT))
    tus.patch(path, last(TEXT[:10]))

    assert tus.call("DELETE", path).status == 204

    assert tus.call("HEAD", path).status == 404
    assert not StoredFile.objects.exists()
    assert not FilePart.objects.exists()


def test_expired_upload_can_not_go_on(tus: Tus) -> None:
    path = tus.begin(len(TEXT))
    ResumableUpload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert tus.call("HEAD", path).status == 404
    assert refused(tus.patch(path, last(TEXT)), 404, "not-found")


def test_method_may_stand_in_a_header(tus: Tus) -> None:
    path = tus.begin(len(TEXT))

    answer = tus.call(
        "POST",
        path,
        last(TEXT),
        x_http_method_override="PATCH",
        content_type="application/offset+octet-stream",
        upload_offset="0",
    )

    assert answer.status == 204
    assert ImportJob.objects.count() == 1
