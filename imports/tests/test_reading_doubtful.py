"""What a reader says of files whose cells, rows or letters may be something else than they seem."""

import io
import time
from typing import Any

import pytest

from imports.checking import checker
from imports.parsing.broken import Broken
from imports.reading import Reader, Unreadable, read
from imports.tests.inspecting import doubts, understood


def opened(content: str | bytes, **options: Any) -> Reader:
    return read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), **options)


def checked(reader: Reader) -> list[Any]:
    """Each row as it would be taken, or the codes of its problems."""
    check = checker(reader.format)
    found = []
    for _, _, cells in reader:
        clean = cells.problems if isinstance(cells, Broken) else check(cells)
        found.append(clean if isinstance(clean, tuple) else [each.code for each in clean])
    return found


def cells_of(content: str | bytes) -> list[list[str]]:
    return [list(cells) for _, _, cells in opened(content)]


def codes(reader: Reader) -> list[str]:
    return [each.code for each in reader.format.warnings]


# Commas that cut prices


@pytest.mark.parametrize(
    "content",
    [
        "sku,name,price\nA,a,1,50\nB,b,2,50\nC,c,3,00\n",
        "sku,name,price\nA,a,€1,50\nB,b,€2,50\nC,c,€3,00\n",
        "sku,name,price\nA,a,1,50 EUR\nB,b,2,50 EUR\nC,c,3,00 EUR\n",
        "sku,name,price\nA,a,1,234.50\nB,b,2,234.50\nC,c,3,500.00\n",
        "sku,price,name\nA,1,50,a\nB,2,50,b\nC,3,00,c\n",
        "sku,name,price,\nA,a,1,50\nB,b,2,50\nC,c,3,00\n",
        "sku,weight,name\nA,1,50,a\nB,2,50,b\nC,3,00,c\n",
        "sku,name,price,active\nA,a,1,50,yes\nB,b,2,5,yes\nC,c,3,00,no\n",
    ],
)
def test_rows_of_a_short_header_are_refused_where_a_comma_may_have_cut_a_number(
    content: str,
) -> None:
    reader = opened(content)

    assert checked(reader) == [["columns"]] * 3
    assert {"comma_cut", "short_header"} & set(codes(reader)) == {"comma_cut"}
    assert len(reader.format.header) == len(reader.format.mapping)


def test_a_delimiter_at_the_end_of_all_lines_is_no_cut_price() -> None:
    reader = opened("sku,name,price,\nA,a,1,\nB,b,2,\n")

    assert checked(reader) == [("A", "a", None, "1", None), ("B", "b", None, "2", None)]
    assert "comma_cut" not in codes(reader)


def test_whole_prices_among_those_that_a_comma_cut_are_taken() -> None:
    cut = "".join(f"A{each},a,{each},50\n" for each in range(8))

    assert checked(opened(f"sku,name,price\n{cut}B,b,9\n")) == [
        *[["columns"]] * 8,
        ("B", "b", None, "9", None),
    ]


def test_a_short_header_is_read_from_the_left_where_no_number_was_cut() -> None:
    reader = opened("sku,name,price\nA,a,1.50,50\nB,b,2.50,7\nC,c,3.00,12\n")

    assert checked(reader)[0] == ("A", "a", None, "1.50", None)
    assert {"comma_cut", "short_header"} & set(codes(reader)) == {"short_header"}


# Letters that were read wrongly before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_letters_that_were_encoded_twice_are_told_with_an_example(encoding: str) -> None:
    text = "sku;name\n1;Bolt\n2;Tür öffner\n3;Größe – 5 €\n"
    twice = text.encode().decode("windows-1252", "surrogateescape").encode("utf-8", "replace")
    raw = twice.decode().encode(encoding)
    told = opened(raw).format.warnings[-1]

    assert (told.code, told.line) == ("encoded_twice", 3)
    assert "“TÃ¼r” would be “Tür”" in told.message
    assert cells_of(raw)[1] == ["2", "TÃ¼r Ã¶ffner"]
    assert "encoded_twice" in doubts(understood(raw)[0])


