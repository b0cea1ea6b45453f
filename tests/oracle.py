"""What the catalog must be after an import, in plain Python: the reference that tests compare with.

It stands on nothing of the product but the text of its rules: the last accepted line of a SKU wins
whole, earlier ones are duplicates; a rejected line is as if absent; an empty optional cell keeps
the old value, or the default for a new product; the spelling of a SKU that came first stays.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal


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
