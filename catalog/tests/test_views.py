"""The product list and the product page."""

from decimal import Decimal
from typing import cast

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog import products
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


def test_filters_in_force_are_chips_that_can_be_taken_off(viewer_client: Client) -> None:
    many(3)

    response = viewer_client.get(LIST, {"search": "0001", "active": "true", "page": "1"})

    chips = [(chip.label, chip.value, chip.url) for chip in response.context["chips"]]
    assert chips == [
        ("SKU, name or description", "0001", "?active=true"),
        ("Active", "yes", "?search=0001"),
    ]
    assert "1 of 3 match" in text_of(response)
    assert shown(text_of(response)) == 1


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


def test_list_costs_the_same_queries_however_long_it_is(
    viewer_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    many(60)

    # Session, user, user's and groups' permissions, running imports, matching, page, total.
    with django_assert_max_num_queries(8):
        viewer_client.get(LIST, {"size": "50"})


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
