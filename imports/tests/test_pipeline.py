"""The story of an import: what the job says at its end, and what is left of a broken one."""

import base64
import io
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.dispatch import Signal
from psycopg import errors

from catalog.models import ChangeSet
from catalog.signals import ProductsChanged, products_changed
from core.leases import LeaseLost, claim_next, reap, request_cancel
from imports import merge as merging
from imports import pipeline
from imports.models import ImportJob, RejectedRow
from imports.pipeline import StagingLost, run_import
from imports.reading import read
from imports.signals import import_finished
from imports.staging import Stager, create, drop, staging_table
from imports.tests.importing import (
    accepted,
    catalog,
    claimed,
    completed,
    csv_of,
    imported,
    run_next,
    staging_tables,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


class Heard:
    """What was sent, and whether it was inside a transaction."""

    def __init__(self, signal: Signal, key: str) -> None:
        self.values: list[Any] = []
        self.inside: list[bool] = []
        self._key = key
        signal.connect(self)

    def __call__(self, sender: object, **sent: Any) -> None:
        self.values.append(sent[self._key])
        self.inside.append(connection.in_atomic_block)


def beside(call: Callable[[], object]) -> None:
    """Do something as another process would: on a connection of its own, committed at once."""

    def run() -> None:
        try:
            call()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@pytest.fixture
def changes() -> Heard:
    return Heard(products_changed, "change")


@pytest.fixture
def ends() -> Heard:
    return Heard(import_finished, "job")


def test_completed_job_says_what_was_found_and_how_long_it_took() -> None:
    job = completed("\ufeffName;SKU;Lager;Price\r\nOne;A-1;7;12.90\r\n".encode())

    assert job.state == ImportJob.State.COMPLETED
    assert set(job.phases) == {"read", "merge"}
    assert job.seconds == pytest.approx(sum(job.phases.values()))
    assert (job.attempt, job.progress, job.error_code) == (1, {}, "")
    assert job.lease_token is None
    assert job.accepted_at < job.started_at < job.finished_at  # type: ignore[operator]
    found = job.detected
    assert (found["encoding"], found["bom"], found["delimiter"]) == ("utf-8-sig", True, ";")
    assert (found["header"], found["header_line"]) == (["Name", "SKU", "Lager", "Price"], 1)
    assert found["columns"] == [
        {"header": "Name", "field": "name"},
        {"header": "SKU", "field": "sku"},
        {"header": "Price", "field": "price"},
    ]
    assert found["ignored"] == ["Lager"]
    assert base64.b64decode(found["header_raw"]) == b"Name;SKU;Lager;Price\r\n"


def test_staging_is_gone_afterwards() -> None:
    completed(csv_of("A-1,One,,,"))
    imported("no,header,here\n")

    assert staging_tables() == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a,b\n1,2\n", "header_missing"),
        (b"PK\x03\x04anything", "archive_broken"),
        (b'sku,"name\nA-1,One\nA-2,Two\n', "unclosed_quote"),
        (b"sku,name\n" + b"x" * 2_000_000, "record_too_long"),
    ],
)
def test_refused_file_fails_with_a_reason_and_changes_nothing(content: bytes, code: str) -> None:
    job = imported(content)

    assert job.state == ImportJob.State.FAILED
    assert job.error_code == code
    assert job.error_message.endswith((".", "!"))
    assert (job.rejected, RejectedRow.objects.count()) == (0, 0)
    assert catalog() == []
    assert not ChangeSet.objects.exists()
    assert job.finished_at is not None


def test_file_without_rows_completes_with_nothing_done() -> None:
    job = completed("sku,name\n")

    assert (job.read, job.staged, job.rejected) == (0, 0, 0)
    assert job.change_set is None
    assert [warning["code"] for warning in job.detected["warnings"]] == ["no_rows"]


