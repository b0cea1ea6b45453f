"""A file that the fast, strict reader takes is read by the other one to the same rows."""

import csv
import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from imports.parsing.broken import Broken
from imports.parsing.decoding import MAX_RECORD, Lines
from imports.parsing.plain import PlainReader
from imports.parsing.recognition import _as_table
from imports.parsing.sampling import Asked, Sample
from imports.parsing.understood import TableReader
from imports.reading import read

QUICK = settings(max_examples=60, deadline=None)

HEADER = ["sku", "name", "description", "price", "active"]
words = st.sampled_from(
    [
        *("Lamp", "hex nut", "Größe M", "pin, long", "a; b", "tab\there", "a|b", "rohr “fein”"),
        *('pipe 5" wide', '"quoted"', "it's", "line\nbreak", "'=1", "#9", "# 9", "N/A", "-", "x"),
        *("  blanks  ", "café", "日本", "ABC-1", "Total", "Summe", "12", "1,5", "a\\b", "\\"),
    ]
)
texts = st.one_of(st.just(""), words, st.lists(words, min_size=2, max_size=4).map(" ".join))
prices = st.one_of(st.just(""), st.decimals(0, 9999, places=2).map(str), st.just("12.-"))
codes = st.integers(100, 99999).map("HX-{}".format)
rows = st.lists(
    st.tuples(codes, words, texts, prices, st.sampled_from(["yes", "no", ""])),
    min_size=1,
    max_size=14,
)


def written(body: list[tuple[str, ...]], **dialect: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows([HEADER, *body])
    return text.getvalue().encode()


def told(reader: PlainReader | TableReader) -> list[Any]:
    """Each row with its number, line and bytes: its cells, or what is wrong with it."""
    return [
        (
            row,
            line,
            reader.raw(),
            [(each.code, each.column, each.message) for each in cells.problems]
            if isinstance(cells, Broken)
            else cells,
        )
        for row, line, cells in reader
    ]


def in_both_ways(raw: bytes) -> tuple[list[Any], list[Any]]:
    plain = read(io.BytesIO(raw))
    assert isinstance(plain, PlainReader)
    sample = Sample(raw, Asked(), complete=True)
    assert sample.inspection
    plan = _as_table(sample, sample.inspection)
    assert plan.table
    lines = Lines(io.BytesIO(raw), encoding=None, max_record=MAX_RECORD)
    return told(plain), told(TableReader(lines, plan.format, plan.table))


@QUICK
@given(
    body=rows,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    lineterminator=st.sampled_from(["\n", "\r\n"]),
)
def test_both_readers_give_the_same_rows(
    body: list[tuple[str, ...]], delimiter: str, quoting: int, lineterminator: str
) -> None:
    raw = written(body, delimiter=delimiter, quoting=quoting, lineterminator=lineterminator)
    plain, table = in_both_ways(raw)

    assert table == plain


@QUICK
@given(
    body=rows,
    at=st.integers(0, 13),
    fault=st.sampled_from([b"\xff", b"\0", b"\xc3"]),
    delimiter=st.sampled_from([",", ";"]),
)
def test_both_readers_refuse_the_same_rows(
    body: list[tuple[str, ...]], at: int, fault: bytes, delimiter: str
) -> None:
    raw = (
        written(
            [
                (*row[:2], "§BAD§" if number == at else row[2], *row[3:])
                for number, row in enumerate(body)
            ],
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL,
        )
        + "HX-1,äöüß,,,\r\n".replace(",", delimiter).encode()
    )
    plain, table = in_both_ways(raw.replace("§BAD§".encode(), b"bad " + fault))

    assert table == plain


def test_both_readers_take_quotes_at_the_end_of_cells_for_inches() -> None:
    raw = b'sku;name;price\n1;Rohr 3/4";1,5\n2;Rohr 1/2";1,6\n3;"Rohr 1""";1,7\n4";b;2,5\n'
    plain, table = in_both_ways(raw)

    assert [cells for _, _, _, cells in plain] == [
        ["1", 'Rohr 3/4"', "1,5"],
        ["2", 'Rohr 1/2"', "1,6"],
        ["3", 'Rohr 1"', "1,7"],
        ['4"', "b", "2,5"],
    ]
    assert table == plain


def test_apostrophes_that_open_cells_and_close_none_are_no_quotes() -> None:
    raw = b"sku,name,description,price,active\r\n'=1+1,',\"'=1+11,5\",,no\r\n"
    reader = read(io.BytesIO(raw))

    assert isinstance(reader, PlainReader)
    assert [cells for _, _, cells in reader] == [["'=1+1", "'", "'=1+11,5", "", "no"]]
