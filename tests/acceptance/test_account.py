"""The account page in a browser: tokens made, copied and revoked; the time zone; what axe finds."""

import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Complaints, Visit
from tests.acceptance.test_pages import faults, violations
from tests.faults.harness import Site

pytestmark = pytest.mark.acceptance


@pytest.fixture(autouse=True)
def no_tokens(site: Site) -> Iterator[None]:
    """Nobody has a token, before and after; nor chosen a time zone."""
    forget(site)
    yield
    forget(site)


def forget(site: Site) -> None:
    site.rows("DELETE FROM accounts_apitoken WHERE name <> 'tests' RETURNING id")
    site.rows("UPDATE accounts_user SET time_zone = '' RETURNING id")


LONG = "W" * 60 + " " + "nightly price import of the warehouse "


def asked(site: Site, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return requests.get(f"{site.url}/api/products", headers=headers, timeout=10).status_code


def make(page: Page, name: str) -> str:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Make token").click()
    secret = page.locator("#secret")
    expect(secret).to_have_text(re.compile("^pi_[0-9a-f]{80}$"))
    return secret.inner_text()


def test_token_is_made_shown_once_and_revoked(site: Site, visit: Visit) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/")
    page.get_by_label(re.compile("^Account: ")).click()
    page.get_by_role("link", name="Account and API tokens").click()
    page.evaluate("window.stayed = true")
    page.get_by_text("write What read does").click()
    page.get_by_text("30 days").click()

    secret = make(page, "Nightly import")

    assert page.evaluate("window.stayed")
    expect(page.locator("#secret")).to_be_focused()
    expect(page.locator("#curl")).to_contain_text(f'"Authorization: Bearer {secret}"')
    page.get_by_role("button", name="Copy token").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    row = page.get_by_role("row", name=re.compile("Nightly import"))
    expect(row).to_contain_text("write")
    expect(row).to_contain_text("never")
    assert asked(site, secret) == 200

    page.reload()
    expect(row).to_contain_text(secret[:15])
    assert secret not in page.content()
    row.get_by_role("link", name="Revoke Nightly import…").click()
    page.get_by_role("button", name="Revoke Nightly import").click()
    expect(page.get_by_text("Revoked Nightly import.")).to_be_visible()
    expect(row).to_have_count(0)
    assert asked(site, secret) == 401


def test_token_is_made_without_javascript_too(site: Site, visit: Visit) -> None:
    page = visit(user="viewer", java_script_enabled=False)
    page.goto("/account/")

    secret = make(page, "Report")

    assert asked(site, secret) == 200
    expect(page.get_by_role("button", name="Copy token")).to_be_hidden()
    page.goto("/account/")
    assert secret not in page.content()


def test_form_says_what_is_wrong(page: Page, complaints: Complaints) -> None:
    complaints.expected = ("422",)
    page.goto("/account/")
    page.get_by_role("button", name="Make token").click()

    name = page.get_by_label("Name", exact=True)
    expect(page.get_by_text("The name is empty.")).to_be_visible()
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")


def test_times_are_shown_in_the_zone_that_was_chosen(page: Page) -> None:
    page.goto("/account/")
    page.get_by_label("Time zone", exact=True).fill("Asia/Kathmandu")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Times are shown in Asia/Kathmandu.")).to_be_visible()
    expect(page.locator("#time_zone-hint")).to_contain_text("+0545")


def test_axe_finds_nothing_on_the_account_page(
    site: Site, visit: Visit, complaints: Complaints
) -> None:
    complaints.expected = ("422",)
    page = visit(user="manager", reduced_motion="reduce")
    page.goto("/account/")
    found = {"empty": violations(page)}
    make(page, LONG)
    site.rows(
        "UPDATE accounts_apitoken SET expiry = now() - interval '1 day'"
        " WHERE name <> 'tests' RETURNING id"
    )
    make(page, "CI")
    found["made"] = faults(page)
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_text("No token was made.")).to_be_visible()
    found["refused"] = violations(page)
    page.goto("/account/")
    page.get_by_role("link", name="Revoke CI…").click()
    page.get_by_role("button", name="Revoke CI").wait_for()
    found["question"] = violations(page)

    assert {name: each for name, each in found.items() if each} == {}
