"""A file that raises risks: looked at, one row left out, applied as announced."""

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import Visit
from tests.acceptance.imports_page import choose, figures, last_job, state
from tests.acceptance.test_pages import faults
from tests.faults.harness import Site
from tests.faults.outcome import expect_true_log

pytestmark = pytest.mark.acceptance

OLD = b"sku,name,price\nA-1,Bolt,10.00\nA-2,Nut,20.00\nA-3,Washer,30.00\n"
FILE = b"sku,name,price\nA-1,Bolt,0.10\nA-2,Nut,0.20\nA-3,Washer,31.00\nB-1,Screw,5.00\n"


def test_risks_are_looked_at_left_out_and_applied(site: Site, visit: Visit) -> None:
    site.start_worker()
    page = visit(reduced_motion="reduce")
    choose(page, OLD, "old.csv")
    state(page, "Completed")
    choose(page, FILE, "new.csv", option="If there is a risk")
    state(page, "Waiting for review")
    expect(page.locator("#announcer")).to_have_text(
        "Waiting for your review: nothing is written yet"
    )
    risks = page.get_by_role("region", name="Risks")
    expect(risks).to_contain_text("2 prices move by more than 50 %")
    expect(page.locator("tbody tr").first).to_contain_text("A-1")
    assert faults(page) == []

    risks.get_by_role("link", name="Show them").click()
    expect(page).to_have_url(f"{site.url}/imports/{last_job(site)}/?class=changed&risk=price_moved")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.evaluate("window.stayed = true")
    page.get_by_label("Leave out A-1").focus()
    page.keyboard.press("Space")
    prospect = page.locator("#prospect")
    expect(prospect).to_contain_text("Creates 1 and updates 2 products. 1 row is left out.")
    expect(page.get_by_label("Leave out A-1")).to_be_focused()
    page.get_by_role("link", name="New 1").click()
    expect(page.locator("tbody tr", has_text="Screw")).to_have_count(1)
    expect(prospect).to_contain_text("1 row is left out.")
    assert faults(page) == []
    assert page.evaluate("window.stayed")
    assert site.value("SELECT price FROM catalog_product WHERE sku = 'A-2'") == 20

    page.get_by_role("button", name="Apply to 3 products").click()
    state(page, "Completed")
    figures(page, created=1, updated=2)
    expect(page.locator("dl.figures")).to_contain_text("Left out")
    rows = site.rows("SELECT sku, price::text FROM catalog_product ORDER BY sku")
    assert [tuple(row.values()) for row in rows] == [
        ("A-1", "10.00"), ("A-2", "0.20"), ("A-3", "31.00"), ("B-1", "5.00"),
    ]  # fmt: skip
    expect_true_log(site)
