"""Whatever Python's csv module writes comes back; whatever bytes come in, nothing is guessed."""

import codecs
import csv
import io
from itertools import accumulate
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from imports.reading import Broken, Format, Reader, Unreadable, read

QUICK = settings(max_examples=100, deadline=None)

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
awkward = st.sampled_from(
    [
        "",
        " ",
        '"',
        '""',
        ",",
        ";",
        "\t",
        "|",
        "\n",
        "\r",
        "\r\n",
        "\\.",
        'a"b',
        ' "x"',
        "é",
        "😀",
        "=",
    ]
)
cells = st.one_of(
    awkward, st.text(characters, max_size=6), st.lists(awkward, max_size=4).map("".join)
)
filled = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5)
tables = st.lists(st.tuples(filled, cells, cells, cells), max_size=8)
HEADER = ("sku", "name", "description", "colour")

dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
    }
)


class Trickle(io.BytesIO):
    """A source that gives back less than it was asked for, as a pipe does."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 7))


def written(rows: list[tuple[str, ...]], dialect: dict[str, Any]) -> list[str]:
    """Return each record's text; a cell with a lone CR is quoted as RFC 4180 asks."""
    if any("\r" in cell or "\n" in cell for row in rows for cell in row):
        dialect = dialect | {"quoting": csv.QUOTE_ALL}
    texts = []
    for row in (HEADER, *rows):
        out = io.StringIO()
        csv.writer(out, **dialect).writerow(row)
        texts.append(out.getvalue())
    return texts


def line_numbers(texts: list[str]) -> list[int]:
    """Return the line on which each text starts when they stand one after the other."""
    numbers, line = [], 1
    for text in texts:
        numbers.append(line)
        line += len(io.StringIO(text, newline="").readlines())
    return numbers


def everything(
    source: io.BytesIO, **options: Any
) -> tuple[Reader, list[tuple[int, int, list[str], bytes]]]:
    reader = read(source, **options)
    return reader, [(row, line, found, reader.raw()) for row, line, found in reader]


def assert_comes_back(
    rows: list[tuple[str, ...]],
    texts: list[str],
    raws: list[bytes],
    source: io.BytesIO,
    **options: Any,
) -> Format:
    reader, found = everything(source, **options)
    assert [tuple(cells) for _, _, cells, _ in found] == rows
    assert [row for row, _, _, _ in found] == list(range(1, len(rows) + 1))
    assert [line for _, line, _, _ in found] == line_numbers(texts)[1:]
    assert [reader.header_raw, *(raw for _, _, _, raw in found)] == raws
    assert reader.bytes_read == len(source.getvalue())
    return reader.format


@QUICK
@given(tables, dialects, st.sampled_from(["utf-8", "utf-8-sig"]))
def test_any_utf8_table_comes_back_cell_by_cell_and_byte_by_byte(
    rows: list[tuple[str, ...]], dialect: dict[str, Any], encoding: str
) -> None:
    texts = written(rows, dialect)
    raws = [text.encode() for text in texts]
    bom = codecs.BOM_UTF8 if encoding == "utf-8-sig" else b""
    found = assert_comes_back(rows, texts, raws, Trickle(bom + b"".join(raws)))
    assert (found.encoding, found.bom, found.delimiter) == (
        encoding,
        bool(bom),
        dialect["delimiter"],
    )
    assert found.columns == {"sku": 0, "name": 1, "description": 2}
    assert found.ignored == ("colour",)


@QUICK
@given(tables, dialects, st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_any_utf16_table_with_its_mark_comes_back(
    rows: list[tuple[str, ...]], dialect: dict[str, Any], encoding: str
) -> None:
    texts = written(rows, dialect)
    raws = [text.encode(encoding) for text in texts]
    bom = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else codecs.BOM_UTF16_BE
    found = assert_comes_back(rows, texts, raws, Trickle(bom + b"".join(raws)))
    assert (found.encoding, found.bom) == (encoding, True)


western = st.text(st.sampled_from('abc äöüßéèñçåøÀÜ€–“”½,;"\n'), max_size=8)


@QUICK
@given(st.lists(st.tuples(filled.filter(str.isascii), western, western, western)), dialects)
def test_any_windows_1252_table_comes_back(
    rows: list[tuple[str, ...]], dialect: dict[str, Any]
) -> None:
    texts = written(rows, dialect)
    raws = [text.encode("cp1252") for text in texts]
    content = b"".join(raws)
    found = assert_comes_back(rows, texts, raws, io.BytesIO(content), encoding="windows-1252")
    assert found.encoding == "windows-1252"


@QUICK
@given(st.binary(max_size=300))
@example(b"sku,name\n\xff\xfe\0\0,\x81\n")
@example(b'sku,name\n"')
@example(b"\xff\xfe\x00\xd8")
def test_random_bytes_are_read_or_refused(content: Any) -> None:
    for head in (b"", b"sku,name\n", codecs.BOM_UTF16_LE, codecs.BOM_UTF8):
        for encoding in (None, "utf-8", "utf-16-le", "windows-1252"):
            try:
                reader, found = everything(io.BytesIO(head + content), encoding=encoding)
            except Unreadable:
                continue
            assert reader.format.encoding
            for _, _, cells, raw in found:
                assert raw
                assert isinstance(cells, Broken) or "\0" not in "".join(cells)


short = st.text(st.sampled_from('abé ,;"\n'), max_size=6).filter(lambda cell: cell.count("\n") < 2)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(short, short, short), min_size=1, max_size=6),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.data(),
)
def test_one_broken_byte_changes_no_other_row(
    rows: list[tuple[str, ...]], quoting: int, data: st.DataObject
) -> None:
    """Other rows may be refused along with the broken one; they never come out changed."""
    rows = [(f"S{number}", *row) for number, row in enumerate(rows)]
    dialect = {"delimiter": ",", "quoting": quoting, "lineterminator": "\n"}
    raws = [text.encode() for text in written(rows, dialect)]
    content = bytearray(b"".join(raws))
    at = data.draw(st.integers(len(raws[0]), len(content) - 1))
    content[at] = data.draw(st.sampled_from([*b'",\n\r x', 0, 0xC3, 0xFF]))
    ends = list(accumulate(map(len, raws)))
    broken = next(number for number, end in enumerate(ends) if at < end) - 1
    try:
        _, found = everything(io.BytesIO(bytes(content)), encoding="utf-8")
    except Unreadable:
        return
    accepted = [tuple(cells) for _, _, cells, _ in found if len(cells) == len(HEADER)]
    strangers = [row for row in accepted if row not in rows]
    assert len(strangers) <= 1
    others = {row[0]: row for row in rows if row is not rows[broken]}
    assert all(others.get(row[0], row) == row for row in accepted)
