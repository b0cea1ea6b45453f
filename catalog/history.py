"""What happened to one product, newest first."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from catalog.models import ChangeSet, Product, ProductChange
from catalog.rules import FIELDS

LABELS = {
    "sku": "SKU",
    "name": "Name",
    "description": "Description",
    "price": "Price",
    "active": "Active",
}
PAGE_SIZE = 50
STORY = (
    "change_set__actor",
    "change_set__import_job",
    "change_set__bulk_operation",
    "change_set__undoes__import_job",
)
UNREAD = (
    "change_set__import_job__detected",
    "change_set__bulk_operation__ids",
    "change_set__undoes__import_job__detected",
)


@dataclass(frozen=True)
class FieldChange:
    """One field's old and new value as text; None stands for no value."""

    name: str
    old: str | None
    new: str | None

    @property
    def label(self) -> str:
        return LABELS[self.name]


@dataclass(frozen=True)
class Entry:
    """One change set's part in the product; `again`: it came back after a deletion.

    `before` and `after` are the values that it replaced and wrote: of an update those that differ,
    else the whole row. None where there was no product.
    """

    change_set: ChangeSet
    kind: str
    fields: list[FieldChange]
    again: bool = False
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def at(self) -> datetime.datetime:
        return self.change_set.created_at


@dataclass(frozen=True)
class History:
    """Some entries, newest first, out of `total`; `older` is the `before` of the next ones."""

    entries: list[Entry]
    total: int
    older: int | None
    creation: ChangeSet | None


def creation_of(product_id: int) -> ChangeSet | None:
    """The change set in whose range of new ids the product lies; None when it was pruned."""
    nearest = (
        ChangeSet.objects.select_related("actor", "import_job", "bulk_operation", "undoes")
        .defer("import_job__detected", "bulk_operation__ids")
        .filter(first_created_id__lte=product_id)
        .order_by("-first_created_id")
        .first()
    )
    if nearest is None or nearest.last_created_id is None:
        return None
    return nearest if product_id <= nearest.last_created_id else None


def product_history(
    product_id: int,
    product: Product | None,
    *,
    field: str = "",
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> History:
    """A page of what is known of a product; `product` is its row as it is now, None if deleted.

    `field` leaves the updates that changed it; `before` the change sets older than that one.
    A change holds the values that it replaced; what it put in their place is found walking back
    from the row as it is now.
    """
    changes = ProductChange.objects.filter(product_id=product_id)
    if field:
        changes = changes.filter(Q(before__has_key=field) | Q(kind=ProductChange.Kind.CREATED))
    creation = creation_of(product_id)
    total = changes.count() + (creation is not None)
    asked = changes.filter(change_set_id__lt=before) if before else changes
    found = list(asked.select_related(*STORY).defer(*UNREAD).order_by("-change_set_id")[: size + 1])
    after = _standing(product_id, product, before)
    names = (field,) if field else FIELDS
    entries = []
    for change in found[:size]:
        replaced = change.before or {}
        old = {name: replaced[name] for name in FIELDS if name in replaced}
        told, written = _of(names, old), _of(names, after)
        fields = [
            FieldChange(name, _shown(value), _shown(written.get(name)))
            for name, value in told.items()
            if change.kind == ProductChange.Kind.UPDATED
        ]
        again = change.kind == ProductChange.Kind.CREATED
        gone = change.kind == ProductChange.Kind.DELETED
        entries.append(
            Entry(
                change.change_set,
                change.get_kind_display(),
                fields,
                again=again,
                before=None if again else told,
                after=None if gone else written if again else _of(told, written),
            )
        )
        after = {**after, **old}
    more = len(found) > size or (creation is not None and len(found) == size)
    older = found[size - 1].change_set_id if more else None
    if creation is not None and not more and (before is None or creation.pk < before):
        first = ProductChange.Kind.CREATED.label
        entries.append(Entry(creation, first, [], after=_of(names, after)))
    return History(entries, total, older, creation)


def last_values(product_id: int) -> dict[str, Any] | None:
    """The row of a deleted product as its deletion logged it; None if that is not kept."""
    deletion = (
        ProductChange.objects.filter(product_id=product_id, kind=ProductChange.Kind.DELETED)
        .order_by("-change_set_id")
        .first()
    )
    return deletion.before if deletion else None


def _of(names: Iterable[str], values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _standing(product_id: int, product: Product | None, before: int | None) -> dict[str, Any]:
    """FIELDS as they stood when the change sets from `before` on were still to come."""
    values: dict[str, Any] = {}
    if product is not None:
        values = {name: getattr(product, name) for name in FIELDS}
        values["price"] = None if product.price is None else f"{product.price:.2f}"
    if before is None:
        return values
    newer = ProductChange.objects.filter(product_id=product_id, change_set_id__gte=before)
    for name in FIELDS:
        next_change = newer.filter(before__has_key=name).order_by("change_set_id").first()
        if next_change is not None and next_change.before is not None:
            values[name] = next_change.before[name]
    return values


def _shown(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
