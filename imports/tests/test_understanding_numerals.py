"""Decimal and thousands marks: imports.understanding.numerals."""

import pytest

from imports.tests.inspecting import lines, understood


def marks(*cells: str) -> tuple[str, str]:
    found, _ = understood(lines("sku;price", *[f"A{n};{cell}" for n, cell in enumerate(cells)]))
    return found.decimal, found.thousands


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.234,56", "12,5"), (",", ".")),
        (("1 234,56", "3,00"), (",", " ")),
        (("1\u202f234,56", "3,00"), (",", " ")),
        (("1'234.50", "3.00"), (".", "'")),
        (("€ 12", "€ 3,50"), (",", "")),
        (("12,50 EUR", "3,10 EUR"), (",", "")),
        (("$1,234.5", "$3.20"), (".", ",")),
        (("2.79e+01", "1e5"), (".", "")),
        (("0.500", "0.250"), (".", "")),
        (("1.234.567", "2.345.678"), ("", ".")),
        (("5", "12"), ("", "")),
        (("(1,234.50)", "-3.00"), (".", ",")),
    ],
)
def test_marks_are_told_by_the_figures(cells: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert marks(*cells) == expected


def test_one_sure_figure_settles_the_open_ones() -> None:
    assert marks("1,234", "5,678", "1.5") == (".", ",")


def test_a_figure_with_two_readings_is_a_doubt_with_its_line() -> None:
    found, _ = understood(lines("sku;price", "A1;12", "A2;1,234"))

    [doubt] = [each for each in found.doubts if each.code == "figures_ambiguous"]
    assert doubt.line == 3
    assert "1,234" in doubt.message


def test_two_decimal_marks_in_one_file_are_a_doubt() -> None:
    found, _ = understood(lines("sku;price", "A1;12.50", "A2;13.20", "A3;7,95"))

    [doubt] = [each for each in found.doubts if each.code == "figures_mixed"]
    assert (found.decimal, doubt.line) == (".", 4)
