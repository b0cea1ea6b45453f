"""The pages beside the import: the list, roles, keys, themes, widths, and what axe-core finds."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Visit
from tests.acceptance.imports_page import FILE, choose, state
from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site
from tests.faults.outcome import imported
from tests.oracle import Row

pytestmark = pytest.mark.acceptance

ROWS = products(300)
HOSTILE = Row(
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>{{ 7|add:'1' }}",
    "<svg onload=alert(1)></svg>",
)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: The rules of axe-core that look at colours, which are all that a theme changes.
OF_COLOURS = ("color-contrast", "link-in-text-block")
LONG = Row("SKU-" + "W" * 250, "Name" * 120, "word " * 200 + "x" * 300)


def search(page: Page) -> Any:
    return page.get_by_role("searchbox", name="SKU, name or description")


def test_filter_follows_what_is_typed_and_so_does_the_address(site: Site, page: Page) -> None:
    imported(site, ROWS)
    page.goto("/products/")
    expect(page.locator("#matching")).to_have_text("300")
    search(page).press_sequentially("-00012")
    expect(page.locator("#matching")).to_have_text("10 of 300 match")
    expect(page).to_have_url(re.compile(r"\?search=-00012$"))
    expect(page.locator("#results tbody tr")).to_have_count(10)
    expect(search(page)).to_be_focused()
    page.reload()
    expect(search(page)).to_have_value("-00012")
    expect(page.locator("#results tbody tr")).to_have_count(10)
    page.get_by_role("link", name=re.compile("^Remove filter")).click()
    expect(page.locator("#matching")).to_have_text("300")
    expect(search(page)).to_have_value("")


def test_back_leads_through_the_pages_of_the_list(site: Site, page: Page) -> None:
    imported(site, ROWS)
    page.goto("/products/?search=screw")
    first = page.locator("#results tbody a").all_inner_texts()
    page.get_by_role("link", name="Next page").click()
    expect(page).to_have_url(re.compile("page=2"))
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("26–")
    page.locator("#results tbody a").first.click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("26–")
    page.go_back()
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("1–25")
    assert page.locator("#results tbody a").all_inner_texts() == first
    expect(search(page)).to_have_value("screw")


def test_product_page_tells_its_history(site: Site, page: Page) -> None:
    imported(site, ROWS)
    imported(site, renamed(ROWS[:1], "new"))
    page.goto(f"/products/?search={ROWS[0].sku}")
    page.get_by_role("link", name=f"{ROWS[0].name} new").click()
    history = page.get_by_role("region", name="History")
    expect(history.get_by_role("listitem")).to_have_count(2)
    expect(history.get_by_role("listitem").first).to_contain_text("new")
    expect(history.get_by_role("listitem").last).to_contain_text("created it by importing")
    history.get_by_role("link", name="file.csv").last.click()
    expect(page.get_by_role("heading", name="file.csv")).to_be_visible()


def test_viewer_sees_imports_but_no_way_to_start_or_stop_one(site: Site, visit: Visit) -> None:
    imported(site, ROWS)
    page = visit(user="viewer")
    page.goto("/imports/")
    expect(page.get_by_role("link", name="file.csv").first).to_be_visible()
    expect(page.get_by_label(FILE)).to_have_count(0)
    expect(page.get_by_role("button", name="Upload")).to_have_count(0)
    page.get_by_role("link", name="file.csv").first.click()
    expect(page.get_by_role("link", name="Run again")).to_have_count(0)
    page.goto("/products/")
    expect(page.get_by_role("link", name="Import", exact=True)).to_have_count(0)
    assert site.browser("viewer").send(as_csv(ROWS)).status_code == 403


def test_slash_goes_to_the_search_from_every_page(site: Site, page: Page) -> None:
    imported(site, ROWS)
    for path in ("/imports/", "/products/"):
        page.goto(path)
        page.keyboard.press("/")
        expect(page.locator("input[type=search]:focus")).to_have_count(1)
    page.goto("/imports/")
    page.keyboard.press("/")
    page.keyboard.type("screw")
    page.keyboard.press("Enter")
    page.wait_for_url("**/products/?search=screw")
    page.keyboard.press("/")
    page.keyboard.type("1/2")
    expect(page.locator("input[type=search]:focus")).to_have_value("1/2")


def test_theme_is_switched_and_kept(site: Site, page: Page) -> None:
    page.goto("/imports/")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name=re.compile("theme", re.IGNORECASE)).click()
    dark = page.evaluate(background)
    assert dark != light
    page.goto("/products/")
    assert page.evaluate(background) == dark
    page.get_by_role("button", name=re.compile("theme", re.IGNORECASE)).click()
    assert page.evaluate(background) == light


def test_hostile_product_data_stays_text(site: Site, page: Page) -> None:
    imported(site, [HOSTILE])
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto("/products/")
    page.get_by_role("link", name=HOSTILE.name).click()
    expect(page.get_by_role("heading", name=HOSTILE.name)).to_be_visible()
    choose(page, b'sku,name,price\n"<script>alert(2)</script>",,<b>\n', "<img src=x>.csv")
    state(page, "Nothing imported")
    expect(page.get_by_text("<b>").first).to_be_visible()
    assert dialogs == []


@pytest.fixture
def pages(site: Site) -> dict[str, str]:
    """Every kind of page with something on it, by name."""
    site.start_worker()
    browser = site.browser("editor")
    imported(site, [*ROWS, HOSTILE, LONG])
    content = as_csv(ROWS[:40]).replace(b"true", b"perhaps").replace(b"yes", b"perhaps")
    partly = browser.upload(content + b",,,\n" + b"y" * 300 + b",\n", "partly.csv")
    failed = browser.upload(b"\0\1\2" * 2000, "a" * 200 + ".csv")
    for job in (partly, failed):
        site.finished(job)
    product = site.value("SELECT id FROM catalog_product WHERE sku = %s", [LONG.sku])
    site.kill("worker")
    waiting = browser.upload(as_csv(ROWS), "waiting.csv")
    return {
        "sign-in": "/account/sign-in/",
        "products": "/products/?size=25",
        "filtered": "/products/?search=screw&active=true",
        "nothing found": "/products/?search=nothing-is-called-like-this",
        "product": f"/products/{product}/",
        "imports": "/imports/",
        "failed imports": "/imports/?state=failed",
        "partly": f"/imports/{partly}/",
        "failed": f"/imports/{failed}/",
        "retry": f"/imports/{failed}/retry/",
        "waiting": f"/imports/{waiting}/",
    }


def violations(page: Page, *widths: int, rules: Sequence[str] = ()) -> list[str]:
    """What axe-core finds on the page that is open, at each of the widths or as it is."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = []
    for width in widths or (0,):
        if width:
            page.set_viewport_size({"width": width, "height": 900})
        violated = page.evaluate("how => axe.run(how).then(found => found.violations)", options)
        found += [
            f"{width} {each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for each in violated
            for node in each["nodes"]
        ]
    return found


