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

from imports.decoding import Unreadable
from imports.understanding.cutting import Cutter, Dialect, Record
from imports.understanding.dialects import COMMENTS, Judged, find_dialect
from imports.understanding.encodings import CODECS, find_encoding, mended
from imports.understanding.findings import Doubt, Inspection
from imports.understanding.fitting import Fitter, Note
from imports.understanding.headers import BODY, columns_of
from imports.understanding.numerals import Numerals, find_numerals
from imports.understanding.opening import open_content
from imports.understanding.tables import Layout, footer_rows, lay_out, width_of

__all__ = ["Doubt", "Inspection", "Unreadable", "inspect", "read_rows"]

#: Enough for the shape of any table, little enough to be judged in a tenth of a second.
SAMPLE: Final = 1 << 17
#: A reading that the file's name speaks for may be so much less good.
HINTED: Final = 0.7
#: The end of a long file, where totals and notes stand.
TAIL: Final = 1 << 15
#: How far to look for the first letter past ASCII: plain reading, a tenth of a second.
LETTERS_WITHIN: Final = 64 << 20
#: No table has longer lines; a file without line breaks must not be read into memory whole.
LINE_LENGTH: Final = 1 << 22
#: Excel's limit; past it, one row is most likely the whole file.
COLUMNS: Final = 16_384

_SEPARATOR_LINE = re.compile(r"\s*[\"']?sep=(.|\\t)[\"']?[;,\t]*\s*", re.IGNORECASE)


def inspect(source: BinaryIO, *, name: str = "") -> Inspection:
    """Look at the beginning of a seekable binary file; raise Unreadable for what is no table."""
    content = open_content(source, name=name)
    with content.stream as stream:
        telling = raw = stream.read(SAMPLE)
        complete = len(raw) < SAMPLE
        if not complete and raw.isascii() and b"\x1b" not in raw:
            telling = _first_letters(stream) or raw
    encoding = find_encoding(telling, complete=complete)
    text = encoding.decode(raw)
    lines = io.StringIO(text, newline="").readlines()
    if not complete and len(lines) > 1:
        lines.pop()
    separator = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    skipped = 1 if separator else 0
    text = "".join(lines[skipped:])
    known = separator.group(1).replace("\\t", "\t") if separator else None
    # A delimiter that is announced and stands nowhere was meant for another file.
    judged = find_dialect(text, delimiter=known) or find_dialect(text)
    if not judged or not text.strip(" \t\r\n\0,;\"'\ufeff"):
        raise Unreadable("empty", "The file has no rows. Save the sheet again with its table.")
    judged = _with_hint(judged, name)
    best = judged[0]
    found = _understood(lines, skipped, best, complete=complete)
    found = replace(
        found,
        compression=content.compression,
        encoding=encoding.name,
        bom=encoding.bom,
        line_end=_line_end(lines),
        confidence=round(_confidence(judged) * encoding.confidence, 3),
    )
    if not complete and not content.compression and found.end_line is None:
        found = _with_footer(source, found, lines)
    doubts = [*content.doubts, *encoding.doubts, *_doubts_of_dialect(judged), *found.doubts]
    return replace(found, doubts=tuple(doubts))


def _with_hint(judged: list[Judged], name: str) -> list[Judged]:
    """The readings in order; a file that is named for its tabs has them if that is as good."""
    if name.lower().endswith((".tsv", ".tab")):
        limit = HINTED * judged[0].score
        tabs = [each for each in judged if each.dialect.delimiter == "\t" and each.score >= limit]
        return [*tabs, *(each for each in judged if each not in tabs)]
    return judged


