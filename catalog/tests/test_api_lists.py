"""The list of products for programs: filters, pages, compression, what is refused."""

import gzip
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from catalog import filters, products
from catalog.api.filters import FilterFields, ProductQuery
from catalog.filters import ProductFilter
from catalog.models import Product
from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/api/products"


def made(sku: str = "A-1", **values: Any) -> Product:
    fields = {"name": "One", "description": "", "price": None, "active": True, **values}
    return products.create(source="form", actor=None, sku=sku, **fields)


def refused(response: Any) -> dict[str, str]:
    """The messages of a 400 by field."""
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return {each["field"]: each["message"] for each in response.json()["errors"]}


def test_every_filter_of_the_page_is_a_parameter() -> None:
    names = set(ProductFilter.base_filters)

    assert set(FilterFields().fields) == names
    assert set(ProductQuery().fields) == names | {"page", "limit"}


@pytest.mark.parametrize(
    "query",
    [
        "search=bolt",
        "active=false",
        "priced=true",
        "price_min=5.00&price_max=5.00",
        "updated_after=2026-01-01&updated_before=2999-12-31",
        "name=e&description=steel",
    ],
)
def test_filters_leave_the_products_that_they_leave_on_the_page(
    viewer_api: ApiClient, query: str
) -> None:
    made("A-1", name="Red bolt", price="5.00")
    made("B-2", name="Blue nut", description="Of steel", active=False)
    made("C-3", name="Bolt", description="Steel", price="12.90")

    found = [item["id"] for item in viewer_api.get(f"{LIST}?{query}&ordering=sku").json()["items"]]

    of_the_page = filters.filtered(query).order_by("sku")
    assert found == list(of_the_page.values_list("pk", flat=True))
    assert found


def test_latest_change_comes_first_unless_asked_otherwise(viewer_api: ApiClient) -> None:
    for sku in ("B", "A", "C"):
        made(sku)

    def skus(query: str) -> str:
        return "".join(item["sku"] for item in viewer_api.get(f"{LIST}{query}").json()["items"])

    assert skus("") == "CAB"
    assert skus("?ordering=") == "CAB"
    assert skus("?ordering=-sku") == "CBA"


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("colour=red", {"colour"}),
        ("size=50", {"size"}),
        ("sku=a&sku=b", {"sku"}),
        ("active=perhaps", {"active"}),
        ("price_min=1,5", {"price_min"}),
        ("updated_after=yesterday", {"updated_after"}),
        ("ordering=colour", {"ordering"}),
        ("page=0", {"page"}),
        ("page=x", {"page"}),
        ("limit=0", {"limit"}),
        ("limit=251", {"limit"}),
        ("limit=-1&page=0", {"limit", "page"}),
        ("sku=%00", {"sku"}),
    ],
)
def test_parameter_that_can_not_be_read_is_an_error(
    viewer_api: ApiClient, query: str, fields: set[str]
) -> None:
    made()

    assert set(refused(viewer_api.get(f"{LIST}?{query}"))) == fields


def test_calls_without_parameters_take_none(editor_api: ApiClient) -> None:
    path = f"{LIST}/{made().pk}"

    assert set(refused(editor_api.get(f"{path}?sku=A"))) == {"sku"}
    assert set(refused(editor_api.send("DELETE", f"{path}?confirm=true"))) == {"confirm"}
    assert set(refused(editor_api.send("POST", f"{LIST}?page=1", {"sku": "B"}))) == {"page"}
    assert Product.objects.count() == 1


def test_limit_is_one_to_250_and_50_unless_said(viewer_api: ApiClient) -> None:
    Product.objects.bulk_create(Product(sku=f"A-{at}", name="One") for at in range(251))

    def shown(query: str) -> tuple[int, int]:
        body = viewer_api.get(f"{LIST}{query}").json()
        return len(body["items"]), body["pages"]

    assert shown("?limit=1") == (1, 251)
    assert shown("?limit=250") == (250, 2)
    assert shown("") == (50, 6)


def test_page_past_the_last_is_empty(viewer_api: ApiClient) -> None:
    made()

    response = viewer_api.get(f"{LIST}?page=7&limit=10")

    assert response.json() == {
        "items": [],
        "total": 1,
        "page": 7,
        "pages": 1,
        "total_is_exact": True,
    }
    assert 'page=1&limit=10>; rel="prev"' in response["Link"]
    assert 'rel="next"' not in response["Link"]
    assert viewer_api.get(f"{LIST}?sku=none").json()["pages"] == 0
    assert viewer_api.get(f"{LIST}?page=1000000000").status_code == 200


def test_list_is_compressed_and_one_product_never(viewer_api: ApiClient) -> None:
    product = made(description="steel " * 500)
    zipped = {"Accept-Encoding": "gzip"}

    response = viewer_api.get(LIST, headers=zipped)
    one = viewer_api.get(f"{LIST}/{product.pk}", headers=zipped)

    assert response["Content-Encoding"] == "gzip"
    assert b'"A-1"' in gzip.decompress(response.content)
    assert "Content-Encoding" not in viewer_api.get(LIST)
    assert "Content-Encoding" not in one
    # A compressed answer would weaken the ETag, and If-Match takes strong ones only.
    assert one["ETag"].startswith('"')


def test_head_answers_as_get_without_a_body(viewer_api: ApiClient) -> None:
    path = f"{LIST}/{made().pk}"

    for each in (LIST, path):
        response = viewer_api.head(each)
        assert (response.status_code, response.content) == (200, b"")
    assert viewer_api.head(path)["ETag"] == viewer_api.get(path)["ETag"]
    assert viewer_api.head(f"{LIST}?colour=red").status_code == 400


def test_what_is_no_product_is_not_found(editor_api: ApiClient) -> None:
    for path in (f"{LIST}/1", f"{LIST}/{10**30}"):
        for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
            response = editor_api.send(method, path, body)
            assert response.status_code == 404, (method, path)
            assert response.json()["type"] == "/api/docs#not-found"


def test_days_are_those_of_utc_whatever_zone_the_user_is_in(
    viewer: User, viewer_api: ApiClient
) -> None:
    User.objects.filter(pk=viewer.pk).update(time_zone="Pacific/Kiritimati")
    product = made()
    Product.objects.filter(pk=product.pk).update(updated_at="2026-11-21T23:00:00Z")

    assert viewer_api.get(f"{LIST}?updated_before=2026-11-21").json()["total"] == 1
    assert viewer_api.get(f"{LIST}?updated_after=2026-11-22").json()["total"] == 0
    shown = viewer_api.get(f"{LIST}/{product.pk}").json()
    assert shown["updated_at"] == "2026-11-21T23:00:00Z"


def test_strangers_learn_nothing() -> None:
    made()
    response = Client().get(LIST)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert b"A-1" not in response.content
