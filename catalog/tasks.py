"""Celery tasks: each reads, calls one function, is done."""

from celery import shared_task

from catalog import cleaning, operations
from catalog.models import BulkOperation
from core.leases import claim_next
from core.wakeups import wake_worker


@shared_task(name=BulkOperation.RUN_TASK)
def run_next() -> None:
    """Carry out the operation that was accepted first; a message too many finds nothing to do."""
    lease = claim_next(BulkOperation, BulkOperation.State.RUNNING)
    if lease is None:
        return
    operations.run_operation(lease)
    if BulkOperation.objects.filter(state=BulkOperation.State.QUEUED).exists():
        wake_worker(BulkOperation)


@shared_task(name="catalog.reap")
def reap() -> None:
    """Give dead workers' operations back and wake workers for those that wait."""
    cleaning.reap_operations()


@shared_task(name="catalog.prune")
def prune() -> None:
    """Forget what is older, or more, than the settings keep."""
    cleaning.prune_catalog()
