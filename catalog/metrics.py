"""Changes of products and bulk operations: in figures for Prometheus, and in the log."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.dispatch import receiver
from prometheus_client.metrics_core import Metric

from catalog.models import BulkOperation
from catalog.signals import ProductsChanged, products_changed
from core.leases import row_ended
from core.logs import log_ids
from core.metrics import Counter, Histogram, work_families

logger = logging.getLogger(__name__)

State = BulkOperation.State

CHANGED: Final = Counter(
    "product_changes",
    "Products that were created, updated and deleted, by what did it.",
    labels=["source", "kind"],
)
ENDED: Final = Counter(
    "operations_ended",
    "Bulk operations that ended.",
    labels=["state"],
    known=[[State.COMPLETED], [State.FAILED], [State.CANCELLED]],
)
SECONDS: Final = Histogram(
    "operation_seconds",
    "Seconds that completed bulk operations took.",
    labels=["kind"],
    bounds=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
KEPT: Final = (CHANGED, ENDED, SECONDS)


@receiver(products_changed)
def tell_on_commit(change: ProductsChanged, **kwargs: Any) -> None:
    """Log and count a change set once it is there."""
    transaction.on_commit(partial(_tell, change))


def _tell(change: ProductsChanged) -> None:
    with log_ids(change_set_id=change.change_set_id):
        logger.info(
            "change set written: source=%s created=%d updated=%d deleted=%d",
            change.source,
            change.created,
            change.updated,
            change.deleted,
        )
    for kind in ("created", "updated", "deleted"):
        if number := getattr(change, kind):
            CHANGED.add(str(change.source), kind, by=number)


@receiver(row_ended, sender=BulkOperation)
def count_on_commit(state: str, row: BulkOperation | None, **kwargs: Any) -> None:
    """Count an operation that has ended, once that is true."""
    transaction.on_commit(partial(_count, state, row))


def _count(state: str, operation: BulkOperation | None) -> None:
    ENDED.add(str(state))
    if operation is not None and operation.seconds is not None:
        SECONDS.observe(operation.seconds, str(operation.kind))


def families() -> Iterator[Metric]:
    """What is read from PostgreSQL when Prometheus asks."""
    yield from work_families(BulkOperation, "operations")
