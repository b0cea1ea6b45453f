"""The pictures of the catalog's pages, made by clicking through them like a person.

What is changed on the way is undone on the way, so that the pictures look the same when they are
taken again.
"""

import re

from playwright.sync_api import Locator, Page

from dev.checkout import ROOT

IMAGES = ROOT / "docs" / "images"
WIDTH = 1280
MOST_BYTES = 200_000
SWITCHED = 4  # products that are deactivated together


def take(page: Page, name: str, *, height: int) -> None:
    """One picture of the top of the page; raises ValueError if it is too large to keep."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    path = IMAGES / name
    page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size:,} bytes")
    if size > MOST_BYTES:
        message = f"{name} has {size:,} bytes, {MOST_BYTES:,} is the most: choose less of the page"
        raise ValueError(message)


def take_home(page: Page) -> None:
    """The home page."""
    page.goto("/")
    page.get_by_role("region", name="Last imports").wait_for()
    take(page, "home.png", height=740)


def take_catalog(page: Page, imported: str, *, edited: str, taken: str) -> list[str]:
    """Products, activity and undo, after an import that changed both SKUs.

    Returns the addresses where what was changed for the pictures is undone.
    """
    page.on("dialog", lambda dialog: dialog.accept())
    change(page, edited, Price="5.20")
    change(page, edited, Description="Metric coarse thread. Box of 100, refillable.")
    edits = ways_back(page, edited)[:2]
    refuse(page, edited, taken=taken)
    select(page, edited)
    take(page, "products.png", height=760)
    page.get_by_role("button", name="Deactivate").click()
    page.get_by_role("status").filter(has_text="products deactivated").wait_for()

    page.get_by_role("link", name="Activity", exact=True).click()
    page.get_by_role("link", name=f"Deactivated {SWITCHED} products").first.click()
    page.get_by_role("button", name=f"Undo {SWITCHED} changes").wait_for()
    take(page, "activity.png", height=746)
    page.get_by_role("button", name=f"Undo {SWITCHED} changes").click()
    page.get_by_role("status").filter(has_text="is undone").wait_for()
    open_product(page, edited)
    take(page, "product-history.png", height=640)

    page.goto(imported)
    page.get_by_role("link", name="Undo…").click()
    page.get_by_role("button", name=re.compile("^Undo .* changes$")).wait_for()
    take(page, "undo.png", height=300)
    page.goto("/products/")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Delete all products").click()
    page.get_by_label("To confirm").fill("delete all pro")
    take(page, "delete-all.png", height=480)
    return edits


def open_product(page: Page, sku: str) -> None:
    """The product's own page, by the list's search."""
    page.goto("/products/")
    page.get_by_label("SKU, name or description").fill(sku)
    page.locator(".chip").wait_for()
    page.locator("#results .name a").click()
    page.get_by_role("region", name="History").wait_for()


def open_panel(page: Page, sku: str) -> Locator:
    """The side panel in which the product is edited."""
    page.goto("/products/")
    page.get_by_label("SKU, name or description").fill(sku)
    page.locator(".chip").wait_for()
    page.get_by_role("link", name=f"Edit {sku} in the side panel").click()
    panel = page.get_by_role("dialog")
    panel.wait_for()
    return panel


def change(page: Page, sku: str, **values: str) -> None:
    """Edit a product's fields, which are named by their labels."""
    panel = open_panel(page, sku)
    for label, value in values.items():
        panel.get_by_label(label).fill(value)
    panel.get_by_role("button", name="Save").click()
    panel.wait_for(state="detached")


def refuse(page: Page, sku: str, *, taken: str) -> None:
    """Try to give a product a SKU that another one has, in another case."""
    panel = open_panel(page, sku)
    panel.get_by_label("SKU").fill(taken.lower())
    panel.get_by_role("button", name="Save").click()
    page.locator("#edit-sku-error").wait_for()
    take(page, "product-edit.png", height=740)
    panel.get_by_label("Close without saving").click()
    panel.wait_for(state="detached")


def select(page: Page, sku: str) -> None:
    """The list with several filters in force and some rows ticked, the product among them."""
    page.goto("/products/?ordering=sku")
    page.get_by_label("SKU, name or description").fill(sku[: -len("0001")])
    page.get_by_label("Active", exact=True).select_option("Active")
    page.get_by_label("Price from").fill("5")
    page.get_by_label("Price to").fill("20")
    page.locator(".chip").nth(2).wait_for()
    page.get_by_label(f"Select {sku}").check()
    for box in page.locator('#results input[name="ids"]:not(:checked)').all()[: SWITCHED - 1]:
        box.check()


def ways_back(page: Page, sku: str) -> list[str]:
    """The addresses of the undo of each of a product's changes, newest first."""
    open_product(page, sku)
    links = page.get_by_role("link", name=re.compile("^Undo change")).all()
    return [link.get_attribute("href") or "" for link in links]


def way_back(page: Page, imported: str) -> str:
    """The address of the undo of an import."""
    page.goto(imported)
    return page.get_by_role("link", name="Undo…").get_attribute("href") or ""


def undo(page: Page, way: str) -> None:
    """Undo a change set, and wait until it is."""
    page.goto(way)
    page.get_by_role("button", name=re.compile("^Undo ")).click()
    page.get_by_text(re.compile("is undone|^Completed$")).first.wait_for()
