"""What stands in made-up supplier files: products in nineteen languages."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

WORDS = Path(__file__).with_name("words.toml")
SKU, NAME, DESCRIPTION, PRICE, STOCK, ACTIVE, BARCODE, WEIGHT, UPDATED = range(9)

Row = tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A table with a header of none, one or several rows, and the marks of its numbers.

    `decimal` is None where nobody could tell: 26.992 alone may be a number of thousands.
    """

    header: tuple[Row, ...]
    rows: tuple[Row, ...]
    decimal: str | None = ""
    thousands: str = ""

    @property
    def columns(self) -> Row:
        """The header's rows joined by a blank, column by column."""
        return tuple(" ".join(filter(None, parts)) for parts in zip(*self.header, strict=True))


@dataclass(frozen=True)
class Language:
    name: str
    encodings: tuple[str, ...]
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    remarks: tuple[str, ...]
    columns: tuple[str, ...]
    truth: tuple[str, ...]
    decimal: str
    thousands: str
    total: str
    title: str


@cache
def languages() -> dict[str, Language]:
    """All languages by their code."""
    with WORDS.open("rb") as file:
        read: dict[str, dict[str, Any]] = tomllib.load(file)
    return {code: Language(name=code, **_frozen(of)) for code, of in read.items()}


def _frozen(of: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in of.items()}


def number(value: float, *, decimal: str, thousands: str = "", places: int = 2) -> str:
    """`1.234,56` and its like."""
    plain = f"{value:,.{places}f}"
    return plain.translate({ord(","): thousands, ord("."): decimal})


def name_of(rng: Random, language: Language) -> str:
    """Two or three words, now and then with a size or in brackets."""
    name = f"{rng.choice(language.nouns)} {rng.choice(language.adjectives)}"
    match rng.randrange(8):
        case 0:
            return f"{name} {rng.randint(2, 90)} mm"
        case 1:
            return f"{name} ({rng.choice(language.adjectives)})"
        case 2:
            return f"{name}, {rng.choice(language.adjectives)}"
        case _:
            return name


def text_of(rng: Random, language: Language) -> str:
    """A description: nothing, a remark, or some."""
    return " ".join(rng.choice(language.remarks) for _ in range(rng.choice((0, 1, 1, 2, 3))))


def sku_of(rng: Random, kind: int) -> str:
    """One of the usual kinds of SKU; the second keeps its leading zeros."""
    match kind:
        case 0:
            return f"{rng.choice('ABCHKMT')}{rng.choice('XYZW')}-{rng.randint(100, 9999)}"
        case 1:
            return f"{rng.randint(1, 99999):07d}"
        case 2:
            return f"{rng.randint(10, 99)}.{rng.randint(100, 999)}.{rng.randint(10, 99)}"
        case _:
            return f"{rng.randint(10000, 99999)}{rng.choice('ABC')}"


def date_of(rng: Random, language: Language) -> str:
    """A day as it is written there."""
    year, month, day = rng.randint(2019, 2025), rng.randint(1, 12), rng.randint(1, 28)
    if language.name in ("de", "pl", "cs", "tr", "ru"):
        return f"{day:02d}.{month:02d}.{year}"
    if language.name in ("fr", "es", "it", "el"):
        return f"{day:02d}/{month:02d}/{year}"
    return f"{year}-{month:02d}-{day:02d}"


def products(
    rng: Random,
    language: Language,
    count: int,
    *,
    columns: Sequence[int] | None = None,
    grouped: bool = False,
    price: str = "{}",
    decimal: str | None = None,
) -> Sheet:
    """Products with some of the nine columns; `price` holds {} where the number goes."""
    if columns is None:
        more = sorted(rng.sample(range(DESCRIPTION, UPDATED + 1), rng.randint(2, 7)))
        columns = [SKU, NAME, *more]
    decimal = language.decimal if decimal is None else decimal
    thousands = language.thousands if grouped else ""
    kind = rng.randrange(4)
    rows: list[Row] = []
    for _ in range(count):
        values = (
            sku_of(rng, kind),
            name_of(rng, language),
            text_of(rng, language),
            price.format(
                number(
                    rng.choice((9.9, 49, 1299)) * rng.uniform(0.5, 2),
                    decimal=decimal,
                    thousands=thousands,
                )
            ),
            str(rng.choice((0, 1, 5, 12, 40, 250, 999))),
            rng.choice(language.truth),
            str(rng.randint(4_000_000_000_000, 4_099_999_999_999)),
            number(rng.uniform(0.1, 30), decimal=decimal, places=3),
            date_of(rng, language),
        )
        rows.append(tuple(values[index] for index in columns))
    told = decimal if PRICE in columns else None if WEIGHT in columns else ""
    header = tuple(language.columns[index] for index in columns)
    large = (
        grouped
        and PRICE in columns
        and any(thousands in row[list(columns).index(PRICE)].strip() for row in rows)
    )
    return Sheet((header,), tuple(rows), told if rows else "", thousands if large else "")
