from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.rules import (
    CAUSES,
    VALUE_SHOWN_MAX,
    Problem,
    clean_active,
    clean_description,
    clean_name,
    clean_price,
    clean_sku,
    normal_sku,
    shown,
)


def problems_of(clean: Any, text: str) -> tuple[Any, list[str]]:
    problems: list[Problem] = []
    value = clean(text, problems)
    assert all(problem.code in CAUSES for problem in problems)
    return value, [problem.code for problem in problems]


def message_of(clean: Any, text: str) -> str:
    problems: list[Problem] = []
    clean(text, problems)
    (problem,) = problems
    return problem.message


@given(st.text())
def test_the_normal_form_of_a_sku_is_stable(text: str) -> None:
    assert normal_sku(normal_sku(text)) == normal_sku(text)


def test_a_sku_is_trimmed_and_composed_and_keeps_its_case() -> None:
    assert normal_sku("\u00a0\tE\u0301 b\u3000") == "\u00c9 b"
    assert normal_sku("İßK") == "İßK"


def test_a_sku_has_1_to_255_characters() -> None:
    assert problems_of(clean_sku, " \u00a0")[1] == ["sku_empty"]
    assert problems_of(clean_sku, "x" * 255) == ("x" * 255, [])
    assert problems_of(clean_sku, "x" * 256)[1] == ["sku_too_long"]


@pytest.mark.parametrize(
    ("char", "named"),
    [
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("\n", "U+000A"),
        ("\0", "U+0000"),
        ("\u0378", "U+0378"),
        ("\ud800", "U+D800"),
    ],
)
def test_an_invisible_character_in_a_sku_is_named(char: str, named: str) -> None:
    assert problems_of(clean_sku, f"A{char}B")[1] == ["sku_unprintable"]
    assert message_of(clean_sku, f"A{char}B") == (
        f"SKU has an invisible character: {named} at position 2. Remove it."
    )


def test_a_name_is_one_line_of_1_to_500_characters() -> None:
    assert problems_of(clean_name, "\u00a0Größe\u00a0M 👩‍🔧 ") == ("Größe\u00a0M 👩‍🔧", [])
    assert problems_of(clean_name, " ")[1] == ["name_empty"]
    for unseen in ("\u200b", "\u00ad", "\ufeff", "\u00a0", "\u200d\u2060 \u200e"):
        assert problems_of(clean_name, unseen)[1] == ["name_empty"]
    assert problems_of(clean_name, "\ufeffa\u200bb \u2060") == ("ab", [])
    assert problems_of(clean_name, "x" * 501)[1] == ["name_too_long"]
    for char in "\n\t\0\x85\u2028":
        assert problems_of(clean_name, f"a{char}b")[1] == ["name_control"]


def test_a_description_stays_as_it_is() -> None:
    assert problems_of(clean_description, "  a\n\tb ") == ("  a\n\tb ", [])
    assert problems_of(clean_description, " \n") == (None, [])
    assert problems_of(clean_description, "a\0b")[1] == ["description_nul"]
    assert problems_of(clean_description, "x" * 500_000)[1] == []
    assert problems_of(clean_description, "x" * 500_001)[1] == ["description_too_long"]


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("12.90", "12.90"),
        (" 12\u00a0", "12"),
        ("12.500", "12.50"),
        ("0012.5", "0012.5"),
        ("9999999999.99", "9999999999.99"),
        ("00000000000001.100", "1.10"),
        ("0", "0"),
        (".5", "0.50"),
        ("5.", "5"),
        ("", None),
        ("  ", None),
    ],
)
def test_prices(text: str, price: str | None) -> None:
    assert problems_of(clean_price, text) == (price, [])


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("12,90", ["price_decimal_comma"]),
        ("1.234,5", ["price_decimal_comma"]),
        ("1,234.50", ["price_thousands"]),
        ("1,234", ["price_thousands"]),
        ("1'234.50", ["price_thousands"]),
        ("1 234", ["price_thousands"]),
        ("1.234.567", ["price_thousands"]),
        ("1.234", ["price_decimals"]),
        ("12345678901", ["price_too_large"]),
        ("12345678901.234", ["price_too_large", "price_decimals"]),
        ("-1.00", ["price_negative"]),
        ("\u22121", ["price_negative"]),
        ("$12.90", ["price_currency"]),
        ("12.90 EUR", ["price_currency"]),
        ("12,90 €", ["price_currency"]),
        ("Rs. 12", ["price_currency"]),
        ("12 BTC", ["price_currency"]),
        ("US$ 12", ["price_currency"]),
        ("12,50/Stk", ["price_not_a_number"]),
        ("12,50 €/Stk", ["price_not_a_number"]),
        ("ca. 12", ["price_not_a_number"]),
        ("-", ["price_not_a_number"]),
        ("1.2e3", ["price_exponent"]),
        ("1E400", ["price_exponent"]),
        ("NaN", ["price_not_a_number"]),
        ("-inf", ["price_not_a_number"]),
        ("Infinity", ["price_not_a_number"]),
        ("abc", ["price_not_a_number"]),
        (".", ["price_not_a_number"]),
        ("1..2", ["price_not_a_number"]),
        ("+5", ["price_not_a_number"]),
        ("٣.٥", ["price_digits"]),
        ("１２", ["price_digits"]),
        ("²", ["price_digits"]),
        ("0x10", ["price_not_a_number"]),
        ("1\x00", ["price_not_a_number"]),
    ],
)
def test_refused_prices(text: str, codes: list[str]) -> None:
    assert problems_of(clean_price, text) == (None, codes)


def test_a_decimal_comma_comes_with_the_remedy() -> None:
    assert message_of(clean_price, "12,90") == (
        "Price has a decimal comma. Write it with a point: 12.90."
    )
    assert message_of(clean_price, "1.234,50").endswith("Write it with a point: 1234.50.")
    assert message_of(clean_price, "ca. 12") == (
        "Price has text beside the number. Write the number alone: 12.90."
    )


@given(st.text(alphabet="0123456789.,-+eE €'x\u0663", max_size=12))
def test_an_accepted_price_fits_the_column_and_keeps_its_amount(text: str) -> None:
    price, codes = problems_of(clean_price, text)
    assert price is None or not codes
    if price is not None:
        whole, _, fraction = price.partition(".")
        assert len(whole) <= 10
        assert len(fraction) <= 2
        assert float(price) == float(text)


def test_active_takes_truth_words_in_any_case() -> None:
    for word in ("true", "1", "YES", " y", "T", "On", "ACTIVE\u00a0"):
        assert problems_of(clean_active, word) == (True, [])
    for word in ("false", "0", "no", "N", "f", "OFF", "Inactive"):
        assert problems_of(clean_active, word) == (False, [])
    assert problems_of(clean_active, " ") == (None, [])
    assert problems_of(clean_active, "maybe") == (None, ["active_unknown"])


@given(st.text() | st.text(alphabet="\0\ud800a", min_size=300))
def test_what_is_shown_of_a_value_is_short_and_storable(text: str) -> None:
    safe = shown(text)
    assert len(safe) <= VALUE_SHOWN_MAX
    assert "\0" not in safe
    safe.encode()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("text", ["1" + " " * 300_000 + "x", "1" + "-" * 300_000 + "x"])
def test_a_long_text_in_a_price_is_refused_at_once(text: str) -> None:
    assert problems_of(clean_price, text) == (None, ["price_not_a_number"])
