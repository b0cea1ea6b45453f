"""Which marks cut a file into cells: imports.understanding.dialects and cutting."""

import time

import pytest

from imports.parsing.decoding import Unreadable
from imports.tests.inspecting import doubts, lines, products, table, understood

PLAIN = [["sku", "name", "price"], ["HX-100", "Bolt", "1.50"], ["HX-101", "Nut", "2.50"]]


@pytest.mark.parametrize(
    "delimiter", [",", ";", "\t", "|", "^", "~", "\x1f", "\x01", "¦", "#", "||", "::", "~|~", "@@"]
)
def test_each_delimiter_is_found(delimiter: str) -> None:
    found, rows = understood(lines(*products(delimiter)))

    assert found.delimiter == delimiter
    assert rows[:3] == PLAIN


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_few_rows_are_enough(delimiter: str, count: int) -> None:
    found, rows = understood(lines(*products(delimiter, count)))

    assert found.delimiter == delimiter
    assert rows[:2] == PLAIN[:2]


def test_a_header_alone_is_a_table() -> None:
    found, rows = understood("sku;name;price\n")

    assert (found.delimiter, found.header_lines) == (";", 1)
    assert rows == [["sku", "name", "price"]]


@pytest.mark.parametrize(
    "cells",
    [
        ["name", "Hex bolt", "Wing nut", "Washer"],
        ["time", "10:15:00", "11:30:00", "12:45:00"],
        ["date", "2024-05-01", "2024-05-02", "2024-05-03"],
        ["price", "12.50", "13.20", "14.10"],
        ["email", "anna@example.com", "ben@example.com", "cleo@example.org"],
        ["address", "https://example.com/a/b", "https://example.com/c/d", "https://example.org/e"],
    ],
)
def test_one_column_is_not_cut(cells: list[str]) -> None:
    found, rows = understood(lines(*cells))

    assert found.delimiter == ""
    assert rows == [[cell] for cell in cells]


def test_decimal_commas_do_not_hide_the_semicolons() -> None:
    found, rows = understood(
        lines("sku;price;weight", "A1;1,50;0,25", "A2;12,00;1,10", "A3;3,75;2,5")
    )

    assert found.delimiter == ";"
    assert rows[1] == ["A1", "1,50", "0,25"]


def test_long_texts_full_of_commas_do_not_hide_the_tabs() -> None:
    text = "Strong, light, cheap, and made to last, in red, green, and blue"
    found, rows = understood(
        lines("sku\ttext\tprice", *[f"A{n}\t{text}, {n}\t{n}.00" for n in range(5)])
    )

    assert found.delimiter == "\t"
    assert rows[1] == ["A0", f"{text}, 0", "0.00"]


def test_json_in_cells_is_left_whole() -> None:
    found, rows = understood(
        lines(
            "id,attributes,price",
            *[f'{n},"{{""size"": ""{n}"", ""color"": ""red""}}",{n}.5' for n in range(4)],
        )
    )

    assert found.delimiter == ","
    assert rows[1] == ["0", '{"size": "0", "color": "red"}', "0.5"]


def test_a_separator_line_of_excel_decides_and_is_no_row() -> None:
    found, rows = understood(lines("sep=;", "a,b;c,d", "1,2;3,4", "5,6;7,8"))

    assert (found.delimiter, found.preamble_lines) == (";", 1)
    assert rows == [["a,b", "c,d"], ["1,2", "3,4"], ["5,6", "7,8"]]


def test_separator_line_of_another_file_does_not_decide() -> None:
    found, rows = understood(lines("sep=|", "a;b", "1;2", "3;4"))

    assert (found.delimiter, rows) == (";", [["a", "b"], ["1", "2"], ["3", "4"]])


def test_separator_line_alone_is_no_table() -> None:
    with pytest.raises(Unreadable) as refused:
        understood("sep=;\n")

    assert refused.value.code == "empty"


def test_line_of_many_cells_with_broken_quotes_takes_no_time() -> None:
    broken = ",".join(f'"{number}' for number in range(3_000))
    began = time.process_time()

    rows = table(lines(",".join(map(str, range(3_000))), broken, broken))

    assert time.process_time() - began < 5
    assert len(rows) >= 2


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_keep_delimiters_and_line_ends_in_their_cell(quote: str) -> None:
    q = quote
    found, rows = understood(
        lines(
            "sku,name,price",
            f"A1,{q}Bolt, long{q},1.50",
            f"A2,{q}Nut\nwide{q},2.50",
            f"A3,{q}Pin{q},3.5",
        )
    )

    assert found.quotechar == quote
    assert rows[1:3] == [["A1", "Bolt, long", "1.50"], ["A2", "Nut\nwide", "2.50"]]


def test_doubled_quotes_are_one() -> None:
    found, rows = understood(
        lines("sku,name,price", *[f'A{n},"Bolt {n}"" wide",{n}.50' for n in range(4)])
    )

    assert found.escapechar == ""
    assert rows[1] == ["A0", 'Bolt 0" wide', "0.50"]


def test_backslashes_escape_quotes_and_stay_elsewhere() -> None:
    found, rows = understood(
        lines("sku,name,path", *[f'A{n},"Bolt \\"{n}\\", wide","C:\\temp"' for n in range(4)])
    )

    assert found.escapechar == "\\"
    assert rows[1] == ["A0", 'Bolt "0", wide', "C:\\temp"]


def test_blanks_after_delimiters_are_dropped() -> None:
    found, rows = understood(
        lines("sku, name, price", *[f'A{n}, "Bolt, {n}", {n}.50' for n in range(4)])
    )

    assert (found.delimiter, found.blanks_after_delimiter) == (",", True)
    assert rows[:2] == [["sku", "name", "price"], ["A0", "Bolt, 0", "0.50"]]


