"""The product list and the product page."""

from decimal import Decimal
from typing import cast

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from catalog import listing, products, totals
from catalog.models import ChangeSet, Product

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/products/"
HTMX = {"HX-Request": "true"}


def text_of(response: object) -> str:
    return cast("HttpResponse", response).content.decode()


def many(count: int) -> None:
    Product.objects.bulk_create(
        [Product(sku=f"A-{at:04}", name=f"Product {at:04}") for at in range(count)]
    )


def shown(page: str) -> int:
    return page.count('id="product-')


def test_newest_change_comes_first(viewer_client: Client) -> None:
    many(3)
    first = Product.objects.earliest("id")
    products.update(first.pk, source=ChangeSet.Source.FORM, actor=None, name="Changed")

    page = text_of(viewer_client.get(LIST))

    at = [page.index(name) for name in ("Changed", "Product 0002", "Product 0001")]
    assert at == sorted(at)


def test_page_holds_25_products_unless_more_are_asked_for(viewer_client: Client) -> None:
    many(60)

    assert shown(text_of(viewer_client.get(LIST))) == 25
    assert shown(text_of(viewer_client.get(LIST, {"size": "50"}))) == 50
    assert shown(text_of(viewer_client.get(LIST, {"size": "7"}))) == 25
    assert shown(text_of(viewer_client.get(LIST, {"size": "50", "page": "2"}))) == 10


@pytest.mark.parametrize(("asked", "number"), [("2", 2), ("99", 3), ("x", 1), ("", 1), ("-1", 3)])
def test_any_page_number_leads_to_a_page(viewer_client: Client, asked: str, number: int) -> None:
    many(60)

    response = viewer_client.get(LIST, {"page": asked})

    assert response.status_code == 200
    assert response.context["page"].number == number


def test_pager_keeps_the_filters_and_the_size(viewer_client: Client) -> None:
    many(60)

    page = text_of(viewer_client.get(LIST, {"search": "Product", "size": "25"}))

    assert f'href="{LIST}?search=Product&amp;size=25&amp;page=2"' in page


def chips(client: Client, query: str) -> list[tuple[str, str, str]]:
    response = client.get(f"{LIST}?{query}")
    return [(chip.label, chip.value, chip.url) for chip in response.context["chips"]]


def test_filters_in_force_are_chips_that_can_be_taken_off(viewer_client: Client) -> None:
    many(3)

    response = viewer_client.get(LIST, {"search": "0001", "active": "true", "page": "1"})

    assert chips(viewer_client, "search=0001&active=true&page=1&name=&size=50") == [
        ("Contains", "0001", "?active=true&size=50"),
        ("Active", "yes", "?search=0001&size=50"),
    ]
    assert "1 of 3 match" in text_of(response)
    assert shown(text_of(response)) == 1


def test_both_ends_of_a_range_are_one_chip(viewer_client: Client) -> None:
    many(1)

    assert chips(viewer_client, "price_min=1&price_max=1234.5&sku=a") == [
        ("SKU contains", "a", "?price_min=1&price_max=1234.5"),
        ("Price", "1.00 to 1,234.50", "?sku=a"),
    ]
    assert chips(viewer_client, "price_max=0") == [("Price up to", "0.00", "?")]
    assert chips(viewer_client, "updated_after=2026-10-01") == [
        ("Updated since", "1 Oct 2026", "?")
    ]
    assert chips(viewer_client, "updated_after=2026-10-01T12:30:00Z&updated_before=2026-10-02") == [
        ("Updated", "1 Oct 2026, 12:30:00 to 2 Oct 2026", "?")
    ]


def test_chip_shows_a_day_in_the_zone_of_whoever_looks(viewer: User, viewer_client: Client) -> None:
    many(1)
    viewer.time_zone = "Asia/Tokyo"
    viewer.save()

    assert chips(viewer_client, "updated_before=2026-10-02")[0][1] == "2 Oct 2026"
    assert chips(viewer_client, "updated_before=2026-10-02T14:59:59.999999Z")[0][1] == "2 Oct 2026"


