"""A file's bytes → its rows, with the line, the number and, when asked for, the bytes of each.

Quotes are read strictly where reading on would be a guess. Text after a closing quote
(``"12" monitor"``) rejects the row; so does a quote inside an unquoted cell of a record that spans
lines, or a lone one at such a cell's end in a row that has not the header's width: marks of a quote
opened elsewhere. A quote within an unquoted cell of one line is literal (``5" pipe``), and so is
one at its end (``27",9.90``). A quote that is never closed rejects its row alone, up to the end of
its line; what follows are rows again.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import Final

from catalog.rules import Problem, shown
from imports.parsing.broken import Broken, byte_problems
from imports.parsing.decoding import Block, Lines, Notice
from imports.parsing.dialect import QUOTE, Format, Grammar
from imports.parsing.tallies import Tally
from imports.understanding.doubting import total_doubt
from imports.understanding.margins import is_total

#: A cell less than this is blank or starts with a blank; a record less than the second is empty or
#: its first cell is such a one: one comparison for both.
_BLANK: Final = "!"
_BLANK_START: Final = [_BLANK]
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Stands for a record whose cells a misplaced quote puts in doubt.
_MISPLACED: Final[list[str]] = []
_MISPLACED_QUOTE: Final = (
    "a quote is misplaced, so where its cells end is a guess. Put quotes around "
    'the whole cell and write a quote inside it twice: "12"" monitor".'
)
_NEVER_CLOSED: Final = (
    "an opening quote is never closed, so where its cells end is a guess. Close it or remove it."
)
#: How far a cell may run on, in lines, behind a misplaced quote before rows are trusted again.
_DOUBT_LINES: Final = 200
#: Where the last row is looked for: blank lines may stand behind it.
_LAST_LINES: Final = 8


class _NeverClosed(Exception):
    """An opening quote, on line ``line``, that the file's end or a record's cap leaves open."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


