"""What happened to one product, newest first."""

import datetime
from dataclasses import dataclass
from typing import Any

from catalog.models import ChangeSet, Product, ProductChange
from catalog.rules import FIELDS

LABELS = {
    "sku": "SKU",
    "name": "Name",
    "description": "Description",
    "price": "Price",
    "active": "Active",
}


@dataclass(frozen=True)
class FieldChange:
    """One field's old and new value as text; None stands for no value."""

    label: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Entry:
    """One change set's part in the product."""

    change_set: ChangeSet
    kind: str
    fields: list[FieldChange]

    @property
    def at(self) -> datetime.datetime:
        return self.change_set.created_at


def creation_of(product_id: int) -> ChangeSet | None:
    """The change set in whose range of new ids the product lies; None when it was pruned."""
    nearest = (
        ChangeSet.objects.select_related("actor", "import_job")
        .filter(first_created_id__lte=product_id)
        .order_by("-first_created_id")
        .first()
    )
    if nearest is None or nearest.last_created_id is None:
        return None
    return nearest if product_id <= nearest.last_created_id else None


def product_history(product: Product) -> list[Entry]:
    """All that is known of a product's changes.

    A change holds the values that it replaced; what it put in their place is found walking back
    from the row as it is now.
    """
    after: dict[str, Any] = {name: getattr(product, name) for name in FIELDS}
    after["price"] = None if product.price is None else f"{product.price:.2f}"
    entries = []
    changes = (
        ProductChange.objects.filter(product_id=product.pk)
        .select_related("change_set__actor", "change_set__import_job")
        .order_by("-change_set_id")
    )
    for change in changes:
        replaced = change.before or {}
        before = {name: replaced[name] for name in FIELDS if name in replaced}
        fields = [
            FieldChange(LABELS[name], _shown(old), _shown(after.get(name)))
            for name, old in before.items()
            if change.kind == ProductChange.Kind.UPDATED
        ]
        entries.append(Entry(change.change_set, change.get_kind_display(), fields))
        after = {**after, **before}
    creation = creation_of(product.pk)
    if creation is not None:
        entries.append(Entry(creation, ProductChange.Kind.CREATED.label, []))
    return entries


def _shown(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
