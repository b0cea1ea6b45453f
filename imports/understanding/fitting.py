"""Rows that are too short or too long, brought to the table's width where that is sure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from imports.understanding.cutting import Cutter, Record
from imports.understanding.headers import BODY, FIGURES, Column, class_of, columns_of, shape_of

_REPAIRS: Final = {
    "stray_quote": (
        "a quote within a cell was taken for a letter, since the row has the table's width that "
        "way. Double it in the file, or check the row"
    ),
    "escaped_quote": (
        "a backslash before a quote was taken for its escape, since the row has the table's width "
        "that way. Double quotes within cells, or check the row"
    ),
    "quoted_row": (
        "the row is quoted as a whole, and was cut into cells all the same. Save the table with "
        "quotes around single cells"
    ),
    "missing_delimiter": "two cells without a delimiter between them were parted. Check the row",
    "other_delimiter": (
        "the row is cut by another delimiter than the rest and was read so. Check the row"
    ),
}
#: What is told of lines that are no rows.
LINE_CODES: Final = frozenset({"comments"})
#: What is told of rows.
ROW_CODES: Final = frozenset(
    {*_REPAIRS, *LINE_CODES, "short_rows", "long_rows", "extra_cell", "header_again"}
)
#: So many short rows may have lost a delimiter; where there are more, the file is written so.
ACCIDENTS: Final = 3
#: Columns of a known kind that it takes to tell which words of a row are one cell.
MANY_TYPED: Final = 3
_EXAMPLE: Final = 60
#: A row's extra cells may be dropped if they hold nothing else; a line break is something.
_BLANKS: Final = " \t\u00a0"
#: Figures are never parted from figures, but for those of dates and times: they have fixed shapes.
_CLOCKS: Final = ("date", "time")
#: What stands within figures: no part of one begins or ends with it.
_MARKS: Final = ".,'"
#: A cell past this length is text; its halves are not looked for.
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Note:
    """One row that was mended or is odd."""

    code: str
    message: str
    line: int


class Notes:
    """What was mended or is odd: of each kind the first row and how many, however long the file."""

    def __init__(self) -> None:
        self.first: dict[str, Note] = {}
        self.counts: Counter[str] = Counter()

    def add(self, note: Note) -> None:
        self.counts[note.code] += 1
        self.first.setdefault(note.code, note)


def comment_note(mark: str, line: int, text: str) -> Note:
    """A line among the rows that was taken for a comment."""
    message = (
        f"among the rows, a line that begins with “{mark}” was taken for a comment and left out. "
        f"Check that it is no row (line {line:,}: {text.strip()[:_EXAMPLE]}…)."
    )
    return Note("comments", message, line)


class Fitter:
    """Fills up rows, drops empty cells too many, and notes what it could not settle."""

    def __init__(self, cutter: Cutter) -> None:
        self.width = cutter.width
        self.quote = cutter.dialect.quote
        self._cutter = cutter
        self._accidents = True

    def fitted(self, records: Iterable[Record], notes: Notes) -> Iterator[Record]:
        """Yield the records, of the table's width where that could be had."""
        source = iter(records)
        first = list(islice(source, BODY))
        columns = columns_of([each.cells for each in first], self.width)
        short = sum(len(each.cells) < self.width for each in first)
        self._accidents = short <= max(ACCIDENTS, len(first) // 20)
        for record in chain(first, source):
            if record.raw:
                record = self._cut_by_blanks(record, columns)
            cells = record.cells
            if record.repair:
                self._note(notes, record, record.repair, _REPAIRS.get(record.repair, ""))
            if len(cells) == self.width:
                yield record
            elif len(cells) < self.width:
                yield self._filled(record, columns, notes)
            else:
                yield self._shortened(record, columns, notes)

    def _cut_by_blanks(self, record: Record, columns: list[Column]) -> Record:
        """A row that blanks cut into what its columns hold, unlike a title of as many words."""
        cells = self._cutter.cut_by(" ", record.raw)
        typed = sum(bool(each.kind) for each in columns)
        if cells is None or not typed or (len(cells) > self.width and typed < MANY_TYPED):
            return record
        spare = len(cells) - self.width + 1  # that many words are one cell; quoted ones are whole
        ways = [
            way
            for index in range(self.width if spare > 1 else 1)
            if spare == 1 or not columns[index].kind
            if spare == 1 or not any(" " in cell for cell in cells[index : index + spare])
            if not disagreeing(
                way := [
                    *cells[:index],
                    " ".join(cells[index : index + spare]),
                    *cells[index + spare :],
                ],
                columns,
            )
        ]
        return Record(record.line, ways[0], "other_delimiter") if len(ways) == 1 else record

    def _filled(self, record: Record, columns: list[Column], notes: Notes) -> Record:
        cells = [*record.cells, *[""] * (self.width - len(record.cells))]
        alone = len(record.cells) == 1 and self.width > 2
        if (alone or disagreeing(cells, columns)) and not disagreeing(record.cells, columns):
            message = (
                f"only {len(record.cells):,} of {self.width:,} cells: those at the end were left "
                "empty. Check the row"
            )
            self._note(notes, record, "short_rows", message)
        elif disagreeing(cells, columns):
            parted = self._parted(record.cells, columns)
            if parted:
                message = _REPAIRS["missing_delimiter"]
                self._note(notes, record, "missing_delimiter", message)
                return Record(record.line, parted, record.repair)
            message = (
                f"only {len(record.cells):,} of {self.width:,} cells, and not those at the end "
                "seem to be missing. Check the row"
            )
            self._note(notes, record, "short_rows", message)
        return Record(record.line, cells, record.repair)

    def _parted(self, cells: list[str], columns: list[Column]) -> list[str] | None:
        """A row that lacks one delimiter, if there is just one place where it may have stood."""
        if len(cells) != self.width - 1 or not self._accidents:
            return None
        ways = []
        for index, cell in enumerate(cells):
            before, after = cells[:index], cells[index + 1 :]
            if disagreeing(before, columns) or disagreeing(after, columns[index + 2 :]):
                continue
            ways += [
                [*before, left, right, *after]
                for left, right in _halves(cell, self.quote, columns[index], columns[index + 1])
            ]
        return ways[0] if len(ways) == 1 else None

    def _shortened(self, record: Record, columns: list[Column], notes: Notes) -> Record:
        cells = record.cells
        if not any(cell.strip(_BLANKS) for cell in cells[self.width :]):
            shorter = cells[: self.width]
            if not disagreeing(shorter, columns):
                return Record(record.line, shorter, record.repair)
        if len(cells) == self.width + 1:
            ways = {
                tuple(way): disagreeing(way, columns)
                for index, cell in enumerate(cells)
                if not cell.strip(_BLANKS) and (way := cells[:index] + cells[index + 1 :])
            }
            sure = [way for way, count in ways.items() if not count]
            if len(sure) == 1:
                self._note(
                    notes, record, "extra_cell", "an empty cell too many was dropped. Check the row"
                )
                return Record(record.line, list(sure[0]), record.repair)
        message = f"{len(cells):,} cells instead of {self.width:,}. Check the row"
        self._note(notes, record, "long_rows", message)
        return record

    @staticmethod
    def _note(notes: Notes, record: Record, code: str, message: str) -> None:
        example = ", ".join(record.cells)[:_EXAMPLE]
        notes.add(Note(code, f"{message} (line {record.line:,}: {example}…).", record.line))


def _halves(cell: str, quote: str, left: Column, right: Column) -> list[tuple[str, str]]:
    """The ways to part a cell so that both halves are what their columns hold."""
    if quote and cell.count(quote) in (1, 2):
        first, _, second = cell.partition(quote)
        second = second.removesuffix(quote)
        if (
            first
            and second
            and quote not in second
            and not disagreeing([first, second], [left, right])
        ):
            return [(first, second)]
    if len(cell) > _LONGEST or not (left.shapes or right.shapes):
        return []
    clocks = left.kind in _CLOCKS or right.kind in _CLOCKS
    ways = []
    for place in range(1, len(cell)):
        first, second = cell[:place], cell[place:]
        if first[-1].isdigit() and second[0].isdigit() and not clocks:
            continue
        if _holds(first, left) and _holds(second, right):
            ways.append((first, second))
    between = [way for way in ways if shape_of(way[0][-1]) != shape_of(way[1][0])]
    return ways if len(ways) == 1 else between


def _holds(half: str, column: Column) -> bool:
    """Whether half a cell is what a column holds."""
    if column.kind in FIGURES:
        whole = half[0] not in _MARKS and half[-1] not in _MARKS
        return shape_of(half) in column.shapes or (whole and class_of(half) == column.kind)
    if column.shapes:
        return shape_of(half) in column.shapes
    return not column.kind and half[0].isalnum()


def disagreeing(cells: list[str], columns: list[Column]) -> int:
    """How many cells are of another kind than their column, or empty where none is."""
    count = 0
    for cell, column in zip(cells, columns, strict=False):
        if not cell.strip():
            count += column.always
        elif column.never:
            count += 1
        elif column.kind:
            count += class_of(cell) not in (column.kind, "nothing")
    return count
