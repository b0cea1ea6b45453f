"""Where this app hears of what happened: inside the transaction in which it did."""

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from catalog.models import ChangeSet
from catalog.signals import ProductsChanged, products_changed
from imports.models import ImportJob
from imports.signals import import_finished
from webhooks import events
from webhooks.wakeups import wake_publisher


@receiver(products_changed)
def publish_on_commit(sender: type, change: ProductsChanged, **kwargs: Any) -> None:
    """Wake a publisher for the change set; without endpoints nothing is to be published."""
    if events.somebody_listens():
        transaction.on_commit(wake_publisher)
    else:
        events.mark_published(ChangeSet.objects.filter(pk=change.change_set_id))


@receiver(import_finished)
def announce_on_commit(sender: type, job: ImportJob, **kwargs: Any) -> None:
    """Tell of an import that no change set tells of."""
    if job.change_set_id is None:
        events.announce_import(job)
