"""`make screenshots`: the pictures in `docs/images/`, taken of a running `make run`.

A price list of a week is imported in Chromium: one picture while it is merged, one when it has
ended with rejected rows. `dev.import_pictures` adds a list that waits for a review. Then
`dev.pictures` goes through the other pages, with endpoints of `dev.webhook_pictures` that hear of
it. At the end everything is undone, the import too. Made for
the sample catalog of a first start.
"""

import csv
import shutil
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from dev.checkout import Checkout
from dev.import_pictures import take_imports
from dev.pictures import IMAGES, WIDTH, take, take_catalog, take_home, undo, way_back
from dev.sample import rows
from dev.webhook_pictures import listening, take_webhooks

USER = "admin"
FILE = "supplier-price-list-w47.csv"
PRODUCTS = 240_000
MILLISECONDS = 120_000

Row = list[str]


def price_list() -> Iterator[Row]:
    """The week's price list: known products first, some of them dearer, and a few broken rows."""
    yield ["SKU", "Name", "Description", "Price", "Active", "Stock"]
    for number, product in enumerate(rows(PRODUCTS)):
        sku, name, description, price, active = product
        if price and number % 3 == 0:
            price = f"{Decimal(price) * Decimal('1.03'):.2f}"
        row = [sku, name, description, price, active, str(number % 400)]
        yield from broken(row, number)
        if number % 9_001 == 0:
            yield row


def broken(row: Row, number: int) -> Iterator[Row]:
    """The row itself or, now and then, what a spreadsheet or a hurried hand makes of it."""
    sku, name, description, price, active, stock = row
    if price and number % 1_013 == 500:
        yield [sku, name, description, price.replace(".", ","), active, stock]
    elif number % 2_477 == 600:
        yield [sku, "", description, price, active, stock]
    elif price and number % 5_501 == 700:
        yield [sku, name, description, f"-{price}", active, stock]
    elif number % 7_919 == 800:
        yield [sku, name, description, price, "discontinued", stock]
    elif number % 12_007 == 900:
        yield [sku, name, description, price]
    else:
        yield row


def write_price_list(path: Path) -> None:
    """Semicolons, as spreadsheets write where the decimal mark is a comma."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(price_list())


def sign_in(browser: Browser, url: str, password: str) -> Page:
    """A page of ours, signed in, on the list of imports."""
    page = browser.new_page(
        base_url=url,
        viewport={"width": WIDTH, "height": 720},
        color_scheme="light",
        reduced_motion="reduce",
    )
    page.set_default_timeout(MILLISECONDS)
    page.goto("/imports/")
    page.fill("#id_username", USER)
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")
    page.wait_for_selector("#drop")
    return page


def take_all(url: str, password: str) -> None:
    """Upload the price list and take every picture on its way."""
    repriced = [product[0] for product in islice(rows(100), 0, None, 3) if product[3]]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / FILE
        write_price_list(path)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = sign_in(browser, url, password)
        page.set_input_files("#file", path)
        page.click("#drop button")
        # By selectors alone: the page's Content-Security-Policy lets no text become a script.
        merging = '#live[data-phase="Merging"]'
        page.wait_for_selector(merging)
        page.reload()  # with what was found out about the file
        page.wait_for_selector(",".join(f'{merging}[data-percent^="{ten}"]' for ten in (7, 8, 9)))
        take(page, "import-running.png", height=720)
        page.wait_for_selector("#rejected")
        take(page, "import-rejected.png", height=1080)
        imported = page.url
        take_imports(page, path.parent)
        with listening(page):
            edits = take_catalog(page, imported, edited=repriced[0], taken=repriced[1])
            take_webhooks(page)
            take_home(page)
        for way in [*edits, way_back(page, imported)]:
            undo(page, way)
        browser.close()


def main() -> int:
    checkout = Checkout()
    state = checkout.state()
    if state is None or state.command != "run" or state.phase != "up":
        print("error: nothing runs here: start `make run` first", file=sys.stderr)
        return 1
    take_all(state.url, checkout.secret("admin_password"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