def too_wide(page: Page, *widths: int) -> list[str]:
    """The widths at which the page that is open scrolls sideways."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        taken = page.evaluate("document.documentElement.scrollWidth")
        if taken > width:
            found.append(f"{taken} px at {width}")
    return found


def faults(page: Page, *widths: int) -> list[str]:
    """What axe-core finds, and where it scrolls sideways: the page that is open, light and dark.

    Its context has `reduced_motion`: a colour on its way to another has a contrast of its own.
    All rules in each theme and in each width; those of colours in both themes of both widths.
    """
    found = []
    for width, with_all in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in THEMES:
            page.emulate_media(color_scheme=scheme)
            wrong = violations(page, rules=() if scheme == with_all else OF_COLOURS)
            found += [f"{scheme} {width}: {each}" for each in wrong]
    return [*found, *too_wide(page, *(widths or (360, 390, 2560)))]


def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    visit: Visit, pages: dict[str, str]
) -> None:
    page, stranger = visit(reduced_motion="reduce"), visit(user="", reduced_motion="reduce")
    found = {}
    for name, path in pages.items():
        tab = stranger if name == "sign-in" else page
        tab.goto(path)
        found[name] = faults(tab)
    assert {name: each for name, each in found.items() if each} == {}


def test_empty_catalog_says_what_to_do_next(site: Site, page: Page) -> None:
    page.goto("/products/")
    expect(page.get_by_role("heading", name="No products yet")).to_be_visible()
    expect(page.get_by_label(FILE)).to_be_visible()
    assert violations(page) == []
    page.goto("/imports/")
    expect(page.get_by_role("heading", name="No imports yet")).to_be_visible()
    assert violations(page) == []
