import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.checking import _check_closely, _unheard, batch_checker, checker, known_sku
from imports.reading import read

HEADER = "sku,name,description,price,active"


def checked(line: str, header: str = HEADER) -> Any:
    reader = read(io.BytesIO(f"{header}\n{line}\n".encode()))
    check = checker(reader.format)
    ((_, _, cells),) = reader
    return check(cells)


def codes(line: str, header: str = HEADER) -> list[tuple[str, str]]:
    found = checked(line, header)
    assert isinstance(found, list)
    return [(problem.code, problem.column) for problem in found]


def test_a_good_row_is_ready_for_copy() -> None:
    assert checked("A-1,One,Text,12.90,yes") == ("A-1", "One", "Text", "12.90", True)


def test_empty_optional_cells_are_none() -> None:
    assert checked("A-1,One,,,") == ("A-1", "One", None, None, None)
    assert checked("A-1,One,  ,  ,  ") == ("A-1", "One", None, None, None)


def test_columns_that_the_file_lacks_are_none() -> None:
    assert checked("One,A-1,No", "name,sku,Active") == ("A-1", "One", None, None, False)


def test_values_are_trimmed_and_the_description_is_not() -> None:
    found = checked("\u00a0A-1 , One , text , 0.500 , TRUE ")
    assert found == ("A-1", "One", " text ", "0.50", True)


def test_a_sku_comes_in_its_normal_form_and_case() -> None:
    assert checked("E\u0301-ß,One,,,") == ("\u00c9-ß", "One", None, None, None)


def test_every_problem_of_a_row_is_found() -> None:
    assert codes(',,"a","1,2,5",maybe') == [
        ("sku_empty", "sku"),
        ("name_empty", "name"),
        ("price_thousands", "price"),
        ("active_unknown", "active"),
    ]


def test_a_row_of_another_width_is_refused() -> None:
    (problem,) = checked("A,One,x,1,yes,6,7")
    assert (problem.code, problem.column) == ("columns", "")
    assert problem.message.startswith("Row has 7 columns, the header has 5.")
    (problem,) = checked("A")
    assert problem.message.startswith("Row has 1 column, the header has 5.")


def test_empty_cells_beyond_the_header_are_let_pass() -> None:
    assert checked("A,One,x,1,yes,, ") == ("A", "One", "x", "1", True)


def test_a_broken_row_shows_its_other_problems_too() -> None:
    reader = read(io.BytesIO(f"{HEADER}\nA,é,,,\nB,\udce9,,x,\n".encode(errors="surrogateescape")))
    check = checker(reader.format)
    found = [check(cells) for _, _, cells in reader][1]
    assert isinstance(found, list)
    assert [(problem.code, problem.column) for problem in found] == [
        ("encoding", "name"),
        ("price_not_a_number", "price"),
    ]


def test_a_misplaced_quote_is_its_rows_only_problem() -> None:
    assert codes('A,"12" tv",,x,') == [("quote", "")]


words = st.sampled_from(
    [
        *(
            "",
            " ",
            "a",
            "1E+12",
            "a+b",
            "é",
            "\u00a0",
            "\u200b",
            "1.50",
            "1,5",
            "yes",
            "No ",
            "x" * 501,
        ),
        *("'=1", "''=1", " '=1", "'x", "'", '"', "'\t", "' -", "'" + "=" * 255),
    ]
)


ALL = read(io.BytesIO(f"{HEADER}\n".encode())).format
SOME = replace(ALL, columns={"name": 0, "sku": 2})


@given(st.lists(words | st.text(max_size=5), min_size=1, max_size=6), st.booleans())
def test_the_fast_way_agrees_with_the_close_look(cells: list[str], all_columns: bool) -> None:
    found = ALL if all_columns else SOME
    cells = [cell.replace("\0", "") for cell in cells]
    assert checker(found)(cells) == _check_closely(cells, found, found.amounts, _unheard)


