"""Imports as lists show them."""

from typing import Final

from django.db.models import QuerySet

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
