"""Which column holds which field: as somebody chose, as was remembered, or as can be told.

With it goes what a person has to see to judge that: how full a column is, and examples.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Final

from catalog.rules import FIELDS, REQUIRED, shown
from imports.mapping import CHOSEN, NAME, REMEMBERED, Column, doubts, find_columns, folded
from imports.refusals import Notice, Unreadable

#: Rows by which columns are judged, and examples that are shown of each.
ROWS: Final = 1_000
SAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was chosen for files with the same header: a field or "" for each column, and the
    decimal mark of prices, "" if none was.
    """

    fields: Sequence[str]
    decimal: str = ""


#: Says what was chosen for a header; None if nothing.
Recall = Callable[[Sequence[str]], Recalled | None]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A column: the field it holds, "" for none, how that was told, and what its cells are like.

    ``filled`` is the share of the first rows in which it is not empty.
    """

    header: str
    field: str
    how: str
    filled: float
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assigned:
    """All columns of a file, and what of them somebody should look at; the remembered decimal
    mark of its prices, "" if there is none.
    """

    mapping: tuple[Mapped, ...]
    notices: tuple[Notice, ...] = ()
    decimal: str = ""

    @property
    def columns(self) -> Mapping[str, int]:
        """The index of each field's column."""
        found = {each.field: at for at, each in enumerate(self.mapping) if each.field}
        return MappingProxyType(found)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of columns that hold no field."""
        return tuple(
            each.header or f"column {at}"
            for at, each in enumerate(self.mapping, 1)
            if not each.field
        )


def assign(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    line: int,
    chosen: Sequence[str] = (),
    recall: Recall | None = None,
) -> Assigned:
    """Assign the columns of a file whose header stands on ``line``; what is chosen overrules.

    Raises Unreadable when a field has two columns.
    """
    notices: list[Notice] = []
    remembered = None if chosen or recall is None else recall(header)
    if chosen:
        columns = _as_told(header, chosen, CHOSEN, line)
    elif remembered:
        columns = _as_told(header, remembered.fields, REMEMBERED, line)
    else:
        columns = find_columns(header, rows)
        _refuse_doubled(columns, line)
        notices = [Notice(code, message, line or None) for code, message in doubts(columns)]
    seen = rows[:ROWS]
    mapping = tuple(
        Mapped(each.header, each.field, each.how, *_looks(seen, at))
        for at, each in enumerate(columns)
    )
    return Assigned(mapping, tuple(notices), remembered.decimal if remembered else "")


def missing(assigned: Assigned) -> list[str]:
    """The required fields that no column holds."""
    return [field for field in REQUIRED if field not in assigned.columns]


def _as_told(header: Sequence[str], fields: Sequence[str], how: str, line: int) -> list[Column]:
    columns: list[Column] = []
    for name, field in zip(header, (*fields, *[""] * len(header)), strict=False):
        known = field if field in FIELDS else ""
        if known and any(each.field == known for each in columns):
            raise Unreadable(
                "header_doubled",
                f'Line {line:,}: two columns were chosen for "{known}". Choose one.',
                line,
            )
        columns.append(Column(name, known, how if known else ""))
    return columns


def _refuse_doubled(columns: Sequence[Column], line: int) -> None:
    """A field by its own name twice: which one is meant can't be told."""
    for at, column in enumerate(columns):
        if column.rival and folded(column.header) == column.rival:
            first = next(n for n, each in enumerate(columns) if each.field == column.rival)
            if columns[first].how == NAME:
                one, other = sorted((first + 1, at + 1))
                raise Unreadable(
                    "header_doubled",
                    f'Line {line:,}: the header has "{column.rival}" twice, in columns {one} and '
                    f"{other}. Remove or rename one.",
                    line,
                )


def _looks(rows: Sequence[Sequence[str]], at: int) -> tuple[float, tuple[str, ...]]:
    """The share of rows whose cell is not empty, and the first cells that differ."""
    cells = [row[at] for row in rows if at < len(row) and row[at].strip()]
    share = round(len(cells) / len(rows), 4) if rows else 0.0
    return share, tuple(islice(_distinct(cells), SAMPLES))


def _distinct(cells: Sequence[str]) -> Iterator[str]:
    seen = set()
    for cell in cells:
        if cell not in seen:
            seen.add(cell)
            yield shown(cell)
