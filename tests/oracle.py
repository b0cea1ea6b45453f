"""What the catalog must be after a change, in plain Python: the reference that tests compare with.

It stands on nothing of the product but the text of its rules: the last accepted line of a SKU wins
whole, earlier ones are duplicates; a rejected line is as if absent; an empty optional cell keeps
the old value, or the default for a new product; the spelling of a SKU that came first stays. An
undo leaves a product alone as a whole if a column that the change wrote holds neither what it wrote
nor what stood there before, if the product is gone, or if its SKU is another's now; a product that
the change created goes only if every column is as it was written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Row:
    """A product's values, or a line's: None in an optional field is an empty cell."""

    sku: str
    name: str
    description: str | None = None
    price: Decimal | None = None
    active: bool | None = None


@dataclass
class Counts:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0


Fold = Callable[[str], str]


def apply(catalog: dict[str, Row], lines: Iterable[Row], fold: Fold) -> Counts:
    """Import accepted lines into `catalog`, a dict by folded SKU; `fold` is the database's own."""
    counts = Counts()
    last: dict[str, Row] = {}
    for line in lines:
        key = fold(line.sku)
        counts.duplicates += key in last
        last[key] = line
    for key, line in last.items():
        old = catalog.get(key)
        if old is None:
            counts.created += 1
            catalog[key] = replace(
                line,
                description=line.description or "",
                active=True if line.active is None else line.active,
            )
            continue
        new = Row(
            sku=old.sku,
            name=line.name,
            description=old.description if line.description is None else line.description,
            price=old.price if line.price is None else line.price,
            active=old.active if line.active is None else line.active,
        )
        counts.updated += new != old
        counts.unchanged += new == old
        catalog[key] = new
    return counts


# --- changes, bulk actions and their undo ------------------------------------------------------

#: The catalog at one moment: every product by its id.
Snapshot = dict[int, Row]


@dataclass
class Outcome:
    """How many products an action creates, updates, deletes, finds as wanted, leaves alone."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    left_alone: int = 0
    left: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def changes(self) -> int:
        return self.created + self.updated + self.deleted


@dataclass(frozen=True)
class Change:
    """A change set: the whole catalog before and after it."""

    before: Snapshot
    after: Snapshot

    @property
    def touched(self) -> list[int]:
        ids = self.before.keys() | self.after.keys()
        return sorted(pk for pk in ids if self.before.get(pk) != self.after.get(pk))

    def counted(self) -> Outcome:
        """What it created, updated and deleted."""
        return Outcome(
            created=len(self.after.keys() - self.before.keys()),
            updated=len([pk for pk in self.touched if pk in self.before and pk in self.after]),
            deleted=len(self.before.keys() - self.after.keys()),
        )


def switched(
    products: Snapshot, chosen: Iterable[int], active: bool | None
) -> tuple[Snapshot, Outcome]:
    """Set `active` of the chosen products, or delete them when it is None."""
    new, outcome = dict(products), Outcome()
    for pk in set(chosen):
        row = products.get(pk)
        if row is None or row.active == active:
            outcome.unchanged += 1
        elif active is None:
            outcome.deleted += 1
            del new[pk]
        else:
            outcome.updated += 1
            new[pk] = replace(row, active=active)
    return new, outcome


def undone(products: Snapshot, change: Change, fold: Fold) -> tuple[Snapshot, Outcome]:
    """Undo a change, product by product: restored whole, or left alone whole."""
    new, outcome = dict(products), Outcome()
    for pk in change.touched:
        old, written, now = change.before.get(pk), change.after.get(pk), products.get(pk)
        verdict = _judged(old, written, now)
        if verdict is None and old is not None:
            target = now if now and written else old
            for name in _differing(old, written) if now and written else ():
                target = replace(target, **{name: getattr(old, name)})
            others = {fold(row.sku) for other, row in products.items() if other != pk}
            if fold(target.sku) in others:
                verdict = "taken"
            else:
                new[pk] = target
        if verdict is None and old is None:
            del new[pk]
        if verdict == "same":
            outcome.unchanged += 1
        elif verdict is not None:
            outcome.left_alone += 1
            known = now or old or written
            outcome.left.append((pk, known.sku if known else "", verdict))
    made = Change(products, new).counted()
    outcome.created, outcome.updated, outcome.deleted = made.created, made.updated, made.deleted
    return new, outcome


def _judged(old: Row | None, written: Row | None, now: Row | None) -> str | None:
    """Why there is nothing to do for a product; None when it is to be restored."""
    if written is None:
        return "same" if now is not None else None
    if old is None:
        return "same" if now is None else None if now == written else "edited"
    if now is None:
        return "deleted"
    names = _differing(old, written)
    if all(getattr(now, name) == getattr(old, name) for name in names):
        return "same"
    fine = all(getattr(now, name) in {getattr(old, name), getattr(written, name)} for name in names)
    return None if fine else "edited"


def _differing(old: Row, new: Row) -> list[str]:
    return [each.name for each in fields(Row) if getattr(old, each.name) != getattr(new, each.name)]


# --- the log -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Logged:
    """A change set as the log has it; `changes` are product id, kind and replaced values."""

    pk: int
    created: int
    updated: int
    deleted: int
    first_created_id: int | None
    last_created_id: int | None
    changes: Sequence[tuple[int, str, Mapping[str, Any] | None]]


def walked_back(products: Snapshot, log: Iterable[Logged]) -> Iterator[tuple[int, Snapshot]]:
    """Take the newest change set back, then the one before it: the catalog before each of them.

    The snapshot that is yielded is one that goes on changing. On the way every value that the log
    says was replaced differs from the one that replaced it: a change that is missing from the log,
    or stands in a wrong place, shows there.
    """
    now = dict(products)
    for logged in log:
        counts = dict.fromkeys("cud", 0)
        for pk, kind, before in logged.changes:
            counts[kind] += 1
            if kind == "d":
                assert pk not in now, (logged.pk, pk)
                now[pk] = Row(**_values(before))
            elif kind == "c":
                assert before is None, (logged.pk, pk)
                del now[pk]
            else:
                values = _values(before)
                assert values, (logged.pk, pk)
                assert all(getattr(now[pk], name) != values[name] for name in values), (
                    logged.pk,
                    now[pk],
                    values,
                )
                now[pk] = replace(now[pk], **values)
        if logged.first_created_id is not None and logged.last_created_id is not None:
            made = [pk for pk in now if logged.first_created_id <= pk <= logged.last_created_id]
            assert len(made) == logged.last_created_id - logged.first_created_id + 1, logged.pk
            counts["c"] += len(made)
            for pk in made:
                del now[pk]
        announced = {"c": logged.created, "u": logged.updated, "d": logged.deleted}
        assert counts == announced, logged.pk
        yield logged.pk, now


def _values(before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of the log, whose prices are text, as a row has them."""
    names = {each.name for each in fields(Row)}
    values = {name: value for name, value in (before or {}).items() if name in names}
    price = values.get("price")
    return values if price is None else {**values, "price": Decimal(price)}
