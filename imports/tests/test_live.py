"""What the import page shows while a job waits, runs and ends."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from core import progress
from core.leases import request_cancel
from core.streams import Event
from imports.live import feed, live
from imports.models import ImportJob
from imports.tests.importing import accepted, claimed, completed, csv_of, imported

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEXT = csv_of("A-1,One,,,", "A-2,,,,")


@pytest.fixture(autouse=True)
def no_old_figures() -> Iterator[None]:
    yield
    for key in progress._client().keys("import:*"):
        progress._client().delete(key)


def steps(job: ImportJob) -> dict[str, str]:
    return {step.key: step.state for step in live(job).steps}


def events(job: ImportJob) -> list[Event]:
    async def look() -> list[Event]:
        return await feed(job.pk)()

    return asyncio.run(look())


def reading() -> ImportJob:
    accepted(TEXT)
    return claimed().row


def test_waiting_job_says_that_it_waits() -> None:
    job = accepted(TEXT)

    shown = live(job)

    assert (shown.phase, shown.percent, shown.done, shown.total) == ("queued", 0, 0, None)
    assert steps(job) == {
        "receive": "done", "read": "todo", "check": "todo", "review": "none",
        "merge": "todo", "done": "todo",
    }  # fmt: skip
    assert [step.note for step in shown.steps if step.key == "read"] == ["waiting for a worker"]


def test_running_job_shows_the_figures_of_its_worker() -> None:
    job = reading()
    figures: dict[str, Any] = {
        "attempt": 1, "read": 50, "rejected": 2, "done": 50, "total": 200, "percent": 9,
        "rows_per_second": 1000, "seconds_left": 0.2,
    }  # fmt: skip
    progress.publish(job.progress_key, figures)

    shown = live(job)

    assert (shown.percent, shown.done, shown.total) == (9, 50, 200)
    assert (shown.rows_per_second, shown.seconds_left) == (1000, 0.2)
    assert (shown.read, shown.rejected, shown.created) == (50, 2, None)
    assert steps(job)["read"] == steps(job)["check"] == "live"


def test_figures_of_an_earlier_attempt_are_not_shown() -> None:
    job = reading()
    progress.publish(job.progress_key, {"attempt": 0, "done": 50, "percent": 9})

    assert (live(job).done, live(job).percent) == (0, 0)


def test_without_figures_in_valkey_the_row_is_shown() -> None:
    job = reading()
    job.progress = {"attempt": 1, "done": 7, "percent": 3}

    assert (live(job).done, live(job).percent) == (7, 3)


def test_merging_job_that_waits_says_for_which() -> None:
    job = reading()
    job.state, job.phases = ImportJob.State.MERGING, {"read": 0.5}
    progress.publish(job.progress_key, {"attempt": 1, "waiting_for": 7})

    assert steps(job) == {
        "receive": "done", "read": "done", "check": "done", "review": "none",
        "merge": "live", "done": "todo",
    }  # fmt: skip
    notes = {step.key: step.note for step in live(job).steps}
    assert notes["merge"] == "waiting for import #7"


def test_completed_job_shows_its_own_counts_whatever_valkey_says() -> None:
    job = completed(TEXT)
    progress.publish(job.progress_key, {"attempt": 1, "done": 1, "created": 99})

    shown = live(job)

    assert (shown.percent, shown.done, shown.total, shown.seconds_left) == (100, 2, 2, None)
    assert (shown.created, shown.updated, shown.unchanged, shown.duplicates) == (1, 0, 0, 0)
    assert shown.rejected == 1
    assert steps(job)["review"] == "none"
    assert {state for key, state in steps(job).items() if key != "review"} == {"done"}


def test_one_row_is_not_called_rows() -> None:
    job = completed("sku,name\nA-1,One\n")

    notes = {step.key: step.note for step in live(job).steps}
    assert notes["read"].startswith("1 row in ")


def test_failed_job_shows_where_it_stopped() -> None:
    assert steps(imported("a,b\n")) == {
        "receive": "done", "read": "failed", "check": "todo", "review": "none",
        "merge": "todo", "done": "todo",
    }  # fmt: skip


def test_feed_of_a_running_job_is_its_fragment_alone() -> None:
    job = reading()

    (event,) = events(job)

    assert (event.name, event.last) == ("live", False)
    assert 'id="live"' in event.data


def test_feed_says_once_the_file_is_open_how_it_is_read() -> None:
    job = reading()
    ImportJob.objects.update(detected={"encoding": "utf-8"})

    assert [(event.name, event.last) for event in events(job)] == [
        ("live", False),
        ("found", False),
    ]


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_feed_of_a_job_that_ended_says_so_and_closes(state: str) -> None:
    if state == "completed":
        job = completed(TEXT)
    elif state == "failed":
        job = imported("a,b\n")
    else:
        job = accepted(TEXT)
        assert request_cancel(job)

    fragment, *_, end = events(job)

    assert (fragment.name, fragment.last) == ("live", False)
    assert (end.name, end.data, end.last) == ("done", state, True)
