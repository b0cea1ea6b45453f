"""The pictures of how a file is read and what waits for a review.

A list as an ERP in Germany writes it: two lines before the header, names of its own, decimal
commas, some of them in the wrong place. Its import is discarded, so nothing is left of it.
"""

import csv
from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Page

from dev.pictures import IMAGES, take
from dev.sample import rows

FILE = "Preisliste-KW47.csv"
PRODUCTS = 2_000
NEW = 25
HEADER = ["Artikelnummer", "Bezeichnung", "Beschreibung", "VK brutto", "Aktiv", "Lagerbestand"]


def write_list(path: Path) -> None:
    """Products of the sample catalog, every 60th at ten times its price, and a few new ones."""
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(["Preisliste KW 47, gültig ab 23.11.2026"])
        writer.writerow([])
        writer.writerow(HEADER)
        for number, (sku, name, text, price, active) in enumerate(rows(PRODUCTS)):
            if price and number % 60 == 20:
                price = str(Decimal(price) * 10)
            elif price and number % 4 == 0:
                price = f"{Decimal(price) * Decimal('1.02'):.2f}"
            in_german = ["ja" if active == "true" else "nein", number % 400]
            writer.writerow([sku, name, text, price.replace(".", ","), *in_german])
        for number in range(NEW):
            writer.writerow([f"NEU-{number:03}", f"Unterlegscheibe {number}", "", "1,90", "ja", 0])


def take_imports(page: Page, folder: Path) -> None:
    """The review of a risky list, and how the list was read."""
    path = folder / FILE
    write_list(path)
    page.goto("/imports/")
    page.set_input_files("#file", path)
    page.click("#drop button")
    page.get_by_text("Waiting for review").wait_for()
    take(page, "import-review.png", height=900)
    page.locator("#found").screenshot(path=IMAGES / "import-columns.png", animations="disabled")
    page.get_by_role("button", name="Discard").click()
    page.get_by_text("Cancelled").first.wait_for()
