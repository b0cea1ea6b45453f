"""Endpoints in the browser: made in the form, tested in the list, in every theme and width."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Complaints, Visit
from tests.acceptance.test_pages import faults
from tests.faults.harness import Site
from webhooks.receiving import Receiver

pytestmark = pytest.mark.acceptance


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("127.0.0.1", answer=lambda _: (200, {}, b'{"accepted": 1}')) as running:
        yield running


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit(user="manager")


def make(site: Site, url: str) -> None:
    """An endpoint, made without the browser."""
    form = {"url": url, "event_types": "product.created", "bulk": "batch", "rate_per_hour": "1000"}
    assert site.browser("manager").post("/webhooks/new/", form).status_code == 302


def test_endpoint_is_made_and_tested_without_loading_the_list_again(
    site: Site, page: Page, receiver: Receiver
) -> None:
    site.start_deliver()
    page.goto("/webhooks/")
    expect(page.get_by_role("heading", name="No endpoints yet")).to_be_visible()
    page.get_by_role("link", name="New endpoint").click()
    page.get_by_label("URL").fill(f"{receiver.url}hook")
    page.get_by_label("product.deleted").uncheck()
    page.get_by_text("One by one", exact=True).click()
    page.get_by_role("button", name="Create endpoint").click()
    expect(
        page.get_by_text("Reveal its signing secret and give it to the receiver")
    ).to_be_visible()
    page.get_by_role("link", name="Webhooks", exact=True).first.click()
    row = page.locator("tbody", has_text=f"127.0.0.1:{receiver.port}/hook")
    expect(row).to_contain_text("product.created, .updated; one by one")
    page.evaluate("window.stayed = true")
    row.get_by_role("button", name=re.compile("^Test")).click()
    expect(row.get_by_role("status")).to_contain_text("Test arrived")
    expect(row.get_by_role("status")).to_contain_text("200 OK")
    expect(row.get_by_role("status")).to_contain_text('{"accepted": 1}')
    expect(row.get_by_role("button", name=re.compile("^Test"))).to_be_focused()
    row.get_by_role("link", name="Close the test result").click()
    expect(row.get_by_role("status")).to_have_count(0)
    assert page.evaluate("window.stayed")
    assert [each.event["type"] for each in receiver.received if each.event] == ["webhook.test"]


def test_test_is_told_without_javascript_too(site: Site, visit: Visit, receiver: Receiver) -> None:
    site.start_deliver()
    make(site, receiver.url)
    plain = visit(user="manager", java_script_enabled=False)
    plain.goto("/webhooks/")
    plain.get_by_role("button", name=re.compile("^Test")).click()
    expect(plain.get_by_text("Test arrived")).to_be_visible()


def test_url_is_judged_as_soon_as_it_is_typed(
    site: Site, page: Page, complaints: Complaints
) -> None:
    page.goto("/webhooks/new/")
    url = page.get_by_label("URL")
    url.fill("https://no-such-name.invalid/")
    url.press("Tab")
    expect(page.get_by_text("The name no-such-name.invalid was not found.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Description optional")).to_be_focused()
    url.fill("http://127.0.0.1:8000/")
    url.press("Tab")
    expect(page.get_by_text("The address was found and may be called.")).to_be_visible()
    for name in ("product.created", "product.updated", "product.deleted"):
        page.get_by_label(name).uncheck()
    complaints.expected = ("422",)
    page.get_by_role("button", name="Create endpoint").click()
    expect(page.get_by_text("Choose at least one event.")).to_be_visible()
    expect(page.get_by_label("product.created")).to_be_focused()
    expect(url).to_have_value("http://127.0.0.1:8000/")


def test_consequence_of_the_chosen_form_stands_below_it(site: Site, page: Page) -> None:
    page.goto("/webhooks/new/")
    for choice, words in (
        ("As a summary", "An import is told by import.completed alone"),
        ("One by one", "Each product is an event of its own"),
        ("In batches", "at most 1,000 products or 256 KiB a POST"),
    ):
        page.get_by_text(choice, exact=True).click()
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.locator(".bulk-mode > .form-hint:visible")).to_have_count(1)


def test_pages_of_webhooks_have_no_fault_in_any_theme_and_width(
    site: Site, visit: Visit, complaints: Complaints
) -> None:
    page = visit(user="manager", reduced_motion="reduce")
    found = {}

    def look(name: str) -> None:
        found[name] = faults(page)
        page.set_viewport_size({"width": 1280, "height": 900})

    page.goto("/webhooks/")
    look("empty")
    page.goto("/webhooks/new/")
    complaints.expected = ("422",)
    page.get_by_role("button", name="Create endpoint").click()
    expect(page.get_by_text("Not saved.")).to_be_visible()
    look("form")
    for host in ("well", "failing", "disabled", "paused", "n" * 200):
        make(site, f"http://127.0.0.1:8000/{host}")
    page.goto("/webhooks/")
    ids = [row["id"] for row in site.rows("SELECT id FROM webhooks_endpoint ORDER BY id")]
    site.rows(
        "UPDATE webhooks_lane SET failures = 9, last_status = 503, last_answer = 'no',"
        " due_at = now() + interval '1 hour' WHERE endpoint_id = %s",
        [ids[1]],
    )
    for state, pk in (("disabled", ids[2]), ("paused", ids[3])):
        site.rows("UPDATE webhooks_endpoint SET state = %s WHERE id = %s", [state, pk])
    site.rows(
        "INSERT INTO webhooks_endpointhour (endpoint_id, hour, arrived, failed, latencies)"
        " SELECT id, date_trunc('hour', now()), 9, 1, array_fill(0, ARRAY[21])"
        " FROM webhooks_endpoint"
    )
    page.goto("/webhooks/")
    page.get_by_role("button", name=re.compile("^Test")).first.click()
    expect(page.locator("tbody [role=status]")).to_be_visible()
    page.get_by_role("link", name="Verify a signature").click()
    expect(page.get_by_role("heading", name="Python")).to_be_visible()
    look("list")
    page.goto("/")
    look("home")
    assert {name: each for name, each in found.items() if each} == {}
