"""The product list in a browser: filters, order, pages, selection, keys, widths and themes."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.test_pages import faults, search, too_wide, violations
from tests.faults.files import products
from tests.faults.harness import Site
from tests.faults.outcome import imported
from tests.oracle import Row

pytestmark = pytest.mark.acceptance

# 300 products, active, priced 1.00 to 300.00 in the order of their SKUs P-001 to P-300.
ROWS = [
    replace(row, sku=f"P-{at:03}", price=Decimal(at), active=True)
    for at, row in enumerate(products(300), start=1)
]
ONE = Row("ONE-1", "The only one")


@pytest.fixture
def catalog(site: Site) -> Site:
    imported(site, ROWS)
    return site


def rows(page: Page) -> Locator:
    return page.locator("#results tbody > tr")


def skus(page: Page) -> list[str]:
    return page.locator("#results tbody td.mono").all_inner_texts()


def matching(page: Page, words: str) -> None:
    expect(page.locator("#matching")).to_have_text(words)


def box(page: Page, sku: str) -> Locator:
    return page.get_by_role("checkbox", name=f"Select {sku}")


def bar(page: Page) -> Locator:
    return page.get_by_role("form", name="Selected products")


def active(site: Site) -> int:
    count: int = site.value("SELECT count(*) FROM catalog_product WHERE active")
    return count


def focused(page: Page) -> str:
    """The SKU of the row that has the focus."""
    return page.locator("#results tbody > tr:focus td.mono").inner_text()


def test_every_filter_narrows_the_list_and_stands_as_a_chip(catalog: Site, page: Page) -> None:
    page.goto("/products/")
    page.get_by_label("Price from").fill("10")
    matching(page, "291 of 300 match")
    page.get_by_label("Price to").fill("29")
    matching(page, "20 of 300 match")
    page.get_by_label("Active", exact=True).select_option("Inactive")
    matching(page, "0 of 300 match")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_label("Active", exact=True).select_option("Active")
    page.get_by_label("Updated from").fill("2020-01-01")
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("SKU contains").fill("p-02")
    matching(page, "10 of 300 match")
    expect(page.locator(".chip")).to_have_text(
        ["SKU contains p-02", "Active yes", "Price 10.00 to 29.00", "Updated since 1 Jan 2020"]
    )
    expect(page.locator("#in-force")).to_have_text("4")
    expect(page).to_have_url(
        re.compile(r"\?active=true&price_min=10&price_max=29&updated_after=2020-01-01&sku=p-02$")
    )
    address = page.get_by_role("link", name="Export CSV").first.get_attribute("href") or ""
    assert address.endswith(page.url.partition("?")[2])

    page.reload()
    matching(page, "10 of 300 match")
    expect(page.get_by_label("Price to")).to_have_value("29")
    page.get_by_role("link", name="Remove filter: Price 10.00 to 29.00").click()
    expect(page.get_by_label("Price from")).to_have_value("")
    expect(page).not_to_have_url(re.compile("price"))
    page.get_by_role("link", name="Clear all").click()
    matching(page, "300")
    expect(page.get_by_label("SKU contains", exact=False)).to_have_value("")
    page.go_back()
    matching(page, "10 of 300 match")


def test_filters_menu_closes_by_escape_and_by_a_click_beside_it(catalog: Site, page: Page) -> None:
    page.goto("/products/")
    summary = page.locator("summary", has_text="Filters")
    summary.click()
    page.get_by_label("Name contains").press("Escape")
    expect(page.get_by_label("Name contains")).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    expect(page.get_by_label("Name contains")).to_be_visible()
    page.get_by_role("heading", name="Products").click()
    expect(page.get_by_label("Name contains")).to_be_hidden()


def test_filter_that_can_not_be_read_is_said_beside_it_and_nothing_is_shown(
    catalog: Site, page: Page
) -> None:
    page.goto("/products/?price_max=5")
    field = page.get_by_label("Price from")
    field.fill("1,5")
    expect(page.locator("#error-price_min")).to_have_text("Price from: Write it with a point: 1.5.")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Price from: Write it with a point: 1.5.")
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="A filter can’t be read")).to_be_visible()
    assert violations(page) == []
    field.fill("1.5")
    matching(page, "4 of 300 match")
    expect(page.locator("#error-price_min")).to_have_count(0)
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_columns_sort_both_ways_and_back_leads_back(catalog: Site, page: Page) -> None:
    page.goto("/products/?size=50")
    head = page.get_by_role("columnheader", name="Price")
    expect(page.get_by_role("columnheader", name="Updated")).to_have_attribute(
        "aria-sort", "descending"
    )
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert skus(page)[:2] == ["P-001", "P-002"]
    expect(head.get_by_role("link")).to_be_focused()
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert skus(page)[:2] == ["P-300", "P-299"]
    expect(page).to_have_url(re.compile(r"\?size=50&ordering=-price$"))

    search(page).fill("P-29")
    matching(page, "10 of 300 match")
    assert skus(page)[0] == "P-299"
    page.get_by_role("link", name="Clear all").click()
    matching(page, "300")
    page.goto("/products/?ordering=sku")
    page.get_by_role("link", name="SKU").click()
    expect(page).to_have_url(re.compile("ordering=-sku$"))
    page.go_back()
    expect(page).to_have_url(re.compile("ordering=sku$"))
    expect(rows(page).first).to_contain_text("P-001")


def test_pages_can_be_turned_jumped_to_and_resized(catalog: Site, page: Page) -> None:
    page.goto("/products/?ordering=sku")
    pager = page.get_by_role("navigation", name="Pages")
    page.get_by_role("link", name="Next page").click()
    expect(pager).to_contain_text("26–50 of 300")
    assert skus(page)[0] == "P-026"
    page.get_by_label("Page", exact=True).fill("99")
    page.get_by_label("Page", exact=True).press("Enter")
    expect(pager).to_contain_text("276–300 of 300")
    assert skus(page)[-1] == "P-300"
    expect(page.get_by_label("Page", exact=True)).to_have_value("12")
    pager.get_by_role("link", name="100").click()
    expect(pager).to_contain_text("1–100 of 300")
    expect(rows(page)).to_have_count(100)
    page.go_back()
    expect(pager).to_contain_text("276–300 of 300")


def test_page_is_selected_then_all_that_match_and_switched_and_undone(
    catalog: Site, page: Page
) -> None:
    page.goto("/products/?search=P-1&ordering=sku")
    matching(page, "100 of 300 match")
    expect(bar(page)).to_be_hidden()
    page.get_by_label("Select all on this page").check()
    expect(page.locator("#chosen")).to_have_text("25 selected")
    page.get_by_role("button", name="Select all 100 that match").click()
    expect(page.locator("#chosen")).to_have_text("All 100 that match are selected")
    expect(page.locator("#announcer")).to_have_text("All 100 that match are selected")
    assert violations(page, 1280, 390) == []
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Only the 25 on this page").click()
    expect(page.locator("#chosen")).to_have_text("25 selected")
    page.get_by_role("button", name="Select all 100 that match").click()
    bar(page).get_by_role("button", name="Deactivate").click()

    expect(page.get_by_role("status").filter(has_text="deactivated")).to_contain_text(
        "100 products deactivated. Undo"
    )
    expect(page).to_have_url(re.compile(r"\?search=P-1&ordering=sku$"))
    assert active(catalog) == 200
    expect(bar(page)).to_be_hidden()
    page.get_by_role("link", name="Undo", exact=True).click()
    expect(page).to_have_url(re.compile(r"/activity/\d+/undo/$"))


def test_only_what_is_ticked_is_switched(catalog: Site, page: Page) -> None:
    page.goto("/products/?ordering=sku")
    box(page, "P-003").check()
    box(page, "P-006").click(modifiers=["Shift"])
    expect(page.locator("#chosen")).to_have_text("4 selected")
    box(page, "P-004").uncheck()
    expect(page.locator("#chosen")).to_have_text("3 selected")
    expect(page.get_by_role("button", name="Select all 300 products")).to_be_hidden()
    expect(page.get_by_role("button", name="Select the 25 on this page")).to_be_visible()
    bar(page).get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("3 products deactivated.")).to_be_visible()
    inactive = catalog.rows("SELECT sku FROM catalog_product WHERE NOT active ORDER BY sku")
    assert [row["sku"] for row in inactive] == ["P-003", "P-005", "P-006"]


def test_selection_ends_with_the_page_or_the_filter(catalog: Site, page: Page) -> None:
    page.goto("/products/?ordering=sku")
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Select all 300 products").click()
    page.get_by_role("link", name="Next page").click()
    expect(rows(page).first).to_contain_text("P-026")
    expect(bar(page)).to_be_hidden()
    box(page, "P-026").check()
    expect(page.locator("#chosen")).to_have_text("1 selected")
    search(page).fill("P-02")
    matching(page, "10 of 300 match")
    expect(bar(page)).to_be_hidden()
    expect(box(page, "P-026")).not_to_be_checked()
    box(page, "P-026").check()
    page.get_by_role("button", name="Clear selection").click()
    expect(bar(page)).to_be_hidden()
    expect(box(page, "P-026")).not_to_be_checked()


def test_deletion_asks_first_and_comes_back_to_the_filter(catalog: Site, page: Page) -> None:
    page.goto("/products/?price_max=40&ordering=sku")
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Select all 40 that match").click()
    bar(page).get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", name="Delete 40 products?")).to_be_visible()
    expect(page.get_by_text("and 35 more")).to_be_visible()
    assert violations(page, 1280, 390) == []
    assert too_wide(page, 360) == []
    assert catalog.value("SELECT count(*) FROM catalog_product") == 300
    page.get_by_role("button", name="Delete 40 products").click()
    expect(page.get_by_text("40 products deleted.")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    matching(page, "0 of 260 match")


def test_selection_is_downloaded(catalog: Site, page: Page) -> None:
    page.goto("/products/?ordering=sku")
    box(page, "P-002").check()
    with page.expect_download() as download:
        bar(page).get_by_role("button", name="Export").click()
    text = download.value.path().read_text("utf-8-sig")
    assert [line.partition(",")[0] for line in text.splitlines()] == ["sku", "P-002"]


def test_rows_are_reached_opened_and_ticked_by_keys(catalog: Site, page: Page) -> None:
    page.goto("/products/?ordering=sku")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "P-001"
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert focused(page) == "P-002"
    page.keyboard.press("x")
    expect(box(page, "P-002")).to_be_checked()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(box(page, "P-003")).to_be_checked()
    assert focused(page) == "P-003"
    expect(page.locator("#chosen")).to_have_text("2 selected")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "2px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=ROWS[2].name)).to_be_visible()
    assert active(catalog) == 300


def test_enter_in_a_box_opens_the_product_and_presses_no_button(catalog: Site, page: Page) -> None:
    page.goto("/products/?ordering=sku")
    box(page, "P-001").focus()
    page.keyboard.press("Space")
    expect(box(page, "P-001")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=ROWS[0].name)).to_be_visible()
    assert active(catalog) == 300


def test_n_begins_a_new_product_but_not_while_typing(catalog: Site, page: Page) -> None:
    page.goto("/products/")
    search(page).focus()
    page.keyboard.type("nx jk")
    expect(search(page)).to_have_value("nx jk")
    expect(page).to_have_url(re.compile(r"search=nx(\+|%20)jk"))
    page.goto("/products/")
    page.keyboard.press("n")
    expect(page.get_by_label("SKU", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("/products/new/$"))


def test_list_works_without_javascript(catalog: Site, visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/products/?search=P-1&ordering=sku")
    expect(bar(page)).to_be_hidden()
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("SKU contains").fill("p-11")
    page.get_by_label("SKU contains").press("Enter")
    matching(page, "10 of 300 match")
    expect(rows(page).first).to_contain_text("P-110")
    page.goto("/products/?search=P-1&ordering=sku")
    box(page, "P-100").check()
    bar(page).get_by_label("Rather all 100 that match").check()
    bar(page).get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("100 products deactivated.")).to_be_visible()
    assert active(catalog) == 200


def test_viewer_reads_and_exports(catalog: Site, visit: Visit) -> None:
    page = visit(user="viewer")
    page.goto("/products/?ordering=sku")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_role("link", name="New product")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("n")
    assert focused(page) == "P-001"
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").first.click()
    assert len(download.value.path().read_text("utf-8").splitlines()) == 301


def test_filters_are_behind_one_button_on_a_phone(catalog: Site, visit: Visit) -> None:
    page = visit(viewport={"width": 390, "height": 800})
    page.goto("/products/")
    for label in ("Price from", "Updated to", "Name contains"):
        expect(page.get_by_label(label)).to_be_hidden()
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Price to").fill("30")
    matching(page, "30 of 300 match")
    page.get_by_label("Name contains").click()
    expect(page.get_by_label("Price to")).to_be_visible()
    assert violations(page, 390) == []
    assert too_wide(page, 360, 390) == []


def test_list_is_accessible_and_fits_in_every_width(catalog: Site, visit: Visit) -> None:
    page = visit(reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    for path in (
        "?size=50",
        "?name=e&price_min=1&price_max=350&updated_after=2020-10-01&active=true&ordering=-price",
        "?search=" + "nothing-" * 40,
        "?price_min=abc&updated_before=x&ordering=y",
    ):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"/products/{path}")
        if "size" in path:
            page.get_by_label("Select all on this page").check()
        page.locator("summary", has_text="Filters").click()
        found[path] = faults(page, 360, 768, 992, 2560)
    assert {path: each for path, each in found.items() if each} == {}
