"""A change set opened: what it wrote in each product, and whether that still stands."""

from decimal import Decimal

import pytest
from django.test import Client

from accounts.audit import record
from accounts.models import AuditEntry
from catalog import operations, products
from catalog.change_details import ChangedProduct, changes_of
from catalog.history import FieldChange
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.tests.change_sets import (
    FORM,
    HTMX,
    PAGE,
    edited,
    html_of,
    imported,
    made,
    mixed,
    newest,
    text_of,
    undone,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Kind = BulkOperation.Kind


def test_opened_change_set_shows_what_it_wrote_whatever_came_later() -> None:
    product = made("A-1", "One", price=Decimal("1.00"))
    edited(product, name="Two", price=Decimal("2.50"))
    change_set = newest()
    expected = [FieldChange("name", "One", "Two"), FieldChange("price", "1.00", "2.50")]

    def opened() -> ChangedProduct:
        (row,) = changes_of(change_set).rows
        return row

    before, after = {"name": "One", "price": "1.00"}, {"name": "Two", "price": "2.50"}
    assert opened() == ChangedProduct(
        product.pk, "A-1", "Two", "updated", expected, "", before, after
    )

    edited(product, description="Text")
    assert opened().since == ""
    edited(product, price=Decimal("9.00"))
    assert (opened().fields, opened().since) == (expected, "edited since")
    edited(product, price=Decimal("2.50"))
    assert opened().since == ""
    undone(change_set)
    assert (opened().fields, opened().since, opened().name) == (expected, "", "One")
    products.delete(product.pk, source=FORM, actor=None)
    assert (opened().fields, opened().since) == (expected, "deleted since")
    assert (opened().sku, opened().name) == ("A-1", "Two")


def test_creations_are_listed_from_their_range_even_when_gone() -> None:
    change_set = imported("I-1", "I-2", "I-3")
    kept, renamed, gone = Product.objects.order_by("id")
    edited(renamed, sku="R-2", name="Renamed")
    products.delete(gone.pk, source=FORM, actor=None)

    rows = changes_of(change_set).rows

    active = [FieldChange("active", None, "yes")]

    def created(pk: int, sku: str, name: str, since: str) -> ChangedProduct:
        values = {"sku": sku, "name": f"Name {sku}", "description": "", "price": None}
        after = {**values, "active": True}
        return ChangedProduct(pk, sku, name, "created", active, since, None, after)

    assert rows == [
        created(kept.pk, "I-1", "Name I-1", ""),
        created(renamed.pk, "I-2", "Renamed", "edited since"),
        created(gone.pk, "I-3", "Name I-3", "deleted since"),
    ]


def test_creation_whose_traces_are_pruned_stands_as_an_id() -> None:
    change_set = imported("I-1")
    product = Product.objects.get()
    products.delete(product.pk, source=FORM, actor=None)
    ProductChange.objects.all().delete()

    (row,) = changes_of(change_set).rows

    assert (row.id, row.sku, row.name, row.fields) == (product.pk, None, "", [])


def test_deletions_are_listed_with_their_values() -> None:
    product = made("A-1", "One", price=Decimal("12.90"), description="Text")
    products.delete(product.pk, source=FORM, actor=None)
    deletion = newest()
    values = [
        FieldChange("description", "Text", None),
        FieldChange("price", "12.90", None),
        FieldChange("active", "yes", None),
    ]
    before = {
        "sku": "A-1",
        "name": "One",
        "description": "Text",
        "price": "12.90",
        "active": True,
    }
    expected = ChangedProduct(product.pk, "A-1", "One", "deleted", values, "", before, None)
    assert changes_of(deletion).rows == [expected]

    back = undone(deletion)

    (row,) = changes_of(deletion).rows
    assert (row.fields, row.since) == (values, "back again")
    (row,) = changes_of(back).rows
    assert (row.sku, row.kind, row.since) == ("A-1", "created", "")
    assert FieldChange("price", None, "12.90") in row.fields


@pytest.mark.parametrize("size", [1, 3, 4, 10, 11])
def test_changes_page_in_both_directions_without_loss_or_doubles(size: int) -> None:
    change_set, ids = mixed()

    pages, page = [], changes_of(change_set, size=size)
    pages.append([row.id for row in page.rows])
    while page.next is not None:
        page = changes_of(change_set, after=page.next, size=size)
        pages.append([row.id for row in page.rows])

    assert [pk for each in pages for pk in each] == ids
    back = []
    while page.previous is not None:
        page = changes_of(change_set, before=page.previous, size=size)
        back.append([row.id for row in page.rows])
        if [row.id for row in page.rows] == pages[0]:
            break
    assert back == pages[-2::-1]


def test_changes_are_found_by_a_part_of_the_sku() -> None:
    change_set, ids = mixed()

    def found(sku: str, **where: int) -> list[int]:
        return [row.id for row in changes_of(change_set, sku=sku, **where).rows]

    assert found("old") == ids[:5]
    assert found("w-3") == [ids[8]]
    assert found("-4") == [ids[4], ids[9]]
    assert found("NEW") == ids[5:]
    assert found("NEW", size=2, after=ids[6]) == ids[7:9]
    assert found("%") == found("nothing") == []


def test_sku_that_no_database_can_hold_is_looked_for_without_a_crash(
    viewer_client: Client,
) -> None:
    change_set, _ = mixed()

    response = viewer_client.get(f"{PAGE}{change_set.pk}/?sku=OLD%00-1")

    assert "OLD-1" in text_of(response)


def test_change_set_page_and_its_row_in_the_list(
    editor_client: Client, viewer_client: Client
) -> None:
    change_set, _ = mixed()
    path = f"{PAGE}{change_set.pk}/"

    page = text_of(editor_client.get(path))
    row = html_of(
        editor_client.get(path, headers={**HTMX, "HX-Target": f"change-set-{change_set.pk}"})
    )
    closed = html_of(
        editor_client.get(
            f"{path}?row=closed", headers={**HTMX, "HX-Target": f"change-set-{change_set.pk}"}
        )
    )
    changes = html_of(editor_client.get(f"{path}?sku=w-3", headers=HTMX))

    assert "Imported a.csv" in page
    assert "10 changes" in page
    assert "Name X → Old" in page
    assert "NEW-3 Name NEW-3 Created Active yes deleted since" in page
    assert row.lstrip().startswith(f'<tbody id="change-set-{change_set.pk}"')
    assert f'hx-get="{path}undo/" hx-trigger="load"' in row
    assert row.count('<td class="mono cut">') == 10
    assert '<td class="mono cut">' not in closed
    assert changes.lstrip().startswith('<div id="changes"')
    assert changes.count('<td class="mono cut">') == 1
    assert "/undo/" not in html_of(viewer_client.get(path))
    assert editor_client.get(f"{PAGE}{change_set.pk + 1000}/").status_code == 404


def test_what_a_change_set_says_is_text(editor_client: Client) -> None:
    evil = "<script>alert(1)</script>"
    product = made(evil, evil, description=evil)
    edited(product, name=f"{evil}2")
    operations.start(Kind.DEACTIVATE, actor=None, query="name=%3Cscript%3E")
    record(AuditEntry.Action.EXPORTED, actor=None, target=evil)
    products.delete(product.pk, source=FORM, actor=None)
    imported("A-1", file=evil)

    for path in (PAGE, *(f"{PAGE}{pk}/" for pk in ChangeSet.objects.values_list("pk", flat=True))):
        assert "<script>alert" not in html_of(editor_client.get(path))
        assert "<script>alert" not in html_of(editor_client.get(f"{path}?sku={evil}"))
