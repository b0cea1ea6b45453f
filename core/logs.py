"""What every log line carries besides its message."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_job_id: ContextVar[int | None] = ContextVar("job_id", default=None)


@contextmanager
def logging_job(job_id: int) -> Iterator[None]:
    """Name the job that log lines inside the block belong to."""
    token = _job_id.set(job_id)
    try:
        yield
    finally:
        _job_id.reset(token)


class JobId(logging.Filter):
    """Add `job_id` to a record, None outside a job."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.job_id = _job_id.get()
        return True
