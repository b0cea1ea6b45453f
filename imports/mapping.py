"""Which column of a file holds which field: told by its name, or else by its cells.

A field's own name beats what others call it (`imports.known_headers`), and that beats a guess by
the cells, which is made only for a field that every product must have. A column whose name says
something else is never guessed at.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from catalog.rules import FIELDS, REQUIRED, text_of_formula
from imports.known_headers import (
    CURRENCIES,
    GROSS,
    LANGUAGES,
    NAMES,
    NET,
    OTHER_WORDS,
    OTHERS,
    VAGUE,
)
from imports.truths import truth_of

#: Rows below the header that are looked at.
SAMPLE: Final = 200
#: A guess by the cells needs some.
ENOUGH: Final = 3

NAME: Final = "name"
SYNONYM: Final = "synonym"
CONTENT: Final = "content"
REMEMBERED: Final = "remembered"
CHOSEN: Final = "chosen"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file and the field it holds, "" when it is not imported.

    `how` says what told: "name", "synonym", "content", "remembered" or "chosen"; "" when it is not
    imported. `rival` is the field that it would have held, had not another column been better.
    """

    header: str
    field: str = ""
    how: str = ""
    rival: str = ""


@dataclass(frozen=True, slots=True, order=True)
class _Claim:
    """A column's claim to a field; the least one wins."""

    empty: bool
    synonym: bool
    rank: int
    index: int


def find_columns(header: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> list[Column]:
    """Say for each column of a file which field it holds; no field is given twice.

    `rows` are the first ones below the header; they decide where names don't.
    """
    rows = rows[:SAMPLE]
    found: dict[int, Column] = {}
    claims: dict[str, list[_Claim]] = {field: [] for field in FIELDS}
    for index, name in enumerate(header):
        # A header that is marked as a remark: `#sku`.
        if claimed := _by_name(name if index else name.lstrip("#")):
            field, synonym, rank = claimed
            empty = field in REQUIRED and bool(rows) and not any(_cells(rows, index))
            claims[field].append(_Claim(empty, synonym, rank, index))
        elif folded(name) in _VAGUE["active"] and _tells_truth(_cells(rows, index)):
            says_it = folded(name) == "status" and _STATUS.issuperset(_cells(rows, index))
            rank = _STATUS_RANK if says_it else _VAGUE_RANK
            claims["active"].append(_Claim(False, True, rank, index))
    for field, claiming in claims.items():
        for place, claim in enumerate(sorted(claiming)):
            name = header[claim.index]
            if place:
                found[claim.index] = Column(name, rival=field)
            else:
                found[claim.index] = Column(name, field, SYNONYM if claim.synonym else NAME)
    for field in REQUIRED:
        guess = None if claims[field] else _by_cells(field, header, rows, found)
        if guess is not None:
            found[guess] = Column(header[guess], field, CONTENT)
    return [found.get(index, Column(name)) for index, name in enumerate(header)]


def doubts(columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """What somebody should look at, in words: (code, message) each."""
    holders = {column.field: column for column in columns if column.field}
    for at, column in enumerate(columns, 1):
        if column.how == CONTENT:
            which = f'"{column.header}"' if column.header else f"column {at}"
            yield (
                "mapped_by_content",
                f"Nothing names {_TITLES[column.field]}, so {which} was taken for it by"
                " what its cells look like. If that is wrong, choose another column.",
            )
        holder = holders.get(column.rival)
        if holder is None:
            continue
        equal = _by_name(holder.header) == _by_name(column.header)
        if equal or column.rival == "active":
            yield (
                "second_column",
                f'"{column.header}" may hold {_TITLES[column.rival]} as well as'
                f' "{holder.header}", which {"comes first and " if equal else ""}was taken. If that'
                " is wrong, choose the other one.",
            )
    if holders and "price" not in holders:
        yield from _without_price(columns)


def _without_price(columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """That no column was taken for the price, though one of the unused ones may be it."""
    named = any(column.header for column in columns)
    unused = [
        f'"{column.header}"' if named else f"column {at}"
        for at, column in enumerate(columns, 1)
        if not column.field and not column.rival and bool(column.header) == named
        if folded(column.header) != _REASONS
    ]
    if unused:
        listed = ", ".join(unused[:_LISTED])
        more = ", …" if unused[_LISTED:] else ""
        yield (
            "price_not_found",
            f"No column was taken for the price; not imported: {listed}{more}. If one of them holds"
            " the price, choose it.",
        )


def header_digest(header: Sequence[str]) -> str:
    """SHA-256 of a header, the same whatever the case, blanks and marks of its names."""
    names = json.dumps([folded(name) or name.strip() for name in header], ensure_ascii=False)
    return hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()


def folded(name: str) -> str:
    """A column's name without case, accents, blanks, marks and invisible characters."""
    return "".join(words_of(name))


_ODD_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "#": " no "}
)
_WORD = re.compile(r"[^\W_]+")
_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]")


def words_of(name: str) -> list[str]:
    """The words of a column's name, folded."""
    text = unicodedata.normalize("NFKD", name.casefold())
    text = "".join(each for each in text if not unicodedata.combining(each)).casefold()
    return _WORD.findall(_without_invisible(text).translate(_ODD_LETTERS))


def _without_invisible(text: str) -> str:
    return "".join(each for each in text if unicodedata.category(each) != "Cf")


def _names(listed: str) -> list[str]:
    return [folded(name) for name in listed.split("|") if name.strip()]


