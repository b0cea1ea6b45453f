"""What a person does and sees on the pages of imports."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.faults.harness import PATIENCE, Site

FILE = "Drop a CSV file here, or choose one"


def choose(page: Page, content: bytes, name: str = "products.csv", *, option: str = "") -> None:
    """Upload a file from the imports page, with one of the options named there; ends on the page
    of the import."""
    page.goto("/imports/")
    if option:
        page.locator("summary", has_text="Options").click()
        page.locator(".opts label", has_text=option).click()
    page.get_by_label(FILE).set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/imports/*/")


def state(page: Page, words: str) -> None:
    """Wait until the page says that the import is in this state."""
    expect(page.locator("#state")).to_contain_text(words, timeout=PATIENCE * 1000)


def figure(page: Page, name: str) -> Locator:
    """The number of rows that were created, updated and so on."""
    return page.locator("dl.figures > div", has_text=name).locator("dd b")


def figures(page: Page, **expected: int) -> None:
    for name, count in expected.items():
        expect(figure(page, name.capitalize())).to_have_text(f"{count:,}")


def last_job(site: Site) -> Any:
    return site.value("SELECT max(id) FROM imports_importjob")
