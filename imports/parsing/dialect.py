"""What a plain file says of itself: delimiter, quotes, where its header stands.

The delimiter is the one by which the required columns are found, then the one that cuts the first
rows into as many cells as the header has. csv.Sniffer is not used: it takes a letter for a
delimiter when a column repeats it.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from catalog.rules import REQUIRED
from imports.amounts import Amounts
from imports.columns import Mapped
from imports.mapping import NAME, find_columns
from imports.parsing.decoding import Lines, Notice, Unreadable

DELIMITERS: Final = (",", ";", "\t", "|")
QUOTE: Final = '"'
HEADER_MAX: Final = 64 * 1024
COLUMNS_MAX: Final = 256
BLANK_START_MAX: Final = 8 << 20
SAMPLE_ROWS: Final = 50

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_NOTHING_BUT_MARKS = " \t\r\n,;|\u00a0\ufeff"


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written, as it was found or asked for.

    ``encoding`` is one of decoding.ENCODINGS or utf-8-sig; ``header_line`` the 1-based line on
    which the header starts, 0 if there is none; ``columns`` maps a field to the index of its
    column, ``mapping`` tells of all columns in the file's order; ``ignored`` names those that hold
    no field. ``blanks_before_quotes`` is True when cells are written ``, "like this"``: blanks
    after a delimiter are then dropped. ``amounts`` reads the prices. The rest is as in
    imports.understanding.findings.Inspection.
    """

    encoding: str
    bom: bool
    delimiter: str
    quotechar: str
    blanks_before_quotes: bool
    header_line: int
    header: tuple[str, ...]
    columns: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    ignored: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    mapping: tuple[Mapped, ...] = ()
    amounts: Amounts = field(default_factory=Amounts, compare=False)
    escapechar: str = ""
    compression: str = ""
    line_end: str = ""
    preamble_lines: int = 0
    header_lines: int = 1
    footer_lines: int = 0
    comment: str = ""
    thousands: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Grammar:
    """Regular expressions for one delimiter, each over a whole record with its line end."""

    #: Quotes only around whole cells, doubled inside (RFC 4180).
    sound: re.Pattern[str]
    #: As sound, but a quote within an unquoted cell is literal (5" pipe), though not at its end.
    tidy: re.Pattern[str]
    #: As tidy, and a literal quote may stand at a cell's end (3/4").
    loose: re.Pattern[str]
    #: Matches up to a quote that is never closed; group 1 is what stands before it.
    unclosed: re.Pattern[str]
    #: Matches a line on which the first quote is one that closes.
    closing: re.Pattern[str]

    @classmethod
    def of(cls, delimiter: str, *, blanks_before_quotes: bool) -> "Grammar":
        """Compile the grammar of a delimiter."""
        blanks = " *+" if blanks_before_quotes else ""
        d = re.escape(delimiter)
        quoted = rf'{blanks}"(?:[^"]++|"")*+"'
        sound = rf'(?:{quoted}|{blanks}[^"{d}\r\n]*+)'
        tidy = rf'(?:{quoted}|(?! *"){blanks}[^{d}\r\n]*+(?<!"))'
        bare = rf'(?:{quoted}|(?! *"){blanks}[^{d}\r\n]*+)'
        loose = rf'(?:{quoted}|{blanks}(?!")[^{d}\r\n]*+)'
        end = r"(?:\r\n|\r|\n)?"
        return cls(
            sound=re.compile(rf"{sound}(?:{d}{sound})*+{end}"),
            tidy=re.compile(rf"{tidy}(?:{d}{tidy})*+{end}"),
            loose=re.compile(rf"{bare}(?:{d}{bare})*+{end}"),
            unclosed=re.compile(rf'((?:{loose}{d})*+{blanks})"(?:[^"]++|"")*+'),
            closing=re.compile(rf'[^"]*(?:"{d}|(?<!{d})"(?:[\r\n]|\Z))'),
        )


@dataclass(frozen=True, slots=True)
class _Candidate:
    delimiter: str
    header: list[str]
    header_lines: int
    score: tuple[int, int, bool, float, int]


