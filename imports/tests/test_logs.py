"""What a worker logs of an import carries the request that asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django_guid import clear_guid, set_guid

from core.logs import Ids
from imports.retrying import retry_import
from imports.tests.importing import accepted, csv_of, run_next

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@contextmanager
def request(request_id: str) -> Iterator[None]:
    set_guid(request_id)
    try:
        yield
    finally:
        clear_guid()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    ids = Ids()
    caplog.handler.addFilter(ids)
    yield caplog
    caplog.handler.removeFilter(ids)


def ids_of(logged: pytest.LogCaptureFixture, words: str) -> list[tuple[str, int, int | None]]:
    return [
        (vars(line)["request_id"], vars(line)["job_id"], vars(line).get("change_set_id"))
        for line in logged.records
        if line.getMessage().startswith(words)
    ]


def test_import_logs_the_request_of_its_upload_and_not_the_task(
    logged: pytest.LogCaptureFixture,
) -> None:
    with request("of-the-upload"):
        accepted(csv_of("A-1,One,,,"))
    with request("of-the-task"):
        job = run_next()

    assert ids_of(logged, "import started") == [("of-the-upload", job.pk, None)]
    written = [("of-the-upload", job.pk, job.change_set_id)]
    assert ids_of(logged, "change set written") == written
    assert ids_of(logged, "import ended") == written


def test_import_that_runs_again_logs_the_request_that_asked_for_it(
    logged: pytest.LogCaptureFixture,
) -> None:
    with request("of-the-upload"):
        accepted("name\nno SKU\n")
    job = run_next()
    assert job.state == "failed"
    logged.clear()

    with request("of-the-retry"):
        retry_import(job)
    run_next()

    assert ids_of(logged, "import started") == [("of-the-retry", job.pk, None)]
