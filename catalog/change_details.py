"""The products of one change set, with what stood there before and what it put in its place."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet

from catalog import standing
from catalog.history import FieldChange
from catalog.models import ChangeSet, Product, ProductChange
from catalog.rules import FIELDS

PAGE_SIZE = 50
Kind = ProductChange.Kind

#: Of a product that came or went, beside SKU and name.
SHOWN: Final = ("description", "price", "active")
EDITED: Final = "edited since"
GONE: Final = "deleted since"
BACK: Final = "back again"


@dataclass(frozen=True)
class ChangedProduct:
    """One product's part; `since` says if it is not as the change set left it, "" if it is.

    `sku` is that of the time, None if it is no longer known. `before` and `after` are the values
    that were replaced and written: of an update those that differ, else the whole row as far as it
    is known. None where there was no product.
    """

    id: int
    sku: str | None
    name: str
    kind: str
    fields: list[FieldChange]
    since: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass(frozen=True)
class ChangesPage:
    """Products in the order of their ids; cursors are ids, None at an end."""

    rows: list[ChangedProduct]
    previous: int | None
    next: int | None


@dataclass(frozen=True)
class _Part:
    id: int
    kind: str
    sku: str | None = None
    before: dict[str, Any] | None = None


def changes_of(
    change_set: ChangeSet,
    *,
    sku: str = "",
    after: int | None = None,
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> ChangesPage:
    """The products behind `after`, or in front of `before`, or the first; by a part of the SKU."""
    if before is not None:
        parts = _parts(change_set, sku, before, size, forward=False)
        if len(parts) <= size:
            return changes_of(change_set, sku=sku, size=size)
        parts = parts[:size][::-1]
        more = True
    else:
        parts = _parts(change_set, sku, after, size, forward=True)
        more = len(parts) > size
        parts = parts[:size]
    paged = before is not None or after is not None
    return ChangesPage(
        rows=_told(change_set, parts),
        previous=parts[0].id if parts and paged else None,
        next=parts[-1].id if more else None,
    )


def _parts(
    change_set: ChangeSet, sku: str, cursor: int | None, size: int, *, forward: bool
) -> list[_Part]:
    """One more than `size`, the nearest to the cursor first."""
    changes = ProductChange.objects.filter(change_set=change_set)
    if sku:
        changes = changes.filter(sku__icontains=sku)
    parts = [
        _Part(*row)
        for row in _next(changes, "product_id", cursor, size, forward=forward).values_list(
            "product_id", "kind", "sku", "before"
        )
    ]
    if change_set.first_created_id is not None and change_set.last_created_id is not None:
        created = range(change_set.first_created_id, change_set.last_created_id + 1)
        ids = (
            _created_with(change_set, created, sku, cursor, size, forward=forward)
            if sku
            else _created(created, cursor, size, forward=forward)
        )
        parts += [_Part(pk, Kind.CREATED) for pk in ids]
    parts.sort(key=lambda part: part.id, reverse=not forward)
    return parts[: size + 1]


def _next(
    rows: QuerySet[Any], name: str, cursor: int | None, size: int, *, forward: bool
) -> QuerySet[Any]:
    if cursor is not None:
        rows = rows.filter(**{f"{name}__{'gt' if forward else 'lt'}": cursor})
    return rows.order_by(name if forward else f"-{name}")[: size + 1]


def _created(created: range, cursor: int | None, size: int, *, forward: bool) -> range:
    """The ids of a change set's creations are one range, whatever became of the products."""
    first, last = created[0], created[-1]
    if forward:
        first = first if cursor is None else max(first, cursor + 1)
        return range(first, min(last, first + size) + 1)
    last = last if cursor is None else min(last, cursor - 1)
    return range(last, max(first, last - size) - 1, -1)


def _created_with(
    change_set: ChangeSet,
    created: range,
    sku: str,
    cursor: int | None,
    size: int,
    *,
    forward: bool,
) -> list[int]:
    """Those of the range with such a SKU: of products that are, and of deletions of those gone."""
    of_range = (created[0], created[-1])
    present = Product.objects.filter(pk__range=of_range, sku__icontains=sku)
    gone = (
        ProductChange.objects.filter(
            ~Exists(Product.objects.filter(pk=OuterRef("product_id"))),
            product_id__range=of_range,
            change_set_id__gt=change_set.pk,
            kind=Kind.DELETED,
            sku__icontains=sku,
        )
        .values("product_id")
        .distinct()
    )
    return [
        *_next(present, "pk", cursor, size, forward=forward).values_list("pk", flat=True),
        *_next(gone, "product_id", cursor, size, forward=forward).values_list(
            "product_id", flat=True
        ),
    ]


def _told(change_set: ChangeSet, parts: list[_Part]) -> list[ChangedProduct]:
    ids = [part.id for part in parts]
    present = standing.rows(ids)
    replaced = standing.replaced_since(change_set.pk, ids)
    return [_row(part, replaced.get(part.id, {}), present.get(part.id)) for part in parts]


def _row(part: _Part, replaced: dict[str, Any], present: dict[str, Any] | None) -> ChangedProduct:
    before = part.before or {}
    # Deleted products keep nothing behind: what came back later has its own change set.
    written = {} if part.kind == Kind.DELETED else {**(present or {}), **replaced}
    now_or_then = {**before, **written}
    changed = [name for name in FIELDS if name in before or part.kind != Kind.UPDATED]
    if part.kind == Kind.UPDATED:
        names = changed
    else:
        names = [name for name in SHOWN if now_or_then.get(name) not in (None, "")]
    return ChangedProduct(
        id=part.id,
        sku=part.sku or now_or_then.get("sku"),
        name=(present or now_or_then).get("name", ""),
        kind=Kind(part.kind).label,
        fields=[
            FieldChange(name, _text(before.get(name)), _text(written.get(name))) for name in names
        ],
        since=_since(part, written, present),
        before=None if part.kind == Kind.CREATED else _of(changed, before),
        after=None if part.kind == Kind.DELETED else _of(changed, written),
    )


def _of(names: list[str], values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _since(part: _Part, written: dict[str, Any], present: dict[str, Any] | None) -> str:
    if part.kind == Kind.DELETED:
        return BACK if present is not None else ""
    if present is None:
        return GONE
    names = part.before if part.kind == Kind.UPDATED and part.before else FIELDS
    edited = any(
        present[name] != written[name]
        and not (part.before and name in part.before and present[name] == part.before[name])
        for name in names
        if name in FIELDS
    )
    return EDITED if edited else ""


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
