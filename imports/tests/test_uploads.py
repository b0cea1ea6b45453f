"""The one door in: the bytes are kept, the job is committed, then a worker hears of it."""

import hashlib
import time

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from pytest_django import Settings

from accounts.models import User
from config.celery import app
from dev.valkey import free_port
from imports import uploads as door
from imports.models import FilePart, ImportJob, StoredFile
from imports.options import Options
from imports.tests.importing import accepted, csv_of, woken
from imports.uploads import UploadRefused, accept_upload

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,")


def test_job_says_what_was_handed_in_by_whom(editor: User) -> None:
    job = accepted(TEXT, name="price list.csv", user=editor, delimiter=",", empty="clear")

    assert job.state == ImportJob.State.QUEUED
    assert (job.file_name, job.size, job.created_by) == ("price list.csv", len(TEXT), editor)
    assert job.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (job.encoding, job.delimiter, job.empty) == ("", ",", "clear")
    assert job.accepted_at is not None
    assert StoredFile.objects.get().name == job.upload


def test_worker_is_woken_once_and_only_when_asked() -> None:
    accepted(TEXT, wake=False)
    assert woken() == 0

    accepted(TEXT, wake=True)
    assert woken() == 1


def test_job_is_committed_before_a_worker_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []

    def look(model: type[ImportJob]) -> None:
        assert model is ImportJob
        state = ImportJob.objects.values_list("state", flat=True).get()
        seen.append((state, connection.in_atomic_block))

    monkeypatch.setattr(door, "wake_worker", look)

    accepted(TEXT, wake=True)

    assert seen == [("queued", False)]


def test_worker_hears_nothing_of_a_job_that_is_rolled_back() -> None:
    with transaction.atomic():
        accepted(TEXT, wake=True)
        transaction.set_rollback(True)

    assert woken() == 0
    assert not ImportJob.objects.exists()


def test_broker_that_is_away_leaves_the_job_queued_and_costs_little(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pools remember their broker; the test's own are dropped with it.
    with monkeypatch.context() as away:
        away.setitem(app.conf, "broker_url", f"redis://127.0.0.1:{free_port()}/0")
        away.setattr(app, "_pool", None)
        away.setattr(app.amqp, "_producer_pool", None)
        began = time.monotonic()
        job = accepted(TEXT, wake=True)
        took = time.monotonic() - began

    assert took < 10
    assert ImportJob.objects.get(pk=job.pk).state == ImportJob.State.QUEUED
    assert "no worker woken, the broker is away" in caplog.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("/srv/list.csv", "list.csv"),
        ("a" * 300, "a" * 255),
        ("", "upload.csv"),
        ("Preisliste ä;\n.csv", "Preisliste ä;\n.csv"),
    ],
)
def test_file_name_is_shown_without_folders_and_never_a_path(given: str, kept: str) -> None:
    job = accepted(TEXT, name=given)

    assert job.file_name == kept
    assert job.upload.startswith(f"imports/{job.pk}-")
    assert "passwd" not in job.upload


def test_full_quota_refuses_the_file_and_keeps_nothing_of_it(
    editor: User, settings: Settings
) -> None:
    settings.UPLOAD_QUOTA_BYTES = len(TEXT) + 1
    accepted(TEXT, user=editor)
    parts = FilePart.objects.count()

    with pytest.raises(UploadRefused, match="UPLOAD_QUOTA_BYTES"):
        accepted(TEXT, user=editor)

    assert ImportJob.objects.count() == 1
    assert FilePart.objects.count() == parts


def test_quota_is_each_users_own_and_the_commands_has_none(
    editor: User, manager: User, settings: Settings
) -> None:
    settings.UPLOAD_QUOTA_BYTES = len(TEXT)

    for user in (editor, manager, None, None):
        accept_upload(
            ContentFile(TEXT.encode()), file_name="a", user=user, options=Options(), wake=False
        )

    assert ImportJob.objects.count() == 4


def test_removed_upload_counts_no_longer(editor: User, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_BYTES = len(TEXT)
    accepted(TEXT, user=editor)
    ImportJob.objects.update(upload="")

    accepted(TEXT, user=editor)

    assert ImportJob.objects.count() == 2
