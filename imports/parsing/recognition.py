"""The beginning of a file → how to read it: as the plain file it is, or as a table in disguise.

A file that reads soundly as it stands is not interpreted: it goes the fast, strict way. What
`imports.understanding` says of a file is believed where the strict way finds no header, or where
rows that it would refuse come out whole; never where good rows would be dropped.
"""

from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from catalog.rules import REQUIRED
from imports.amounts import Amounts, find_amounts
from imports.checking import checker
from imports.columns import assign, missing
from imports.currencies import find_currencies
from imports.mapping import find_columns
from imports.parsing.broken import Broken
from imports.parsing.commas import without_cut_prices
from imports.parsing.decoding import Notice
from imports.parsing.dialect import DELIMITERS, QUOTE, Format, named
from imports.parsing.sampling import Asked, Sample, skip
from imports.refusals import Unreadable
from imports.understanding.findings import Inspection
from imports.understanding.inspection import with_footer
from imports.understanding.mistakes import encoded_twice, other_format

#: Strictly read rows that may be refused before the file is looked at with other eyes, and the
#: share of them.
ACCIDENTS: Final = 6
ACCIDENTAL: Final = 0.1
#: So many rows that are too short or too long by as many cells are no accident.
ALIKE: Final = 3
FEW: Final = 10
#: Refusals of the strict way that a header elsewhere in the file may explain.
_ELSEWHERE: Final = frozenset({"unclosed_quote", "header_quote"})
#: What is told of a table's place; what was mended in rows is told as they are read.
_TOLD: Final = frozenset({"second_table", "total_row", "footer", "short_header", "header_guessed"})


class HeaderMissing(Unreadable):
    """Columns that every product needs were not found; `format` says what was."""

    def __init__(self, message: str, line: int | None, found: Format, header_raw: bytes) -> None:
        super().__init__("header_missing", message, line)
        self.format = found
        self.header_raw = header_raw


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read a file; `table` is None for a plain one, whose first row is on line `first`."""

    format: Format
    first: int
    table: Inspection | None = None


@dataclass(slots=True)
class _Trial:
    """The sample's rows by the strict way, and those of them that would be refused."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    broken: int = 0
    uneven: int = 0
    lengths: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)


def recognise(head: bytes, asked: Asked, *, complete: bool) -> Plan:
    """Say how to read a file that begins with ``head``.

    Raises Unreadable for a file that has to be refused, HeaderMissing among them.
    """
    sample = Sample(head, asked, complete=complete)
    if other := other_format(sample.text):
        raise Unreadable("other_format", other.message, other.line)
    plan = _recognised(sample, asked)
    if twice := encoded_twice(sample.text):
        told = Notice(twice.code, twice.message, twice.line)
        return replace(plan, format=replace(plan.format, warnings=(*plan.format.warnings, told)))
    return plan


def _recognised(sample: Sample, asked: Asked) -> Plan:
    seen = sample.inspection
    headless = asked.header_line == 0 or (
        seen is not None and bool(asked.columns) and not seen.header_lines
    )
    if seen is not None and headless and not asked.header_line:
        return _headless(sample, seen)
    try:
        found, first = sample.strictly(asked.header_line, asked.delimiter)
    except Unreadable as refused:
        if refused.code in _ELSEWHERE and seen is not None and _names_all(seen, asked):
            return _elsewhere(sample, seen)
        raise
    if seen is not None and not asked.header_line:
        if seen.header_lines and named(found.header) < len(REQUIRED):
            return _elsewhere(sample, seen)
        if not seen.header_lines and not any(each.field for each in find_columns(found.header)):
            return _headless(sample, seen)
    return _plain(sample, seen, found, first)


def _names_all(seen: Inspection, asked: Asked) -> bool:
    return not asked.header_line and named(seen.header) == len(REQUIRED)


def _headless(sample: Sample, seen: Inspection) -> Plan:
    """A file whose first row is data already."""
    if _is_plain(seen):
        line = seen.preamble_lines + 1
        found, _ = sample.strictly(line, seen.delimiter)
        header = ("",) * len(found.header)
        found = replace(found, header=header, header_line=0, header_lines=0)
        rows = sample.tried(found, line)
        return Plan(_settled(sample, found, rows), line)
    return _as_table(sample, replace(seen, header_lines=0, header=("",) * seen.width))


