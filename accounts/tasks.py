"""Celery tasks: each reads, calls one function, is done."""

from celery import shared_task

from accounts import cleaning


@shared_task(name="accounts.prune")
def prune() -> None:
    """Forget audit entries and sessions that are too old to keep."""
    cleaning.prune_accounts()
