import codecs
import gzip
import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from imports.columns import Recalled
from imports.parsing.decoding import CHUNK
from imports.reading import Broken, HeaderMissing, Reader, Unreadable, read
from imports.understanding.encodings import CODECS


def opened(content: str | bytes, **options: Any) -> Reader:
    return read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), **options)


def rows_of(content: Any, **options: Any) -> list[tuple[int, int, list[str]]]:
    return [(row, line, list(cells)) for row, line, cells in opened(content, **options)]


def cells_of(content: Any, **options: Any) -> list[list[str]]:
    return [list(cells) for _, _, cells in opened(content, **options)]


def refusal(content: Any, **options: Any) -> tuple[str, int | None, str]:
    with pytest.raises(Unreadable) as caught:
        list(opened(content, **options))
    return caught.value.code, caught.value.line, caught.value.message


def broken_rows(content: Any, **options: Any) -> list[tuple[int, list[tuple[str, str]], bytes]]:
    reader = opened(content, **options)
    return [
        (line, [(p.code, p.column) for p in cells.problems], reader.raw())
        for _, line, cells in reader
        if isinstance(cells, Broken)
    ]


# Header


def test_columns_are_found_by_name_in_any_order_and_case() -> None:
    found = opened("Price; ACTIVE ;s_k-u;Colour;Name\n").format
    assert found.columns == {"price": 0, "active": 1, "sku": 2, "name": 4}
    assert found.header == ("Price", "ACTIVE", "s_k-u", "Colour", "Name")
    assert found.ignored == ("Colour",)
    assert found.delimiter == ";"


def test_the_error_column_of_a_rejected_rows_file_is_ignored() -> None:
    found = opened("sku,name,error\nA,One,SKU is empty.\n").format
    assert found.ignored == ("error",)


def test_blank_lines_before_the_header_are_counted() -> None:
    reader = opened("\n  \r\n;;;\nsku;name\n\nA;One\n")
    assert reader.format.header_line == 4
    assert list(reader) == [(1, 6, ["A", "One"])]


def test_a_sep_line_of_excel_is_honoured() -> None:
    reader = opened("sep=;\r\nsku;name\r\nA;One, two\r\n")
    assert list(reader) == [(1, 3, ["A", "One, two"])]
    assert reader.format.header_line == 2


def test_a_header_without_required_columns_names_what_is_missing_and_found() -> None:
    assert refusal("artikel,name,price\nA,One,1\n") == (
        "header_missing",
        1,
        'Line 1: the header has no column "sku". Found: "artikel", "name", "price". '
        "Say under “How the file was read” which column holds what, or name the columns in the"
        " file.",
    )


def test_a_doubled_field_is_refused() -> None:
    code, line, message = refusal("\nsku,name,SKU\nA,One,B\n")
    assert (code, line) == ("header_doubled", 2)
    assert '"sku" twice, in columns 1 and 3' in message