def _with_footer(source: BinaryIO, found: Inspection, lines: list[str]) -> Inspection:
    """The same with the totals and notes at the end of a long file."""
    size = source.seek(0, io.SEEK_END)
    source.seek(max(0, (size - TAIL) // 4 * 4))
    decoder = codecs.getincrementaldecoder(CODECS[found.encoding])("replace")
    tail = io.StringIO(mended(decoder.decode(source.read(TAIL + 4))), newline="").readlines()[1:]
    cutter = Cutter(found.dialect, width=found.width, comment=found.comment)
    body = [each.cells for each in _table(lines, found, [])][1:]
    rows = [each for each in cutter.records(tail) if any(map(str.strip, each.cells))]
    count = footer_rows(rows, found.width, columns_of(body, found.width))
    if not count:
        return found
    return replace(found, footer_lines=count, doubts=(*found.doubts, _footer_doubt(count, None)))


def _footer_doubt(count: int, line: int | None) -> Doubt:
    what = f"{count:,} rows at the end look" if count > 1 else "The last row looks"
    return Doubt(
        "footer",
        f"{what} like totals or notes and were left out. Delete such "
        "rows, or move them if they are data.",
        line,
    )


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


def read_rows(source: BinaryIO, found: Inspection) -> Iterator[list[str]]:
    """Stream the table: its header first if it has one, joined to one row, then its rows.

    Rows that lack cells are filled up, cells too many are kept unless they are empty.
    """
    content = open_content(source)
    codec = CODECS[found.encoding]
    with io.TextIOWrapper(content.stream, encoding=codec, errors="replace", newline="") as text:
        for record in _table(_lines(text), found, []):
            yield record.cells


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


def _table(lines: Iterable[str], found: Inspection, notes: list[Note]) -> Iterator[Record]:
    """The table's rows; what had to be mended is added to ``notes``."""
    if found.header_lines:
        yield Record(found.preamble_lines + 1, list(found.header))
    cutter = Cutter(found.dialect, width=found.width, comment=found.comment)
    first = found.preamble_lines + 1
    records = cutter.records(islice(lines, found.preamble_lines, None), first)
    records = islice(records, found.header_lines, None)
    rows = (each for each in records if any(map(str.strip, each.cells)))
    fitter = Fitter(cutter)
    held: deque[Record] = deque()
    hold = found.footer_lines if found.end_line is None else 0
    for record in fitter.fitted(_until(rows, found.end_line), notes):
        if found.header_repeats and tuple(record.cells) == found.header:
            continue
        held.append(record)
        if len(held) > hold:
            yield held.popleft()


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
    dialect = _with_blanks(best.dialect, lines[skipped:])
    comment = _comment(lines[skipped:], dialect, best.width)
    cutter = Cutter(dialect, width=best.width, comment=comment)
    records = list(cutter.records(lines[skipped:], skipped + 1))
    if max(len(each.cells) for each in records) > COLUMNS:
        list(_until(records, None))
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
    notes: list[Note] = []
    table = list(_table(lines, found, notes))
    rows = table[1:] if found.header_lines else table
    numerals = find_numerals([each.cells for each in rows], found.width)
    doubts = [*_doubts_of_table(layout, notes), *_doubts_of_numerals(numerals, rows)]
    return replace(
        found,
        decimal=numerals.decimal,
        thousands=numerals.thousands,
        doubts=tuple(doubts),
    )


def _with_blanks(dialect: Dialect, lines: list[str]) -> Dialect:
    """The same, with blanks after delimiters dropped if all cells begin with one."""
    if not dialect.delimiter or dialect.delimiter.isspace() or dialect.blanks:
        return dialect
    cells = [
        cell
        for record in islice(Cutter(dialect).records(lines), BODY)
        for cell in record.cells[1:]
        if cell.strip()
    ]
    blank = sum(cell.startswith(" ") for cell in cells)
    return replace(dialect, blanks=True) if cells and blank == len(cells) else dialect


def _comment(lines: list[str], dialect: Dialect, width: int) -> str:
    """The mark of lines that are remarks: they stand on top or have not the table's width."""
    cutter = Cutter(dialect)
    for mark in COMMENTS:
        marked = [line for line in lines if line.lstrip().startswith(mark)]
        remarks = sum(
            all(len(each.cells) != width for each in cutter.records([line])) for line in marked
        )
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


def _doubts_of_dialect(judged: list[Judged]) -> Iterator[Doubt]:
    best = judged[0]
    for other in judged[1:]:
        if other.dialect.delimiter != best.dialect.delimiter:
            if other.score > 0.9 * best.score and other.dialect.delimiter:
                yield Doubt(
                    "delimiter_close",
                    f"Cells are cut at {_named(best.dialect.delimiter)}, but "
                    f"{_named(other.dialect.delimiter)} does nearly as well. Choose it if columns "
                    "look wrong.",
                )
            return


def _named(delimiter: str) -> str:
    names = {"\t": "tabs", " ": "blanks", "": "nothing (one column)"}
    return names.get(delimiter, f"“{delimiter}”")


def _doubts_of_table(layout: Layout, notes: list[Note]) -> Iterator[Doubt]:
    if not layout.header_rows and layout.width:
        yield Doubt(
            "no_header",
            "The first row looks like data, so the columns have no names. Add a header row if "
            "this is wrong.",
            layout.first_line,
        )
    elif not layout.sure_header:
        yield Doubt(
            "header_guessed",
            f"Line {layout.first_line:,} was taken for the header, though all columns hold text. "
            "Add a header row if it is data.",
            layout.first_line,
        )
    if layout.second_table:
        yield Doubt(
            "second_table",
            f"Another table starts on line {layout.second_table:,}: it was left out. Save it as a "
            "file of its own.",
            layout.second_table,
        )
    if layout.total:
        yield Doubt(
            "total_row",
            f"Line {layout.total:,} looks like a total. It was kept as a row: delete it if it is "
            "none.",
            layout.total,
        )
    if layout.footer_rows:
        yield _footer_doubt(layout.footer_rows, layout.end_line)
    grouped: dict[str, list[Note]] = {}
    for note in notes:
        grouped.setdefault(note.code, []).append(note)
    for code, group in grouped.items():
        first = group[0]
        count = f"{len(group):,} rows" if len(group) > 1 else "1 row"
        yield Doubt(code, f"{count}: {first.message}", first.line)


def _doubts_of_numerals(numerals: Numerals, rows: list[Record]) -> Iterator[Doubt]:
    if numerals.example:
        index, cell = numerals.example
        yield Doubt(
            "figures_ambiguous",
            f"“{cell}” may have thousands or decimals: no other figure in the file says which. "
            "Choose the decimal mark.",
            rows[index].line,
        )
    if numerals.mixed:
        index, cell = numerals.mixed
        yield Doubt(
            "figures_mixed",
            f"“{cell}” has another decimal mark than most figures (“{numerals.decimal}”). "
            "Check such figures.",
            rows[index].line,
        )
