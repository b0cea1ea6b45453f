"""The files that are imported: made-up products, and the same ones with every price changed."""

import csv
from decimal import Decimal
from pathlib import Path

from dev.sample import COLUMNS, rows, write_csv

SEED = 1


def write_new(path: Path, count: int) -> None:
    """`count` products, about 130 bytes a line."""
    write_csv(path, count, seed=SEED)


def write_changed(path: Path, count: int) -> None:
    """The products of `write_new`, each with another price; one that had none gets one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for sku, name, description, price, active in rows(count, seed=SEED):
            writer.writerow((sku, name, description, Decimal(price or 0) + 1, active))
