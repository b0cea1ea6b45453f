"""How a file was read, changed by a person: read again, with another result, and remembered."""

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.imports_page import FILE, choose, figures, state
from tests.faults.harness import Site

pytestmark = pytest.mark.acceptance

COLUMNS = "Foo;Bar;Betrag\n"
ROWS = "A-1;Bolt;4,50\nA-2;Nut;0,10\n"


def rests(page: Page, words: str) -> None:
    """Wait until the import is in a state and the page follows it no more."""
    state(page, words)
    expect(page.locator("[sse-connect]")).to_have_count(0)


def test_columns_that_a_person_names_are_read_so_and_remembered(site: Site, page: Page) -> None:
    site.start_worker()
    choose(page, f"{COLUMNS}{ROWS}".encode())
    rests(page, "Failed")
    found = page.get_by_label("How the file was read")
    expect(found.get_by_text("A-1, A-2")).to_be_visible()

    for column, field in (("Foo", "SKU"), ("Bar", "Name"), ("Betrag", "Price")):
        found.get_by_label(column, exact=True).select_option(label=field)
    found.get_by_role("button", name="Read again").click()

    rests(page, "Completed")
    figures(page, created=2, rejected=0)
    assert {sku: str(row.price) for sku, row in site.catalog().items()} == {
        "a-1": "4.50",
        "a-2": "0.10",
    }
    choose(page, f"{COLUMNS}A-3;Gear;9,90\n".encode(), "next.csv")
    rests(page, "Completed")
    figures(page, created=1)
    expect(found.get_by_text("remembered").first).to_be_visible()


def test_chip_that_is_changed_has_the_file_read_again_at_once(site: Site, page: Page) -> None:
    site.start_worker()
    page.goto("/imports/")
    page.locator("summary", has_text="Options").click()
    page.get_by_text("Always", exact=True).click()
    page.get_by_label(FILE).set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"sku,name,price\nA-1,Bolt,4.50\n"}
    )
    page.get_by_role("button", name="Upload").click()
    rests(page, "Waiting for review")
    found = page.get_by_label("How the file was read")

    with page.expect_navigation():
        found.get_by_label("price", exact=True).select_option(label="not imported")

    rests(page, "Waiting for review")
    expect(found.get_by_label("price", exact=True)).to_have_value("")
    expect(found.get_by_text("chosen").first).to_be_visible()
    assert site.catalog() == {}
