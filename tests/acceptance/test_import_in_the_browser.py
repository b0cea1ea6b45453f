"""The main job as a person does it: drop a file, watch, see the catalog."""

import csv
import io
import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Complaints, Visit
from tests.acceptance.imports_page import FILE, choose, figures, last_job, state
from tests.faults.files import as_csv, products
from tests.faults.harness import Site
from tests.faults.outcome import after
from tests.faults.outcome import expect as expect_catalog
from tests.faults.prepare import PASSWORD

pytestmark = pytest.mark.acceptance

ROWS = products(20_000)


def broken(rows: int) -> bytes:
    """ROWS as a CSV; every hundredth price is a word, `rows` times from line 51 on."""
    lines = as_csv(ROWS).decode().splitlines(keepends=True)
    for number in range(50, 100 * rows, 100):
        sku, name, description, _, active = next(csv.reader([lines[number]]))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow([sku, name, description, "much", active])
        lines[number] = text.getvalue()
    return "".join(lines).encode()


def test_signing_in(site: Site, visit: Visit) -> None:
    page = visit(user="")
    page.goto("/imports/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("User name").fill("editor")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Imports", exact=True)).to_be_visible()
    assert page.url == f"{site.url}/imports/"


def test_file_with_broken_rows_from_drop_to_clean_second_import(site: Site, page: Page) -> None:
    site.start_worker()
    with site.hold("insert") as held:
        choose(page, broken(rows=150))
        held.wait()
        state(page, "Merging")
        bar = page.get_by_role("progressbar", name="Merging")
        expect(bar).to_be_visible()
        expect(page.get_by_label("Progress")).to_contain_text(re.compile(r"of 19,850 rows"))
        figures(page, rejected=150, created=19_850)
        expect(page.get_by_role("button", name="Cancel import")).to_be_visible()
        expect(page).to_have_title(re.compile(r"^\d+ %, products\.csv"))
    state(page, "Completed")
    figures(page, created=19_850, updated=0, unchanged=0, duplicate=0, rejected=150)
    expect(page.get_by_role("progressbar", name=re.compile("Merging|Reading"))).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel import")).to_have_count(0)
    expect(page.locator("#announcer")).to_contain_text("19,850 created")
    expect(page.get_by_label("price in line 51", exact=True)).to_have_value("much")
    expect(page.get_by_text("150 rows were left aside")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 150 rows as CSV").click()
    rejected = download.value.path().read_text()
    assert rejected.splitlines()[0] == "sku,name,description,price,active,error"
    assert len(list(csv.reader(io.StringIO(rejected)))) == 151
    fixed = rejected.replace(",much,", ",4.20,").encode()
    choose(page, fixed, "fixed.csv")
    state(page, "Completed")
    figures(page, created=150, updated=0, unchanged=0, rejected=0)
    assert site.value("SELECT count(*) FROM catalog_product") == 20_000
    assert site.value("SELECT count(*) FROM catalog_product WHERE price = 4.20") >= 150


def test_same_file_again_changes_nothing(site: Site, page: Page) -> None:
    site.start_worker()
    content = as_csv(ROWS[:2000])
    choose(page, content)
    state(page, "Completed")
    figures(page, created=2000)
    choose(page, content)
    state(page, "Completed")
    figures(page, created=0, updated=0, unchanged=2000, duplicate=0, rejected=0)
    assert site.value("SELECT count(*) FROM catalog_changeset") == 1
    expect_catalog(site, ROWS[:2000])


def test_dropped_file_is_imported(site: Site, page: Page) -> None:
    site.start_worker()
    page.goto("/imports/")
    transfer = page.evaluate_handle(
        """() => {
            const files = new DataTransfer();
            files.items.add(new File(["sku,name\\nA-1,Bolt\\n"], "dropped.csv"));
            return files;
        }"""
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    page.wait_for_url("**/imports/*/")
    expect(page.get_by_role("heading", name="dropped.csv")).to_be_visible()
    state(page, "Completed")
    assert site.catalog()["a-1"].name == "Bolt"


def test_spreadsheet_with_a_wrong_name_is_refused_in_words(site: Site, page: Page) -> None:
    site.start_worker()
    choose(page, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 40)
    state(page, "Failed")
    alert = page.locator("[role=alert]", has_text="Nothing was imported.")
    expect(alert).to_be_visible()
    expect(alert).to_contain_text(re.compile("Excel|spreadsheet|CSV"))
    page.goto("/imports/?state=failed")
    expect(page.get_by_role("link", name="Run products.csv again")).to_be_visible()


def test_empty_file_is_refused_before_it_is_sent(site: Site, page: Page) -> None:
    page.goto("/imports/")
    page.get_by_label(FILE).set_input_files(
        {"name": "nothing.csv", "mimeType": "text/csv", "buffer": b""}
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("The file is empty.", exact=True)).to_be_visible()
    assert last_job(site) is None


def test_cancelled_import_can_be_run_again(site: Site, page: Page) -> None:
    site.start_worker()
    with site.hold("copy") as held:
        choose(page, as_csv(ROWS[:2000]))
        held.wait()
        page.get_by_role("button", name="Cancel import").click()
        state(page, "Cancelled")
    expect(page.get_by_text("Cancelled: nothing was changed.")).to_be_visible()
    assert site.catalog() == {}
    page.get_by_role("link", name="Run again").click()
    expect(page.get_by_role("heading", name="Run products.csv again?")).to_be_visible()
    page.get_by_role("button", name=re.compile("Run")).click()
    state(page, "Completed")
    figures(page, created=2000)


def test_import_on_top_of_newer_changes_says_so_before_it_runs_again(
    site: Site, page: Page
) -> None:
    site.start_worker()
    with site.hold("copy") as held:
        choose(page, as_csv(ROWS[:2000]), "older.csv")
        held.wait()
        page.get_by_role("button", name="Cancel import").click()
        state(page, "Cancelled")
    older = page.url
    newer = [replace(row, name="Newer") for row in ROWS[:5]]
    choose(page, as_csv(newer), "newer.csv")
    state(page, "Completed")
    page.goto(older)
    page.get_by_role("link", name="Run again").click()
    expect(page.get_by_text("The catalog was changed 1 time")).to_be_visible()
    expect(page.get_by_role("link", name="newer.csv")).to_be_visible()
    page.get_by_role("link", name="Leave it").click()
    assert page.url == older
    assert site.catalog() == after(newer)


def test_page_polls_where_the_browser_has_no_event_source(site: Site, visit: Visit) -> None:
    site.start_worker()
    page = visit()
    page.add_init_script("delete window.EventSource")
    with site.hold("insert") as held:
        choose(page, as_csv(ROWS[:2000]))
        held.wait()
        state(page, "Merging")
    state(page, "Completed")
    figures(page, created=2000)


def test_page_goes_on_after_the_server_was_restarted(
    site: Site, page: Page, complaints: Complaints
) -> None:
    # What the browser itself writes about a stream that breaks off.
    complaints.expected = ("net::ERR_", "/events/", "[object Event]")
    site.start_worker()
    with site.hold("insert") as held:
        choose(page, as_csv(ROWS[:2000]))
        held.wait()
        state(page, "Merging")
        site.terminate("web", seconds=15)
        site.start_web()
    state(page, "Completed")
    figures(page, created=2000)


def test_everything_works_without_javascript(site: Site, visit: Visit) -> None:
    site.start_worker()
    page = visit(java_script_enabled=False)
    with site.hold("insert") as held:
        choose(page, broken(rows=3))
        held.wait()
        page.wait_for_load_state()
        # The page loads itself again every three seconds, to the end.
        expect(page.locator("#state")).to_contain_text("Merging", timeout=20_000)
    state(page, "Completed")
    figures(page, created=19_997, rejected=3)
    page.get_by_role("link", name="Products", exact=True).click()
    search = page.get_by_role("searchbox", name="SKU, name or description")
    search.fill(ROWS[6].sku)
    search.press("Enter")
    page.get_by_role("link", name=ROWS[6].name).click()
    expect(page.get_by_role("heading", name=ROWS[6].name)).to_be_visible()
    expect(page.get_by_role("link", name="products.csv")).to_be_visible()
