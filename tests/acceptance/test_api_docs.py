"""The API's documentation in the browser: tried out with the session and with a token, readable."""

import re
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Complaints, Visit
from tests.acceptance.test_pages import too_wide, violations
from tests.faults.harness import Site

pytestmark = pytest.mark.acceptance

CREATE = "#operations-Products-create_product"
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 390))
BODY = '{"sku": "D-1", "name": "Written in the documentation"}'


def opened(page: Page, *, anchor: str = "") -> Page:
    page.goto(f"/api/docs{anchor}")
    expect(page.locator(CREATE)).to_be_visible()
    return page


def execute(page: Page, *, body: str = BODY) -> Any:
    """Fill in a body and send the call; what came stands in the page."""
    call = page.locator(CREATE)
    call.locator(".opblock-summary-control").click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("textbox", name="Body").fill(body)
    call.get_by_role("button", name="Execute").click()
    return call.locator(".live-responses-table .response-col_status")


def test_call_is_tried_out_with_the_session(site: Site, page: Page) -> None:
    status = execute(opened(page))

    expect(status.last).to_contain_text("201")
    assert [row.name for row in site.catalog().values()] == ["Written in the documentation"]


def test_pasted_token_counts_before_the_session(
    site: Site, page: Page, complaints: Complaints
) -> None:
    complaints.expected = ("403",)
    opened(page).get_by_role("button", name="Authorize").click()
    dialog = page.get_by_role("dialog").or_(page.locator(".modal-ux"))
    dialog.locator("input").first.fill(site.token("editor", scope="read"))
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").first.click()

    status = execute(page)

    expect(status.last).to_contain_text("403")
    assert site.catalog() == {}


def test_page_is_accessible_in_either_theme_wide_and_narrow(site: Site, visit: Visit) -> None:
    page = visit(reduced_motion="reduce")
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        for theme, width in LOOKS:
            page.emulate_media(color_scheme=theme)
            found[f"{state}, {theme}"] = violations(page, width)

    expect(execute(opened(page)).last).to_contain_text("201")
    look("tried out")
    page.get_by_role("button", name="Authorize").click()
    look("asked for a token")
    assert {look: each for look, each in found.items() if each} == {}
    assert too_wide(page, 390, 1280) == []


def test_type_of_a_problem_leads_to_its_entry(page: Page) -> None:
    opened(page, anchor="#sku-taken")

    expect(page.locator("#sku-taken")).to_be_in_viewport()
    expect(page.locator("#sku-taken")).to_contain_text("Another product has the SKU")


def test_without_javascript_the_page_is_a_reference(visit: Visit) -> None:
    page = visit(user="viewer", java_script_enabled=False)
    page.goto("/docs")

    expect(page).to_have_url(re.compile("/api/docs$"))
    expect(page.get_by_role("heading", level=2)).to_contain_text(
        ["How to call it", "Products", "Imports", "Change sets", "Operations", "Webhooks",
         "Deliveries", "Problems"]
    )  # fmt: skip
    expect(page.get_by_text("/api/products/{id}", exact=True).first).to_be_visible()
    expect(page.locator("#try")).to_be_hidden()


def test_account_menu_leads_there(page: Page) -> None:
    page.goto("/imports/")
    page.locator("summary[aria-label^='Account']").click()
    page.get_by_role("link", name="API", exact=True).click()

    expect(page.get_by_role("heading", name="API", exact=True)).to_be_visible()
