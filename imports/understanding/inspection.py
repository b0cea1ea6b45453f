"""Any CSV-like file understood without asking: what was found, what is doubtful, and its table.

`inspect` looks at a bounded beginning; `read_rows` streams the table as it was understood, header
first. Neither knows what the columns mean.
"""

import codecs
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, Final

from imports.refusals import Unreadable
from imports.understanding.cutting import Cutter, Dialect, Record
from imports.understanding.dialects import COMMENTS, Judged, find_dialect, finished
from imports.understanding.doubting import (
    doubts_of_dialect,
    doubts_of_numerals,
    doubts_of_rows,
    doubts_of_table,
    footer_doubt,
)
from imports.understanding.encodings import CODECS, find_encoding, mended
from imports.understanding.findings import Doubt, Inspection
from imports.understanding.fitting import ROW_CODES, Fitter, Note, Notes, comment_note
from imports.understanding.headers import BODY
from imports.understanding.margins import footer_rows
from imports.understanding.mistakes import encoded_twice, other_format
from imports.understanding.numerals import find_numerals
from imports.understanding.opening import open_content
from imports.understanding.ruling import is_ruled, without_rules
from imports.understanding.tables import lay_out, width_of

__all__ = ["Doubt", "Inspection", "Notes", "Unreadable", "inspect", "read_rows", "with_notes"]

#: Enough for the shape of any table, little enough to be judged in a tenth of a second.
SAMPLE: Final = 1 << 17
#: So few lines in a sample don't show where a table's header ends: more is read then.
FEW_LINES: Final = 8
#: A reading that the file's name speaks for may be so much less good.
HINTED: Final = 0.7
#: The end of a long file, where totals and notes stand.
TAIL: Final = 1 << 15
#: How far to look for the first letter past ASCII: plain reading, a tenth of a second.
LETTERS_WITHIN: Final = 64 << 20
#: No table has longer lines; a file without line breaks must not be read into memory whole.
LINE_LENGTH: Final = 1 << 22
#: A longer line is not looked at for blanks: the work grows with its square.
LINE_TO_CUT: Final = 1 << 12
#: A title above a header that stands again has no more lines than this.
TITLES: Final = 50
#: Excel's limit; past it, one row is most likely the whole file.
COLUMNS: Final = 16_384

_SEPARATOR_LINE = re.compile(r"\s*[\"']?sep=(.|\\t)[\"']?[;,\t]*\s*", re.IGNORECASE)


def inspect(source: BinaryIO, *, name: str = "") -> Inspection:
    """Look at the beginning of a seekable binary file; raise Unreadable for what is no table."""
    content = open_content(source, name=name)
    with content.stream as stream:
        raw, complete = _beginning(stream)
        telling = raw
        if not complete and raw.isascii() and b"\x1b" not in raw:
            telling = _first_letters(stream) or raw
    encoding = find_encoding(telling, complete=complete)
    text = encoding.decode(raw)
    found = inspect_text(text, complete=complete, name=name)
    found = replace(
        found,
        compression=content.compression,
        encoding=encoding.name,
        bom=encoding.bom,
        confidence=round(found.confidence * encoding.confidence, 3),
    )
    if not complete and not content.compression and found.end_line is None:
        found = with_footer(source, found)
    return replace(found, doubts=(*content.doubts, *encoding.doubts, *found.doubts))


def _beginning(stream: BinaryIO) -> tuple[bytes, bool]:
    """The first bytes of a file, more of them where lines are long, and whether these are all."""
    raw = stream.read(SAMPLE)
    wanted = SAMPLE
    while len(raw) == wanted < LINE_LENGTH and max(raw.count(b"\n"), raw.count(b"\r")) < FEW_LINES:
        raw += stream.read(SAMPLE)
        wanted += SAMPLE
    return raw, len(raw) < wanted


