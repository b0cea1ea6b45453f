"""Celery tasks: each reads, calls one function, is done."""

from celery import shared_task

from core.leases import claim_next
from core.wakeups import wake_worker
from imports import cleaning, pipeline
from imports.fetches import fetching
from imports.fetches.schedules import FETCH_TASK
from imports.models import Fetch, ImportJob


@shared_task(name=ImportJob.RUN_TASK)
def run_next() -> None:
    """Run the import that was accepted first; a message too many finds nothing to do.

    Wakes the next worker when more waits, so that one message is enough for all that wait.
    """
    lease = claim_next(ImportJob, ImportJob.State.READING)
    if lease is None:
        return
    pipeline.run_import(lease)
    if ImportJob.objects.filter(state=ImportJob.State.QUEUED).exists():
        wake_worker(ImportJob)


@shared_task(name=Fetch.RUN_TASK)
def fetch_next() -> None:
    """Carry out the fetch that was asked for first, unless enough are under way."""
    lease = fetching.claim()
    if lease is None:
        return
    fetching.run_fetch(lease)
    if Fetch.objects.filter(state=Fetch.State.QUEUED).exists():
        wake_worker(Fetch)


@shared_task(name=FETCH_TASK)
def fetch_scheduled(source_pk: int) -> None:
    """Ask for a source's file: its time has come."""
    fetching.fetch_scheduled(source_pk)


@shared_task(name="imports.reap")
def reap() -> None:
    """Give dead workers' jobs back, wake workers for those that wait, remove what nobody needs."""
    cleaning.reap_imports()


@shared_task(name="imports.prune")
def prune() -> None:
    """Forget finished imports, and rejected rows, that are too old to keep."""
    cleaning.prune_imports()