def test_filter_that_can_not_be_read_stands_beside_its_field_and_shows_nothing(
    viewer_client: Client,
) -> None:
    many(3)

    page = text_of(viewer_client.get(LIST, {"price_min": "12,9", "sku": "A"}))
    fragment = text_of(viewer_client.get(LIST, {"price_min": "12,9"}, headers=HTMX))

    assert 'id="error-price_min"' in page
    assert "Write it with a point: 12.9." in page
    assert 'title="Price from" aria-label="Price from" aria-invalid="true"' in page
    assert "A filter can’t be read" in page
    assert shown(page) == shown(fragment) == 0
    assert 'hx-swap-oob="innerHTML:#filter-errors"' in fragment
    assert "Write it with a point: 12.9." in fragment
    assert 'id="matching" role="status">3</span>' in page


def test_day_is_a_day_field_and_a_time_stays_as_text(viewer_client: Client) -> None:
    many(1)

    for asked, kind in (
        ("2026-10-01", "date"),
        ("2026-10-01T12:00:00", "text"),
        ("2026-02-30", "text"),
        ("x", "text"),
    ):
        page = text_of(viewer_client.get(LIST, {"updated_after": asked}))
        assert f'type="{kind}" name="updated_after" value="{asked}"' in page


def test_heads_sort_by_their_column_and_back_again(viewer_client: Client) -> None:
    many(3)

    def heads(query: str) -> dict[str, tuple[str, str]]:
        columns = viewer_client.get(f"{LIST}?{query}").context["columns"]
        return {column.name: (column.url, column.sorted) for column in columns}

    default = heads("sku=a&page=2")
    assert default["updated"] == ("?sku=a&ordering=updated", "descending")
    assert default["sku"] == ("?sku=a&ordering=sku", "")
    assert default["active"] == ("?sku=a&ordering=-active", "")
    assert default["description"] == ("", "")
    assert heads("ordering=sku")["sku"] == ("?ordering=-sku", "ascending")
    assert heads("ordering=sku")["updated"] == ("?", "")
    assert heads("ordering=-sku")["sku"] == ("?ordering=sku", "descending")
    page = text_of(viewer_client.get(LIST, {"ordering": "-sku"}))
    assert page.index("Product 0002") < page.index("Product 0001") < page.index("Product 0000")
    assert page.count("aria-sort=") == page.count('aria-sort="descending"') == 1


