"""Deleting everything and other long operations: the phrase, progress, cancel, undo, roles."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Complaints, Visit
from tests.acceptance.imports_page import figure, state
from tests.acceptance.test_pages import faults
from tests.faults.files import products
from tests.faults.harness import Site
from tests.faults.outcome import imported

pytestmark = pytest.mark.acceptance

# More than are changed at once, so that a worker does it.
ROWS = products(1_100)
PHRASE = "delete all products"
DELETE_ALL = "/products/delete-all/"


@pytest.fixture
def catalog(site: Site) -> Site:
    imported(site, ROWS)
    return site


def count(site: Site) -> Any:
    return site.value("SELECT count(*) FROM catalog_product")


def operations(site: Site) -> Any:
    return site.value("SELECT count(*) FROM catalog_bulkoperation")


def delete_all(page: Page, phrase: str = PHRASE) -> None:
    page.get_by_label("To confirm, type").fill(phrase)
    page.get_by_role("button", name="Delete 1,100 products").click()


def live(page: Page) -> Locator:
    return page.get_by_role("region", name="Progress")


def test_manager_deletes_all_by_the_phrase_and_brings_all_back(catalog: Site, visit: Visit) -> None:
    before = catalog.catalog()
    catalog.start_worker()
    page = visit(user="manager")
    page.goto("/products/?search=screw")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Delete all products…").click()
    expect(page.get_by_role("heading", name="Delete all 1,100 products")).to_be_visible()
    expect(page.get_by_label("To confirm, type")).to_be_focused()
    with catalog.hold("done") as held:
        delete_all(page)
        held.wait()
        state(page, "Running")
        expect(page.get_by_role("progressbar", name="Deleting all products")).to_be_visible()
        expect(page).to_have_title(re.compile("^[0-9]+ %, Deleting all products"))
        assert count(catalog) == 1_100
        page.evaluate("window.stayed = true")
    state(page, "Completed")
    expect(page.get_by_role("heading", name="Deleted all 1,100 products")).to_be_visible()
    expect(figure(page, "Deleted")).to_have_text("1,100")
    expect(page.locator("#announcer")).to_have_text("Completed: Deleted all 1,100 products")
    assert page.evaluate("window.stayed")
    assert count(catalog) == 0
    deletion = page.url

    page.get_by_role("link", name="Undo…").click()
    expect(page.get_by_text("1,100 deleted products come back.")).to_be_visible()
    page.get_by_role("button", name="Undo 1,100 changes").click()
    expect(figure(page, "Brought back")).to_have_text("1,100", timeout=60_000)
    assert catalog.catalog() == before
    page.goto(deletion)
    expect(page.get_by_text("Undone")).to_be_visible()
    expect(page.get_by_role("link", name="Undo…")).to_have_count(0)


def test_other_words_delete_nothing(catalog: Site, visit: Visit, complaints: Complaints) -> None:
    complaints.expected = ("422",)
    page = visit(user="manager", reduced_motion="reduce")
    page.goto(DELETE_ALL)
    delete_all(page, "Delete all products")
    field = page.get_by_label("To confirm, type")
    expect(field).to_have_value("Delete all products")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("^Nothing was deleted"))
    assert faults(page) == []
    assert (count(catalog), operations(catalog)) == (1_100, 0)


@pytest.mark.parametrize("script", [True, False])
def test_cancelled_operation_leaves_nothing_behind(
    catalog: Site, visit: Visit, script: bool
) -> None:
    catalog.start_worker()
    page = visit(user="manager", java_script_enabled=script)
    page.goto(DELETE_ALL)
    with catalog.hold("delete") as held:
        delete_all(page)
        held.wait()
        page.get_by_role("button", name="Cancel").click()
        state(page, "Cancelled")
    expect(live(page)).to_contain_text("Cancelled: nothing was changed.")
    expect(page.get_by_role("link", name="Undo…")).to_have_count(0)
    assert count(catalog) == 1_100


def test_all_goes_and_comes_back_without_javascript(catalog: Site, visit: Visit) -> None:
    before = catalog.catalog()
    catalog.start_worker()
    page = visit(user="manager", java_script_enabled=False)
    page.goto(DELETE_ALL)
    delete_all(page)
    state(page, "Completed")
    expect(figure(page, "Deleted")).to_have_text("1,100")
    assert count(catalog) == 0
    page.get_by_role("link", name="Undo…").click()
    page.get_by_role("link", name="Show what an undo restores").click()
    page.get_by_role("button", name="Undo 1,100 changes").click()
    page.wait_for_url("**/operations/*/")
    catalog.done(int(page.url.rstrip("/").rpartition("/")[2]))
    assert catalog.catalog() == before


@pytest.mark.parametrize("user", ["viewer", "editor"])
def test_only_a_manager_deletes_all(
    catalog: Site, visit: Visit, complaints: Complaints, user: str
) -> None:
    complaints.expected = ("403",)
    page = visit(user=user)
    page.goto("/products/")
    expect(page.get_by_role("link", name="Delete all products…")).to_have_count(0)
    page.goto(DELETE_ALL)
    expect(page.get_by_role("heading", name="You are not allowed to do this")).to_be_visible()
    assert (
        catalog.browser(user).post(DELETE_ALL, {"phrase": PHRASE}, page="/products/").status_code
        == 403
    )
    assert (count(catalog), operations(catalog)) == (1_100, 0)


def test_axe_finds_nothing_while_an_operation_waits_and_after_it(
    catalog: Site, visit: Visit
) -> None:
    catalog.kill("worker")
    page, viewer = visit(user="manager", reduced_motion="reduce"), visit(user="viewer")
    page.goto(DELETE_ALL)
    found = {"asked": faults(page)}
    delete_all(page)
    state(page, "Queued")
    found["queued"] = faults(page)
    viewer.goto(page.url)
    expect(live(viewer)).to_contain_text("Waiting for a worker")
    expect(viewer.get_by_role("button", name="Cancel")).to_have_count(0)
    catalog.start_worker()
    state(page, "Completed")
    found["completed"] = faults(page)
    state(viewer, "Completed")
    expect(viewer.get_by_role("link", name="All changes")).to_be_visible()
    expect(viewer.get_by_role("link", name="Undo…")).to_have_count(0)
    assert {name: each for name, each in found.items() if each} == {}