@pytest.mark.parametrize("content", [b"", b"\n\r\n  \n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_file_is_refused(content: Any) -> None:
    assert refusal(content)[:2] == ("empty", None)


def test_a_header_without_rows_is_read_and_says_so() -> None:
    reader = opened("sku,name\n\n")
    assert list(reader) == []
    assert [notice.code for notice in reader.format.warnings] == ["no_rows"]


def test_a_header_may_have_256_columns_and_no_more() -> None:
    columns = ["sku", "name", *(f"c{n}" for n in range(254))]
    assert len(opened(",".join(columns)).format.header) == 256
    assert refusal(",".join([*columns, "one more"]))[:2] == ("header_too_wide", 1)


def test_a_header_past_64_kib_is_refused() -> None:
    assert refusal(f"sku,name,{'x' * 65_536}\n")[:2] == ("header_too_long", 1)


# Dialect


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_finds_the_required_columns(delimiter: str) -> None:
    content = f"sku{delimiter}name{delimiter}a,b;c|d\tx".replace(delimiter, delimiter)
    assert opened(content).format.delimiter == delimiter


def test_thousands_marks_of_prices_are_told() -> None:
    reader = opened("sku;name;price\nA;One;1.234,50\nB;Two;12,90\n")

    assert (reader.format.amounts.decimal, reader.format.thousands) == (",", ".")


def test_a_decimal_mark_is_recalled_with_its_columns() -> None:
    recalled = Recalled(("sku", "name", "price"), ",")
    reader = opened("a;b;c\nA;One;1.234\n", recall=lambda header: recalled)

    assert reader.format.columns == {"sku": 0, "name": 1, "price": 2}
    assert reader.format.amounts.decimal == ","
    asked = opened("a;b;c\nA;One;1.234\n", recall=lambda header: recalled, decimal=".")
    assert asked.format.amounts.decimal == "."


def test_delimiters_in_quotes_do_not_count() -> None:
    content = "sku,name,description\n" + 'A,One,"a;b;c;d"\n' * 20
    assert opened(content).format.delimiter == ","


def test_a_delimiter_asked_for_wins() -> None:
    assert refusal("sku,name\nA,One\n", delimiter=";")[0] == "header_missing"
    assert cells_of("sku#name\nA#One\n", delimiter="#") == [["A", "One"]]
    for wrong in ('"', "\n", ",,"):
        with pytest.raises(ValueError, match="is not one character"):
            opened("sku,name\n", delimiter=wrong)


def test_line_ends_may_be_mixed_and_the_last_one_left_out() -> None:
    assert rows_of("sku,name\r\nA,1\nB,2\rC,3\r\n\r\nD,4") == [
        (1, 2, ["A", "1"]),
        (2, 3, ["B", "2"]),
        (3, 4, ["C", "3"]),
        (4, 6, ["D", "4"]),
    ]


def test_rows_whose_cells_are_all_blank_are_passed_over() -> None:
    assert rows_of('sku,name\n,\nA,1\n , \n"",""\n   \nB,2\n') == [
        (1, 3, ["A", "1"]),
        (2, 7, ["B", "2"]),
    ]


def test_a_line_of_backslash_and_point_is_data() -> None:
    assert cells_of("sku,name\nA,1\n\\.\nB,2\n") == [["A", "1"], ["\\."], ["B", "2"]]


def test_a_quoted_line_break_keeps_line_numbers_and_raw_bytes_right() -> None:
    reader = opened('sku,name\r\n"A","one\r\ntwo\nthree"\r\nB,"2"\r\n')
    found = [(row, line, cells, reader.raw()) for row, line, cells in reader]
    assert found == [
        (1, 2, ["A", "one\r\ntwo\nthree"], b'"A","one\r\ntwo\nthree"\r\n'),
        (2, 5, ["B", "2"], b'B,"2"\r\n'),
    ]


def test_a_crlf_that_falls_between_two_chunks_is_one_line_end() -> None:
    first = "sku,name\r\n"
    rows = [f"{n},{'x' * 1000}" for n in range(CHUNK // 500)]
    for shift in range(4):
        content = first + "A," + "y" * shift + "\r\n" + "\r\n".join(rows) + "\r\n"
        found = rows_of(content)
        assert [line for _, line, _ in found] == list(range(2, len(rows) + 3))
        assert found[-1][2] == rows[-1].split(",")


def test_records_over_many_chunks_with_and_without_quotes() -> None:
    records = [
        [f"S{n}", f"Name {n}", "a, b\n" * 40 if n % 5000 < 300 else "plain"] for n in range(20_000)
    ]
    content = "sku,name,description\n" + "".join(
        f'{sku},{name},"{text}"\n' if "\n" in text else f"{sku},{name},{text}\n"
        for sku, name, text in records
    )
    reader = opened(content)
    found, raws = [], [reader.header_raw]
    for _, _, cells in reader:
        found.append(cells)
        raws.append(reader.raw())
    assert found == records
    assert b"".join(raws) == content.encode()


# Quotes


def test_a_quote_within_an_unquoted_cell_is_literal() -> None:
    assert cells_of('sku,name\nA,5" pipe\n') == [["A", '5" pipe']]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_quote_at_the_end_of_an_unquoted_cell_is_literal(delimiter: str) -> None:
    rows = [["1", 'Rohr 3/4"', "2"], ["2", '27"', "x"], ["3", "a", '1"'], ['4"', "b", "c, d"]]
    written = [delimiter.join(f'"{c}"' if delimiter in c else c for c in row) for row in rows]
    assert cells_of("\n".join([f"sku{delimiter}name{delimiter}x", *written])) == rows


def test_a_quote_at_the_end_of_a_cell_rejects_a_row_of_another_width() -> None:
    content = 'sku,name\nA,"One"\nB,a, b",3\nC,3\n'
    assert broken_rows(content) == [(3, [("quote", "")], b'B,a, b",3\n')]


@pytest.mark.parametrize(
    "row",
    ['B,"12" monitor"', 'B,"a"b', '"B" ,two', ' "B",two'],
)
def test_a_misplaced_quote_rejects_its_row_alone(row: str) -> None:
    content = f"sku,name\nA,1\n{row}\nC,3\n"
    assert broken_rows(content) == [(3, [("quote", "")], f"{row}\n".encode())]
    assert cells_of(content) == [["A", "1"], [], ["C", "3"]]


def test_lines_behind_a_misplaced_quote_are_not_read_as_rows() -> None:
    content = 'sku,name\nA,"12" monitor\nbig, black\nand, flat",\nB,2\n'
    assert cells_of(content) == [[], ["B", "2"]]
    assert broken_rows(content)[0][2] == b'A,"12" monitor\nbig, black\nand, flat",\n'


def test_a_lost_opening_quote_does_not_make_rows_of_a_cell() -> None:
    content = 'sku,name,description\nA,One\nx,y,z\nend",last\nB,2,3\n'
    assert cells_of(content) == [[], ["B", "2", "3"]]


def test_a_lost_closing_quote_rejects_what_it_swallows() -> None:
    content = 'sku,name\nA,"One\nB,2\nC,"3"\nD,4\n'
    assert broken_rows(content) == [(2, [("quote", "")], b'A,"One\nB,2\nC,"3"\n')]
    assert cells_of(content)[-1] == ["D", "4"]


def test_blanks_between_delimiter_and_quote_are_dropped_when_the_file_is_written_so() -> None:
    reader = opened('"sku", "name", "description"\n"A", "One, two",  " x"\n')
    assert reader.format.blanks_before_quotes
    assert [cells for _, _, cells in reader] == [["A", "One, two", " x"]]


def test_blanks_before_a_quote_reject_a_row_of_a_file_not_written_so() -> None:
    content = "sku,name\n" + "A,1\n" * 100_000 + 'B, "two"\nC,3\n'
    assert broken_rows(content) == [(100_002, [("quote", "")], b'B, "two"\n')]


def test_a_file_whose_first_row_is_data_has_no_header() -> None:
    content = "".join(f"AB-{number:04},Widget {number},{number}.99\n" for number in range(50))
    with pytest.raises(HeaderMissing) as caught:
        opened(content)
    assert caught.value.message == (
        'The file has no header, and cells alone do not tell "sku". '
        "Say under “How the file was read” which column holds what, or name the columns in the"
        " file."
    )
    assert (caught.value.format.header_line, caught.value.format.header) == (0, ("",) * 3)
    assert len(cells_of(content, header_line=0, columns=("sku", "name", "price"))) == 50


def test_an_unclosed_quote_rejects_its_row_alone() -> None:
    content = "sku,name\n" + "A,1\n" * 2914 + 'B,"x\ny"\n' + 'C,"2\nD,3\n'
    broken = [
        (row, line, cells) for row, line, cells in opened(content) if isinstance(cells, Broken)
    ]
    assert [(row, line) for row, line, _ in broken] == [(2916, 2918)]
    assert [(each.code, each.message) for _, _, cells in broken for each in cells.problems] == [
        (
            "quote",
            "Line 2,918: an opening quote is never closed, so where its cells end is a guess. "
            "Close it or remove it.",
        )
    ]
    assert cells_of(content)[-1] == ["D", "3"]


def test_an_unclosed_quote_in_the_second_line_of_a_row_rejects_both() -> None:
    content = 'sku,name,description\nA,"x\ny","2\nB,3,4\n'
    assert broken_rows(content) == [(2, [("quote", "")], b'A,"x\ny","2\n')]
    assert cells_of(content)[-1] == ["B", "3", "4"]


def test_an_unclosed_quote_far_from_the_end_rejects_its_row_alone() -> None:
    content = 'sku,name\nA,1\nB,"2\n' + "C,3\n" * 400_000
    reader = opened(content)
    found = list(reader)
    assert [(row, line) for row, line, cells in found if isinstance(cells, Broken)] == [(2, 3)]
    assert (len(found), found[-1]) == (400_002, (400_002, 400_003, ["C", "3"]))


def test_every_row_with_an_open_quote_is_read_in_linear_time() -> None:
    content = "sku,name\n" + 'A,"1\n' * 30_000
    began = time.process_time()
    found = opened(content)
    assert sum(len(found.raw().splitlines()) for _ in found) == 30_000
    assert time.process_time() - began < 5


# Caps


def test_a_record_may_be_as_long_as_the_cap_and_no_longer() -> None:
    head = "sku,name,description\n"
    fits = "A,1," + "x" * 95 + "\n"
    assert cells_of(head + fits, max_record=100) == [["A", "1", "x" * 95]]
    assert refusal(head + "B,2,3\n" + fits.replace("x", "xx", 1), max_record=100)[:2] == (
        "record_too_long",
        3,
    )
    content = head + 'A,1,"' + "x\n" * 60 + '"\nB,2,3\n'
    assert broken_rows(content, max_record=100)[0] == (2, [("quote", "")], b'A,1,"x\n')
    assert cells_of(content, max_record=100)[-1] == ["B", "2", "3"]


@pytest.mark.parametrize(
    ("prefix", "filler", "code"),
    [
        (b"", b"x" * 1000, "record_too_long"),
        (b"sku,name\nA,", b"x" * 1000, "record_too_long"),
        (b'sku,name\nA,"', b"x" * 1000, "record_too_long"),
        (b"\xff\xfe", b"x\0" * 500, "record_too_long"),
        (b"", b"\n" * 1000, "empty"),
    ],
)
def test_200_mb_without_a_record_are_refused_in_little_memory(
    prefix: bytes, filler: bytes, code: str
) -> None:
    script = """
import resource, sys
from imports.reading import Unreadable, read
class Endless:
    left = 200_000
    def __init__(self, head, filler):
        self.head, self.filler = head, filler
    def read(self, size):
        if self.head:
            head, self.head = self.head, b""
            return head
        if not self.left:
            return b""
        self.left -= 1
        return self.filler
source = Endless(eval(sys.argv[1]), eval(sys.argv[2]))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000,) * 2)
try:
    for _ in read(source):
        pass
except Unreadable as error:
    print(error.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, repr(prefix), repr(filler)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.stdout.strip(), done.stderr) == (code, "")


# Encoding


def test_windows_1252_is_a_named_fallback() -> None:
    reader = opened("sku,name\nA,One\nB,Größe €\n".encode("cp1252"))
    assert [cells for _, _, cells in reader] == [["A", "One"], ["B", "Größe €"]]
    assert reader.format.encoding == "windows-1252"
    (warning,) = reader.format.warnings
    assert (warning.code, warning.line) == ("encoding_guessed", 3)


def test_a_broken_byte_in_utf8_rejects_its_row_alone() -> None:
    content = "sku,name\nA,Größe\nB,Maß\nC,für\n".encode().replace("aß".encode(), b"a\xdf")
    assert broken_rows(content) == [(3, [("encoding", "name")], b"B,Ma\xdf\n")]
    assert cells_of(content) == [["A", "Größe"], [], ["C", "für"]]
    (broken,) = (cells for _, _, cells in opened(content) if isinstance(cells, Broken))
    assert broken.problems[0].message == (
        "Line 3: the byte 0xDF is not utf-8. Save the file as UTF-8, or choose the encoding it has."
    )
    assert broken.problems[0].value == "Ma\\xdf"


def test_a_byte_that_windows_1252_lacks_rejects_its_row_alone() -> None:
    content = "sku,name\nA,Größe für Möbel\nB,Tür\nC,Schlüssel\n".encode("cp1252")
    content = content.replace(b"B,T\xfcr", b"B,T\x81r")
    assert broken_rows(content, encoding="windows-1252") == [
        (3, [("encoding", "name")], b"B,T\x81r\n")
    ]


def test_utf8_amid_guessed_windows_1252_is_not_imported_as_garbage() -> None:
    content = b"sku,name\nA,\xe9\nB,\xe9\nC," + "für\n".encode()
    assert broken_rows(content) == [(4, [("encoding", "")], "C,für\n".encode())]


def test_an_encoding_asked_for_is_used() -> None:
    assert cells_of("sku,name\nA,für\n".encode(), encoding="cp1252") == [["A", "fÃ¼r"]]
    assert broken_rows(b"sku,name\nA,\xe9\n", encoding="UTF8")[0][1] == [("encoding", "name")]
    with pytest.raises(ValueError, match="is not one of"):
        opened("sku,name\n", encoding="klingon")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf16_and_utf32_are_told_by_their_zeros(encoding: str) -> None:
    content = "sku,name\nA,Größe\n".encode(encoding)
    for options in ({}, {"encoding": encoding}):
        reader = opened(content, **options)
        assert [(cells, reader.raw()) for _, _, cells in reader] == [
            (["A", "Größe"], "A,Größe\n".encode(encoding))
        ]
        assert reader.format.encoding == encoding


def test_utf16_that_is_asked_for_and_can_not_be_told_is_refused() -> None:
    assert refusal(b"sku,name\nA,One\n", encoding="utf-16")[0] == "utf16_no_bom"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("shift_jis", "ボルト 六角 ステンレス 表示"),
        ("gb18030", "不锈钢六角螺栓，五十只装"),
        ("big5", "不鏽鋼六角螺栓，五十隻裝"),
        ("euc-kr", "스테인리스 육각 볼트 오십 개"),
        ("windows-1250", "Żółta łódź, śruba nierdzewna"),
        ("windows-1251", "Болт шестигранный, нержавеющий"),
        ("windows-1252", "Größe für Möbel, Schlüssel – groß"),
    ],
)
def test_other_encodings_are_told_by_their_letters(encoding: str, text: str) -> None:
    rows = [f"A-{number},{text.replace(',', ' ')} {number}" for number in range(20)]
    content = "\n".join(["sku,name", *rows]).encode(CODECS[encoding]) + b"\n"
    reader = opened(content)
    raws = [reader.header_raw]
    cells = []
    for _, _, found in reader:
        cells.append(",".join(found))
        raws.append(reader.raw())
    assert cells == rows
    assert reader.format.encoding == encoding
    assert b"".join(raws) == content
    assert [notice.code for notice in reader.format.warnings] in (
        ["encoding_guessed"],
        ["encoding_close"],
    )


def test_bytes_that_an_encoding_writes_in_two_ways_stay_as_they_are() -> None:
    """NEC and IBM gave some letters of Shift-JIS two codes each; only one is made from the text."""
    row = b"A-1,\xed\x40\xfa\x5c\x81\x20\n"
    content = b"sku,name\n" + "B,ボルト\n".encode("cp932") + row
    assert broken_rows(content, encoding="shift_jis") == [(3, [("encoding", "name")], row)]


def test_a_byte_order_mark_wins_over_what_was_asked_for() -> None:
    reader = opened("\ufeffsku,name\nA,é\n".encode("utf-16-le"), encoding="utf-8")
    assert [cells for _, _, cells in reader] == [["A", "é"]]
    assert [notice.code for notice in reader.format.warnings] == ["encoding_bom"]


def test_utf16_cut_in_a_character_is_refused() -> None:
    assert refusal("\ufeffsku,name\nA,One\n".encode("utf-16-le")[:-1])[0] == "cut_off"


def test_a_nul_rejects_its_row_alone() -> None:
    assert broken_rows("sku,name\nA,1\nB,\0\nC,3\n") == [(3, [("nul", "name")], b"B,\0\n")]


# Other files


def workbook() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


def test_a_workbook_that_is_none_is_refused_with_the_remedy() -> None:
    assert refusal(workbook()) == (
        "workbook_broken",
        None,
        "The Excel workbook can't be read. Open it, save it again or save the sheet as CSV.",
    )


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"%PDF-1.7\n"),
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"sku\0,name\nA,1\n",
        b"\x7fELF\x02\x01\x01\0\0\0\n",
    ],
)
def test_binary_files_are_refused(content: Any) -> None:
    assert refusal(content)[0] == "binary"