@pytest.mark.parametrize(
    "names", [["Tür", "Größe"], ["«CAFÉ»", "«THÉ»", "Clé", "«CLÉ»"], ["TÃ¼r"], ["Болт", "Гайка"]]
)
def test_letters_that_were_encoded_once_are_not_told(names: list[str]) -> None:
    raw = "sku;name\n" + "".join(f"{at};{name}\n" for at, name in enumerate(names))

    assert "encoded_twice" not in codes(opened(raw))
    assert "encoded_twice" not in doubts(understood(raw)[0])


# No tables


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<!doctype html>\n<html><body>sku,name\n</body></html>\n", "a web page (HTML)"),
        ("\ufeff \r\n<HTML><head>", "a web page (HTML)"),
        ("<!-- a -->\n<!-- b -->\n<table><tr><td>sku</td></tr></table>", "a web page (HTML)"),
        ('<?xml version="1.0"?>\n<html xmlns="x">', "a web page (HTML)"),
        ('<?xml version="1.0"?>\n<products/>', "XML"),
        ('[{"sku": "A", "name": "One"}]', "JSON"),
        ('{\n  "products": [1, 2]\n}\n', "JSON"),
    ],
)
def test_a_page_xml_and_json_are_refused_by_name(content: str, what: str) -> None:
    with pytest.raises(Unreadable) as refused:
        opened(content)

    assert refused.value.code == "other_format"
    assert refused.value.message.startswith(f"This is {what}, not a table.")
    assert "other_format" in doubts(understood(content)[0])


@pytest.mark.parametrize("content", ['sku,name\n1,"<html>"\n', '{"a"},name\nA,b\n', "[sku],name\n"])
def test_marks_of_other_formats_are_no_reason_by_themselves(content: str) -> None:
    assert "other_format" not in doubts(understood(content)[0])


def test_many_comments_take_no_time() -> None:
    began = time.process_time()
    understood("<!-- -->" * 400 + "<a,b\n1,2\n")
    assert time.process_time() - began < 2


# Lines that are no rows, and rows that may be none


def test_comments_among_the_rows_are_counted_and_marked_rows_kept() -> None:
    content = (
        "# top\nsku,name,price\nA,a,1\n# mid comment\n#B,b,2\n# and, another one\n"
        '#C,"b, x",2\nD,d,5\n'
    )
    reader = opened(content)

    assert [cells[0] for _, _, cells in reader] == ["A", "#B", "#C", "D"]
    [told] = [each for each in reader.format.warnings if each.code == "comments"]
    assert (told.line, told.message[:8]) == (4, "2 lines:")
    [doubt] = [each for each in understood(content)[0].doubts if each.code == "comments"]
    assert (doubt.line, "# mid comment" in doubt.message) == (4, True)


def test_comments_above_and_behind_the_table_are_not_told() -> None:
    content = "# top\n# of it\nsku,name,price\nA,a,1\nB,b,2\nC,c,5\n"

    assert "comments" not in doubts(understood(content)[0])


@pytest.mark.parametrize(
    ("last", "line"),
    [
        ("Summe,2 Artikel,3\n", 4),
        ('"Total",2,3\n\n \n', 4),
        ("Gesamt,x,3", 4),
        ("C,Total,3\n", None),
        ("Summe-1,a,2\nSumme-2,b,3\n", None),
    ],
)
@pytest.mark.parametrize("quoted", ["b", '"b"', '"b, c"'])
def test_a_last_row_that_is_named_as_a_total_is_kept_and_told(
    last: str, line: int | None, quoted: str
) -> None:
    reader = opened(f"sku,name,price\nA,a,1\nB,{quoted},2\n{last}")
    count = len(list(reader))
    told = [each.line for each in reader.format.warnings if each.code == "total_row"]

    assert told == ([line] if line else [])
    assert count == 2 + last.strip().count("\n") + 1


def test_the_total_of_a_long_file_is_told() -> None:
    reader = opened("sku,name,price\n" + "A,a,1\n" * 60_000 + "Total,b,60000\n")
    list(reader)

    assert [each.line for each in reader.format.warnings] == [60_002]


def test_a_header_alone_has_no_total() -> None:
    reader = opened("total,sku,name\n")
    list(reader)

    assert "total_row" not in codes(reader)
