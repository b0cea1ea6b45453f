"""Lines of text → records of cells, in a given dialect, without falling for a stray quote.

A line without quotes is split, one with sound quotes goes through the csv module, and only what is
left is looked at closely: a quote that opens on one line and closes on another, one that is no
quote at all, a row that was cut by another delimiter than the rest.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from imports.understanding.rereading import reread

#: What a cell of one record may span; past it, an open quote is taken for a letter.
RECORD_LINES: Final = 2_000
RECORD_LENGTH: Final = 1 << 20
#: Where a delimiter beside a quote is missing is looked for in rows of up to this length and so
#: many quotes.
PARTED_LENGTH: Final = 1 << 14
PARTED_QUOTES: Final = 64
#: A delimiter of several characters is read as this one, which stands in no text.
STAND_IN: Final = "\ue000"
#: What old systems write behind the last line.
END_OF_FILE: Final = "\x1a"
#: What else may cut a single row.
OTHER_DELIMITERS: Final = (",", ";", "\t", "|", ", ", " ")


@dataclass(frozen=True, slots=True)
class Dialect:
    """ "" stands for none: no delimiter is a table of one column. ``blanks``: they are dropped
    after delimiters, and a run of blanks is one delimiter if the delimiter is a blank.
    """

    delimiter: str
    quote: str = ""
    escape: str = ""
    blanks: bool = False


class Record(NamedTuple):
    """Cells and the 1-based line on which they start; ``repair`` names what was mended, or "";
    ``raw`` is the line itself where it may still be cut by blanks.
    """

    line: int
    cells: list[str]
    repair: str = ""
    raw: str = ""


class _Reader:
    """The csv module for one text at a time: to make its reader anew takes as long as to read."""

    def __init__(self, delimiter: str, quote: str, escape: str, *, blanks: bool) -> None:
        self._texts: list[str] = []
        self._reader: Iterator[list[str]] = iter(())
        with suppress(ValueError):
            self._reader = csv.reader(
                self,
                delimiter=delimiter,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                escapechar=escape or None,
                skipinitialspace=blanks,
                strict=True,
            )

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._texts:
            return self._texts.pop()
        raise StopIteration

    def cells(self, text: str) -> list[str] | None:
        """The cells of one whole record, None when its quotes are not sound."""
        self._texts.append(text)
        try:
            return next(self._reader)
        except (csv.Error, StopIteration):
            self._texts.clear()
            return None


class Cutter:
    """Cuts lines into records. With a ``width``, rows that are odd are fitted to it.

    ``left_out`` is told of each comment, with its line.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        width: int = 0,
        comment: str = "",
        left_out: Callable[[int, str], None] | None = None,
    ) -> None:
        self.dialect = dialect
        self._left_out = left_out
        self.width = width
        self.comment = comment
        self._several = len(dialect.delimiter) > 1
        self._delimiter = STAND_IN if self._several or not dialect.delimiter else dialect.delimiter
        self._runs = dialect.delimiter == " " and dialect.blanks
        self._open = _open_quotes(self._delimiter, dialect)
        self._closed = _blanks_after_quotes(self._delimiter, dialect)
        self._cells = _cells_with_blanks(self._delimiter, dialect)
        self._before = _blanks_before_quotes(self._delimiter, dialect)
        self._met = re.compile(
            rf"[^\W\d]{re.escape(dialect.quote) * 2}[^\W\d]" if dialect.quote else "(?!)"
        )
        self._resting = 0
        self._reader: _Reader | None = None
        #: The line on which a record starts whose quotes are still open at the end, 0 for none.
        self.unfinished = 0
        if (
            csv.field_size_limit() < RECORD_LENGTH
        ):  # the csv module's own cap is one for the process
            csv.field_size_limit(RECORD_LENGTH)

    def records(self, lines: Iterable[str], first: int = 1) -> Iterator[Record]:
        """Yield the records of lines with their line ends; ``first`` is the first one's number.

        Blank lines give no record; comments neither, unless they have the table's width.
        """
        source = iter(lines)
        waiting: deque[str] = deque()
        number = first
        quote, escape = self.dialect.quote or STAND_IN, self.dialect.escape or STAND_IN
        while True:
            line = waiting.popleft() if waiting else next(source, None)
            if line is None:
                return
            at, number = number, number + 1
            if self._several:
                line = line.replace(self.dialect.delimiter, STAND_IN)
            if not line.strip().strip(END_OF_FILE):
                continue
            quoted = quote in line or escape in line
            cells = self._sound(line) if quoted else self._split(line)
            marked = bool(self.comment) and line.lstrip().startswith(self.comment)
            if marked and len(cells or self._split(line)) != self.width:
                if self._left_out:
                    self._left_out(at, line)
                continue
            if cells is None:
                record, used = self._odd(at, line, source, waiting)
                number += used
                yield record
            elif self.width and (len(cells) != self.width or (quoted and self._torn(cells, line))):
                yield self._fitted(at, line, cells)
            else:
                yield Record(at, cells)

    def _split(self, line: str) -> list[str]:
        line = line.rstrip("\r\n")
        if self._runs:
            return re.split(" +", line.strip(" "))
        cells = line.split(self._delimiter)
        return [cell.lstrip(" ") for cell in cells] if self.dialect.blanks else cells

    def _sound(self, text: str) -> list[str] | None:
        """The cells of one whole record; None when quotes stand where they must not."""
        if not self.dialect.blanks and self._before.search(text):
            text = self._cells.sub(_without_blanks, text)
        cells = self._by_csv(text, self._delimiter)
        if cells is None and self._closed.search(text):
            cells = self._by_csv(self._closed.sub(self.dialect.quote, text), self._delimiter)
        return cells

    def _by_csv(
        self, text: str, delimiter: str, *, quote: str = "", escape: str = ""
    ) -> list[str] | None:
        text = text.rstrip("\r\n")
        if self._runs:
            text = text.strip(" ")
        usual = delimiter == self._delimiter and not quote and not escape
        quote, escape = quote or self.dialect.quote, escape or self.dialect.escape
        if escape and escape in text:
            text = _plain_escapes(escape, quote, self._delimiter).sub(lambda _: escape * 2, text)
        if usual:
            self._reader = self._reader or _Reader(
                delimiter, quote, escape, blanks=self.dialect.blanks
            )
            return self._reader.cells(text)
        return _Reader(delimiter, quote, escape, blanks=self.dialect.blanks).cells(text)

    def _odd(
        self, at: int, line: str, source: Iterator[str], waiting: deque[str]
    ) -> tuple[Record, int]:
        """A record whose first line is not sound by itself; and how many more lines it took."""
        joined, used = self._joined(at, line, source, waiting)
        if joined is not None and (
            not self.width
            or len(joined) == self.width
            or (len(joined) > self.width and not self._holds_rows(waiting, used))
        ):
            self._drop(waiting, used)
            return Record(at, joined), used
        if self.width:
            cells = self._escaped(line)
            if cells is not None:
                return Record(at, cells, "escaped_quote"), 0
            cells = self._reread(line)
            if cells is not None:
                return Record(at, cells, "stray_quote"), 0
        if joined is not None:
            self._drop(waiting, used)
            return Record(at, joined), used
        cells = self._split(line)
        return (self._fitted(at, line, cells) if self.width else Record(at, cells, "quotes")), 0

    @staticmethod
    def _drop(waiting: deque[str], count: int) -> None:
        for _ in range(count):
            waiting.popleft()

    def _joined(
        self, at: int, line: str, source: Iterator[str], waiting: deque[str]
    ) -> tuple[list[str] | None, int]:
        """The cells of a record over several lines, and how many follow the first one."""
        quote = self.dialect.quote
        if at < self._resting or not quote or not self._open.fullmatch(line):
            return None, 0
        parts, length, alike = [line], len(line), True
        alone = len(self._split(line))
        for count in range(1, RECORD_LINES):
            if len(waiting) < count:
                following = next(source, None)
                if following is None:
                    self.unfinished = at
                    break
                waiting.append(following)
            following = waiting[count - 1]
            if self._several:
                following = following.replace(self.dialect.delimiter, STAND_IN)
            parts.append(following)
            length += len(following)
            if length > RECORD_LENGTH:
                break
            alike = alike and len(self._split(following)) == alone >= 3
            if quote in following and not self._open.fullmatch(quote + following):
                cells = self._sound("".join(parts))
                return (None, 0) if cells is None or (alike and count >= 3) else (cells, count)
        self._resting = at + len(parts)
        return None, 0

    def _holds_rows(self, waiting: deque[str], count: int) -> bool:
        """Whether one of the lines that an open quote would swallow is a row by itself."""
        return any(len(self._sound(line) or ()) == self.width for line in islice(waiting, count))

    def _escaped(self, line: str) -> list[str] | None:
        """A row whose quotes are sound with backslashes before them, in a file of doubled ones."""
        dialect = self.dialect
        if dialect.escape or not dialect.quote or f"\\{dialect.quote}" not in line:
            return None
        cells = self._by_csv(line, self._delimiter, escape="\\")
        return cells if cells is not None and len(cells) == self.width else None

    def _reread(self, line: str) -> list[str] | None:
        return reread(
            line.rstrip("\r\n"),
            delimiter=self._delimiter,
            quote=self.dialect.quote,
            escape=self.dialect.escape,
            blanks=self.dialect.blanks,
            width=self.width,
        )

    def _torn(self, cells: list[str], line: str) -> bool:
        """Whether a quoted cell seems to have been cut: quotes in cells that don't pair up."""
        quote = self.dialect.quote
        if not quote or quote not in "".join(cells):
            return False
        return self.bare([each for each in cells if each.count(quote) & 1], line)

    def bare(self, cells: list[str], line: str) -> bool:
        """Whether a cell holds a quote that is not, as it should be, doubled within quotes."""
        quote = self.dialect.quote
        return bool(quote) and any(
            quote in cell and f"{quote}{cell.replace(quote, quote * 2)}{quote}" not in line
            for cell in cells
        )

    def _parted(self, line: str) -> list[str] | None:
        """A row that lacks one delimiter beside a quote; None unless one place alone will do."""
        quote = self.dialect.quote
        text = line.rstrip("\r\n")
        if not self.dialect.delimiter or len(text) > PARTED_LENGTH:
            return None
        edges = ("", self._delimiter, quote)
        found = []
        for place in [each.start() for each in re.finditer(re.escape(quote), text)][:PARTED_QUOTES]:
            before, after = text[place - 1 : place], text[place + 1 : place + 2]
            if before in edges or after in ("", self._delimiter):
                continue
            for cut in (place + 1,) if after == quote else (place, place + 1):
                whole = f"{text[:cut]}{self._delimiter}{text[cut:]}"
                cells = self._sound(whole)
                if cells is not None and len(cells) == self.width and not self._torn(cells, whole):
                    found.append(cells)
        return found[0] if len(found) == 1 else None

    def _fitted(self, at: int, line: str, cells: list[str]) -> Record:
        """A row of another width: read in a way that gives it the table's, if there is one."""
        quote = self.dialect.quote
        if self.width < 2 or len(line) > RECORD_LENGTH:
            return Record(at, cells)
        torn = self.bare(cells, line)
        if torn or (len(cells) == self.width - 1 and self._met.search(line)):
            parted = self._parted(line)
            if parted is not None:
                return Record(at, parted, "missing_delimiter")
        if len(cells) == self.width:
            return Record(at, cells)
        if len(cells) * 2 > self.width and len(cells) > 1 and not torn:
            return Record(at, cells)
        if len(cells) == 1 and quote and line.lstrip()[:1] == quote:
            sure = quote * 2 in line or f"{self._delimiter} " not in line  # or it is a text
            inner = self._sound(cells[0]) if sure else None
            if inner is not None and len(inner) == self.width:
                return Record(at, inner, "quoted_row")
        for other in OTHER_DELIMITERS:
            if other == " " and not (quote and quote in line):
                return Record(at, cells, raw=line)
            found = self.cut_by(other, line)
            if found is not None and len(found) == self.width:
                return Record(at, found, "other_delimiter")
        return Record(at, cells, raw=line)

    def cut_by(self, other: str, line: str) -> list[str] | None:
        """The cells of a line that another delimiter cuts into at least as many as there are."""
        if other == self.dialect.delimiter or line.count(other) < self.width - 1:
            return None
        cells = self._by_csv(line.replace(other, STAND_IN), STAND_IN)
        if cells is None or len(cells) < self.width:
            return None
        return [cell.replace(STAND_IN, other) for cell in cells]