def test_rejected_rows_keep_their_bytes_lines_and_all_their_problems() -> None:
    content = (
        b"sku;name;price;active\r\n"
        b"A-1;One;1;yes\r\n"
        b"A-2;;a lot;maybe\r\n"
        b'"A-3\n";"Dr\xfcck";"1;2";\r\n'
        b"A-4;Four\r\n"
    )

    job = completed(content, encoding="windows-1252")

    rows = list(RejectedRow.objects.filter(job=job))
    assert [(row.line, row.row_number, row.cells) for row in rows] == [
        (3, 2, 4),
        (4, 3, 4),
        (6, 4, 2),
    ]
    assert [bytes(row.raw) for row in rows] == [
        b"A-2;;a lot;maybe\r\n",
        b'"A-3\n";"Dr\xfcck";"1;2";\r\n',
        b"A-4;Four\r\n",
    ]
    assert [[problem["code"] for problem in row.problems] for row in rows] == [
        ["name_empty", "price_not_a_number", "active_unknown"],
        ["price_not_a_number"],
        ["columns"],
    ]
    assert rows[0].problems[1] == {
        "code": "price_not_a_number",
        "column": "price",
        "value": "a lot",
        "message": "Price is not a number. Write digits and a point: 12.90.",
    }
    assert (job.read, job.staged, job.rejected) == (4, 1, 3)


def test_signals_are_sent_once_inside_the_transaction(changes: Heard, ends: Heard) -> None:
    job = completed(csv_of("A-1,One,,,", "A-2,Two,,,"))

    assert job.change_set_id is not None
    assert changes.values == [
        ProductsChanged(
            change_set_id=job.change_set_id, source="import", created=2, updated=0, deleted=0
        )
    ]
    assert [each.pk for each in ends.values] == [job.pk]
    assert [each.state for each in ends.values] == ["completed"]
    assert changes.inside == ends.inside == [True]


def test_unchanged_file_says_that_it_ended_and_not_that_products_changed(
    changes: Heard, ends: Heard
) -> None:
    completed(csv_of("A-1,One,,,"))
    changes.values.clear()

    completed(csv_of("A-1,One,,,"))

    assert changes.values == []
    assert len(ends.values) == 2


def test_failed_import_says_that_it_ended_inside_the_transaction(ends: Heard) -> None:
    imported("a,b\n")

    assert [job.state for job in ends.values] == ["failed"]
    assert ends.inside == [True]


def test_receiver_that_breaks_undoes_the_merge_with_everything_it_wrote() -> None:
    def break_down(**sent: Any) -> None:
        raise RuntimeError("receiver")

    job = accepted(csv_of("A-1,One,,,"))
    import_finished.connect(break_down)
    try:
        with pytest.raises(RuntimeError, match="receiver"):
            run_import(claimed())
    finally:
        import_finished.disconnect(break_down)

    job.refresh_from_db()
    assert job.state == ImportJob.State.MERGING
    assert catalog() == []
    assert not ChangeSet.objects.exists()
    assert staging_tables() == []
    # The lease has ended, so the next worker takes the job at once.
    assert run_next().state == ImportJob.State.COMPLETED
    assert len(catalog()) == 1


def test_cancel_that_comes_during_the_merge_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, changes: Heard, ends: Heard
) -> None:
    job = accepted(csv_of("A-1,One,,,", "A-2,,,,"))
    write = merging.write

    def write_and_be_cancelled(*given: Any, **named: Any) -> Any:
        counts = write(*given, **named)
        beside(lambda: request_cancel(job))
        return counts

    monkeypatch.setattr(pipeline, "write", write_and_be_cancelled)

    assert run_import(claimed())

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED
    assert catalog() == []
    assert changes.values == ends.values == []
    assert staging_tables() == []


def test_cancel_before_the_merge_ends_in_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    job = accepted(csv_of("A-1,One,,,"))
    monkeypatch.setattr(pipeline, "wait_for_turn", lambda lease, beat: request_cancel(job))

    assert run_import(claimed())

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED
    assert catalog() == []
    assert staging_tables() == []