def _ranks() -> dict[str, tuple[str, int]]:
    """The field of each known name, and its place among the names of its system."""
    known: dict[str, tuple[str, int]] = {}
    for fields in NAMES.values():
        for field, listed in fields.items():
            for rank, name in enumerate(_names(listed)):
                if name not in known or (known[name][0] == field and rank < known[name][1]):
                    known[name] = (field, rank)
    return known


_KNOWN: Final = _ranks()
_VAGUE: Final = {field: frozenset(_names(listed)) for field, listed in VAGUE.items()}
_VAGUE_RANK: Final = 1000
#: What Shopify's status says, which hides a product that is published, too.
_STATUS: Final = frozenset({"active", "draft", "archived"})
_STATUS_RANK: Final = -1
_LISTED: Final = 5
#: The column of reasons in a CSV of rejected rows.
_REASONS: Final = "error"
#: Marks beside a name make it worse than any without: `VK netto` than `VK brutto` than `VK`.
_MARKED_RANK: Final = 100
_NET_RANK: Final = 200
#: What may stand beside a name, and beside that of which fields.
_MARKS: Final[tuple[tuple[frozenset[str], tuple[str, ...]], ...]] = (
    (frozenset(), FIELDS),
    (CURRENCIES | GROSS | NET, ("price",)),
    (LANGUAGES, ("name", "description")),
)
_TITLES: Final = {field: f"the {field}" for field in FIELDS} | {
    "sku": "the SKU",
    "active": "“active”",
}


def _by_name(name: str) -> tuple[str, bool, int] | None:
    """(field, whether by another name than its own, rank) of a column, if its name tells."""
    words = words_of(name)
    whole = "".join(words)
    if whole in FIELDS:
        return whole, False, 0
    if whole in _KNOWN:
        field, rank = _KNOWN[whole]
        return field, True, rank
    inner = " ".join(_BRACKETS.findall(name))
    plain = not _says_something_else(inner) and not any(map(str.isdecimal, inner))
    for shorter in (words, words_of(_BRACKETS.sub(" ", name)) if plain else []):
        for marks, fields in _MARKS:
            core = "".join(word for word in shorter if word not in marks)
            field, rank = (core, 0) if core in FIELDS else _KNOWN.get(core, ("", 0))
            if field in fields:
                net = not NET.isdisjoint(words)
                return field, True, rank + (_NET_RANK if net else _MARKED_RANK)
    return None


def _cells(rows: Sequence[Sequence[str]], index: int) -> list[str]:
    """The filled cells of a column."""
    cells = (text_of_formula(row[index]).strip() for row in rows if index < len(row))
    return [cell for cell in cells if cell]


def _tells_truth(cells: list[str]) -> bool:
    return bool(cells) and all(truth_of(cell) is not None for cell in cells)


def _by_cells(
    field: str, header: Sequence[str], rows: Sequence[Sequence[str]], taken: Iterable[int]
) -> int | None:
    """The one column whose cells clearly look like a field's; None if there are none or several."""
    if len(rows) < ENOUGH:
        return None
    fits = _looks_like_codes if field == "sku" else _looks_like_names
    free = set(range(len(header))) - set(taken)
    fitting = [index for index in sorted(free) if fits(_cells(rows, index), len(rows))]
    vague = [index for index in fitting if folded(header[index]) in _VAGUE[field]]
    nameless = [index for index in fitting if not _says_something_else(header[index])]
    for candidates in (vague, nameless):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            return None
    return None


def _says_something_else(name: str) -> bool:
    words = words_of(name)
    whole = "".join(words)
    return not OTHER_WORDS.isdisjoint(words) or any(part in whole for part in OTHERS)


_CODE = re.compile(r"(?=.*[0-9A-Z])[\w.\-/#+]{2,40}(?: [\w.\-/#+]{1,20})?")
_FIGURE = re.compile(r"[0-9]+[.,][0-9]+")
_DATE = re.compile(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}")
_BARCODE = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_NAME_LENGTH: Final = 120


def _looks_like_codes(cells: list[str], count: int) -> bool:
    """In each row, short, all different, no figures, dates, barcodes or running numbers."""
    if len(cells) < count or len(set(cells)) < len(cells) or not all(map(_CODE.fullmatch, cells)):
        return False
    if all(cell.isdecimal() for cell in cells):
        numbers = [int(cell) for cell in cells]
        steps = {after - before for before, after in pairwise(numbers)}
        return len(steps) > 1 and not all(map(_BARCODE.fullmatch, cells)) and min(numbers) > 99
    with_digits = sum(any(map(str.isdecimal, cell)) for cell in cells)
    odd = sum(bool(_FIGURE.fullmatch(cell) or _DATE.fullmatch(cell)) for cell in cells)
    return with_digits >= 0.9 * len(cells) and odd <= 0.1 * len(cells)


def _looks_like_names(cells: list[str], count: int) -> bool:
    """In nearly each row, words, mostly different, short enough for a name."""
    if len(cells) < 0.95 * count or len(set(cells)) < 0.8 * len(cells):
        return False
    if max(map(len, cells)) > 3 * _NAME_LENGTH or sum(map(len, cells)) > _NAME_LENGTH * len(cells):
        return False
    worded = sum(
        " " in cell and "://" not in cell and sum(map(str.isalpha, cell)) * 2 >= len(cell)
        for cell in cells
    )
    return worded >= 0.6 * len(cells)