@cache
def _plain_escapes(escape: str, quote: str, delimiter: str) -> re.Pattern[str]:
    """What matches an escape before a character that needs none."""
    return re.compile(rf"{re.escape(escape)}(?![{re.escape(escape + quote + delimiter)}\r\n])")


def _open_quotes(delimiter: str, dialect: Dialect) -> re.Pattern[str]:
    """What matches a text that ends within quotes."""
    if not dialect.quote:
        return re.compile("(?!)")
    d, q, e = (re.escape(each) for each in (delimiter, dialect.quote, dialect.escape))
    escaped = rf"|{e}." if e else ""
    blanks = " *+" if dialect.blanks else ""
    inside = rf"(?:[^{q}{e}]++|{q}{q}{escaped})*+"
    bare = rf"(?!{q})(?:[^{d}\r\n{e}]++{escaped})*+"
    cell = rf"(?:{blanks}{q}{inside}{q}|{blanks}{bare})"
    return re.compile(rf"(?:{cell}{d})*+{blanks}{q}{inside}", re.DOTALL)


def _blanks_before_quotes(delimiter: str, dialect: Dialect) -> re.Pattern[str]:
    """What matches an opening quote with blanks between it and the delimiter."""
    if not dialect.quote or delimiter == " ":
        return re.compile("(?!)")
    return re.compile(rf"{re.escape(delimiter)} +{re.escape(dialect.quote)}")


def _cells_with_blanks(delimiter: str, dialect: Dialect) -> re.Pattern[str]:
    """What matches one cell after the other; a quoted one, and the blanks before it, as groups."""
    if not dialect.quote or delimiter == " ":
        return re.compile("(?!)")
    d, q, e = (re.escape(each) for each in (delimiter, dialect.quote, dialect.escape))
    inside = rf"(?:[^{q}{e}]++|{q}{q}{rf'|{e}.' if e else ''})*+"
    return re.compile(
        rf"( *+)({q}{inside}{q} *+(?={d}|[\r\n]|\Z))(?:{d}|\Z)?|[^{d}]*+(?:{d}|\Z)", re.DOTALL
    )


def _without_blanks(cell: re.Match[str]) -> str:
    blanks = cell.group(1)
    return cell.group()[len(blanks) :] if blanks else cell.group()


def _blanks_after_quotes(delimiter: str, dialect: Dialect) -> re.Pattern[str]:
    """What matches a closing quote with blanks between it and the delimiter."""
    if not dialect.quote or delimiter.isspace():
        return re.compile("(?!)")
    d, q = re.escape(delimiter), re.escape(dialect.quote)
    return re.compile(rf"(?<!{d}){q} +(?={d}|[\r\n]|\Z)")