def inspect_text(text: str, *, complete: bool, name: str = "", delimiter: str = "") -> Inspection:
    """Look at the text a file begins with.

    A ``delimiter`` is taken as it is given. Raises Unreadable for what is no table.
    """
    mistakes = filter(None, (other_format(text), encoded_twice(text)))
    lines = io.StringIO(text, newline="").readlines()
    if not complete and len(lines) > 1:
        lines.pop()
    separator = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    skipped = 1 if separator else 0
    ruled = is_ruled(lines[skipped:])
    text = "".join(map(without_rules, lines[skipped:]) if ruled else lines[skipped:])
    known = (
        delimiter
        or ("|" if ruled else "")
        or (separator.group(1).replace("\\t", "\t") if separator else None)
    )
    # A delimiter that is announced and stands nowhere was meant for another file.
    judged = find_dialect(text, delimiter=known) or find_dialect(text)
    if not judged or not text.strip(" \t\r\n\0,;\"'\ufeff"):
        raise Unreadable("empty", "The file has no rows. Save the sheet again with its table.")
    judged = _with_hint(judged, name)
    best = judged[0]
    plain = list(map(without_rules, lines)) if ruled else lines
    found = replace(_understood(plain, skipped, best, complete=complete), ruled=ruled)
    doubts = (*mistakes, *doubts_of_dialect(judged), *found.doubts)
    confidence = round(_confidence(judged), 3)
    ends = _line_end(lines)
    return replace(found, line_end=ends, confidence=confidence, doubts=doubts)


def _with_hint(judged: list[Judged], name: str) -> list[Judged]:
    """The readings in order; a file that is named for its tabs has them if that is as good."""
    if name.lower().endswith((".tsv", ".tab")):
        limit = HINTED * judged[0].score
        tabs = [each for each in judged if each.dialect.delimiter == "\t" and each.score >= limit]
        return [*tabs, *(each for each in judged if each not in tabs)]
    return judged