def _elsewhere(sample: Sample, seen: Inspection) -> Plan:
    """A header that is not the first line, or whose names don't tell enough."""
    try:
        if not _is_plain(seen) or seen.header_lines > 1:
            return _as_table(sample, seen)
        there, after = sample.strictly(seen.preamble_lines + 1, seen.delimiter)
        return _plain(sample, seen, there, after)
    except HeaderMissing:
        if seen.header_lines > 1 and _is_plain(seen):
            last = seen.preamble_lines + seen.header_lines
            there, after = sample.strictly(last, seen.delimiter)
            if named(there.header) == len(REQUIRED):
                return _plain(sample, None, there, after)
        raise


def _plain(sample: Sample, seen: Inspection | None, found: Format, first: int) -> Plan:
    """The strict way from a header on, unless rows that it refuses are better understood."""
    rows = sample.tried(found, first)
    settled = without_cut_prices(_settled(sample, found, rows), [cells for _, cells in rows])
    if (
        seen is not None
        and seen.header_lines
        and seen.delimiter == found.delimiter
        and seen.preamble_lines + 1 == found.header_line
        and _believed(sample, seen, _judged(settled, rows))
    ):
        try:
            table = _as_table(sample, seen)
        except HeaderMissing:
            pass  # a row was taken for a second one of the header
        else:
            cut = [each for each in table.format.warnings if each.code == "comma_cut"]
            if not cut or seen.ruled:
                return table
            settled = replace(settled, warnings=(*settled.warnings, *cut))
    if seen is not None and seen.delimiter == found.delimiter:
        settled = replace(settled, confidence=seen.confidence, line_end=seen.line_end)
    return Plan(settled, first)


def _judged(found: Format, rows: list[tuple[int, list[str]]]) -> _Trial:
    trial = _Trial(rows)
    check = checker(found)
    width = len(found.header)
    for line, cells in rows:
        if isinstance(cells, Broken):
            trial.broken += 1
        elif len(cells) < width or any(map(str.strip, cells[width:])):
            trial.uneven += 1
            trial.lengths.add(len(cells))
        elif type(check(cells)) is tuple and tuple(map(str.strip, cells)) != found.header:
            continue
        trial.refused.add(line)
    return trial


def _believed(sample: Sample, seen: Inspection, trial: _Trial) -> bool:
    """Whether the file is better read as a table than strictly."""
    if seen.ruled:
        return True
    if seen.quotechar not in ("", QUOTE):
        opened = [cell for _, row in trial.rows for cell in row if cell.startswith(seen.quotechar)]
        whole = sum(len(cell) > 1 and cell.endswith(seen.quotechar) for cell in opened)
        return bool(opened) and (bool(trial.refused) or whole * 2 >= len(opened))
    bad, count = trial.broken + trial.uneven, len(trial.rows)
    if not trial.refused:
        return False
    table = sample.table(seen)[1:]
    lines = {each.line for each in table}
    dropped = {
        line for line, cells in trial.rows if line not in lines and not isinstance(cells, Broken)
    }
    if dropped - trial.refused:
        return False
    if dropped or (seen.escapechar and trial.broken):
        return True
    alike = len(trial.lengths) == 1 and not trial.broken
    if count < FEW and QUOTE in sample.text:
        alike = False  # one lost quote may do that to all of them
    odd = (alike and trial.uneven >= ALIKE and trial.uneven * 2 >= count) or (
        bad > ACCIDENTS and bad > count * ACCIDENTAL
    )
    even = sum(len(each.cells) == seen.width for each in table)
    return odd and even > count - bad


def _as_table(sample: Sample, seen: Inspection) -> Plan:
    rows = sample.table(seen)[1 if seen.header_lines else 0 :]
    first = seen.preamble_lines + 1
    header = tuple(cell.strip().lstrip("\ufeff") for cell in seen.header)
    told = [
        Notice(doubt.code, doubt.message, doubt.line)
        for doubt in seen.doubts
        if doubt.code in _TOLD and not (doubt.code == "total_row" and seen.footer_lines)
    ]
    if seen.header_lines > 1:
        told.insert(0, _several(first, seen.header_lines))
    if seen.preamble_lines:
        told.insert(0, _above(seen.preamble_lines))
    found = Format(
        encoding=sample.encoding,
        bom=sample.bom,
        delimiter=seen.delimiter,
        quotechar=seen.quotechar,
        blanks_before_quotes=seen.blanks_after_delimiter,
        header_line=first if seen.header_lines else 0,
        header=header,
        warnings=tuple(told),
        escapechar=seen.escapechar,
        line_end=seen.line_end,
        preamble_lines=seen.preamble_lines,
        header_lines=seen.header_lines,
        footer_lines=seen.footer_lines,
        comment=seen.comment,
        confidence=seen.confidence,
    )
    settled = _settled(sample, found, [(each.line, each.cells) for each in rows])
    settled = without_cut_prices(settled, [each.cells for each in rows])
    return Plan(settled, first, replace(seen, encoding=_standard(sample.encoding)))


