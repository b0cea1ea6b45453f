"""What the catalog tells those it does not know."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True)
class ProductsChanged:
    """A change set was written. Sent inside its transaction: receivers only write rows or
    register on_commit work."""

    change_set_id: int
    source: str
    created: int
    updated: int
    deleted: int


# Sent with `sender=ChangeSet` and `change: ProductsChanged`.
products_changed = Signal()
