"""Uploads that web and worker both reach: in PostgreSQL by default, in object storage if asked."""

import hashlib
import tracemalloc
import uuid
from collections.abc import Iterator

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from imports.models import FilePart, ImportJob, StoredFile
from imports.options import Options
from imports.storage import DatabaseStorage, PartCorrupt, uploads
from imports.tests.importing import accepted, catalog, claimed, completed, csv_of, run_next
from imports.uploads import accept_upload

# The bytes are read on a second connection, which sees only what is committed.
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

PART = 1024


@pytest.fixture
def small_parts(settings: Settings) -> None:
    settings.UPLOAD_PART_BYTES = PART


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART])
def test_file_comes_back_byte_for_byte(size: int) -> None:
    content = bytes(at % 251 for at in range(size))

    name = uploads().save("imports/a", ContentFile(content))

    with uploads().open(name) as file:
        assert file.read() == content
    assert uploads().size(name) == size
    parts = FilePart.objects.order_by("number")
    assert [(part.number, bytes(part.data)) for part in parts] == [
        (at // PART, content[at : at + PART]) for at in range(0, size, PART)
    ]
    assert all(bytes(part.sha256) == hashlib.sha256(part.data).digest() for part in parts)


@pytest.mark.usefixtures("small_parts")
def test_file_is_read_in_pieces_of_any_size() -> None:
    content = bytes(at % 251 for at in range(3 * PART))
    name = uploads().save("imports/a", ContentFile(content))

    with uploads().open(name) as file:
        pieces = [file.read(size) for size in (1, 700, 700, 5000)]

    assert b"".join(pieces) == content


@pytest.mark.usefixtures("small_parts")
def test_damaged_part_is_found_out() -> None:
    name = uploads().save("imports/a", ContentFile(b"x" * 2 * PART))
    FilePart.objects.filter(number=1).update(data=b"y" * PART)

    with (
        uploads().open(name) as file,
        pytest.raises(
            PartCorrupt, match=r"^Part 2 of the upload is damaged. Upload the file again.$"
        ),
    ):
        file.read()


@pytest.mark.usefixtures("small_parts")
def test_import_of_a_damaged_upload_fails_and_says_so() -> None:
    accepted(csv_of("A-1,One,,,"))
    FilePart.objects.update(data=b"sku,name\nA-1,Two\n")

    job = run_next()

    assert (job.state, job.error_code) == (ImportJob.State.FAILED, "upload_damaged")
    assert catalog() == []


def test_file_whose_writer_has_not_ended_does_not_exist() -> None:
    StoredFile.objects.create(name="imports/a", size=0, complete=False)

    with pytest.raises(FileNotFoundError):
        uploads().open("imports/a")


def test_deleted_file_leaves_no_part_behind() -> None:
    name = uploads().save("imports/a", ContentFile(b"x"))

    uploads().delete(name)
    uploads().delete(name)

    assert not StoredFile.objects.exists()
    assert not FilePart.objects.exists()


class Endless(ContentFile):  # type: ignore[type-arg]
    """A file of so many zeros, none of them in memory."""

    def __init__(self, size: int) -> None:
        super().__init__(b"")
        self.size = self.left = size

    def seek(self, *where: int) -> int:
        self.left = self.size
        return 0

    def read(self, size: int = -1) -> bytes:
        count = min(size, self.left)
        self.left -= count
        return bytes(count)


def test_one_part_is_held_in_memory_and_never_the_file(settings: Settings) -> None:
    settings.UPLOAD_PART_BYTES = 1024**2
    size = 24 * 1024**2

    tracemalloc.start()
    try:
        name = DatabaseStorage().save("imports/a", Endless(size))
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        read = 0
        with DatabaseStorage().open(name) as file:
            while chunk := file.read(256 * 1024):
                read += len(chunk)
        reading = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert read == size
    # A part, its hexadecimal text on the way to PostgreSQL and copies of it; far below the file.
    assert max(written, reading) < size / 2


@pytest.fixture
def bucket(settings: Settings) -> Iterator[None]:
    """Object storage as the settings make it from the environment, on a server that speaks S3."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # The servers of one process share their buckets.
    name = f"uploads-{uuid.uuid4().hex}"
    options = {
        "bucket_name": name,
        "endpoint_url": f"http://{host}:{port}",
        "region_name": "eu-central-1",
        "access_key": "key",
        "secret_key": "secret",
        "default_acl": None,
        "file_overwrite": False,
    }
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        region_name="eu-central-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    settings.STORAGES = {
        **settings.STORAGES,
        "imports": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }
    storages._storages.clear()  # type: ignore[attr-defined]
    yield
    storages._storages.clear()  # type: ignore[attr-defined]
    client.close()
    server.stop()


@pytest.mark.usefixtures("bucket")
def test_import_by_way_of_object_storage_ends_the_same() -> None:
    job = completed(csv_of("A-1,One,Text,12.90,no", "A-2,Zwei ä,,,"))

    assert [(sku, name) for sku, name, *_ in catalog()] == [("A-1", "One"), ("A-2", "Zwei ä")]
    assert (job.read, job.created) == (2, 2)
    assert not StoredFile.objects.exists()
    assert uploads().exists(job.upload)
    uploads().delete(job.upload)
    assert not uploads().exists(job.upload)


@pytest.mark.usefixtures("small_parts")
def test_upload_that_was_read_before_is_kept_from_its_first_byte() -> None:
    content = ContentFile(csv_of("A-1,One,,,").encode())
    content.read()

    job = accept_upload(content, file_name="a.csv", user=None, options=Options(), wake=False)

    with uploads().open(job.upload) as file:
        assert file.read() == csv_of("A-1,One,,,").encode()
    assert claimed().row == job
