"""The page of one webhook in a browser: live while something is sent, rotation, what axe finds."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.test_pages import faults
from tests.faults.harness import Site, eventually
from tests.faults.listeners import Listener, Listeners, listening
from webhooks.receiving import OK, Answer, Received

pytestmark = pytest.mark.acceptance

HOSTILE = "</pre><script>alert(1)</script>" + "x" * 3000
NAME = "<img src=x onerror=alert(1)>" + "W" * 200


@pytest.fixture
def listen(site: Site) -> Iterator[Listeners]:
    """Makes listeners; a deliver process lives."""
    with listening(site) as listeners:
        yield listeners


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit(user="manager", permissions=["clipboard-read", "clipboard-write"])


def broken(received: Received) -> Answer:
    return (503, {"x-reason": "tired"}, HOSTILE.encode())


def create(site: Site, sku: str, name: str = "By hand") -> None:
    answer = site.browser().post("/products/new/", {"sku": sku, "name": name})
    assert answer.status_code == 302, answer.text


def loaded(page: Page) -> None:
    """Mark the page, so that a test can tell whether it was loaded again."""
    page.evaluate("window.loadedOnce = true")


def still_the_same(page: Page) -> bool:
    return bool(page.evaluate("window.loadedOnce === true"))


def test_delivery_that_failed_is_sent_again_and_arrives_before_ones_eyes(
    site: Site, listen: Listeners, page: Page
) -> None:
    listener = listen(answers=broken)
    create(site, "A-1", NAME)
    eventually(listener.received.copy, what="a request")
    # After a 503 it is tried again in a minute; the page looks often in the last one.
    listener.time_passes(30)
    page.goto(f"/webhooks/{listener.id}/")
    page.locator("#log").get_by_role("link", name="product.created").click()
    loaded(page)
    card = page.locator("#delivery")
    expect(card.locator("#outcome")).to_contain_text("Retrying")
    expect(page).to_have_url(re.compile(r"/deliveries/\d+/$"))
    tries = card.locator("#tries li")
    expect(tries.first).to_contain_text("503")
    expect(tries.first.get_by_label("Answer", exact=True)).to_contain_text(
        "<script>alert(1)</script>"
    )

    # A second try comes by itself; what was unfolded or folded, and the focus, stay as they are.
    tries.last.locator("summary").first.click()
    expect(tries.last.locator("details").first).not_to_have_attribute("open", "")
    first = tries.last.locator("details").first.get_attribute("id")
    listener.time_passes(45)
    expect(tries).to_have_count(2)
    expect(page.locator("#announcer")).to_have_text("Try 2 of product.created failed")
    expect(page.locator(f"#{first}")).not_to_have_attribute("open", "")
    expect(page.locator(f"#{first} > summary")).to_be_focused()

    listener.answers = lambda received: OK
    listener.resting()
    card.get_by_role("button", name="Send again").click()
    expect(card.locator("#outcome")).to_contain_text("Arrived")
    expect(page.locator("#announcer")).to_have_text("product.created has arrived")
    expect(page.locator("#log tr.sel")).to_contain_text("Arrived")
    expect(page.locator("#arrived")).to_contain_text("33.3 %")
    assert still_the_same(page)
    assert len({each.webhook_id for each in listener.received}) == 1

    card.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith(f"curl {listener.receiver.url}")
    assert listener.received[0].webhook_id in command


def test_filters_and_pages_of_the_log_keep_the_open_delivery(
    site: Site, listen: Listeners, page: Page
) -> None:
    listener = listen()
    fill(site, listener, 60)
    page.goto(f"/webhooks/{listener.id}/")
    expect(page.locator("#log .pager")).to_contain_text("1–25 of 60")
    page.locator("#log tbody a").nth(2).click()
    expect(page.locator("#delivery #facts")).to_be_visible()
    opened = page.locator("#facts dd.mono").inner_text()
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#log .pager")).to_contain_text("26–50 of 60")
    expect(page.get_by_role("link", name="Older")).to_be_focused()
    page.get_by_role("link", name="Not arrived 12").click()
    expect(page.locator("#log .pager")).to_contain_text("1–12 of 12")
    page.get_by_role("combobox", name="Event").select_option("product.batch")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    expect(page.locator("#facts dd.mono")).to_have_text(opened)
    expect(page).to_have_url(re.compile(r"/deliveries/\d+/\?state=open&event=product.batch$"))
    page.go_back()
    expect(page.locator("#log .pager")).to_contain_text("1–12 of 12")
    page.get_by_role("link", name="All", exact=True).click()
    expect(page.locator("#log .pager")).to_contain_text("1–25 of 60")


def test_secret_is_revealed_rotated_and_the_old_one_ended(listen: Listeners, page: Page) -> None:
    listener = listen()
    page.goto(f"/webhooks/{listener.id}/")
    secret = page.locator("#secret")
    secret.get_by_role("button", name="Reveal").click()
    expect(secret.locator("code")).to_contain_text(re.compile(r"^whsec_[\w+/=]{40,}$"))
    old = secret.locator("code").inner_text()
    secret.get_by_role("link", name="Rotate…").click()
    page.get_by_role("button", name="Rotate the secret").click()
    expect(page.locator("main")).to_contain_text("each delivery carries both signatures")
    secret.get_by_role("button", name="Reveal").click()
    expect(secret.locator("code")).not_to_have_text("whsec_••••••••••••")
    assert secret.locator("code").inner_text() != old
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result")).to_contain_text("Test arrived")
    expect(page.locator("#log")).to_contain_text("webhook.test")
    (received,) = listener.received
    assert received.verified
    assert received.headers["webhook-signature"].count("v1,") == 2
    page.get_by_role("button", name="End it now").click()
    expect(page.locator("main")).to_contain_text("The old secret has ended.")


def test_page_works_without_scripts(site: Site, listen: Listeners, visit: Visit) -> None:
    listener = listen()
    fill(site, listener, 5)
    page = visit(user="manager", java_script_enabled=False)
    page.goto(f"/webhooks/{listener.id}/?state=open")
    page.locator("#log tbody a").first.click()
    expect(page.locator("#outcome")).to_contain_text("Gave up")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("main")).to_contain_text("It is sent again now.")
    expect(page).to_have_url(re.compile(r"/deliveries/\d+/\?state=open$"))
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator("code.phrase")).to_contain_text("whsec_")


def test_axe_finds_nothing_on_the_page_of_a_webhook(
    site: Site, listen: Listeners, visit: Visit
) -> None:
    failing, empty = listen(answers=broken), listen()
    create(site, "W" * 200, NAME)
    eventually(failing.deliveries, what="a delivery")
    listener_failed(site, failing)
    delivery = failing.deliveries()[0].id
    page = visit(user="manager", reduced_motion="reduce")
    found = {}
    for path in (
        f"/webhooks/{empty.id}/",
        f"/webhooks/{failing.id}/deliveries/{delivery}/",
        f"/webhooks/{failing.id}/replay/",
        f"/webhooks/{failing.id}/rotate/",
    ):
        page.goto(path)
        found[path] = faults(page)
    assert {path: each for path, each in found.items() if each} == {}


def listener_failed(site: Site, listener: Listener) -> None:
    """The breaker is open, and somebody has rotated the secret."""
    listener.resting()
    site.rows(
        "UPDATE webhooks_lane SET failures = 9, failing_since = now() WHERE endpoint_id = %s",
        [listener.id],
    )
    site.rows(
        "UPDATE webhooks_endpoint SET previous_secret = secret, rotated_at = now(),"
        " previous_until = now() + interval '1 day' WHERE id = %s",
        [listener.id],
    )


def fill(site: Site, listener: Listener, number: int) -> None:
    """Deliveries of which every fifth was given up."""
    site.rows(
        "WITH made AS (INSERT INTO webhooks_event (uid, type, about, count, subject, body)"
        " SELECT gen_random_uuid(), 'product.updated', '', 1, 'A-' || n,"
        ' \'{"type":"product.updated","data":{}}\' FROM generate_series(1, %s) AS n'
        " RETURNING id)"
        " INSERT INTO webhooks_delivery (event_id, endpoint_id, state, is_test, urgent, attempts,"
        " tries, status, error, finished_at)"
        " SELECT id, %s, CASE WHEN row_number() OVER () %% 5 = 0 THEN 'failed' ELSE 'arrived' END,"
        " false, false, 1, 1, 200, '', now() FROM made",
        [number, listener.id],
    )