def find_format(
    lines: Lines, *, delimiter: str | None, header_line: int | None = None
) -> tuple[Format, int]:
    """Read to the end of the header; return the format and the number of the line after it.

    Which column holds what is not told yet. The header's own lines stay kept in ``lines``. Raises
    Unreadable when there is no usable header, ValueError for a delimiter that can't be one.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise ValueError(f"Delimiter {delimiter!r} is not one character that can be one.")
    start = _first_filled_line(lines, 1)
    first_line = lines.between(start, start)[0].strip().lstrip("\ufeff")
    if separator := _SEPARATOR_LINE.fullmatch(first_line):
        delimiter = delimiter or separator[1]
        start = _first_filled_line(lines, start + 1)
    first_filled = start
    if header_line and header_line > start:
        start = _first_filled_line(lines, header_line)
    sample = _sample(lines, start)
    candidates = [_candidate(sample, d) for d in ([delimiter] if delimiter else DELIMITERS)]
    best = max(candidates, key=lambda candidate: candidate.score)
    _refuse_binary(sample[0], best, start)
    last = start + best.header_lines - 1
    _refuse_oversize(lines, best, start, last)
    blanks = _writes_blanks_before_quotes(sample, best.delimiter)
    header = _header(lines.between(start, last), best.delimiter, blanks, start)
    above = (_passed_over(first_filled, start),) if start > first_filled else ()
    return Format(
        encoding=lines.encoding,
        bom=lines.bom,
        delimiter=best.delimiter,
        quotechar=QUOTE,
        blanks_before_quotes=blanks,
        header_line=start,
        header=tuple(header),
        warnings=above,
        line_end=_line_end(sample[0]),
        preamble_lines=start - 1,
    ), last + 1


def named(header: Sequence[str]) -> int:
    """How many of the required columns the names of a header tell."""
    return sum(column.field in REQUIRED for column in find_columns(header))


def _passed_over(first: int, header: int) -> Notice:
    where = (
        f"Line {first:,} was" if header - first == 1 else f"Lines {first:,} to {header - 1:,} were"
    )
    return Notice(
        "preamble",
        f"{where} passed over: the header stands on line {header:,}. "
        "Choose another header line if that is wrong.",
        first,
    )


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _first_filled_line(lines: Lines, start: int) -> int:
    while lines.bytes_read <= BLANK_START_MAX:
        for number, line in enumerate(lines.after(start), start):
            if line.strip(_NOTHING_BUT_MARKS):
                return number
        start = lines.loaded + 1
        lines.forget(start)
        if lines.load() is None:
            break
    raise Unreadable("empty", "The file is empty. Drop one with a header and rows.")


def _sample(lines: Lines, start: int) -> list[str]:
    """Return the first lines from the header on: whole ones, just past HEADER_MAX characters."""
    while sum(map(len, lines.after(start))) <= HEADER_MAX and lines.load() is not None:
        pass
    sample, size = [], 0
    for line in lines.after(start):
        sample.append(line)
        size += len(line)
        if size > HEADER_MAX:
            break
    return sample


def _candidate(sample: list[str], delimiter: str) -> _Candidate:
    """Cut the sample by a delimiter and score it: (required columns, many, consistency, cells)."""
    rows = csv.reader(sample, delimiter=delimiter)
    header = next(rows)
    header_lines = rows.line_num
    widths: list[int] = []
    for cells in rows:
        if cells:
            widths.append(len(cells))
        if len(widths) > SAMPLE_ROWS:
            break
    widths = widths[:-1] or widths  # the last one may be cut by the sample's end
    consistent = widths.count(len(header)) / len(widths) if widths else 0.0
    known = [column for column in find_columns(header) if column.field in REQUIRED]
    own = sum(column.how == NAME for column in known)
    score = (len(known), own, len(header) > 1, consistent, len(header))
    return _Candidate(delimiter, header, header_lines, score)


def _refuse_binary(line: str, found: _Candidate, number: int) -> None:
    strange = len(_NO_TEXT.findall(line))
    if "\0" in line or (strange and not found.score[0]):
        raise Unreadable(
            "binary",
            f"Line {number:,} is no text: this is not a CSV file. "
            "Save the sheet as CSV (UTF-8) and drop that file.",
            number,
        )


def _refuse_oversize(lines: Lines, found: _Candidate, first: int, last: int) -> None:
    text = "".join(lines.between(first, last))
    grammar = Grammar.of(found.delimiter, blanks_before_quotes=False)
    if grammar.unclosed.fullmatch(text):
        raise Unreadable(
            "unclosed_quote",
            f"Line {first:,}: an opening quote in the header is never closed. Close it.",
            first,
        )
    if len(text) > HEADER_MAX:
        raise Unreadable(
            "header_too_long",
            f"Line {first:,}: the header is longer than {HEADER_MAX:,} characters. "
            "The first line must hold the column names, sku and name among them.",
            first,
        )
    if len(found.header) > COLUMNS_MAX:
        raise Unreadable(
            "header_too_wide",
            f"Line {first:,}: the header has {len(found.header):,} columns, at most {COLUMNS_MAX} "
            "are read. Remove those that are not needed.",
            first,
        )


def _writes_blanks_before_quotes(sample: list[str], delimiter: str) -> bool:
    """Tell whether a first record holds a cell that opens with blanks and then a quote."""
    if not any(f"{delimiter} " in line for line in sample):
        return False
    tidy = Grammar.of(delimiter, blanks_before_quotes=False).tidy
    rows = csv.reader(sample, delimiter=delimiter)
    seen = 0
    for count, _ in enumerate(rows):
        text = "".join(sample[seen : rows.line_num])
        blank_first = re.search(rf'(?:^|{re.escape(delimiter)}) +"', text)
        if blank_first and rows.line_num == seen + 1 and not tidy.fullmatch(text):
            spaced = Grammar.of(delimiter, blanks_before_quotes=True).tidy
            if spaced.fullmatch(text):
                return True
        seen = rows.line_num
        if count > SAMPLE_ROWS:
            break
    return False


def _header(lines: list[str], delimiter: str, blanks: bool, line: int) -> list[str]:
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=blanks, strict=True)
    try:
        header = next(rows)
    except csv.Error as error:
        raise Unreadable(
            "header_quote",
            f"Line {line:,}: the header has a misplaced quote. "
            "Put quotes around whole column names or leave them out.",
            line,
        ) from error
    return [cell.strip().lstrip("\ufeff") for cell in header]