Record = tuple[int, int, list[str]]
_FIRST: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that stand on a line each, from row and line on, all as wide as the header."""

    row: int
    line: int
    records: list[list[str]]


class PlainReader:
    """Iterates ``(row, line, cells)``: 1-based data row, 1-based line it starts on, its cells.

    ``cells`` is a Broken for a record with broken bytes, NUL or misplaced quotes. Blank records
    are passed over: lines without text, and rows whose cells are all blank. Iterating raises
    Unreadable when the file has to be refused on the way. To be iterated once.
    """

    def __init__(
        self,
        lines: Lines,
        found: Format,
        first: int,
        *,
        packed: Callable[[int], int] | None = None,
    ) -> None:
        self.rows = 0
        self.header_raw = lines.raw(found.header_line, first - 1) if found.header_line else b""
        self._packed = packed
        self._tally = Tally()
        self._lines = lines
        self._format = found
        self._line, self._end = first, first - 1
        self._first = first
        self._grammar = Grammar.of(found.delimiter, blanks_before_quotes=found.blanks_before_quotes)
        if not found.blanks_before_quotes:
            lines.watch(f'{found.delimiter} "')
        names = list(found.header)
        for field, index in found.columns.items():
            names[index] = field
        self._names = names

    @property
    def format(self) -> Format:
        """The format as known by now: the first text that is not ASCII may settle the encoding."""
        warnings = [*self._format.warnings, *self._lines.notices, *self._tally.notices()]
        if self._lines.finished and not self.rows:
            warnings.append(Notice("no_rows", "The file has a header and no rows."))
        if self._lines.finished and self.rows and (line := self._total()):
            told = total_doubt(line)
            warnings.append(Notice(told.code, told.message, told.line))
        return replace(self._format, encoding=self._lines.encoding, warnings=tuple(warnings))

    def _total(self) -> int:
        """The line of the last row, if it is named as a total and one kept before it is not."""
        last: list[tuple[int, list[str]]] = []
        for line in range(self._lines.loaded, self._lines.loaded - _LAST_LINES, -1):
            text = "".join(self._lines.between(line, line)).strip()
            if text:
                last.append(
                    (line, [cell.strip(' "') for cell in text.split(self._format.delimiter)])
                )
            if len(last) > 1:
                break
        if not last or last[0][0] < self._first:
            return 0
        named = [is_total(cells) for _, cells in last]
        return last[0][0] if named[0] and named[1:] != [True] else 0

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
        for part in self.batches():
            if isinstance(part, Batch):
                yield from self.each(part)
            else:
                yield from part

    def batches(self) -> Iterator[Batch | Iterator[Record]]:
        """Iterate by blocks: a Batch where a look at the whole block is enough, else its records.

        A third cheaper than a record at a time: what is asked of each is asked by C code of all.
        Each part has to be used up before the next one is taken.
        """
        while block := self._lines.at(self._end + 1):
            self._lines.forget(self._end + 1)
            batch = self._sound(block)
            if batch is not None:
                self.rows += block.count
                self._end += block.count
                yield batch
            elif block.plain is None or self._format.blanks_before_quotes:
                yield self._quoted()
            else:
                yield self._plain(block, block.plain)

    def each(self, batch: Batch) -> Iterator[Record]:
        """Yield the records of the Batch that was given out last, one at a time."""
        for index, cells in enumerate(batch.records):
            self._line = self._end = batch.line + index
            self.rows = batch.row + index
            yield self.rows, self._line, cells

    def _sound(self, block: Block) -> Batch | None:
        """All records of a block, if each is one line as wide as the header, none doubtful."""
        if self._end + 1 != block.first or self._format.blanks_before_quotes:
            return None
        suspects, after = self._lines.suspects, block.first + block.count
        if suspects and not suspects.isdisjoint(range(block.first, after)):
            return None
        delimiter = self._format.delimiter
        if block.plain is None:
            reader = csv.reader(block.lines, delimiter=delimiter, strict=True)
            try:
                records = list(reader)
            except csv.Error:
                return None
        else:
            records = [text.split(delimiter) for text in block.plain]
        if len(records) != block.count or set(map(len, records)) != {len(self._format.header)}:
            return None
        if min(map(_FIRST, records)) < _BLANK:
            # An empty cell is no reason for doubt; a blank before a quote is, and a blank record.
            for cells in records:
                if cells[0] < _BLANK and (
                    (cells[0] and block.plain is None) or not "".join(cells).strip()
                ):
                    return None
        return Batch(self.rows + 1, block.first, records)

    def _plain(self, block: Block, texts: list[str]) -> Iterator[Record]:
        """Yield the records of a block without quotes, from the next line on."""
        suspects, delimiter = self._lines.suspects, self._format.delimiter
        row, start = self.rows, self._end + 1
        for line, text in enumerate(texts[start - block.first :], start):
            if not text:
                continue
            cells = text.split(delimiter)
            if line in suspects or cells[0] < _BLANK:
                found = self._judge(line, line, cells)
                if found is None:
                    continue
                cells = found
            row += 1
            self.rows = row
            self._line = self._end = line
            yield row, line, cells
        self._end = block.first + block.count - 1

    def _quoted(self) -> Iterator[Record]:
        """Yield records by the csv module up to a doubtful quote or a block without quotes."""
        suspects = self._lines.suspects
        width = len(self._format.header)
        line = self._end + 1
        base = line - 1
        records = csv.reader(
            chain.from_iterable(self._tape(line)),
            delimiter=self._format.delimiter,
            skipinitialspace=self._format.blanks_before_quotes,
            strict=True,
        )
        try:
            for cells in records:
                end = base + records.line_num
                if end != line or line in suspects or len(cells) < width or cells < _BLANK_START:
                    found = self._judge(line, end, cells)
                    if found is None:
                        self._end = end
                        line = end + 1
                        continue
                    if found is _MISPLACED:
                        if len(cells) < width or end > line:
                            end = self._runs_on_to(end)
                        break
                    cells = found
                self.rows += 1
                self._line, self._end = line, end
                yield self.rows, line, cells
                line = end + 1
            else:
                return
        except csv.Error:
            end = base + records.line_num
            opened = self._open_at_end(line, end)
            if opened is not None:
                yield self._doubtful(line, opened, _NEVER_CLOSED)
                return
            end = self._runs_on_to(end)
        except _NeverClosed as found:
            yield self._doubtful(line, found.line, _NEVER_CLOSED)
            return
        yield self._doubtful(line, end, _MISPLACED_QUOTE)

    def _tape(self, start: int) -> Iterator[Iterable[str]]:
        """Yield the lines from ``start`` on, a block at a time; the csv module pulls them."""
        lines = self._lines
        block = lines.at(start)
        whole = block and block.first == start and block.first + block.count > lines.loaded
        yield block.lines if block and whole else lines.after(start)
        while True:
            pending = self._end + 1
            if pending > lines.loaded:
                return  # between two records: the next block may need no csv module
            lines.forget(pending)
            if sum(map(len, lines.after(pending))) > lines.max_record:
                raise self._overlong(pending, lines.loaded)
            block = lines.load()
            if block is None:
                return
            yield block.lines

    def _judge(self, line: int, end: int, cells: list[str]) -> list[str] | None:
        """Look closer at a record: None when blank, _MISPLACED, a Broken, or its cells."""
        lines = self._lines
        hits = [n for n in range(line, end + 1) if n in lines.suspects] if lines.suspects else []
        lines.suspects.difference_update(hits)
        if not "".join(cells).strip(" \t"):
            return None
        if end > line or hits or cells < _BLANK_START:
            text = "".join(lines.between(line, end))
            if len(text) > lines.max_record:
                raise self._overlong(line, end)
            whole = self._grammar.loose if len(cells) == len(self._names) else self._grammar.tidy
            grammar = self._grammar.sound if end > line else whole
            if not grammar.fullmatch(text):
                return _MISPLACED
        if len(cells) < len(self._names) and self._runs_on_to(end) > end:
            return _MISPLACED
        if hits and (problems := byte_problems(lines, hits, cells, self._names)):
            return Broken(problems, cells)
        return cells

    def _open_at_end(self, line: int, end: int) -> int | None:
        """Return the line with the quote that the file's end leaves open, if that is what broke."""
        lines = self._lines
        if not (lines.finished and end == lines.loaded):
            return None
        text = "".join(lines.between(line, end))
        return self._opened(line, text) if self._grammar.unclosed.fullmatch(text) else None

    def _opened(self, line: int, text: str) -> int | None:
        """Return the line of a quote in ``text``, from ``line`` on, that is not closed."""
        found = self._grammar.unclosed.match(text)
        return line + len(_LINE_END.findall(found[1])) if found else None

    def _runs_on_to(self, end: int) -> int:
        """Return the line on which a cell ends whose opening quote was lost or closed too early.

        That is the next line with a quote, if the first one on it is a quote that closes; else
        ``end``. Lines between, which may well look like rows, belong to that cell.
        """
        lines = self._lines
        seen = end
        while seen - end < _DOUBT_LINES:
            for text in lines.after(seen + 1):
                seen += 1
                if QUOTE in text:
                    return seen if self._grammar.closing.match(text) else end
                if seen - end >= _DOUBT_LINES:
                    return end
            if lines.load() is None:
                break
        return end

    def _doubtful(self, line: int, end: int, why: str) -> Record:
        lines = self._lines
        lines.suspects.difference_update(range(line, end + 1))
        self.rows += 1
        self._line, self._end = line, end
        text = "".join(lines.between(line, end)).rstrip("\r\n")
        where = f"Line {line:,}" if line == end else f"Lines {line:,} to {end:,}"
        return self.rows, line, Broken([Problem("quote", "", shown(text), f"{where}: {why}")], [])

    def _overlong(self, line: int, end: int) -> Exception:
        """Return what to raise for a record past the cap: of an open quote, mostly."""
        opened = self._opened(line, "".join(self._lines.between(line, end)))
        return self._lines.too_long(line) if opened is None else _NeverClosed(opened)
