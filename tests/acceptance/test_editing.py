"""Creating, editing and deleting a product in Chromium: in the row, the panel, on a page."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Complaints, Visit
from tests.acceptance.test_pages import faults, violations
from tests.faults.files import products
from tests.faults.harness import Site
from tests.faults.outcome import imported
from tests.oracle import Row

pytestmark = pytest.mark.acceptance

ROWS = products(60)
LIST = "/products/?search=screw"
PANEL = "dialog[open]"
#: A form that is refused comes back with its reasons; Chromium complains of the status.
REFUSED = ("status of 422", "422 http", "status of 409", "409 http")


@pytest.fixture
def first(site: Site, complaints: Complaints) -> int:
    """The id of the product that the filtered list shows first."""
    complaints.expected = REFUSED
    imported(site, ROWS)
    return int(
        site.value(
            "SELECT id FROM catalog_product WHERE name ILIKE '%%screw%%'"
            " ORDER BY updated_at DESC, id DESC LIMIT 1"
        )
    )


def stored(site: Site, pk: int) -> dict[str, Any]:
    [row] = site.rows(
        "SELECT sku, name, price::text, active FROM catalog_product WHERE id = %s", [pk]
    )
    return row


def focused(page: Page, element: str) -> None:
    expect(page.locator(f"#{element}")).to_be_focused()


def change(page: Page, pk: int, **values: str) -> None:
    """Somebody changes the product on its page."""
    page.goto(f"/products/{pk}/edit/")
    for name, value in values.items():
        page.locator(f"#edit-{name}").fill(value)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/products/{pk}/")


def test_product_is_created_in_the_panel(site: Site, page: Page, first: int) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="New product").click()
    panel = page.locator(PANEL)
    expect(page).to_have_url(re.compile("/products/new/$"))
    focused(page, "edit-sku")
    panel.get_by_label("SKU").fill("NEW-1")
    panel.get_by_label("Name").fill("New screw")
    panel.get_by_label("Price").fill("12,90")
    page.keyboard.press("Control+Enter")
    expect(panel.get_by_text("Write it with a point: 12.90.")).to_be_visible()
    focused(page, "edit-price")
    panel.get_by_label("Price").fill("12.90")
    page.keyboard.press("Control+Enter")

    expect(panel).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/products/\?search=screw$"))
    expect(page.locator("tr.saved")).to_contain_text("New screw")
    expect(page.locator("#announcer")).to_have_text("Created NEW-1.")
    focused(page, "new-product")
    assert site.value("SELECT price::text FROM catalog_product WHERE sku = 'NEW-1'") == "12.90"


def test_panel_has_an_address_that_back_leaves_and_forward_opens(page: Page, first: int) -> None:
    page.goto(LIST)
    page.locator(f"#panel-{first}").click()
    panel = page.locator(PANEL)
    expect(page).to_have_url(re.compile(f"/products/{first}/edit/$"))
    page.go_back()
    expect(panel).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/products/\?search=screw$"))
    focused(page, f"panel-{first}")
    page.go_forward()
    expect(panel.get_by_role("heading", name="Edit product")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Edit product", level=1)).to_be_visible()
    expect(panel).to_have_count(0)
    page.go_back()
    expect(page.locator(f"#row-{first}")).to_be_visible()
    page.go_forward()
    expect(panel).to_be_visible()
    page.get_by_role("link", name="Close without saving").click()
    expect(panel).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/products/\?search=screw$"))


def test_panel_is_saved_over_the_list_as_it_was_filtered(
    site: Site, page: Page, first: int
) -> None:
    page.goto(LIST)
    shown = page.locator("#results tbody tr").count()
    page.locator(f"#panel-{first}").click()
    page.locator(PANEL).get_by_label("Price").fill("99.5")
    page.locator(PANEL).get_by_role("button", name="Save").click()
    expect(page.locator(f"#row-{first}.saved")).to_contain_text("99.50")
    expect(page.locator("#results tbody tr")).to_have_count(shown)
    focused(page, f"panel-{first}")
    assert stored(site, first)["price"] == "99.50"


def test_panel_asks_before_it_drops_what_was_typed(site: Site, page: Page, first: int) -> None:
    asked: list[str] = []
    answers = iter([False, False, True])

    def answer(dialog: Any) -> None:
        asked.append(dialog.message)
        if next(answers):
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", answer)
    page.goto(LIST)
    page.locator(f"#panel-{first}").click()
    name = page.locator(PANEL).get_by_label("Name")
    name.fill("Typed")
    page.keyboard.press("Escape")
    expect(name).to_have_value("Typed")
    page.evaluate("history.back()")
    page.wait_for_url(f"**/products/{first}/edit/")
    expect(name).to_have_value("Typed")
    page.keyboard.press("Escape")
    expect(page.locator(PANEL)).to_have_count(0)
    assert asked == ["Close without saving? What you typed is lost."] * 3
    assert stored(site, first)["name"] != "Typed"


def test_sku_that_is_taken_leads_to_who_has_it(site: Site, page: Page, first: int) -> None:
    other = site.rows("SELECT sku, name FROM catalog_product WHERE id <> %s LIMIT 1", [first])[0]
    page.goto(LIST)
    page.locator(f"#panel-{first}").click()
    page.locator(PANEL).get_by_label("SKU").fill(other["sku"].swapcase())
    page.keyboard.press("Control+Enter")
    focused(page, "edit-sku")
    expect(page.locator(PANEL)).to_contain_text("One field needs a change.")
    page.locator(PANEL).get_by_role("link", name=other["sku"]).click()
    expect(page.get_by_role("heading", name=other["name"], level=1)).to_be_visible()


def test_row_is_edited_in_place_by_the_keyboard(site: Site, page: Page, first: int) -> None:
    before = stored(site, first)
    page.goto(LIST)
    pencil = page.locator(f"#edit-{first}")
    pencil.focus()
    page.keyboard.press("Enter")
    focused(page, f"row-{first}-sku")
    page.locator(f"#row-{first}-name").fill("Left")
    page.keyboard.press("Escape")
    expect(page.locator("tr.edit")).to_have_count(0)
    focused(page, f"edit-{first}")
    assert stored(site, first) == before

    page.keyboard.press("Enter")
    page.locator(f"#row-{first}-price").fill("1.234,50")
    page.keyboard.press("Enter")
    expect(page.locator(f"#row-{first}-price-error")).to_contain_text("1234.50")
    focused(page, f"row-{first}-price")
    page.locator(f"#row-{first}-price").fill("1234.50")
    page.locator(f"#row-{first}-description").press("Enter")
    expect(page.locator(f"#row-{first}.saved")).to_contain_text("1,234.50")
    focused(page, f"edit-{first}")
    expect(page.locator("#announcer")).to_have_text(f"Saved {before['sku']}.")
    expect(page).to_have_url(re.compile(r"/products/\?search=screw$"))
    assert stored(site, first) == before | {"price": "1234.50"}


def test_switch_keeps_the_focus(site: Site, page: Page, first: int) -> None:
    active = stored(site, first)["active"]
    page.goto(LIST)
    page.locator(f"#active-{first}").focus()
    page.keyboard.press("Space")
    expect(page.locator(f"#row-{first}.saved")).to_be_visible()
    focused(page, f"active-{first}")
    assert stored(site, first)["active"] is not active


@pytest.mark.parametrize("choice", ["Theirs", "Yours"])
def test_conflict_in_the_panel_is_chosen_field_by_field(
    site: Site, visit: Visit, first: int, choice: str
) -> None:
    page, other = visit(), visit(user="manager")
    page.goto(LIST)
    page.locator(f"#panel-{first}").click()
    panel = page.locator(PANEL)
    panel.get_by_label("Price").fill("3.00")
    change(other, first, price="4.00", name="Their screw")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("manager changed this product")
    expect(panel.get_by_role("radio", name="Yours 3.00")).to_be_focused()
    expect(panel).to_contain_text("changed by manager alone, kept")
    panel.get_by_role("radio", name=choice).check()
    panel.get_by_role("button", name="Save my choice").click()
    expect(page.locator(f"#row-{first}.saved")).to_contain_text("Their screw")
    assert stored(site, first)["price"] == {"Theirs": "4.00", "Yours": "3.00"}[choice]
    assert stored(site, first)["name"] == "Their screw"


def test_conflict_of_a_row_opens_the_panel_and_may_be_dropped(
    site: Site, visit: Visit, first: int
) -> None:
    page, other = visit(), visit(user="manager")
    page.goto(LIST)
    page.locator(f"#edit-{first}").click()
    change(other, first, price="4.00")
    page.locator(f"#row-{first}-price").fill("3.00")
    page.keyboard.press("Enter")
    panel = page.locator(PANEL)
    expect(panel).to_contain_text("manager changed this product")
    panel.get_by_role("link", name="Drop my changes").click()
    expect(panel.get_by_label("Price")).to_have_value("4.00")
    page.keyboard.press("Escape")
    expect(page.locator("tr.edit")).to_have_count(0)
    expect(page.locator(f"#row-{first}")).to_contain_text("4.00")
    assert stored(site, first)["price"] == "4.00"


def test_product_that_is_gone_is_created_anew(site: Site, visit: Visit, first: int) -> None:
    page, other = visit(), visit(user="manager")
    page.goto(LIST)
    page.locator(f"#panel-{first}").click()
    panel = page.locator(PANEL)
    panel.get_by_label("Name").fill("Typed screw")
    other.goto(f"/products/{first}/delete/")
    other.get_by_role("button", name="Delete").click()
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("this product was deleted meanwhile")
    panel.get_by_role("button", name="Create it anew").click()
    expect(page.locator("tr.saved")).to_contain_text("Typed screw")
    assert site.value("SELECT count(*) FROM catalog_product") == len(ROWS)


def test_edit_during_an_import_is_saved_once_the_import_is_applied(
    site: Site, page: Page, first: int
) -> None:
    page.goto(f"/products/{first}/edit/")
    page.get_by_label("Name").fill("Patient screw")
    with site.hold("finish") as held:
        site.start_worker()
        job = site.browser("manager").upload(b"sku,name\nADDED-1,Added\n", "added.csv")
        held.wait()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Not saved yet: an import is being applied.")).to_be_visible()
        held.release()
    site.finished(job)
    page.wait_for_url(f"**/products/{first}/")
    expect(page.get_by_role("heading", name="Patient screw")).to_be_visible()


def test_deletion_is_undone_from_its_message(site: Site, page: Page, first: int) -> None:
    before = stored(site, first)
    page.goto(f"/products/{first}/")
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name=f"Delete {before['sku']}").click()
    expect(page.get_by_text(f"Deleted {before['sku']}.")).to_be_visible()
    assert site.value("SELECT count(*) FROM catalog_product WHERE id = %s", [first]) == 0
    page.get_by_role("link", name="Undo", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 product came back.")).to_be_visible()
    assert stored(site, first) == before


def test_everything_works_without_javascript(site: Site, visit: Visit, first: int) -> None:
    page = visit(java_script_enabled=False)
    before = stored(site, first)
    page.goto(LIST)
    page.locator(f"#row-{first}").get_by_role("link", name="Edit", exact=False).first.click()
    expect(page.get_by_role("heading", name="Edit product", level=1)).to_be_visible()
    page.get_by_label("Price").fill("1,5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Write it with a point: 1.5.")).to_be_visible()
    page.get_by_label("Price").fill("1.5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"Saved {before['sku']}.")).to_be_visible()
    assert stored(site, first)["price"] == "1.50"

    page.goto(LIST)
    row = page.locator(f"#row-{first}")
    row.get_by_role("switch").click()
    row.get_by_role("button", name="Set").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/products/\?search=screw$"))
    assert stored(site, first)["active"] is not before["active"]

    page.get_by_role("link", name="New product").click()
    page.get_by_label("SKU").fill("NEW-1")
    page.get_by_label("Name").fill("New")
    page.get_by_role("button", name="Create product").click()
    expect(page.get_by_text("Created NEW-1.")).to_be_visible()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete NEW-1").click()
    expect(page.get_by_text("Deleted NEW-1.")).to_be_visible()


def test_viewer_sees_the_state_and_no_way_to_change_it(visit: Visit, first: int) -> None:
    page = visit(user="viewer")
    page.goto(LIST)
    row = page.locator(f"#row-{first}")
    expect(row.get_by_role("switch")).to_have_count(0)
    expect(row.get_by_role("link", name=re.compile("^Edit"))).to_have_count(0)
    expect(row.locator(".state")).to_have_count(1)
    page.goto(f"/products/{first}/")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("^Undo"))).to_have_count(0)


def test_axe_finds_nothing_in_any_state(site: Site, visit: Visit, first: int) -> None:
    page, other = visit(reduced_motion="reduce"), visit(user="manager")
    page.on("dialog", lambda dialog: dialog.accept())
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        found[state] = faults(page)
        page.set_viewport_size({"width": 1280, "height": 900})

    taken = site.value("SELECT sku FROM catalog_product WHERE id <> %s LIMIT 1", [first])
    page.goto(LIST)
    page.locator(f"#edit-{first}").click()
    expect(page.locator("tr.edit")).to_be_visible()
    look("row")
    page.locator(f"#row-{first}-price").fill("1,5")
    page.keyboard.press("Enter")
    expect(page.locator(f"#row-{first}-price-error")).to_be_visible()
    look("row refused")
    change(other, first, price="4.00", name="Their " + "screw " * 60, description="Theirs\n" * 9)
    page.locator(f"#row-{first}-price").fill("1.5")
    page.keyboard.press("Enter")
    expect(page.locator(PANEL)).to_contain_text("Choose for each field")
    look("conflict")
    page.goto(LIST)
    page.locator(f"#panel-{first}").click()
    expect(page.locator(PANEL)).to_be_visible()
    look("panel")
    page.locator(PANEL).get_by_label("SKU").fill(taken)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#edit-sku-error")).to_be_visible()
    look("panel refused")
    for path in (
        "/products/new/",
        *(f"/products/{first}/{end}" for end in ("edit/", "delete/", "")),
    ):
        page.goto(path)
        look(path)
    page.goto(f"/products/{first}/?field=price")
    look("history of the price")
    assert {state: each for state, each in found.items() if each} == {}


def test_page_of_a_deleted_product_says_what_it_was(
    site: Site, page: Page, complaints: Complaints, first: int
) -> None:
    complaints.expected = (*REFUSED, "status of 410", "410 http")
    name = stored(site, first)["name"]
    page.goto(f"/products/{first}/delete/")
    page.get_by_role("button", name="Delete").click()
    page.goto(f"/products/{first}/")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_text("Deleted", exact=True)).to_be_visible()
    assert violations(page, 1280, 390) == []


def test_text_of_many_lines_survives_an_edit_of_another_field(
    site: Site, page: Page, complaints: Complaints
) -> None:
    imported(site, [Row("L-1", "Lines", "\nfirst\r\nsecond \n")])
    pk = site.value("SELECT id FROM catalog_product")
    page.goto("/products/")
    page.locator(f"#edit-{pk}").click()
    page.locator(f"#row-{pk}-name").fill("Renamed")
    page.keyboard.press("Enter")
    expect(page.locator(f"#row-{pk}.saved")).to_contain_text("Renamed")
    page.locator(f"#panel-{pk}").click()
    page.locator(PANEL).get_by_label("Name").fill("Again")
    page.keyboard.press("Control+Enter")
    expect(page.locator(f"#row-{pk}.saved")).to_contain_text("Again")
    text = site.value("SELECT description FROM catalog_product")
    assert text == "\nfirst\r\nsecond \n"
