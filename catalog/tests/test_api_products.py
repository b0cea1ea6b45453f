"""Products through the API: the same functions, rules and filters as the pages."""

import threading
from typing import Any

import pytest
from django.db import connection

from catalog import products
from catalog.locks import take_catalog
from catalog.models import ChangeSet, Product
from catalog.tests.beside import Beside
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


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"sku", "name"}),
        ({"sku": "A-1", "name": "One", "colour": "red"}, {"colour"}),
        ({"sku": "A-1", "name": "One", "id": 7}, {"id"}),
        ({"sku": 7, "name": "One"}, {"sku"}),
        ({"sku": "A-1", "name": ["One"]}, {"name"}),
        ({"sku": "A-1", "name": None}, {"name"}),
        ({"sku": " ", "name": ""}, {"sku", "name"}),
        ({"sku": "A" * 256, "name": "One"}, {"sku"}),
        ({"sku": "A\u200b1", "name": "One"}, {"sku"}),
        ({"sku": "A-1", "name": "One", "description": "a\x00b"}, {"description"}),
        ({"sku": "A-1", "name": "One", "price": "12,90"}, {"price"}),
        ({"sku": "A-1", "name": "One", "price": -1}, {"price"}),
        ({"sku": "A-1", "name": "One", "price": True}, {"price"}),
        ({"sku": "A-1", "name": "One", "price": 1.234}, {"price"}),
        ({"sku": "A-1", "name": "One", "active": "true"}, {"active"}),
        ({"sku": "A-1", "name": "One", "active": 1}, {"active"}),
        ({"sku": "A-1", "name": "One", "active": None}, {"active"}),
    ],
)
def test_value_that_is_none_is_refused_by_its_field(
    editor_api: ApiClient, body: dict[str, Any], fields: set[str]
) -> None:
    response = editor_api.send("POST", "/api/products", body)

    assert response.status_code == 400, response.content
    assert {each["field"] for each in response.json()["errors"]} == fields
    assert not Product.objects.exists()


@pytest.mark.parametrize("body", [[], "text", 7, [{"sku": "A-1", "name": "One"}]])
def test_body_that_is_no_object_is_refused(editor_api: ApiClient, body: Any) -> None:
    assert editor_api.send("POST", "/api/products", body).status_code == 400
    assert not Product.objects.exists()


@pytest.mark.parametrize("values", [{"colour": "red"}, {"sku": 7}, {"active": "no"}, {"price": ""}])
def test_edit_with_a_value_that_is_none_changes_nothing(
    editor_api: ApiClient, values: dict[str, Any]
) -> None:
    product = made(price="5.00")

    response = editor_api.send("PATCH", f"/api/products/{product.pk}", {"name": "Two", **values})

    if values == {"price": ""}:  # as in a form or a file, empty is no price
        assert response.json()["price"] is None
        return
    assert response.status_code == 400
    assert Product.objects.get().name == "One"
    assert ChangeSet.objects.count() == 1


def test_same_request_with_the_same_key_creates_one_product(editor_api: ApiClient) -> None:
    body = {"sku": "A-1", "name": "One"}

    first = editor_api.send("POST", "/api/products", body, Idempotency_Key="k-1")
    again = editor_api.send("POST", "/api/products", body, Idempotency_Key="k-1")
    other = editor_api.send("POST", "/api/products", {**body, "sku": "B"}, Idempotency_Key="k-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (again["ETag"], again["Location"]) == (first["ETag"], first["Location"])
    assert again["Idempotency-Replayed"] == "true"
    assert other.status_code == 422
    assert Product.objects.get().sku == "A-1"
    assert ChangeSet.objects.count() == 1


def test_edit_that_changes_nothing_leaves_no_trace(editor_api: ApiClient) -> None:
    path = f"/api/products/{made(price='5.00').pk}"
    etag = editor_api.get(path)["ETag"]

    response = editor_api.send("PATCH", path, {"name": "One", "price": 5}, If_Match=etag)

    assert (response.status_code, response["ETag"]) == (200, etag)
    assert ChangeSet.objects.count() == 1


def test_delete_of_what_was_changed_since_is_refused(editor_api: ApiClient) -> None:
    product = made()
    path = f"/api/products/{product.pk}"
    etag = editor_api.get(path)["ETag"]
    products.update(product.pk, source="form", actor=None, name="Two")

    assert editor_api.send("DELETE", path, If_Match=etag).status_code == 412
    assert editor_api.send("DELETE", path, If_Match="*").status_code == 200
    assert not Product.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_call_that_meets_a_merge_is_told_when_to_come_back(editor_api: ApiClient) -> None:
    path = f"/api/products/{made().pk}"
    merge = Beside(take_catalog)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    try:
        answers = [
            editor_api.send("POST", "/api/products", {"sku": "B", "name": "B"}),
            editor_api.send(
                "POST", "/api/products", {"sku": "B", "name": "B"}, Idempotency_Key="1"
            ),
            editor_api.send("PATCH", path, {"name": "Two"}),
            editor_api.send("DELETE", path),
        ]
    finally:
        merge.commit()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")

    for response in answers:
        assert response.status_code == 409
        assert response.json()["type"] == "/api/docs#busy"
        assert int(response["Retry-After"]) > 0
    assert Product.objects.get().name == "One"
    assert editor_api.send("PATCH", path, {"name": "Two"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_sku_that_somebody_else_commits_first_is_a_conflict(editor_api: ApiClient) -> None:
    first = Beside(made)
    timer = threading.Timer(0.2, first.commit)
    timer.start()

    response = editor_api.send("POST", "/api/products", {"sku": "a-1", "name": "Two"})

    timer.join()
    assert response.status_code == 409
    assert response.json()["product"] == Product.objects.get().pk
    assert Product.objects.get().name == "One"
    assert ChangeSet.objects.count() == 1
