"""Whether a row names columns or is one of the data: told by what stands below it.

A name stands above values of another kind: a word over numbers, dates, codes. Where all columns
hold text there is no such sign; a row of short, different texts that occur nowhere below is then
taken for names, since most tables have them.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imports.understanding.values import EMPTY, ODD, TEXT, WORDS, kind_of

#: Rows below a header that tell what its columns hold.
BODY: Final = 120
#: With so many rows, what is so in all of them is a rule.
ENOUGH: Final = 20
#: Rows of names above each other, at most.
HEADER_ROWS: Final = 5
#: A name is seldom longer.
NAME_LENGTH: Final = 80

_CODE_WITH_DIGITS: Final = "digits"
FIGURES: Final = frozenset({"number", "money", "percent", "unit"})
_TYPED: Final = FIGURES | {"date", "time", "address", "truth", _CODE_WITH_DIGITS}
_PERIOD = re.compile(
    r"(?:(?:0?[1-9]|1[0-2])[./-]|Q[1-4][ /-]?)?(?:19|20)[0-9]{2}(?:[-/][0-9]{2,4}|-?Q[1-4])?"
)


@dataclass(frozen=True, slots=True)
class Column:
    """What the cells of a column mostly are ("" if mixed or text), which texts they hold and how
    long they are on average; their shapes if those are few; whether they are always or never
    filled, where there are enough rows to say so, and whether all are here.
    """

    kind: str
    values: frozenset[str]
    length: float
    shapes: frozenset[str] = frozenset()
    always: bool = False
    never: bool = False
    full: bool = False


#: A column of codes or figures has few shapes; one of texts nearly as many as cells.
_SHAPES: Final = 16


def shape_of(cell: str) -> str:
    """A cell with its digits as 9 and its letters as A."""
    return "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in cell)


def class_of(cell: str) -> str:
    """The kind of a cell, with codes that hold digits apart from words."""
    kind = kind_of(cell)
    if kind == "code":
        return _CODE_WITH_DIGITS if any(map(str.isdigit, cell)) else WORDS
    return kind


def columns_of(rows: Sequence[Sequence[str]], width: int) -> list[Column]:
    """Profiles of a table's columns, from its first rows."""
    kinds: list[Counter[str]] = [Counter() for _ in range(width)]
    values: list[list[str]] = [[] for _ in range(width)]
    for row in rows[:BODY]:
        for index, cell in enumerate(row[:width]):
            kind = class_of(cell)
            if kind not in (EMPTY, "nothing"):
                kinds[index][kind] += 1
            if kind != EMPTY:
                values[index].append(cell.strip())
    columns = []
    for counted, texts in zip(kinds, values, strict=True):
        top, count = counted.most_common(1)[0] if counted else ("", 0)
        typed = top in _TYPED and count >= 0.6 * counted.total()
        length = sum(map(len, texts)) / len(texts) if texts else 0.0
        alike = [each for each in texts if class_of(each) == top] if typed else []
        shapes = frozenset(map(shape_of, alike))
        columns.append(
            Column(
                top if typed else "",
                frozenset(texts),
                length,
                shapes if len(shapes) <= _SHAPES else frozenset(),
                always=len(rows) >= ENOUGH and len(texts) >= 0.95 * len(rows[:BODY]),
                never=not texts and len(rows) >= ENOUGH,
                full=bool(rows) and len(texts) == len(rows[:BODY]),
            )
        )
    return columns


def votes(row: Sequence[str], columns: Sequence[Column]) -> tuple[float, int, int]:
    """How much a row looks like names (> 0) or data (< 0); texts and values in typed columns."""
    score = 0.0
    texts = same = 0
    periods = sum(map(_is_period, row, columns))
    for cell, column in zip(row, columns, strict=False):
        kind = class_of(cell)
        text = cell.strip()
        if kind in (EMPTY, "nothing"):
            continue
        if kind == "truth" and column.kind != "truth":  # X, Y and N are names as well
            kind = WORDS
        if periods >= 2 and _is_period(text, column) and text not in column.values:
            score += 0.5
        elif kind == column.kind == _CODE_WITH_DIGITS and _numbered(text, column):
            continue
        elif column.kind:
            if kind == column.kind or {kind, column.kind} <= FIGURES:
                same += 1
                score -= 1.0
            elif kind in (WORDS, TEXT, ODD):
                texts += 1
                score += 1.0
            elif kind in _TYPED:
                score -= 0.3 if kind != _CODE_WITH_DIGITS else 0.0
        elif text in column.values:
            score -= 0.5
        elif column.length > 30 and len(text) < 25:
            score += 0.5
    return score, texts, same


def _is_period(cell: str, column: Column) -> bool:
    """Whether a cell names a span of time: a year, a quarter, or a date above figures."""
    if column.kind in FIGURES and class_of(cell) == "date":
        return True
    return bool(_PERIOD.fullmatch(cell.strip()))


def _numbered(text: str, column: Column) -> bool:
    """Whether a text is a name with a number (phone1) and no code as the column holds."""
    return text[0].isalpha() and bool(column.shapes) and shape_of(text) not in column.shapes


def names_columns(row: Sequence[str], columns: Sequence[Column], *, rows_below: int) -> bool:
    """Whether a row is a header."""
    filled = [cell.strip() for cell in row if cell.strip()]
    if not filled:
        return False
    if not rows_below:
        return not any(class_of(cell) in _TYPED - {_CODE_WITH_DIGITS} for cell in filled)
    score, texts, same = votes(row, columns)
    if texts and not same:
        return True
    if score:
        return score > 0
    if len(set(filled)) < len(filled) or max(map(len, filled)) > NAME_LENGTH:
        return False
    figures = sum(class_of(cell) in _TYPED - {_CODE_WITH_DIGITS} for cell in filled)
    return figures * 2 < len(filled)


def names_more(row: Sequence[str], above: Sequence[str], columns: Sequence[Column]) -> bool:
    """Whether the row below a header belongs to it: names again, or units, or names in its gaps."""
    score, texts, same = votes(row, columns)
    below = {index for index, cell in enumerate(row) if cell.strip()}
    gaps = {index for index, cell in enumerate(above) if not cell.strip()}
    if len(gaps) > 1 and gaps <= below and 0 not in below and columns[0].full:
        return same * 3 <= len(below)
    if same or score <= 0:
        return False
    typed = sum(1 for column in columns if column.kind)
    if texts >= 2 and texts * 3 >= typed:
        return True
    named = bool(below & gaps) or (len(below) * 2 < len(row) and columns[0].full)
    return bool(texts and named and 0 not in below) or list(row) == list(above)


def joined(rows: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """One name a column from rows of them: a name over several columns counts for each."""
    names: list[list[str]] = [[] for _ in range(width)]
    for place, row in enumerate(rows):
        carried = ""
        lower = rows[place + 1 :]
        for index in range(width):
            cell = row[index] if index < len(row) else ""
            if cell.strip():
                carried = cell.strip()
                if carried not in names[index][-1:]:
                    names[index].append(carried)
            elif carried and any(index < len(each) and each[index].strip() for each in lower):
                names[index].append(carried)
    if len(rows) == 1:
        return (*rows[0], *[""] * (width - len(rows[0])))
    return tuple(" ".join(each) for each in names)
