"""Rows of a file that is not plain, as `imports.understanding` reads its table.

What was mended is told, and what can't be trusted is refused: a row in which cells seem to be
missing between others has its values in the wrong columns.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from catalog.rules import Problem, shown
from imports.parsing.broken import Broken, byte_problems
from imports.parsing.decoding import Lines, Notice
from imports.parsing.dialect import Format
from imports.parsing.plain import Batch, Record
from imports.parsing.tallies import Tally
from imports.understanding.encodings import mended
from imports.understanding.findings import Inspection
from imports.understanding.fitting import Note, Notes
from imports.understanding.inspection import records

_LINE_END = re.compile(r"\r\n|\r|\n")
#: How a note tells that a row's values are most likely in the wrong columns.
_DISPLACED: Final = "not those at the end"
#: How a Note ends: where it stands and how it begins, which a Tally says itself.
_EXAMPLE = re.compile(r" \(line [0-9,]+: .*$", re.DOTALL)
#: Rows that are given out at once.
_PART: Final = 1024


class _Mended(Notes):
    """Counts what was mended; keeps the lines of rows that must not be imported."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.displaced: dict[int, str] = {}
        self._tally = tally

    def add(self, note: Note) -> None:
        if note.code == "long_rows":
            return  # the row check refuses it
        message = _EXAMPLE.sub(".", note.message)
        message = message[:1].upper() + message[1:]
        if _DISPLACED in message:
            self.displaced[note.line] = message
        else:
            self._tally.add(note.code, message, note.line)


class TableReader:
    """Iterates the table as a PlainReader does, with true lines and bytes; to be iterated once."""

    def __init__(
        self,
        lines: Lines,
        found: Format,
        inspection: Inspection,
        *,
        packed: Callable[[int], int] | None = None,
    ) -> None:
        self.rows = 0
        self._lines = lines
        self._format = found
        self._packed = packed
        self._line = self._end = 0
        self._tally = Tally()
        self._mended = _Mended(self._tally)
        names = list(found.header)
        for field, index in found.columns.items():
            names[index] = field
        self._names = names
        self._table = records(self._texts(), inspection, self._mended)
        self.header_raw = b""
        if inspection.header_lines:
            first = inspection.preamble_lines + 1
            next(self._table, None)
            while self._lines.loaded < first + inspection.header_lines and self._lines.load():
                pass
            self.header_raw = lines.raw(first, first + inspection.header_lines - 1)

    @property
    def format(self) -> Format:
        """The format as known by now, with what was mended so far."""
        warnings = [*self._format.warnings, *self._lines.notices, *self._tally.notices()]
        if self._lines.finished and not self.rows:
            warnings.append(Notice("no_rows", "The file has a header and no rows."))
        return replace(self._format, encoding=self._lines.encoding, warnings=tuple(warnings))

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file were taken, packed as it came."""
        read = self._lines.bytes_read
        return self._packed(read) if self._packed else read

    def raw(self) -> bytes:
        """Return the bytes of the record last given out, line end included, as in the file."""
        return self._lines.raw(self._line, self._end)

    def note(self, code: str, cell: str) -> None:
        """Count what was taken off a cell of the record last given out."""
        self._tally.add(code, cell, self._line)

    def __iter__(self) -> Iterator[Record]:
        lines = self._lines
        for number, record in enumerate(self._table, 1):
            self._line = record.line
            self._end = record.line + sum(len(_LINE_END.findall(cell)) for cell in record.cells)
            lines.forget(record.line)
            self.rows = number
            yield number, record.line, self._judged(record.line, record.cells)

    def batches(self) -> Iterator[Batch | Iterator[Record]]:
        """Iterate in one part: each record is looked at by itself."""
        yield iter(self)

    def each(self, batch: Batch) -> Iterator[Record]:
        """There are no batches here; that of a PlainReader has its own records."""
        raise NotImplementedError

    def _texts(self) -> Iterator[str]:
        """The lines of the file, a block at a time."""
        line = 1
        while block := self._lines.at(line):
            line += block.count
            for text in block.lines:
                yield mended(text)

    def _judged(self, line: int, cells: list[str]) -> list[str]:
        suspects = self._lines.suspects
        if suspects:
            hits = [number for number in range(line, self._end + 1) if number in suspects]
            suspects.difference_update(hits)
            if hits and (problems := byte_problems(self._lines, hits, cells, self._names)):
                return Broken(problems, cells)
        displaced = self._mended.displaced
        if displaced and (message := displaced.pop(line, "")):
            return Broken([Problem("columns", "", shown(" | ".join(cells)), message)], [])
        return cells