def to_its_end(plan: Plan, whole: BinaryIO) -> Plan:
    """The same with the totals and notes at the end of a long file, which are no rows."""
    if plan.table is None or plan.table.end_line is not None:
        return plan
    table = with_footer(whole, plan.table)
    told = [Notice(d.code, d.message, d.line) for d in table.doubts[len(plan.table.doubts) :]]
    warnings = (*plan.format.warnings, *told)
    found = replace(plan.format, footer_lines=table.footer_lines, warnings=warnings)
    return replace(plan, format=found, table=table)


def _standard(encoding: str) -> str:
    return encoding.removesuffix("-sig")


def _several(first: int, count: int) -> Notice:
    message = (
        f"Lines {first:,} to {first + count - 1:,} were read as one header. "
        "Choose the header line if rows are among them."
    )
    return Notice("header_rows", message, first)


def _above(count: int) -> Notice:
    where = "Line 1 was" if count == 1 else f"Lines 1 to {count:,} were"
    message = (
        f"{where} passed over: the header stands on line {count + 1:,}. Choose another header line "
        "if that is wrong."
    )
    return Notice("preamble", message, 1)


def without_sample(found: Format, asked: Asked) -> Format:
    """The format of a file whose header stands far behind its beginning."""
    assigned = assign(
        found.header, (), line=found.header_line, chosen=asked.columns, recall=asked.recall
    )
    if lacking := missing(assigned):
        raise HeaderMissing(_what_is_missing(found, lacking), found.header_line, found, b"")
    return replace(
        found,
        columns=assigned.columns,
        mapping=assigned.mapping,
        ignored=assigned.ignored,
        amounts=Amounts(asked.decimal or assigned.decimal),
    )


def _settled(sample: Sample, found: Format, rows: list[tuple[int, list[str]]]) -> Format:
    """The same with its columns and the marks of its prices; HeaderMissing without them."""
    asked = sample.asked
    cells = [row for _, row in rows if row]
    assigned = assign(
        found.header, cells, line=found.header_line, chosen=asked.columns, recall=asked.recall
    )
    notices = [*found.warnings, *assigned.notices]
    found = replace(
        found,
        columns=assigned.columns,
        mapping=assigned.mapping,
        ignored=assigned.ignored,
        warnings=tuple(notices),
    )
    if lacking := missing(assigned):
        raise _header_missing(sample, found, lacking)
    at = assigned.columns.get("price")
    if at is not None:
        prices = [(line, row[at]) for line, row in rows if at < len(row)]

        def note(code: str, message: str, line: int) -> None:
            notices.append(Notice(code, message, line))

        amounts = find_amounts(prices, decimal=asked.decimal or assigned.decimal, note=note)
        amounts.beside = find_currencies(assigned.mapping, cells)
        found = replace(
            found, amounts=amounts, thousands=amounts.thousands, warnings=tuple(notices)
        )
    return found


def _header_missing(sample: Sample, found: Format, lacking: list[str]) -> HeaderMissing:
    first = found.header_line
    raw = b""
    if first:
        lines = sample.lines()
        skip(lines, first, first + found.header_lines)
        raw = lines.raw(first, first + found.header_lines - 1)
    line = first or found.preamble_lines + 1
    return HeaderMissing(_what_is_missing(found, lacking), line, found, raw)


def _what_is_missing(found: Format, lacking: list[str]) -> str:
    wanted = " and ".join(f'"{each}"' for each in lacking)
    remedy = (
        "Say under “How the file was read” which column holds what, or name the columns in the"
        " file."
    )
    if not found.header_line:
        return f"The file has no header, and cells alone do not tell {wanted}. {remedy}"
    names = [f'"{each[:40]}"' for each in found.header if each][:10]
    more = len(found.header) - len(names) if len(found.header) > 10 else 0
    listed = (", ".join(names) or "no names") + (f" and {more:,} more" if more else "")
    plural = "s" if len(lacking) > 1 else ""
    return (
        f"Line {found.header_line:,}: the header has no column{plural} {wanted}. "
        f"Found: {listed}. {remedy}"
    )


def _is_plain(seen: Inspection) -> bool:
    """Whether the strict way knows a file's marks."""
    delimiter = seen.delimiter
    return (
        len(delimiter) == 1
        and (delimiter in DELIMITERS or not (delimiter.isspace() or delimiter.isalnum()))
        and seen.quotechar in ("", QUOTE)
        and not seen.escapechar
        and not (seen.comment or seen.ruled)
        and all(doubt.code != "quoted_row" for doubt in seen.doubts)
    )
