"""Whatever the csv module writes is read back; any bytes end in rows or in a refusal."""

import csv
import io
import time
import tracemalloc
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imports.parsing.decoding import Unreadable
from imports.tests.inspecting import table
from imports.understanding.inspection import LINE_LENGTH, inspect, read_rows

QUICK = settings(max_examples=60, deadline=None)

words = st.sampled_from(
    ["bolt", "hex nut", "washer", "Größe", "café", "pin, long", 'pipe 5" wide', "a\nb"]
)
figures = st.decimals(min_value=0, max_value=9999, places=2).map(str)
codes = st.integers(min_value=100, max_value=99999).map("HX-{}".format)
rows = st.lists(st.tuples(codes, words, figures), min_size=3, max_size=12)


@QUICK
@given(
    body=rows,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"]),
)
def test_what_the_csv_module_writes_is_read_back(
    body: list[tuple[str, str, str]], delimiter: str, quoting: int, end: str, encoding: str
) -> None:
    assume(end != "\r" or not any("\n" in row[1] for row in body))
    expected = [["sku", "name", "price"], *map(list, body)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows(expected)

    assert table(text.getvalue(), encoding) == expected


@QUICK
@given(raw=st.binary(max_size=400))
def test_any_bytes_end_in_rows_or_in_a_refusal(raw: bytes) -> None:
    refusals, rows = attempt(raw)

    assert all(isinstance(row, list) for row in rows)
    assert all(refused.message.endswith(".") for refused in refusals)


@QUICK
@given(text=st.text(alphabet="ab1,;|\t\"'\\\r\n# .=", max_size=200))
def test_any_text_of_marks_ends_in_rows_or_in_a_refusal(text: str) -> None:
    refusals, _ = attempt(text.encode())

    assert [refused.code for refused in refusals] in ([], ["empty"])


def attempt(raw: bytes) -> tuple[list[Unreadable], list[list[str]]]:
    """The refusal of a file, or its rows."""
    try:
        return [], table(raw)
    except Unreadable as refused:
        return [refused], []


class Endless(io.RawIOBase):
    """A file of one repeated piece, as large as one says, that is never in memory."""

    def __init__(self, piece: bytes, size: int) -> None:
        self.piece, self.size, self.place, self.given = piece, size, 0, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self.place = (0, self.place, self.size)[whence] + offset
        return self.place

    def read(self, size: int = -1, /) -> bytes:
        size = min(size if size >= 0 else self.size, self.size - self.place)
        start = self.place % len(self.piece)
        self.place += size
        self.given += size
        return (self.piece * (size // len(self.piece) + 2))[start : start + size]


def test_200_megabytes_of_one_letter_are_refused_with_little_read() -> None:
    source = Endless(b"x", 200 << 20)
    with pytest.raises(Unreadable) as refused:
        list(read_rows(source, inspect(source)))  # type: ignore[arg-type]

    assert refused.value.code == "line_too_long"
    assert source.given < 80 << 20


def test_memory_stays_flat_and_rows_stream() -> None:
    source = Endless(b'HX-100,"Bolt, long",1.50\n', 200 << 20)
    tracemalloc.start()
    found = inspect(source)  # type: ignore[arg-type]
    assert len(list(islice(read_rows(source, found), 3_000))) == 3_000  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 32 << 20


def test_hostile_files_take_bounded_time() -> None:
    hostile = [
        b"a,b,c\n" + b'"' + b"x,y\n" * 15_000,
        b'"a,b\n' * 10_000,
        b'x,"\n' * 10_000,
        b'""",""\n' * 30_000,
        b",".join([b"c"] * 10_000) + b"\n" + b",".join([b"1"] * 10_000) + b"\n",
        b'"' * 120_000,
        b"," * 120_000,
        b"a|b;c,d\te^f~g:h=i/j k\n" * 3_000,
        b'a,"b" "c" "d",' * 3_000 + b"\n1,2,3\n",
    ]
    for raw in hostile:
        start = time.process_time()
        attempt(raw)
        assert time.process_time() - start < 5, raw[:40]
    assert LINE_LENGTH < 8 << 20
