"""A file read once more, with what a person said about it."""

from dataclasses import replace

import pytest

from accounts.models import User
from imports.models import Decision, FilePart, ImportJob, Mapping
from imports.options import Options
from imports.read_again import (
    ReadAgainRefused,
    columns_of,
    read_again,
    remember_columns,
    settled,
)
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

LATIN = csv_of("A-1,Größe,,,").encode("windows-1252")


def asked(job: ImportJob, **changes: object) -> Options:
    return replace(Options.of(job), **changes)  # type: ignore[arg-type]


def test_import_that_waits_is_read_as_asked_in_place() -> None:
    job = accepted(LATIN, encoding="utf-16")

    again = read_again(job, options=asked(job, encoding="windows-1252"), user=None)

    assert again.pk == job.pk
    assert (run_next().pk, ImportJob.objects.count()) == (job.pk, 1)
    assert [name for _, name, *_ in catalog()] == ["Größe"]


def test_failed_import_starts_with_a_clean_slate() -> None:
    job = imported("a,b\n1,2\n")
    assert job.state == ImportJob.State.FAILED

    read_again(job, options=asked(job, delimiter=";"), user=None)

    job.refresh_from_db()
    assert (job.state, job.attempt, job.error_code, job.error_message) == ("queued", 0, "", "")
    assert (job.started_at, job.finished_at, job.detected, job.delimiter) == (None, None, {}, ";")
    assert woken() == 1


def test_decisions_of_a_review_are_forgotten() -> None:
    job = completed(csv_of("A-1,One,,,"))
    ImportJob.objects.filter(pk=job.pk).update(
        state=ImportJob.State.REVIEW,
        staging="imports_staging_1_0123456789ab",
        reviewed={"new": 1},
        left_out_classes=["changed"],
        on_conflict="overwrite",
        missing_agreed=7,
    )
    Decision.objects.create(job=job, line=2)
    job.refresh_from_db()

    again = read_again(job, options=Options.of(job), user=None)

    assert (again.pk, again.state) == (job.pk, ImportJob.State.QUEUED)
    assert (again.staging, again.reviewed, again.left_out_classes) == ("", {}, [])
    assert (again.on_conflict, again.missing_agreed) == ("leave", None)
    assert Decision.objects.count() == 0


def test_completed_import_stays_and_a_new_one_reads_the_same_bytes(editor: User) -> None:
    job = completed(LATIN, name="parts.csv", mode="create")

    again = read_again(job, options=asked(job, encoding="windows-1252"), user=editor)
    done = run_next()

    assert done.pk == again.pk != job.pk
    assert (done.file_name, done.sha256, done.size) == ("parts.csv", job.sha256, job.size)
    assert (done.created_by, done.mode, done.encoding) == (editor, "create", "windows-1252")
    assert done.upload != job.upload
    job.refresh_from_db()
    assert (job.state, job.encoding, job.created) == (ImportJob.State.COMPLETED, "", 1)


def test_running_import_is_cancelled_and_read_anew() -> None:
    job = accepted(csv_of("A-1,One,,,"))
    lease = claimed()

    again = read_again(job, options=asked(job, delimiter=","), user=None)

    job.refresh_from_db()
    assert (job.state, job.cancel_requested) == (ImportJob.State.READING, True)
    assert (again.state, again.cancel_requested) == (ImportJob.State.QUEUED, False)
    assert lease.row.pk == job.pk != again.pk


def test_import_whose_upload_is_gone_can_not_be_read_again() -> None:
    job = completed(csv_of("A-1,One,,,"))
    ImportJob.objects.update(upload="")
    job.refresh_from_db()

    with pytest.raises(ReadAgainRefused, match=r"The upload has been removed. Upload the file"):
        read_again(job, options=Options.of(job), user=None)

    assert ImportJob.objects.count() == 1


def test_upload_that_is_damaged_can_not_be_read_again() -> None:
    job = completed(csv_of("A-1,One,,,"))
    FilePart.objects.update(sha256=b"0" * 32)

    with pytest.raises(ReadAgainRefused, match="Part 1 of the upload is damaged"):
        read_again(job, options=Options.of(job), user=None)

    assert ImportJob.objects.count() == 1


def test_file_that_is_being_received_can_not_be_read_again() -> None:
    job = ImportJob.objects.create(file_name="a.csv")

    with pytest.raises(ReadAgainRefused, match="still being received"):
        read_again(job, options=Options(), user=None)

    job.refresh_from_db()
    assert job.state == ImportJob.State.RECEIVING


def test_mapping_that_was_deleted_meanwhile_is_passed_over() -> None:
    job = completed(csv_of("A-1,One,,,"))

    again = read_again(job, options=asked(job, mapping_id=4711), user=None)

    assert again.mapping is None
    assert run_next().state == ImportJob.State.COMPLETED


def test_chosen_columns_are_remembered_for_their_header_with_the_mark(editor: User) -> None:
    job = completed(csv_of("A-1,One,,,"))
    columns = ("sku", "", "name", "price", "active")

    remember_columns(job, asked(job, columns=columns, decimal=","), user=editor)
    remember_columns(job, asked(job, columns=(), decimal="."), user=editor)

    kept = Mapping.objects.get()
    assert [each["field"] for each in kept.columns] == list(columns)
    assert [each["header"] for each in kept.columns] == job.detected["header"]
    assert (kept.decimal, kept.created_by) == (".", editor)


def test_columns_of_an_older_import_are_those_that_were_imported() -> None:
    job = ImportJob(
        detected={
            "header": ["SKU", "EAN", "Name"],
            "columns": [{"header": "SKU", "field": "sku"}, {"header": "Name", "field": "name"}],
        }
    )

    assert [(each["header"], each["field"], each["filled"]) for each in columns_of(job)] == [
        ("SKU", "sku", None), ("EAN", "", None), ("Name", "name", None),
    ]  # fmt: skip
    assert columns_of(ImportJob()) == []


def test_column_that_another_was_better_than_is_told() -> None:
    known = [
        {"header": name, "field": field, "how": how, "filled": 1.0, "samples": []}
        for name, field, how in (
            ("SKU", "sku", "name"),
            ("Sale price", "", ""),
            ("Regular price", "price", "synonym"),
            ("Short description", "", ""),
        )
    ]

    columns = columns_of(ImportJob(detected={"mapping": known}))

    assert [each["rival"] for each in columns] == ["", "price", "", ""]


BEFORE = ("sku", "name", "", "price")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (BEFORE, BEFORE),
        (("sku", "name", "", ""), ("sku", "name", "", "")),
        (("sku", "name", "description", "price"), ("sku", "name", "description", "price")),
        # Taken from another column: the two change places.
        (("name", "name", "", "price"), ("name", "sku", "", "price")),
        (("sku", "name", "price", "price"), ("sku", "name", "price", "")),
        (("sku", "name", "name", "price"), ("sku", "", "name", "price")),
        (("price", "name", "", "price"), ("price", "name", "", "sku")),
        # Both said already.
        (("name", "sku", "", "price"), ("name", "sku", "", "price")),
        (("name", "name", "sku", "price"), ("name", "", "sku", "price")),
    ],
)
def test_field_that_goes_to_another_column_leaves_its_old_one(
    chosen: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert settled(BEFORE, chosen) == expected


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (("", "name", "", "price"), "No column is to hold the SKU, which every product must have."),
        (("sku", "name", "active", "active"), "Two columns are to hold the active"),
    ],
)
def test_columns_that_make_no_import_are_refused(chosen: tuple[str, ...], why: str) -> None:
    with pytest.raises(ReadAgainRefused, match=why):
        settled(BEFORE, chosen)
