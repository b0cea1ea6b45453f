"""Which sheet of a workbook is read, and what its cells are read as."""

import io
from typing import Any

import pytest

from imports.checking import checker
from imports.reading import HeaderMissing, read
from imports.refusals import Unreadable
from imports.tests.test_understanding_opening import Raw, workbook

Rows = list[list[object]]
HEADER: list[object] = ["sku", "name", "price"]
ERROR = Raw('<c r="{}" t="e"><f>VLOOKUP(A1,B1,1)</f><v>#N/A</v></c>')
UNCALCULATED = Raw('<c r="{}" s="1"><f>B2*1.19</f><v></v></c>')
EMPTY_TEXT = Raw('<c r="{}" t="str"><f>IF(A1="","",1)</f><v></v></c>')


def imported(sheets: dict[str, Rows]) -> tuple[list[Any], dict[str, str]]:
    """The rows as they would be taken, or the codes of their problems; and what is said."""
    reader = read(io.BytesIO(workbook(sheets)))
    check = checker(reader.format, reader.note)
    rows = []
    for _, _, cells in reader:
        clean = check(cells)
        rows.append(clean if isinstance(clean, tuple) else [each.code for each in clean])
    return rows, {each.code: each.message for each in reader.format.warnings}


def test_error_of_a_formula_is_no_empty_price() -> None:
    rows, told = imported({"S": [HEADER, ["A1", "Bolt", 1.5], ["A2", "Nut", ERROR]]})

    assert rows == [("A1", "Bolt", None, "1.5", None), ["price_not_a_number"]]
    assert told == {
        "error_cells": "1 cell holds the error of a formula (C3: #N/A), which was read as it "
        "stands. Correct the formula and save again."
    }


@pytest.mark.parametrize(
    "cell",
    [
        UNCALCULATED,
        Raw('<c r="{}"><f>B2*1.19</f></c>'),
        Raw('<c r="{}"><f>B2*1.19</f><v/></c>'),
        Raw('<x:c xmlns:x="x" r="{}"><x:f ca="1">B2*1.19</x:f><x:v /></x:c>'),
    ],
)
def test_formula_that_was_never_calculated_is_no_empty_price(cell: Raw) -> None:
    sheet: Rows = [HEADER, ["A1", "Bolt", cell], ["A2", "Nut", 2.5]]
    rows, told = imported({"S": sheet})

    assert rows == [["price_not_a_number"], ("A2", "Nut", None, "2.5", None)]
    assert "formula has no value (C2: =B2*1.19)" in told["formula_cells"]


def test_formula_without_a_value_in_the_last_row_and_column_is_seen() -> None:
    sheet: Rows = [HEADER, ["A1", "Bolt", 1.5], [UNCALCULATED, UNCALCULATED, ERROR, ERROR]]
    rows, told = imported({"S": sheet})

    assert len(rows) == 2
    assert rows[1] == ["price_not_a_number"]
    assert told.keys() == {"error_cells", "formula_cells"}


def test_formula_whose_value_is_an_empty_text_is_empty() -> None:
    rows, told = imported({"S": [HEADER, ["A1", "Bolt", EMPTY_TEXT]]})

    assert (rows, told) == ([("A1", "Bolt", None, None, None)], {})


def test_text_within_a_formula_that_was_never_calculated_is_read() -> None:
    cell = Raw('<c r="{}"><f>"0012"</f></c>')
    rows, told = imported({"S": [HEADER, [cell, "Bolt", 1.5]]})

    assert rows == [("0012", "Bolt", None, "1.5", None)]
    assert told.keys() == {"formula_cells", "text_formula"}


def test_errors_stand_in_their_cells_below_blank_rows_and_beside_blank_columns() -> None:
    blank: list[object] = ["", "", ""]
    table: Rows = [["", *HEADER], ["", "A1", "Bolt", ERROR], ["", "A2", "Nut", 2]]
    rows, _ = imported({"Notes": [[]], "S &amp; T": [blank, blank, *table]})

    assert rows == [["price_not_a_number"], ("A2", "Nut", None, "2", None)]


def test_skus_that_are_numbers_are_told_of() -> None:
    rows, told = imported({"S": [["Prices"], HEADER, [12, "Bolt", 1.5], ["A2", "Nut", 2]]})

    assert [row[0] for row in rows] == ["12", "A2"]
    assert told["sku_numbers"].startswith("1 SKU is stored as a number (A3: 12): leading zeros")


COVER: Rows = [["Price list of Acme"], ["valid from May"], ["Contents"]]


def test_only_sheet_with_products_is_read_wherever_it_stands() -> None:
    sheet: Rows = [HEADER, ["A1", "Bolt", 1.5]]
    rows, told = imported({"Cover": COVER, "Terms": [["Net 30 days"]], "List": sheet})

    assert rows == [("A1", "Bolt", None, "1.5", None)]
    assert told == {
        "sheet_found": "The sheet List was read, the only one with columns for SKU and name; the "
        "workbook also has Cover, Terms. If another one is meant, save it as CSV."
    }


def test_first_sheet_with_products_is_read_before_others() -> None:
    sheets: dict[str, Rows] = {
        "May": [HEADER, ["A1", "Bolt", 1.5]],
        "April": [HEADER, ["A1", "Bolt", 1.4]],
    }
    rows, told = imported(sheets)

    assert rows == [("A1", "Bolt", None, "1.5", None)]
    assert told.keys() == {"other_sheets"}


@pytest.mark.parametrize("others", [{"Terms": [["Net"]]}, {"A": [HEADER], "B": [HEADER]}])
def test_refusal_names_the_sheets_where_none_is_the_one(
    others: dict[str, Rows],
) -> None:
    with pytest.raises(HeaderMissing) as refused:
        imported({"Cover": COVER, **others})

    assert f"The sheet Cover was read; the workbook also has {', '.join(others)}." in (
        refused.value.message
    )
    assert refused.value.format.compression == "xlsx"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "cell",
    [
        Raw("<!--" + '<c t="e" r="A1"> ' * 100_000 + "-->"),
        Raw("<!--" + '<c r="A1"><f>' * 100_000 + '--><c r="{}" t="e"><v>#N/A</v></c>'),
        Raw('<c t="e" ' + 'r="C3" ' * 100_000 + "></c>"),
    ],
    ids=["errors in a comment", "formulas in a comment", "one attribute"],
)
def test_sheet_made_to_be_searched_for_ever_is_done_with_at_once(cell: Raw) -> None:
    sheet: Rows = [HEADER, ["A1", "Bolt", 1.5], ["A2", "Nut", cell]]

    rows = list(read(io.BytesIO(workbook({"S": sheet}))))

    assert [cells[:2] for _, _, cells in rows] == [["A1", "Bolt"], ["A2", "Nut"]]


@pytest.mark.parametrize("place", ["XFD1048576", "ZZZ9999999"])
def test_formula_far_outside_the_table_takes_no_memory(place: str) -> None:
    far = Raw(UNCALCULATED.replace("{}", place))

    with pytest.raises(Unreadable) as refused:
        read(io.BytesIO(workbook({"S": [HEADER, ["A1", "Bolt", far]]})))

    assert refused.value.code == "workbook_too_large"