def with_footer(source: BinaryIO, found: Inspection) -> Inspection:
    """The same with the totals and notes at the end of a long file."""
    size = source.seek(0, io.SEEK_END)
    source.seek(max(0, (size - TAIL) // 4 * 4))
    decoder = codecs.getincrementaldecoder(CODECS[found.encoding])("replace")
    tail = io.StringIO(mended(decoder.decode(source.read(TAIL + 4))), newline="").readlines()[1:]
    tail = list(map(without_rules, tail)) if found.ruled else tail
    cutter = Cutter(found.dialect, width=found.width, comment=found.comment)
    rows = [each for each in cutter.records(tail) if any(map(str.strip, each.cells))]
    count = footer_rows(rows, found.width)
    if not count:
        return found
    return replace(found, footer_lines=count, doubts=(*found.doubts, footer_doubt(count, None)))


def _first_letters(stream: BinaryIO) -> bytes:
    """The first lines past the sample with bytes past ASCII, so that encodings can be told."""
    for _ in range(LETTERS_WITHIN // SAMPLE):
        chunk = stream.read(SAMPLE)
        if not chunk.isascii():
            _, _, lines = chunk.partition(b"\n")
            return lines or chunk
        if len(chunk) < SAMPLE:
            break
    return b""


def read_rows(
    source: BinaryIO, found: Inspection, *, notes: Notes | None = None
) -> Iterator[list[str]]:
    """Stream the table: its header first if it has one, joined to one row, then its rows.

    Rows that lack cells are filled up, cells too many are kept unless they are empty. ``notes``
    takes what was mended on the way, which `with_notes` adds to what is known.
    """
    content = open_content(source)
    codec = CODECS[found.encoding]
    with io.TextIOWrapper(content.stream, encoding=codec, errors="replace", newline="") as text:
        for record in _table(_lines(text), found, Notes() if notes is None else notes):
            yield record.cells


def with_notes(found: Inspection, notes: Notes) -> Inspection:
    """The same with the doubts of all rows, once they have been read, and not of the first."""
    others = [each for each in found.doubts if each.code not in ROW_CODES]
    return replace(found, doubts=(*others, *doubts_of_rows(notes)))


def records(lines: Iterable[str], found: Inspection, notes: Notes) -> Iterator[Record]:
    """The table's records, the header first if it has one, each with the line it starts on."""
    return _table(lines, found, notes)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LINE_LENGTH):
        number += 1
        if len(line) >= LINE_LENGTH:
            raise Unreadable(
                "line_too_long",
                f"Line {number:,} is longer than {LINE_LENGTH:,} characters. "
                "Is this a table with line breaks? Save it as CSV again.",
                number,
            )
        yield mended(line.removeprefix("\ufeff") if number == 1 else line)


def _table(lines: Iterable[str], found: Inspection, notes: Notes) -> Iterator[Record]:
    """The table's rows; what had to be mended is added to ``notes``."""
    if found.ruled:
        lines = map(without_rules, lines)
    if found.header_lines:
        yield Record(found.preamble_lines + 1, list(found.header))

    def left_out(line: int, text: str) -> None:
        if found.end_line is None or line < found.end_line:
            notes.add(comment_note(found.comment, line, text))

    cutter = Cutter(found.dialect, width=found.width, comment=found.comment, left_out=left_out)
    first = found.preamble_lines + 1
    records = cutter.records(islice(lines, found.preamble_lines, None), first)
    records = islice(records, found.header_lines, None)
    rows: Iterator[Record] = (each for each in records if any(map(str.strip, each.cells)))
    rows = _until(rows, found.end_line)
    if found.header_lines == 1 and found.width > 1:
        rows = _without_headers(rows, found.header, notes)
    held: deque[Record] = deque()
    hold = found.footer_lines if found.end_line is None else 0
    for record in Fitter(cutter).fitted(rows, notes):
        held.append(record)
        if len(held) > hold:
            yield held.popleft()


def _without_headers(
    records: Iterable[Record], header: tuple[str, ...], notes: Notes
) -> Iterator[Record]:
    """The rows without a header that stands again, and without the titles right above it."""
    titles: deque[Record] = deque(maxlen=TITLES)
    names = list(map(str.strip, header))
    for record in records:
        cells = record.cells
        if cells[0].strip() == names[0] and _named(cells, len(names)) == names:
            titles.clear()
            message = (
                "the header stands again, and what follows was read as rows of the same table. "
                f"Check that nothing is in it twice (line {record.line:,})."
            )
            notes.add(Note("header_again", message, record.line))
        elif len(cells) == 1 or (not cells[1] and not any(cells[1:])):
            if len(titles) == TITLES:
                yield titles.popleft()
            titles.append(record)
        else:
            if titles:
                yield from titles
                titles.clear()
            yield record
    yield from titles


def _named(cells: list[str], width: int) -> list[str]:
    return [*map(str.strip, cells), *[""] * (width - len(cells))]


def _until(records: Iterable[Record], end: int | None) -> Iterator[Record]:
    for record in records:
        if end is not None and record.line >= end:
            return
        if len(record.cells) > COLUMNS:
            raise Unreadable(
                "too_many_columns",
                f"Line {record.line:,} has more than {COLUMNS:,} cells. "
                "Are its line breaks missing? Save it as CSV again.",
                record.line,
            )
        yield record


def _understood(lines: list[str], skipped: int, best: Judged, *, complete: bool) -> Inspection:
    """Dialect and table of the sample."""
    dialect = _with_quotes(best.dialect, lines[skipped:])
    dialect = _with_blanks(dialect, lines[skipped:])
    comment = _comment(lines[skipped:], dialect, best.width)
    cutter = Cutter(dialect, width=best.width, comment=comment)
    records = list(cutter.records(lines[skipped:], skipped + 1))
    if max(len(each.cells) for each in records) > COLUMNS:
        list(_until(records, None))
    if cutter.unfinished and not complete:
        starts = [each.line - skipped for each in records]
        lengths = [len(each.cells) for each in records]
        last = cutter.unfinished - skipped
        kept = finished(starts, lengths, last, len(lines) - skipped)
        if kept < len(records):
            records, lines = records[:kept], lines[: cutter.unfinished - 1]
    width = width_of(records)
    if width != best.width:
        cutter = Cutter(dialect, width=width, comment=comment)
        records = list(cutter.records(lines[skipped:], skipped + 1))
    layout = lay_out(records, complete=complete)
    found = Inspection(
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        blanks_after_delimiter=dialect.blanks,
        comment=comment,
        preamble_lines=layout.first_line - 1,
        header_lines=layout.header_lines,
        header=layout.header,
        width=max(layout.width, 1),
        footer_lines=layout.footer_rows,
        end_line=layout.end_line,
        header_repeats=layout.repeats,
        quotes_are_letters=not dialect.quote and any('"' in line for line in lines),
    )
    notes = Notes()
    table = list(_table(lines, found, notes))
    rows = table[1:] if found.header_lines else table
    numerals = find_numerals([each.cells for each in rows], found.width)
    doubts = [*doubts_of_table(layout, notes), *doubts_of_numerals(numerals, rows)]
    return replace(
        found,
        decimal=numerals.decimal,
        thousands=numerals.thousands,
        doubts=tuple(doubts),
    )


def _with_quotes(dialect: Dialect, lines: list[str]) -> Dialect:
    """The same with the usual quotes, if those that stand here and there are all sound."""
    quoted = [line for line in lines if '"' in line]
    if dialect.quote or dialect.escape or not dialect.delimiter or not quoted:
        return dialect
    usual = replace(dialect, quote='"')
    cutter = Cutter(usual)
    for line in quoted:
        [record] = cutter.records([line])
        if record.repair or cutter.bare(record.cells, line):
            return dialect
    return usual


def _with_blanks(dialect: Dialect, lines: list[str]) -> Dialect:
    """The same, with blanks after delimiters dropped if quotes follow them and all have them.

    Where no quote follows a blank it may be part of the value, and stays.
    """
    mark, quote = dialect.delimiter, dialect.quote
    if not quote or not mark or mark == " " or dialect.blanks:
        return dialect
    if not any(f"{mark} {quote}" in line for line in lines[:BODY]):
        return dialect
    m, q = re.escape(mark), re.escape(quote)
    between = re.compile(rf"{m}(?=(?:[^{q}]*{q}[^{q}]*{q})*[^{q}]*\Z)")
    cells = [
        cell
        for line in lines[:BODY]
        if len(line) <= LINE_TO_CUT
        for cell in between.split(line)[1:]
        if cell.strip()
    ]
    all_blank = all(cell.startswith(" ") for cell in cells)
    return replace(dialect, blanks=True) if cells and all_blank else dialect


def _comment(lines: list[str], dialect: Dialect, width: int) -> str:
    """The mark of lines that are remarks: they stand on top or have not the table's width."""
    cutter = Cutter(dialect)
    # A row may open with the mark and go on for some lines within quotes.
    rows = {each.line for each in cutter.records(lines) if len(each.cells) == width}
    for mark in COMMENTS:
        marked = [each for each in enumerate(lines, 1) if each[1].lstrip().startswith(mark)]
        remarks = sum(
            number not in rows and all(len(each.cells) != width for each in cutter.records([line]))
            for number, line in marked
        )
        if len(marked) == sum(map(bool, map(str.strip, lines))):
            continue
        if marked and remarks * 2 >= len(marked) and len(marked) * 2 < len(lines) + 2 * remarks:
            return mark
    return ""


def _line_end(lines: list[str]) -> str:
    ends = Counter(
        "\r\n" if line.endswith("\r\n") else line[-1]
        for line in lines
        if line.endswith(("\n", "\r"))
    )
    if not ends:
        return ""
    return next(iter(ends)) if len(ends) == 1 else "mixed"


def _confidence(judged: list[Judged]) -> float:
    """How good the best reading is, and how far before the next with another delimiter."""
    best = judged[0]
    others = (each.score for each in judged if each.dialect.delimiter != best.dialect.delimiter)
    lead = 1 - next(others, 0.0) / best.score if best.score else 0.0
    return min(1.0, 0.5 * best.kinds * best.share + 0.5 * min(1.0, lead * 2))