def test_runs_of_blanks_are_one_delimiter_in_an_aligned_file() -> None:
    found, rows = understood(
        lines("x      y     z", "1.5    2.25  3", "10.5   4     5.75", "2      3.5   4")
    )

    assert found.delimiter == " "
    assert rows == [["x", "y", "z"], ["1.5", "2.25", "3"], ["10.5", "4", "5.75"], ["2", "3.5", "4"]]


def test_comment_lines_are_no_rows() -> None:
    found, rows = understood(
        lines(
            "# exported on Monday; by hand",
            "# units: mm",
            "sku,size,price",
            "A1,10,1.5",
            "A2,20,2.5",
            "# the end",
        )
    )

    assert found.comment == "#"
    assert rows == [["sku", "size", "price"], ["A1", "10", "1.5"], ["A2", "20", "2.5"]]


def test_a_header_that_starts_with_a_hash_is_a_header() -> None:
    assert table(lines("#sku,size,price", "A1,10,1.5", "A2,20,2.5"))[0] == ["#sku", "size", "price"]


def test_skus_that_start_with_a_hash_are_rows() -> None:
    rows = table(lines("sku,size,price", "#A1,10,1.5", "#A2,20,2.5", "A3,30,3.5"))

    assert [row[0] for row in rows] == ["sku", "#A1", "#A2", "A3"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_line_end_is_found(end: str) -> None:
    found, rows = understood(lines(*products(), end=end))

    assert found.line_end == end
    assert rows[:3] == PLAIN


def test_mixed_line_ends_cut_all_the_same() -> None:
    found, rows = understood("sku,name,price\r\nHX-100,Bolt,1.50\nHX-101,Nut,2.50\r")

    assert found.line_end == "mixed"
    assert rows == PLAIN


def test_a_delimiter_that_does_nearly_as_well_is_named() -> None:
    found, _ = understood(lines("red;green|blue", "one;two|three", "big;mid|low"))

    assert "delimiter_close" in doubts(found)


@pytest.mark.parametrize(
    "text",
    [
        '"a,b,c"\n"1,""x, y"",3"\n"2,z,4"\n',
        '"a;b;c"\n"1;""x, y"";3"\n"2;z;4"\n',
    ],
)
def test_rows_that_are_quoted_as_a_whole_are_cut(text: str) -> None:
    found, rows = understood(text)

    assert rows == [["a", "b", "c"], ["1", "x, y", "3"], ["2", "z", "4"]]
    assert doubts(found) == ["quoted_row"]


def test_a_single_row_that_is_quoted_as_a_whole_is_cut() -> None:
    rows = lines("a;b;c", "1;x;3", '"2;""z, 5"";4"', "5;6;7")

    assert table(rows) == [["a", "b", "c"], ["1", "x", "3"], ["2", "z, 5", "4"], ["5", "6", "7"]]


@pytest.mark.parametrize(
    "cells",
    [
        ["Miller, Anna", "Doe, Jane", "Smith, John"],
        ["Paris, France, Europe", "Rome, Italy, Europe", "Lima, Peru, South America"],
    ],
)
def test_one_column_of_quoted_texts_is_not_cut(cells: list[str]) -> None:
    assert table(lines(*[f'"{cell}"' for cell in cells])) == [[cell] for cell in cells]


def test_long_texts_in_sound_quotes_are_cells() -> None:
    text = "some text, more\n" * 100
    rows = "".join(f'{number},"{text}"\n' for number in range(90))

    assert table(f"a,b\n{rows}") == [["a", "b"], *([str(each), text] for each in range(90))]


def test_a_text_that_the_sample_cuts_off_is_no_rows() -> None:
    text = "x\n" * 1_900
    rows = "".join(f'{number},"{text}"\n' for number in range(60))

    found, whole = understood(f"a,b\n{rows}")

    assert whole == [["a", "b"], *([str(each), text] for each in range(60))]
    assert doubts(found) == []


def test_a_header_that_is_longer_than_the_sample_is_read_whole() -> None:
    names = [f"{'name ' * 10}{number}" for number in range(4_000)]
    row = [str(number) for number in range(4_000)]

    assert table(lines(",".join(names), ",".join(row))) == [names, row]


def test_a_file_of_nothing_but_marked_lines_is_a_table() -> None:
    assert table("#x 1#10:30#alpha##beta\n") == [["", "x 1", "10:30", "alpha", "", "beta"]]


def test_long_text_with_quotes_on_each_line_is_read_in_linear_time() -> None:
    text = 'a "quoted" word\n' * 1_400
    cell = text.replace('"', '""')
    began = time.process_time()

    rows = table("a,b\n" + "".join(f'{each},"{cell}"\n' for each in range(20)))

    assert rows == [["a", "b"], *([str(each), text] for each in range(20))]
    assert time.process_time() - began < 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_first_cell_that_is_longer_than_what_is_judged_hides_no_table(delimiter: str) -> None:
    text = "one, and; more\n" * 1_500 + "a long line, and another; " * 2_500
    row = ["A1", "Bolt", text]
    others = [[f"A{each}", "Nut", "x"] for each in range(2, 40)]

    found, rows = understood(
        delimiter.join(("sku", "name", "notes"))
        + f'\nA1{delimiter}Bolt{delimiter}"{text}"\n'
        + lines(*[delimiter.join(each) for each in others])
    )

    assert rows == [["sku", "name", "notes"], row, *others]
    assert (found.delimiter, found.quotechar) == (delimiter, '"')


def test_a_column_of_quoted_texts_with_line_breaks_is_one_column() -> None:
    assert table('note\n"First line\nsecond"\n"Third\nfourth"\n') == [
        ["note"],
        ["First line\nsecond"],
        ["Third\nfourth"],
    ]
