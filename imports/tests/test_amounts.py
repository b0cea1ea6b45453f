"""Prices as files write them: read in one way or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.rules import CAUSES, Problem
from imports.amounts import Amounts, find_amounts


def price(text: str, decimal: str = "", currency: str = "") -> str | None:
    problems: list[Problem] = []
    found = Amounts(decimal, currency).read(text, problems)
    assert not problems, problems
    return found


def cause(text: str, decimal: str = "", currency: str = "") -> str:
    problems: list[Problem] = []
    assert Amounts(decimal, currency).read(text, problems) is None
    (problem,) = problems
    assert problem.value == text
    assert problem.column == "price"
    assert problem.code in CAUSES
    return problem.code


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1.234,56", ",", "1234.56"),
        ("\ufeff\u200b12,50\u00a0\u200b", ",", "12.50"),
        ("\u200b\u00a012.50 €\u200b", "", "12.50"),
        ("1 234,56", ",", "1234.56"),
        ("1\u00a0234,56", ",", "1234.56"),
        ("1\u202f234\u2009567,5", ",", "1234567.5"),
        ("1'234.50", ".", "1234.50"),
        ("1’234.50", ".", "1234.50"),
        ("$1,234.5", ".", "1234.5"),
        ("€ 12", ",", "12"),
        ("12,50 EUR", ",", "12.50"),
        ("CHF 12.--", ".", "12"),
        ("12,-", ",", "12"),
        ("12,- €", ",", "12"),
        ("2.79e+01", ".", "27.9"),
        ("2,79E+01", ",", "27.9"),
        ("1.234", ",", "1234"),
        ("1,234", ".", "1234"),
        ("12,500", ",", "12.50"),
        ("0.500", "", "0.50"),
        ("1,234.50", "", "1234.50"),
        ("1,234,567", "", "1234567"),
        ("+5", ".", "5"),
        (" 7 ", "", "7"),
        ("0", ",", "0"),
        ("", ",", None),
        (" \u00a0", ",", None),
    ],
)
def test_price_is_read_by_the_mark_of_its_column(
    text: str, decimal: str, value: str | None
) -> None:
    assert price(text, decimal) == value


@pytest.mark.parametrize(
    ("text", "decimal", "code"),
    [
        ("1.234", "", "price_ambiguous"),
        ("12,500", "", "price_ambiguous"),
        ("12,50", "", "price_decimal_comma"),
        ("12,50", ".", "price_decimal_comma"),
        ("1.234,56", ".", "price_decimal_comma"),
        ("12.50", ",", "price_decimal_point"),
        ("1,234.56", ",", "price_decimal_point"),
        ("1.234", ".", "price_decimals"),
        ("12,345", ",", "price_decimals"),
        ("1,23,456.00", ".", "price_thousands"),
        ("12 34", ",", "price_thousands"),
        ("-5", ".", "price_negative"),
        ("(5,00)", ",", "price_negative"),
        ("5-", ".", "price_negative"),
        ("12345678901", ",", "price_too_large"),
        ("1e12", ".", "price_too_large"),
        ("5 $ EUR", ".", "price_currency"),
        ("１２", ".", "price_digits"),
        ("on request", ",", "price_not_a_number"),
        ("(5", ".", "price_not_a_number"),
    ],
)
def test_price_that_is_no_sure_figure_is_refused_by_name(
    text: str, decimal: str, code: str
) -> None:
    assert cause(text, decimal) == code


def test_another_currency_than_the_columns_is_refused() -> None:
    assert price("12 €", ",", "EUR") == "12"
    assert price("12", ",", "EUR") == "12"
    assert cause("$ 12", ",", "EUR") == "price_currency"
    amounts = Amounts(".")
    problems: list[Problem] = []
    assert amounts.read("£5", problems) == "5"
    assert amounts.read("$5", problems) is None
    assert [problem.code for problem in problems] == ["price_currency"]


def found(*cells: str, decimal: str = "") -> tuple[str, str, list[tuple[str, int]]]:
    notes: list[tuple[str, int]] = []
    amounts = find_amounts(
        list(enumerate(cells, 2)),
        decimal=decimal,
        note=lambda code, message, line: notes.append((code, line)),
    )
    return amounts.decimal, amounts.currency, notes


def test_marks_are_found_by_what_the_column_shows() -> None:
    assert found("12,50", "7", "1.234") == (",", "", [])
    assert found("12.50", "", "1,234") == (".", "", [])
    assert found("1,234,567") == (".", "", [])
    assert found("€ 12,50", "12 €", "$ 5") == (",", "EUR", [])
    assert found("12", "15") == ("", "", [])


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (("1.234,50", "12,90"), (",", ".")),
        (("1 234,50", "12,90"), (",", " ")),
        (("1’234.50", "12.90"), (".", "'")),
        (("12.90",), (".", "")),
        (("1,234", "1,234,567"), (".", ",")),
    ],
)
def test_the_thousands_mark_is_told(cells: tuple[str, ...], marks: tuple[str, str]) -> None:
    amounts = find_amounts(list(enumerate(cells, 2)), decimal="", note=lambda *_: None)

    assert (amounts.decimal, amounts.thousands) == marks


def test_a_column_that_leaves_two_readings_is_told_with_an_example() -> None:
    assert found("7", "1.234", "2.500") == ("", "", [("figures_ambiguous", 3)])
    assert found("7", "1.234", "2.500", decimal=",") == (",", "", [])


def test_a_column_with_both_marks_is_told() -> None:
    assert found("12,50", "13,50", "1.50") == (",", "", [("figures_mixed", 4)])


amounts = st.decimals(min_value=0, max_value=9_999_999, places=2)
marks = st.sampled_from(
    [(",", "."), (",", " "), (",", "'"), (".", ","), (".", "\u202f"), (",", "")]
)


@given(amounts, marks, st.sampled_from(["", "€ ", "CHF ", "$"]), st.sampled_from(["", " "]))
def test_any_figure_comes_back(
    value: Decimal, used: tuple[str, str], before: str, after: str
) -> None:
    decimal, group = used
    whole, fraction = f"{value:,.2f}".split(".")
    text = f"{before}{whole.replace(',', group)}{decimal}{fraction}{after}"
    clean = price(text, decimal)
    assert clean is not None
    assert Decimal(clean) == value


cells = st.sampled_from(
    ["", "12", "12.50", "12,50", "1.234", "1,234", "€ 5", "$5", "x", "1.234,5", "2e1", " 7"]
)


@given(st.lists(cells | st.text("0123456789.,' €-", max_size=8), max_size=5))
def test_a_whole_column_is_read_as_its_cells_are(texts: list[str]) -> None:
    for decimal in ("", ".", ","):
        problems: list[Problem] = []
        one = Amounts(decimal)
        each = [one.read(text, problems) for text in texts]
        assert Amounts(decimal).all_of(texts) == (None if problems else each)
