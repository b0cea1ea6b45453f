"""Prices in several currencies, one column beside another."""

import io

import pytest

from imports.checking import batch_checker, checker
from imports.detected import describe
from imports.models import ImportJob
from imports.reading import Batch, read
from imports.reviews.risks import in_words, risks

MIXED = "sku,name,price,Currency\nA-1,One,1.50,EUR\nA-2,Two,2.50,USD\n"


def told(content: str) -> dict[str, str]:
    """What is said once a file was read and checked, as an import does it."""
    reader = read(io.BytesIO(content.encode()))
    check, check_all = checker(reader.format), batch_checker(reader.format)
    for part in reader.batches():
        if not isinstance(part, Batch) or check_all(part.records) is None:
            for _, _, cells in reader.each(part) if isinstance(part, Batch) else part:
                check(cells)
    return {each["code"]: each["message"] for each in describe(reader)["warnings"]}


@pytest.mark.parametrize("name", ["Currency", "Währung", "Price currency", "Devise", "Code"])
def test_several_currencies_in_a_column_beside_the_price_are_told_of(name: str) -> None:
    assert told(MIXED.replace("Currency", name)) == {
        "currencies": f'Column "{name}" names several currencies (EUR, USD), and a product\'s price'
        " has none. Convert the prices to one currency, or leave out the rows of the others."
    }


def test_currency_far_behind_the_beginning_is_seen() -> None:
    rows = "".join(f"A-{each},One,1.50,EUR\n" for each in range(20_000))

    assert "currencies" in told(f"sku,name,price,Currency\n{rows}B,Two,1.50,USD\n")
    assert "currencies" in told(f"sku,name,price,Currency\n{rows}B,Two,'1,50 €,USD\nC,d,1,GBP\n")


@pytest.mark.parametrize(
    "content",
    [
        MIXED.replace("USD", "€"),
        MIXED.replace("USD", ""),
        MIXED.replace("price", "EK"),
        MIXED.replace("2.50", "much"),
        MIXED.replace("Currency", "Size").replace("USD", "XXL"),
        MIXED.replace("EUR", "1.08").replace("USD", "1.00"),
    ],
)
def test_nothing_is_said_of_one_currency_or_of_other_columns(content: str) -> None:
    assert "currencies" not in told(content)


def test_several_currencies_are_a_risk() -> None:
    reader = read(io.BytesIO(MIXED.encode()))
    check = checker(reader.format)
    for _, _, cells in reader:
        check(cells)
    none = dict.fromkeys(
        ("missing", "catalog", "unreadable", "deactivates", "price_moved", "emptied"), 0
    )
    (risk,) = risks(ImportJob(detected=describe(reader)), none)

    assert risk["code"] == "currencies"
    assert in_words(risk).startswith('Column "Currency" names several currencies (EUR, USD)')