def test_total_that_is_estimated_is_called_so(
    viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(30)

    def estimated(products: object) -> totals.Total:
        return totals.Total(4_980_000, exact=False)

    monkeypatch.setattr(totals, "_counted", estimated)
    monkeypatch.setattr(listing, "FEW", 20)
    page = text_of(viewer_client.get(LIST))
    filtered = text_of(viewer_client.get(LIST, {"search": "Product"}))

    assert 'id="matching" role="status">about 4,980,000</span>' in page
    assert "of <b>about 4,980,000</b>" in page
    assert "about 4,980,000 of about 4,980,000 match" in filtered


def test_selection_is_offered_to_those_who_can_use_it(
    editor_client: Client, viewer_client: Client
) -> None:
    many(30)

    for_editors = text_of(editor_client.get(LIST, {"search": "Product", "size": "25"}))
    for_viewers = text_of(viewer_client.get(LIST))

    assert for_editors.count('name="ids"') == 25
    assert 'action="/products/bulk/"' in for_editors
    assert 'name="query" value="search=Product&amp;size=25"' in for_editors
    assert "all 30 that match" in for_editors
    assert "all 30 products" in text_of(editor_client.get(LIST))
    assert 'name="all"' not in text_of(editor_client.get(LIST, {"size": "50"}))
    for absent in ('name="ids"', 'id="bulk"', 'id="select-page"', "New product", "Import</a>"):
        assert absent not in for_viewers
    assert "Export CSV" in for_viewers


def test_delete_all_is_shown_to_managers_alone(editor_client: Client, manager: User) -> None:
    many(1)
    client = Client()
    client.force_login(manager)

    assert 'href="/products/delete-all/"' in text_of(client.get(LIST))
    assert 'href="/products/delete-all/"' not in text_of(editor_client.get(LIST))


def test_export_takes_the_filters_along(viewer_client: Client) -> None:
    many(1)

    page = text_of(viewer_client.get(LIST, {"sku": "a", "ordering": "sku"}))

    assert page.count('href="/products/export.csv?sku=a&amp;ordering=sku" data-export') == 2


def test_same_url_is_a_page_for_browsers_and_a_fragment_for_htmx(viewer_client: Client) -> None:
    many(3)

    page = text_of(viewer_client.get(LIST, {"search": "0001"}))
    fragment = text_of(viewer_client.get(LIST, {"search": "0001"}, headers=HTMX))
    restored = text_of(
        viewer_client.get(LIST, headers={**HTMX, "HX-History-Restore-Request": "true"})
    )

    assert page.lstrip().startswith("<!doctype html>")
    assert fragment.lstrip().startswith('<div id="results"')
    assert restored.lstrip().startswith("<!doctype html>")
    assert shown(page) == shown(fragment) == 1
    assert '<span hx-swap-oob="innerHTML:#matching">1 of 3 match</span>' in fragment


def test_fragment_and_page_are_never_taken_for_each_other(viewer_client: Client) -> None:
    many(1)

    assert "HX-Request" in viewer_client.get(LIST)["Vary"]
    assert "HX-Request" in viewer_client.get(LIST, headers=HTMX)["Vary"]


def test_filters_that_match_nothing_offer_to_be_cleared(viewer_client: Client) -> None:
    many(3)

    page = text_of(viewer_client.get(LIST, {"search": "nothing"}))

    assert "Nothing found" in page
    assert "None of 3 products match these filters." in page


def test_empty_catalog_says_how_it_is_filled(editor_client: Client, viewer_client: Client) -> None:
    for_editors, for_viewers = (
        text_of(client.get(LIST)) for client in (editor_client, viewer_client)
    )

    assert "No products yet" in for_editors
    assert 'action="/imports/upload/"' in for_editors
    assert "No products yet" in for_viewers
    assert 'action="/imports/upload/"' not in for_viewers
    assert "Ask an editor." in for_viewers


def test_emptied_catalog_shows_the_way_back(editor_client: Client, viewer_client: Client) -> None:
    product = products.create(
        source="form", actor=None, sku="A-1", name="One", description="", price=None, active=True
    )
    gone = products.delete(product.pk, source="form", actor=None)

    assert f'href="/activity/{gone.pk}/undo/">Undo that…' in text_of(editor_client.get(LIST))
    for_viewers = text_of(viewer_client.get(LIST))
    assert "1 was deleted" in for_viewers
    assert f'href="/activity/{gone.pk}/">What was deleted' in for_viewers
    assert "/undo/" not in for_viewers


def test_list_costs_the_same_queries_however_long_it_is(
    viewer_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    many(60)

    # Session, user, user's and groups' permissions, running imports, page, and the total with its
    # time-out in a savepoint.
    with django_assert_num_queries(6 + 5):
        viewer_client.get(LIST, {"size": "50"})
    with django_assert_num_queries(6):
        viewer_client.get(LIST, {"size": "50"})
    with django_assert_num_queries(6):
        viewer_client.get(LIST, {"size": "25", "page": "2"})
    # What a filter leaves is found and counted at once, then fetched; how many there are is known.
    with django_assert_num_queries(7):
        viewer_client.get(LIST, {"search": "-001"})


def test_product_page_shows_its_values_and_its_history(viewer_client: Client) -> None:
    product = products.create(
        source=ChangeSet.Source.FORM, actor=None, sku="A-1", name="One", price=Decimal("1234.50")
    )
    products.update(product.pk, source=ChangeSet.Source.ADMIN, actor=None, name="Two")

    page = text_of(viewer_client.get(f"{LIST}{product.pk}/"))

    assert '<dd class="mono">A-1</dd>' in page
    assert "2 changes" in page
    assert "<del>One</del> → <ins>Two</ins>" in page
    assert "in the admin" in page


def test_product_that_does_not_exist_is_not_found(viewer_client: Client) -> None:
    assert viewer_client.get(f"{LIST}7/").status_code == 404


def test_what_a_product_says_is_text(viewer_client: Client) -> None:
    evil = "<script>alert(1)</script>"
    product = products.create(
        source=ChangeSet.Source.FORM, actor=None, sku=evil, name=evil, description=evil
    )
    products.update(product.pk, source=ChangeSet.Source.FORM, actor=None, name="Two")

    for path in (LIST, f"{LIST}?search={evil}", f"{LIST}{product.pk}/"):
        assert evil not in text_of(viewer_client.get(path))


def test_pages_are_read_and_never_posted_to(editor_client: Client) -> None:
    many(1)
    before = list(Product.objects.values())

    assert editor_client.post(LIST).status_code == 405
    assert editor_client.post(f"{LIST}{before[0]['id']}/").status_code == 405
    assert list(Product.objects.values()) == before
