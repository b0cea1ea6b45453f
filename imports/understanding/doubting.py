"""What is doubtful about a file, in words for people, with the remedy."""

from collections.abc import Iterator, Sequence

from imports.understanding.cutting import Record
from imports.understanding.dialects import Judged
from imports.understanding.findings import Doubt
from imports.understanding.fitting import LINE_CODES, Notes
from imports.understanding.numerals import Numerals
from imports.understanding.tables import Layout


def doubts_of_dialect(judged: list[Judged]) -> Iterator[Doubt]:
    """Whether another delimiter does nearly as well."""
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


def doubts_of_table(layout: Layout, notes: Notes) -> Iterator[Doubt]:
    """What was guessed of the table's place and names, what was left out, what was mended."""
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
    if layout.short_header:
        yield Doubt(
            "short_header",
            f"The header on line {layout.first_line:,} has one name fewer than the rows have cells "
            "and was read from the left. Add the name that is missing if names and values don't "
            "match.",
            layout.first_line,
        )
    if layout.second_table:
        yield Doubt(
            "second_table",
            f"Another table starts on line {layout.second_table:,}: it was left out. Save it as a "
            "file of its own.",
            layout.second_table,
        )
    if layout.smaller_table:
        yield Doubt(
            "second_table",
            f"A smaller table starts on line {layout.smaller_table:,}, above this one: it was left "
            "out. Save it as a file of its own.",
            layout.smaller_table,
        )
    if layout.total:
        yield total_doubt(layout.total)
    if layout.footer_rows:
        yield footer_doubt(layout.footer_rows, layout.end_line)
    yield from doubts_of_rows(notes)


def doubts_of_rows(notes: Notes) -> Iterator[Doubt]:
    """One for each kind of mended or odd rows, with the first of them."""
    for code, first in notes.first.items():
        count, noun = notes.counts[code], "line" if code in LINE_CODES else "row"
        rows = f"{count:,} {noun}s" if count > 1 else f"1 {noun}"
        yield Doubt(code, f"{rows}: {first.message}", first.line)


def doubts_of_numerals(numerals: Numerals, rows: Sequence[Record]) -> Iterator[Doubt]:
    """Figures that may be read in two ways."""
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
            f"“{cell}” has another decimal mark than other figures (“{numerals.decimal}”). "
            "Check such figures.",
            rows[index].line,
        )


def total_doubt(line: int) -> Doubt:
    """The last row, if it is named as a total."""
    message = f"Line {line:,} looks like a total. It was kept as a row: delete it if it is none."
    return Doubt("total_row", message, line)


def footer_doubt(count: int, line: int | None) -> Doubt:
    """Rows at the end that were left out."""
    what, were = (f"{count:,} rows at the end look", "were")
    if count == 1:
        what, were = "The last row looks", "was"
    return Doubt(
        "footer",
        f"{what} like totals or notes and {were} left out. Delete such "
        "rows, or move them if they are data.",
        line,
    )
