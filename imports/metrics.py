"""Imports in figures for Prometheus."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.dispatch import receiver
from prometheus_client.metrics_core import Metric

from core.leases import row_ended
from core.metrics import Counter, Histogram, work_families
from imports.models import Fetch, ImportJob

State = ImportJob.State

ENDED: Final = Counter(
    "imports_ended",
    "Imports that ended.",
    labels=["state"],
    known=[[State.COMPLETED], [State.FAILED], [State.CANCELLED]],
)
SECONDS: Final = Histogram(
    "import_seconds",
    "Seconds from the moment a worker took an import to its end.",
    labels=["state"],
    bounds=(0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600),
)
SIZE: Final = Histogram(
    "import_size_rows",
    "Rows of completed imports.",
    bounds=(1, 10, 100, 1_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000),
)
OUTCOMES: Final = ("created", "updated", "unchanged", "duplicates", "rejected")
ROWS: Final = Counter(
    "import_rows",
    "Rows of completed imports by what became of them.",
    labels=["outcome"],
    known=[[outcome] for outcome in OUTCOMES],
)
FETCHED: Final = Counter(
    "fetches_ended",
    "Fetches of files from sources that ended.",
    labels=["state"],
    known=[[Fetch.State.COMPLETED], [Fetch.State.UNCHANGED], [Fetch.State.FAILED]],
)
KEPT: Final = (ENDED, SECONDS, SIZE, ROWS, FETCHED)


@receiver(row_ended, sender=ImportJob)
def count_on_commit(state: str, row: ImportJob | None, **kwargs: Any) -> None:
    """Count an import that has ended, once that is true."""
    transaction.on_commit(partial(_count, state, row))


@receiver(row_ended, sender=Fetch)
def count_fetch_on_commit(state: str, **kwargs: Any) -> None:
    """Count a fetch that has ended, once that is true."""
    transaction.on_commit(partial(FETCHED.add, str(state)))


def _count(state: str, job: ImportJob | None) -> None:
    ENDED.add(str(state))
    if job is not None and job.started_at and job.finished_at:
        SECONDS.observe((job.finished_at - job.started_at).total_seconds(), str(state))
    if job is not None and state == State.COMPLETED:
        SIZE.observe(job.read)
        for outcome in OUTCOMES:
            ROWS.add(outcome, by=getattr(job, outcome))


def families() -> Iterator[Metric]:
    """What is read from PostgreSQL when Prometheus asks."""
    yield from work_families(ImportJob, "imports")
    yield from work_families(Fetch, "fetches")
