"""Labels, small tables and notes around a table: understanding.margins and what goes by them."""

import time

import pytest

from imports.tests.inspecting import doubts, lines, table, understood

HEADER = "sku,name,net,gross,stock"
ROWS = [f"A{each},Bolt,{each}.50,{each}.90,{each}" for each in range(1, 30)]


def cells(*rows: str) -> list[list[str]]:
    return [row.split(",") for row in rows]


@pytest.mark.parametrize(
    "labels",
    [
        ["Customer:,4711,,,", "Price list:,retail,valid:,2024-05-01,"],
        ["Customer:,4711,,,", "Valid:,2024-05-01,until:,2024-06-01,", "", ",,,,"],
        ["Customer : 4711,Branch : North,Currency : EUR,,", ",,,,", "Balance,,,310.50,"],
    ],
)
def test_labels_with_their_values_above_a_header_are_left_out(labels: list[str]) -> None:
    found, rows = understood(lines(*labels, HEADER, *ROWS))

    assert found.preamble_lines == len(labels)
    assert rows == cells(HEADER, *ROWS)


def test_names_that_end_with_colons_are_a_header() -> None:
    assert table("sku:,name:,price\nA1,Bolt,1.50\nA2,Nut,2.50\n")[0] == ["sku:", "name:", "price"]


def test_texts_that_look_like_labels_in_most_rows_are_rows() -> None:
    rows = ["Size: XL,,3", "Size: M,blue,4", "Size: S,red,5", "Size: XS,red,6"]

    assert table(lines(*rows)) == cells(*rows)


@pytest.mark.parametrize(
    "small",
    [
        ["branch,town,staff,opened,area", "North,Ulm,12,2020-01-01,310", ""],
        ["branch,town", "North,Ulm", "South,Bonn", ""],
        ["branch,town,staff,opened,area,rent,kind", "North,Ulm,12,2020-01-01,310,1900,shop", ""],
    ],
)
def test_the_table_that_is_meant_is_the_large_one_below_a_small_one(small: list[str]) -> None:
    found, rows = understood(lines(*small, HEADER, *ROWS))

    assert (found.preamble_lines, rows) == (len(small), cells(HEADER, *ROWS))


def test_a_small_table_that_was_left_out_is_told() -> None:
    small = ["branch,town,staff,opened,area", "North,Ulm,12,2020-01-01,310", ""]

    found, _ = understood(lines("Branches", *small, HEADER, *ROWS))

    assert [(each.code, each.line) for each in found.doubts] == [("second_table", 2)]
    assert "above this one" in found.doubts[0].message


def test_rows_may_end_with_a_delimiter_that_the_second_header_lacks() -> None:
    small = ["code,remark,east,north,opened,closed", "X1,,945,400,2020-01-01,2024-05-30,", ""]
    rows = [f"X1,2024-05-{each:02},{each}.50,," for each in range(1, 29)]

    found, read = understood(lines(*small, "code,day,level,remark", *rows))

    assert read == cells("code,day,level,remark", *(row.removesuffix(",") for row in rows))
    assert doubts(found) == ["second_table"]


def test_a_longer_row_above_blank_lines_is_no_header() -> None:
    found, rows = understood(
        lines("Konto 4711;01.05.2024;31.05.2024;36;EUR;1.234,50", "", "Tag;Text;Betrag;Art;Ort")
        + lines("02.05.2024;Schrauben;-12,50;K;Ulm", "03.05.2024;Muttern;-8,10;K;Bonn")
    )

    assert (found.preamble_lines, rows[0]) == (2, ["Tag", "Text", "Betrag", "Art", "Ort"])


def test_rows_that_are_each_followed_by_a_shorter_one_are_the_table() -> None:
    account = ["Account of,Ann Miller", 'Balance,"1,234.50"', 'Reserved,"12.30"', "", "All entries"]
    entries = [
        f"0{each}/04/2024,0{each}/04/2024,Sale {each},{each}.50,\n,,Ulm" for each in range(1, 7)
    ]

    found, rows = understood(lines(*account, "day,value,text,out,in", *entries))

    assert (found.preamble_lines, found.header) == (5, ("day", "value", "text", "out", "in"))
    assert rows[2] == ["", "", "Ulm", "", ""]


@pytest.mark.parametrize(
    "notes",
    [
        ["Source: warehouse north,,,,", '"Note: prices are net, without tax",,,,'],
        ["", "Prices are those of May,,,,", "Asked of the branch in Ulm,,,,"],
        ["", "Prices are those of May", "Asked of the branch in Ulm"],
    ],
)
def test_notes_of_several_lines_behind_a_table_are_left_out(notes: list[str]) -> None:
    found, rows = understood(lines(HEADER, *ROWS, *notes))

    assert rows == cells(HEADER, *ROWS)
    assert (found.footer_lines, doubts(found)) == (2, ["footer"])


def test_dates_above_figures_are_names() -> None:
    header = "name,group,2024-01-31,2024-02-29,Mar 24"
    rows = [f"Bolt {each},Steel,{each},{each + 1},{each + 2}.5" for each in range(9)]

    found, read = understood(lines(header, *rows))

    assert (found.header_lines, read) == (1, cells(header, *rows))


def test_names_with_numbers_above_codes_are_names() -> None:
    header = "first,last,post,phone1,phone2"
    rows = [f"Ann,Miller {each},CT{each} 7PP,0183-{each}970,0140-{each}113" for each in range(9)]

    assert understood(lines(header, *rows))[0].header == tuple(header.split(","))


def test_answers_below_the_question_that_spans_them_are_names() -> None:
    rows = [f"10{each},{'Bolt' if each % 2 else 'Nut'},A lot,,,{each}" for each in range(9)]

    header = table(lines("number,name,How much?,,,stock", ",Text,A lot,Some,None,", *rows))[0]

    much = [f"How much? {each}" for each in ("A lot", "Some", "None")]
    assert header == ["number", "name Text", *much, "stock"]


def test_a_header_that_stands_twice_is_named_once() -> None:
    found, rows = understood(lines(HEADER, HEADER, *ROWS))

    assert (found.header_lines, rows) == (2, cells(HEADER, *ROWS))


@pytest.mark.parametrize("run", ["_", "#", "$", "a_"])
def test_a_run_of_marks_costs_no_more_than_its_length(run: str) -> None:
    began = time.process_time()

    found, _ = understood(
        lines("sku,name", *[f"A1,Bolt {run * 2_000}!,x {run * 500} [" for _ in "abcdef"])
    )

    assert found.delimiter == ","
    assert time.process_time() - began < 2
