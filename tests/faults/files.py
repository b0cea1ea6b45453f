"""Files to import, and what the catalog must be after them."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from dev import sample
from tests.oracle import Row


def products(count: int, *, seed: int = 1) -> list[Row]:
    """Realistic products with SKUs that end in -000001, -000002 and so on."""
    return [
        Row(
            sku=sku,
            name=name,
            description=description or None,
            price=Decimal(price) if price else None,
            active=active == "true",
        )
        for sku, name, description, price, active in sample.rows(count, seed=seed)
    ]


def renamed(rows: Iterable[Row], mark: str) -> list[Row]:
    """The same products, all changed."""
    return [replace(row, name=f"{row.name} {mark}") for row in rows]


def as_csv(rows: Iterable[Row], *, line_end: str = "\n") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=line_end)
    writer.writerow(sample.COLUMNS)
    for row in rows:
        active = "" if row.active is None else "yes" if row.active else "no"
        price = "" if row.price is None else str(row.price)
        writer.writerow([row.sku, row.name, row.description or "", price, active])
    return file.getvalue().encode()