@given(st.lists(st.lists(words, min_size=5, max_size=5), min_size=1, max_size=4), st.booleans())
def test_a_whole_batch_is_checked_as_its_rows_are(
    records: list[list[str]], all_columns: bool
) -> None:
    found = ALL if all_columns else SOME
    columns = batch_checker(found)(records)
    if columns is not None:
        assert list(zip(*columns, strict=True)) == list(map(checker(found), records))


def test_the_escape_of_an_export_comes_off() -> None:
    assert checked("'=1,''-x,' @,1,yes") == ("=1", "'-x", " @", "1", True)
    assert checked(" '=1 , '+x ,'＝,,") == ("=1", "+x", "＝", None, None)


def test_the_escape_comes_off_where_a_whole_batch_is_fine() -> None:
    found = read(io.BytesIO(f"{HEADER}\n".encode())).format
    fine = ["A-1", "Men's", "'quoted'", "1", "yes"]
    assert batch_checker(found)([fine, fine]) is not None
    for column in range(3):
        escaped = [*fine[:column], "'=1", *fine[column + 1 :]]
        assert batch_checker(found)([fine, escaped]) is None


@pytest.mark.parametrize("text", ["'x", "'", "007", "=1", "'a=1", "'.5"])
def test_what_no_export_has_escaped_stays_as_it_is(text: str) -> None:
    assert checked(f"{text},{text},{text},,") == (text, text, text, None, None)


def test_lengths_are_those_without_the_escape() -> None:
    assert checked(f"'{'=' * 255},'{'-' * 500},,,") == ("=" * 255, "-" * 500, None, None, None)
    assert codes(f"'{'=' * 256},'{'-' * 501},,,") == [
        ("sku_too_long", "sku"),
        ("name_too_long", "name"),
    ]


def test_a_refused_value_is_shown_as_it_stands_but_for_the_escape() -> None:
    found = checked(" x\u0007,One,,,")
    assert [problem.value for problem in found] == [" x\\x07"]
    found = checked("'=\u0007,One,,,")
    assert [problem.value for problem in found] == ["=\\x07"]


@pytest.mark.parametrize(
    ("cell", "sku", "codes"),
    [
        ("\ufeffA-1\u200b", "A-1", ["sku_invisible"]),
        ("A\u00ad-\u20601", "A-1", ["sku_invisible"]),
        ("\u00a0A-1\u00a0", "A-1", []),
        ("A\u00a01", "A 1", ["sku_invisible"]),
        ("'00123", "00123", ["sku_apostrophe"]),
        (" '7", "7", ["sku_apostrophe"]),
        ("\u200b'7", "7", ["sku_invisible", "sku_apostrophe"]),
        ("00123", "00123", []),
        ("''00123", "'00123", []),
        ("'=1", "=1", []),
        ("'A-1", "'A-1", []),
        ("e\u0301", "\u00e9", []),
    ],
)
def test_what_spreadsheets_and_pages_leave_in_a_sku_is_taken_off_and_counted(
    cell: str, sku: str, codes: list[str]
) -> None:
    found = read(io.BytesIO(f"{HEADER}\n".encode())).format
    noted: list[str] = []
    clean = checker(found, lambda code, text: noted.append(code))([cell, "One", "", "", ""])
    assert (clean[0], noted) == (sku, codes)
    assert known_sku([cell, "", "", "", ""], found) == sku


@pytest.mark.parametrize("field", range(5))
def test_a_formula_of_nothing_but_a_text_is_that_text_and_counted(field: int) -> None:
    found = read(io.BytesIO(f"{HEADER}\n".encode())).format
    noted: list[tuple[str, str]] = []
    check = checker(found, lambda code, text: noted.append((code, text)))
    texts = ["0012", 'a "b"', "c", "12.50", "yes"]
    written = [f'="{text.replace(chr(34), chr(34) * 2)}"' for text in texts]
    cells = [*texts[:field], written[field], *texts[field + 1 :]]

    assert check(cells) == ("0012", 'a "b"', "c", "12.50", True)
    assert noted == [("text_formula", written[field])]
    assert batch_checker(found)([texts, cells]) is None
    assert known_sku(cells, found) == "0012"


