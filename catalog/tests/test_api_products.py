"""Products through the API: the same functions, rules and filters as the pages."""

import pytest

from catalog import products
from catalog.models import ChangeSet, Product
from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def made(sku: str = "A-1", **values: object) -> Product:
    fields = {"name": "One", "description": "", "price": None, "active": True, **values}
    return products.create(source="form", actor=None, sku=sku, **fields)


def test_product_is_created_by_whoever_the_token_belongs_to(editor_api: ApiClient) -> None:
    response = editor_api.send("POST", "/api/products", {"sku": "A-1", "name": "One"})

    assert response.status_code == 201, response.content
    product = Product.objects.get()
    assert response.json() == {
        "id": product.pk,
        "sku": "A-1",
        "name": "One",
        "description": "",
        "price": None,
        "active": True,
        "created_at": product.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": product.updated_at.isoformat().replace("+00:00", "Z"),
    }
    assert response["Location"] == f"http://testserver/api/products/{product.pk}"
    change_set = ChangeSet.objects.get()
    assert (change_set.source, change_set.actor_id) == ("api", editor_api.token.user_id)


def test_sku_that_exists_in_another_case_is_a_conflict(editor_api: ApiClient) -> None:
    taken = made("a-1")

    response = editor_api.send("POST", "/api/products", {"sku": "A-1", "name": "Two"})

    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["type"], body["product"]) == ("/api/docs#sku-taken", taken.pk)
    assert [each["field"] for each in body["errors"]] == ["sku"]
    assert Product.objects.get() == taken


def test_list_is_paged_with_links(viewer_api: ApiClient) -> None:
    for number in range(5):
        made(f"A-{number}")

    response = viewer_api.get("/api/products?page=2&limit=2&search=a-&ordering=sku&active=")

    assert response.status_code == 200, response.content
    body = response.json()
    assert [item["sku"] for item in body["items"]] == ["A-2", "A-3"]
    assert (body["total"], body["page"], body["pages"]) == (5, 2, 3)
    assert "page=3&" in response["Link"]
    assert 'rel="next"' in response["Link"]


def test_edit_on_top_of_another_is_refused(editor_api: ApiClient) -> None:
    product = made()
    path = f"/api/products/{product.pk}"
    etag = editor_api.get(path)["ETag"]
    assert editor_api.send("PATCH", path, {"price": "12.9"}, If_Match=etag).status_code == 200

    response = editor_api.send("PATCH", path, {"price": 1}, If_Match=etag)

    assert response.status_code == 412
    assert editor_api.get(path).json()["price"] == "12.90"
    assert editor_api.get(path, headers={"If-None-Match": etag}).status_code == 200
    newest = editor_api.get(path)["ETag"]
    assert editor_api.get(path, headers={"If-None-Match": newest}).status_code == 304


def test_deleted_product_is_gone(editor_api: ApiClient) -> None:
    product = made()
    response = editor_api.send("DELETE", f"/api/products/{product.pk}")

    assert (response.status_code, response.json()) == (200, {"message": "Deleted"})
    assert editor_api.send("DELETE", f"/api/products/{product.pk}").status_code == 404
