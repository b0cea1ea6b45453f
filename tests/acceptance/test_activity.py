"""The activity page, a change set opened, undo and the undo of an undo, in a browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.imports_page import last_job
from tests.acceptance.test_pages import faults
from tests.faults.files import products, renamed
from tests.faults.harness import Site
from tests.faults.outcome import imported

pytestmark = pytest.mark.acceptance

ROWS = products(60)


def entry(page: Page, text: str) -> Locator:
    """The part of the table that tells of one change set."""
    return page.locator("#entries tbody[id]", has_text=text)


def count(site: Site) -> Any:
    return site.value("SELECT count(*) FROM catalog_product")


def test_change_set_opens_in_its_place_and_closes_again(site: Site, page: Page) -> None:
    imported(site, ROWS)
    imported(site, renamed(ROWS[:1], "new"))
    page.goto("/activity/")
    expect(page.locator(".meta")).to_have_text("2 change sets, values kept for 90 days")
    expect(page.locator("#entries tbody[id]")).to_have_count(2)
    row = page.locator("#entries tbody[id]").first
    row.get_by_role("link", name="Imported").click()
    expect(row).to_contain_text("Undo restores 1 of 1 product.")
    expect(row.locator(".inner tbody tr")).to_have_count(1)
    expect(row.locator(".inner ins")).to_contain_text("new")
    expect(row.get_by_role("link", name="Imported")).to_be_focused()
    expect(page).to_have_url(re.compile("/activity/$"))
    row.get_by_role("link", name="Close the changes").click()
    expect(page.locator(".inner")).to_have_count(0)
    expect(row).to_be_focused()
    row.get_by_role("link", name="Imported").click()
    row.get_by_role("link", name="Open on a page of its own").click()
    expect(page.get_by_role("heading", name="Imported file.csv")).to_be_visible()


def test_filters_keep_their_place_and_back_leads_through_them(site: Site, page: Page) -> None:
    imported(site, ROWS)
    page.goto("/activity/")
    page.get_by_role("link", name="Bulk", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?source=bulk$"))
    expect(page.get_by_role("link", name="Bulk", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    expect(page.get_by_role("link", name="Bulk", exact=True)).to_be_focused()
    page.get_by_role("link", name="Imports", exact=True).last.click()
    expect(page.locator("#entries tbody[id]")).to_have_count(1)
    page.get_by_role("combobox", name="Who").select_option("Command line")
    expect(page).to_have_url(re.compile(r"source=imports&actor=none$"))
    expect(page.locator("#entries tbody[id]")).to_have_count(0)
    page.go_back()
    expect(page.locator("#entries tbody[id]")).to_have_count(1)
    page.go_back()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_role("link", name="Clear all filters").click()
    expect(page.locator("#entries tbody[id]")).to_have_count(1)
    page.get_by_label("Until").fill("2020-01-01")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()


def test_older_and_newer_pages_meet(site: Site, page: Page) -> None:
    imported(site, ROWS)
    site.rows(
        "INSERT INTO catalog_changeset (source, created, updated, deleted, created_at)"
        " SELECT 'api', 0, 2, 0, '2026-01-01Z'::timestamptz FROM generate_series(1, 120)"
        " RETURNING id"
    )
    page.goto("/activity/")
    pager = page.get_by_role("navigation", name="Pages")
    expect(pager).to_contain_text("1–50 of 121")
    seen = []
    for part in ("1–50", "51–100", "101–121"):
        expect(pager).to_contain_text(f"{part} of 121")
        seen += page.locator("#entries tbody[id]").evaluate_all("rows => rows.map(row => row.id)")
        if part != "101–121":
            pager.get_by_role("link", name="Older").click()
    assert len(seen) == len(set(seen)) == 121
    expect(pager.locator("a[rel=next]")).to_have_count(0)
    pager.get_by_role("link", name="Newer").click()
    expect(pager).to_contain_text("51–100 of 121")
    page.reload()
    expect(pager).to_contain_text("51–100 of 121")
    page.go_back()
    expect(pager).to_contain_text("101–121 of 121")


def test_import_is_undone_from_its_page_and_the_undo_is_undone(site: Site, page: Page) -> None:
    imported(site, ROWS)
    page.goto(f"/imports/{last_job(site)}/")
    page.get_by_role("link", name="Undo…").click()
    expect(page.get_by_text("60 products that it created are deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo 60 changes").click()
    expect(page.get_by_role("heading", name="file.csv")).to_be_visible()
    expect(page.locator("main")).to_contain_text("60 products were deleted.")
    expect(page.locator(".head")).to_contain_text("Undone")
    expect(page.get_by_role("link", name="Undo…")).to_have_count(0)
    assert count(site) == 0
    page.get_by_role("link", name="Undo this undo").click()
    expect(page.get_by_text("60 deleted products come back.")).to_be_visible()
    page.get_by_role("button", name="Undo 60 changes").click()
    expect(page.get_by_role("heading", name="Activity")).to_be_visible()
    expect(page.locator("main")).to_contain_text("60 products came back.")
    assert count(site) == 60
    undo, first = entry(page, "Undid").last, entry(page, "Imported")
    expect(undo).to_contain_text("undone")
    expect(first.get_by_role("link", name="Undo")).to_be_visible()
    first.get_by_role("link", name="Imported").click()
    first.get_by_role("link", name="All 60 changes").click()
    expect(page.locator("#changes tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#changes tbody tr")).to_have_count(10)
    page.get_by_role("searchbox", name="SKU contains").fill(ROWS[0].sku)
    expect(page.locator("#changes tbody tr")).to_have_count(1)


def test_undo_works_without_scripts(site: Site, visit: Visit) -> None:
    imported(site, ROWS)
    page = visit(java_script_enabled=False)
    page.goto("/activity/?source=imports")
    page.get_by_role("link", name="Imported").click()
    expect(page.get_by_role("heading", name="60 changes")).to_be_visible()
    page.get_by_role("link", name="Undo…").click()
    page.get_by_role("button", name="Undo 60 changes").click()
    expect(page.locator("main")).to_contain_text("60 products were deleted.")
    assert count(site) == 0


def test_viewer_sees_all_and_undoes_nothing(site: Site, visit: Visit) -> None:
    imported(site, ROWS)
    page = visit(user="viewer")
    page.goto("/activity/")
    page.get_by_role("link", name="Imported").click()
    expect(page.locator(".inner tbody tr")).to_have_count(10)
    expect(page.get_by_role("link", name=re.compile("Undo"))).to_have_count(1)
    expect(page.get_by_role("link", name="Undo", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Undo"))).to_have_count(0)
    expect(page.get_by_role("link", name="Access")).to_have_count(0)


def test_axe_finds_nothing_on_the_pages_of_activity(site: Site, visit: Visit) -> None:
    imported(site, ROWS)
    imported(site, renamed(ROWS, "new"))
    change_set = site.value("SELECT max(id) FROM catalog_changeset")
    page = visit(reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    for path in (
        "/activity/",
        "/activity/?source=bulk",
        f"/activity/{change_set}/",
        f"/activity/{change_set}/undo/",
    ):
        page.goto(path)
        found[path] = faults(page)
    page.goto("/activity/")
    page.get_by_role("link", name="Imported").first.click()
    expect(page.get_by_role("button", name="Undo 60 changes")).to_be_visible()
    found["opened"] = faults(page)
    assert {path: each for path, each in found.items() if each} == {}
