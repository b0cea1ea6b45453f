"""Imports as lists show them."""

from collections.abc import Iterable
from typing import Final

from django.db.models import QuerySet

from catalog.activity import undone_among
from imports.models import ImportJob

#: What a list can be narrowed to.
STATES: Final = {
    "running": (ImportJob.State.QUEUED, *ImportJob.RUNNING),
    "review": (ImportJob.State.REVIEW,),
    "failed": (ImportJob.State.FAILED,),
}


def jobs_in(state: str) -> QuerySet[ImportJob]:
    """Imports of one of STATES, or all, the newest first."""
    jobs: QuerySet[ImportJob] = ImportJob.objects.select_related("created_by")
    return jobs.filter(state__in=STATES[state]) if state in STATES else jobs


def undone_of(jobs: Iterable[ImportJob]) -> set[int]:
    """Those of some imports that were undone, by their ids."""
    written = {job.pk: job.change_set_id for job in jobs if job.change_set_id is not None}
    undone = undone_among(written.values()) if written else set()
    return {pk for pk, change_set in written.items() if change_set in undone}
