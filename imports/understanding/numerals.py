# ruff: noqa: RUF001 — marks of other languages are meant as they stand
"""Which mark stands before decimals and which between thousands, by what columns show together.

"1,234" alone says nothing; "1,234.50" three rows below says it all. Figures are only looked at: the
reading of them is for whoever knows what a column means.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Rows that are looked at.
ROWS: Final = 400

_CURRENCY: Final = r"(?:[$€£¥₹₽₩₺₴]|[A-Z]{2,3}\$?|kr\.?|zł|Kč|Fr\.|лв\.?|руб\.?|Ft)"
_BLANKS: Final = " \u00a0\u202f\u2009"
_FIGURE = re.compile(
    rf"[-+(]?\s*{_CURRENCY}?\s*[-+]?"
    rf"(?P<figure>[0-9](?:[0-9.,'’{_BLANKS}]*[0-9])?|[.,][0-9]+)"
    rf"(?:[eE](?P<exponent>[-+]?[0-9]{{1,3}}))?\s*{_CURRENCY}?\s*[%)-]?"
)
_GROUPED = re.compile(
    r"[0-9]{1,3}(?:(?P<mark>[.,'’ \u00a0\u202f\u2009])[0-9]{3})(?:(?P=mark)[0-9]{3})*"
)
_MARKS = re.compile(rf"[.,'’{_BLANKS}]")


@dataclass(frozen=True, slots=True)
class Numerals:
    """The marks, "" for none seen; ``example`` is the row's index and the cell that leaves two
    readings open, when nothing in the file settles them.
    """

    decimal: str = ""
    thousands: str = ""
    example: tuple[int, str] | None = None
    mixed: tuple[int, str] | None = None


def find_numerals(rows: Sequence[Sequence[str]], width: int) -> Numerals:
    """Look at the figures of a table's first rows."""
    votes: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[int, str]] = {}
    open_figures: list[tuple[int, str, str]] = []
    for column in range(width):
        cells = [
            (index, row[column].strip())
            for index, row in enumerate(rows[:ROWS])
            if column < len(row) and row[column].strip()
        ]
        figures = [
            (index, cell, found) for index, cell in cells if (found := _FIGURE.fullmatch(cell))
        ]
        if len(figures) * 2 <= len(cells):
            continue
        for index, cell, found in figures:
            reading = _reading(found["figure"], scientific=found["exponent"] is not None)
            if reading is None:
                open_figures.append((index, cell, _MARKS.findall(found["figure"])[0]))
            elif reading != ("", ""):
                votes[reading] += 1
                first.setdefault(reading, (index, cell))
    return _settled(votes, first, open_figures)


def _reading(figure: str, *, scientific: bool) -> tuple[str, str] | None:
    """The (decimal, thousands) marks that a figure proves; None when it has two readings."""
    marks = _MARKS.findall(figure)
    kinds = list(dict.fromkeys(marks))
    if not marks:
        return "", ""
    if len(kinds) == 1:
        mark = kinds[0]
        if len(marks) > 1:
            return ("", _plain(mark)) if _GROUPED.fullmatch(figure) else ("", "")
        if mark not in ".,":
            return ("", _plain(mark)) if _GROUPED.fullmatch(figure) else ("", "")
        if scientific or not _GROUPED.fullmatch(figure) or figure.startswith("0"):
            return mark, ""
        return None
    whole, mark, _ = figure.rpartition(marks[-1])
    if len(kinds) == 2 and mark in ".," and marks.count(mark) == 1 and _GROUPED.fullmatch(whole):
        return mark, _plain(kinds[0])
    return "", ""


def _plain(mark: str) -> str:
    """A thousands mark by its usual writing."""
    return {"’": "'"}.get(mark, " " if mark in _BLANKS else mark)


def _settled(
    votes: Counter[tuple[str, str]],
    first: dict[tuple[str, str], tuple[int, str]],
    open_figures: list[tuple[int, str, str]],
) -> Numerals:
    decimals = Counter[str]()
    thousands = Counter[str]()
    for (decimal, group), count in votes.items():
        decimals[decimal] += count if decimal else 0
        thousands[group] += count if group else 0
    decimal = max(decimals, key=lambda each: decimals[each], default="")
    decimal = decimal if decimals[decimal] else ""
    group = next(
        (each for each, count in thousands.most_common() if each and count and each != decimal), ""
    )
    mixed = next(
        (first[each] for each in votes if decimal and each[0] not in ("", decimal)), None
    ) or next((first[each] for each in votes if each[1] and each[1] == decimal), None)
    example = None
    for index, cell, mark in open_figures:
        if mark == decimal:
            continue
        if mark == group or (decimal and not group):
            group = mark
        elif not decimal and not group:
            example = (index, cell)
            break
    return Numerals(decimal, group, example, mixed)