def test_full_disk_is_told_in_words(monkeypatch: pytest.MonkeyPatch, ends: Heard) -> None:
    def full(*given: Any, **named: Any) -> None:
        raise OperationalError("could not extend file") from errors.DiskFull()

    monkeypatch.setattr(pipeline, "write", full)

    job = imported(csv_of("A-1,One,,,"))

    assert (job.state, job.error_code) == (ImportJob.State.FAILED, "disk_full")
    assert job.error_message == pipeline.DISK_FULL
    assert [each.state for each in ends.values] == ["failed"]


def test_staging_that_was_emptied_is_noticed_and_the_next_attempt_completes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted(csv_of("A-1,One,,,", "A-2,,,,"))
    lease = claimed()

    def restarted(*given: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {staging_table(lease.row.pk, lease.token)}")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "wait_for_turn", restarted)
        with pytest.raises(StagingLost):
            run_import(lease)

    assert catalog() == []
    job = run_next()
    assert (job.state, job.attempt, job.rejected) == (ImportJob.State.COMPLETED, 2, 1)
    assert len(catalog()) == 1


def test_worker_that_lost_its_lease_leaves_the_next_ones_result_alone(
    monkeypatch: pytest.MonkeyPatch, ends: Heard
) -> None:
    accepted(csv_of("A-1,One,,,", "A-2,,,,"))
    slow = claimed()

    def overtaken(*given: Any) -> None:
        ImportJob.objects.update(leased_until="2000-01-01T00:00Z")
        with transaction.atomic():
            assert reap(ImportJob, lost_message="").requeued == 1
        with monkeypatch.context() as restored:
            restored.setattr(pipeline, "wait_for_turn", lambda lease, beat: None)
            assert run_next().state == ImportJob.State.COMPLETED

    monkeypatch.setattr(pipeline, "wait_for_turn", overtaken)

    assert run_import(slow)

    job = ImportJob.objects.get()
    assert (job.state, job.attempt, job.created, job.rejected) == ("completed", 2, 1, 1)
    assert RejectedRow.objects.count() == 1
    assert ChangeSet.objects.count() == 1
    assert len(ends.values) == 1


def test_worker_that_lost_its_lease_can_fail_nothing(
    monkeypatch: pytest.MonkeyPatch, ends: Heard
) -> None:
    accepted(csv_of("A-1,One,,,", "A-2,,,,"))
    slow = claimed()

    def overtaken(*given: Any) -> None:
        ImportJob.objects.update(leased_until="2000-01-01T00:00Z")
        with monkeypatch.context() as restored:
            restored.setattr(pipeline, "wait_for_turn", lambda lease, beat: None)
            run_next()
        raise OperationalError("could not extend file") from errors.DiskFull()

    monkeypatch.setattr(pipeline, "wait_for_turn", overtaken)

    assert run_import(slow)

    job = ImportJob.objects.get()
    assert (job.state, job.error_code, job.rejected) == ("completed", "", 1)
    assert RejectedRow.objects.count() == 1
    assert [each.state for each in ends.values] == ["completed"]


def test_finished_job_is_not_run_again() -> None:
    completed(csv_of("A-1,One,,,"))

    assert claim_next(ImportJob, ImportJob.State.READING) is None


def test_many_rejected_rows_are_written_in_several_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imports.staging.REJECTED_ROWS", 3)

    job = completed(csv_of(*(f"A-{at},{'One' if at % 3 else ''},,," for at in range(30))))

    assert (job.read, job.created, job.rejected) == (30, 20, 10)
    assert list(RejectedRow.objects.values_list("line", flat=True)) == list(range(2, 32, 3))


def test_worker_that_wakes_up_late_writes_no_rejected_rows() -> None:
    job = accepted(csv_of("A-1,One,,bad,"))
    lease = claimed()
    ImportJob.objects.filter(pk=job.pk).update(lease_token=uuid.uuid4())
    stager = Stager(staging_table(job.pk, lease.token), lease=lease)
    create(stager.table)
    try:
        reader = read(io.BytesIO(csv_of("A-1,One,,bad,").encode()))
        with pytest.raises(LeaseLost):
            stager.run(reader, lambda **figures: None)
    finally:
        drop(stager.table)

    assert not RejectedRow.objects.exists()
