"""Home in the browser: figures, chart and drop zone, in every theme and width, for every role."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.imports_page import FILE, state
from tests.acceptance.test_pages import faults
from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site
from tests.faults.outcome import imported

pytestmark = pytest.mark.acceptance

ROWS = products(300)
CHART = "Rows imported a day"


def chart(page: Page) -> Any:
    return page.get_by_role("img", name=re.compile(f"^{CHART} in the last 30 days"))


def test_home_has_no_fault_in_any_theme_and_width(site: Site, visit: Visit) -> None:
    found = {}
    for moment in ("empty", "full"):
        for user in ("viewer", "editor"):
            page = visit(user=user, reduced_motion="reduce")
            page.goto("/")
            expect(page.get_by_role("heading", name="Catalog", exact=True)).to_be_visible()
            found[moment, user] = faults(page)
        if moment == "empty":
            imported(site, ROWS)
            imported(site, renamed(ROWS[:100], "new"))
    assert {name: each for name, each in found.items() if each} == {}


def test_file_dropped_on_an_empty_home_fills_it(site: Site, page: Page) -> None:
    site.start_worker()
    page.goto("/")
    expect(page.get_by_role("heading", name="No products yet")).to_be_visible()
    page.get_by_label(FILE).set_input_files(
        {"name": "first.csv", "mimeType": "text/csv", "buffer": as_csv(ROWS)}
    )
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/imports/*/")
    state(page, "Completed")
    page.get_by_role("link", name="Product Importer").click()
    figures = page.get_by_role("region", name="Catalog in figures")
    expect(figures.get_by_role("link").first).to_have_text("300")
    expect(figures).to_contain_text("300 more than a week ago")
    expect(chart(page)).to_be_visible()
    imports = page.get_by_role("region", name="Last imports")
    expect(imports.get_by_role("row", name=re.compile("first.csv"))).to_contain_text("Completed")
    expect(page.get_by_text(re.compile("^Last changed"))).to_contain_text("by editor")


def test_chart_shows_its_figures_under_the_pointer_and_to_a_screen_reader(
    site: Site, page: Page
) -> None:
    imported(site, ROWS)
    page.goto("/")
    today = chart(page).locator("g").last
    expect(today.locator("title")).to_have_text(re.compile("0 updated, 300 created, 0 rejected$"))
    expect(today.locator("rect.ok")).to_be_visible()
    table = page.get_by_role("table", name=re.compile(f"^{CHART}"))
    expect(table.get_by_role("row").last).to_contain_text("300")
    ticks = chart(page).locator("text[text-anchor=end]").all_text_contents()
    assert ticks[:4] == ["0", "100", "200", "300"]


def test_home_is_whole_without_javascript(site: Site, visit: Visit) -> None:
    imported(site, ROWS)
    page = visit(java_script_enabled=False)
    page.goto("/")
    expect(chart(page).locator("rect.ok")).to_be_visible()
    expect(page.get_by_role("button", name="Upload")).to_be_visible()
    page.get_by_role("region", name="Catalog in figures").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/products/$"))


def test_running_import_moves_on_without_loading_the_page(site: Site, page: Page) -> None:
    site.kill("worker")
    site.browser("editor").upload(as_csv(ROWS), "waiting.csv")
    page.goto("/")
    imports = page.get_by_role("region", name="Last imports")
    expect(imports).to_contain_text("Queued")
    page.evaluate("window.stayed = true")
    site.start_worker()
    expect(imports).to_contain_text("Completed", timeout=60_000)
    assert page.evaluate("window.stayed")


def test_viewer_sees_figures_and_no_drop_zone(site: Site, visit: Visit) -> None:
    imported(site, ROWS)
    page = visit(user="viewer")
    page.goto("/")
    expect(chart(page)).to_be_visible()
    expect(page.get_by_label(FILE)).to_have_count(0)
    expect(page.get_by_role("link", name="New product")).to_have_count(0)