@pytest.mark.parametrize("text", ['="a"b"', '="', '="a"&"b"', "=1", '\'="a"'])
def test_other_formulas_are_texts_as_they_stand(text: str) -> None:
    found = read(io.BytesIO(f"{HEADER}\n".encode())).format

    assert checker(found)([text, text, text, "", ""])[:3] == (text.lstrip("'"),) * 3


def test_prices_that_are_formulas_of_a_text_show_the_decimal_mark() -> None:
    content = 'sku,name,price\n"=""0012""",One,"=""1.234,50"""\n"=""0013""",Two,"=""9,5"""\n'
    reader = read(io.BytesIO(content.encode()))
    check = checker(reader.format, reader.note)

    assert [check(cells) for _, _, cells in reader] == [
        ("0012", "One", None, "1234.50", None),
        ("0013", "Two", None, "9.5", None),
    ]
    assert [(each.code, each.message) for each in reader.format.warnings] == [
        (
            "text_formula",
            "4 cells were formulas of nothing but a text, which was taken for them (line 2: "
            '="0012").',
        )
    ]


def test_zero_width_characters_are_taken_off_names_and_counted() -> None:
    found = read(io.BytesIO(f"{HEADER}\n".encode())).format
    noted: list[str] = []
    check = checker(found, lambda code, text: noted.append(code))

    assert check(["A-1", "\ufeffBlue\u200b lamp", "", "", ""])[1] == "Blue lamp"
    assert noted == ["name_invisible"]
    assert check(["A-1", "👩\u200d🔧 می\u200cخواهم", "", "", ""])[1] == "👩\u200d🔧 می\u200cخواهم"
    assert noted == ["name_invisible"]


@pytest.mark.parametrize("sku", ["4.00638E+12", "4,00638E+12", " 1E+13", "4.00638e+12"])
def test_a_sku_that_a_spreadsheet_shortened_is_refused(sku: str) -> None:
    found = read(io.BytesIO(f"{HEADER}\n".encode())).format
    cells = [sku, "Lamp", "", "", ""]
    problems = checker(found)(cells)

    assert isinstance(problems, list)
    assert [(each.code, each.value) for each in problems] == [("sku_exponent", sku)]
    assert batch_checker(found)([cells]) is None
    assert known_sku(cells, found) == ""


@pytest.mark.parametrize("sku", ["4E12", "A+12", "1E+5", "4.00638E+12-X", "12E+10"])
def test_a_sku_that_only_looks_a_little_like_that_is_taken(sku: str) -> None:
    found = read(io.BytesIO(f"{HEADER}\n".encode())).format
    cells = [sku, "Lamp", "", "", ""]

    assert checker(found)(cells) == (sku, "Lamp", None, None, None)
    assert batch_checker(found)([cells]) is not None


def test_the_sku_of_a_row_of_another_width_is_known_where_it_stands_first() -> None:
    first = read(io.BytesIO(b"sku,name,price\n")).format
    assert known_sku(["A-1", "One"], first) == "A-1"
    last = read(io.BytesIO(b"name,sku\n")).format
    assert known_sku(["One"], last) == ""
    assert known_sku(["One", "\x07"], last) == ""


@pytest.mark.parametrize(
    ("word", "truth"),
    [
        *(("Ja", True), ("NEIN", False), ("oui", True), ("sí", True), ("да", True), ("нет", False)),
        *(("✓", True), ("x", True), ("draft", False), ("Enabled", True), ("wahr", True)),
    ],
)
def test_truth_words_of_other_languages(word: str, truth: bool) -> None:
    assert checked(f"A,One,,,{word}")[4] is truth


@pytest.mark.parametrize("word", ["true", "T", "ON", "Active", "y", "1"])
def test_true_words(word: str) -> None:
    assert checked(f"A,One,,,{word}")[4] is True


def test_description_that_no_export_could_give_back_is_refused() -> None:
    assert checked(f"A-1,One,{'x' * 500_000},,") == ("A-1", "One", "x" * 500_000, None, None)
    assert codes(f"A-1,One,{'x' * 500_001},,") == [("description_too_long", "description")]
