"""The calls of the catalog that existing clients rely on: each spelling, its status, its shape."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from django.http import StreamingHttpResponse

from catalog import operations, products
from catalog.models import BulkOperation, ChangeSet, Product
from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PRODUCT = {
    "id", "sku", "name", "description", "price", "active", "created_at", "updated_at",
}  # fmt: skip
PROBLEM = {"type", "title", "status", "detail"}


def made(sku: str = "A-1", **values: Any) -> Product:
    fields = {"name": "One", "description": "Text", "price": None, "active": True, **values}
    return products.create(source="form", actor=None, sku=sku, **fields)


def skus(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return sorted(item["sku"] for item in response.json()["items"])


# --- GET /api/products --------------------------------------------------------------------------


def test_list_of_products(viewer_api: ApiClient) -> None:
    for number in range(3):
        made(f"A-{number}")

    response = viewer_api.get("/api/products")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"items", "total", "page", "pages", "total_is_exact"}
    assert (body["total"], body["page"], body["pages"]) == (3, 1, 1)
    assert all(set(item) == PRODUCT for item in body["items"])
    assert viewer_api.get("/api/products?limit=2").json()["pages"] == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("page=1&limit=50", ["A-1", "B-2"]),
        ("page=2&limit=1&ordering=sku", ["B-2"]),
        ("search=blue", ["B-2"]),
        ("sku=a-", ["A-1"]),
        ("name=red", ["A-1"]),
        ("description=steel", ["B-2"]),
        ("active=true", ["A-1"]),
        ("active=false", ["B-2"]),
        ("price_min=10", ["B-2"]),
        ("price_max=9.99", ["A-1"]),
        ("updated_after=2020-01-01", ["A-1", "B-2"]),
        ("updated_after=2999-01-01T00:00:00Z", []),
        ("updated_before=2999-01-01", ["A-1", "B-2"]),
        ("updated_before=2020-01-01T00:00:00%2B02:00", []),
        ("ordering=-price", ["A-1", "B-2"]),
        (
            "page=1&limit=50&search=&sku=&name=&description=&active=true&price_min=&price_max="
            "&updated_after=&updated_before=&ordering=",
            ["A-1"],
        ),
    ],
)
def test_every_parameter_of_the_list(viewer_api: ApiClient, query: str, found: list[str]) -> None:
    made("A-1", name="Red bolt", price="5.00")
    made("B-2", name="Blue nut", description="Of steel", price="12.90", active=False)

    assert skus(viewer_api.get(f"/api/products?{query}")) == found


# --- One product --------------------------------------------------------------------------------


def test_create(editor_api: ApiClient) -> None:
    response = editor_api.send("POST", "/api/products", {"sku": "A-1", "name": "One"})

    assert response.status_code == 201
    assert set(response.json()) == PRODUCT
    assert response.json()["price"] is None
    assert response.json()["active"] is True
    full = {"sku": "B-1", "name": "Two", "description": "Text", "price": 12.9, "active": False}
    response = editor_api.send("POST", "/api/products", full)
    assert {name: response.json()[name] for name in full} == {**full, "price": "12.90"}


def test_create_with_a_sku_that_exists_in_any_case(editor_api: ApiClient) -> None:
    made("a-1")

    response = editor_api.send("POST", "/api/products", {"sku": "A-1", "name": "Two"})

    assert response.status_code == 409
    assert set(response.json()) == PROBLEM | {"errors", "product"}
    assert Product.objects.count() == 1


def test_get_with_its_etag(viewer_api: ApiClient) -> None:
    product = made()

    response = viewer_api.get(f"/api/products/{product.pk}")

    assert response.status_code == 200
    assert set(response.json()) == PRODUCT
    assert response["ETag"].startswith('"')
    assert viewer_api.get("/api/products/999999").status_code == 404


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("PUT", {"sku": "B-1", "name": "Two"}, ("B-1", "Two", "Text")),
        ("PATCH", {"name": "Two"}, ("A-1", "Two", "Text")),
    ],
)
def test_change(
    editor_api: ApiClient, method: str, body: dict[str, str], expected: tuple[str, str, str]
) -> None:
    path = f"/api/products/{made().pk}"
    stale = editor_api.get(path)["ETag"]

    response = editor_api.send(method, path, body, If_Match=stale)

    assert response.status_code == 200
    assert set(response.json()) == PRODUCT
    assert tuple(response.json()[name] for name in ("sku", "name", "description")) == expected
    assert response["ETag"] not in ("", stale)

    response = editor_api.send(method, path, {**body, "name": "Three"}, If_Match=stale)

    assert response.status_code == 412
    assert set(response.json()) == PROBLEM
    assert Product.objects.get().name == "Two"


def test_put_needs_sku_and_name(editor_api: ApiClient) -> None:
    response = editor_api.send("PUT", f"/api/products/{made().pk}", {"name": "Two"})

    assert response.status_code == 400
    assert [each["field"] for each in response.json()["errors"]] == ["sku"]
    assert Product.objects.get().name == "One"


def test_delete(editor_api: ApiClient) -> None:
    response = editor_api.send("DELETE", f"/api/products/{made().pk}")

    assert (response.status_code, response.json()) == (200, {"message": "Deleted"})
    assert not Product.objects.exists()


# --- Many products ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/products", "/api/products/bulk"])
def test_bulk_delete(manager_api: ApiClient, path: str) -> None:
    made()

    response = manager_api.send("DELETE", f"{path}?confirm=true")

    assert response.status_code == 202
    task = f"operation-{BulkOperation.objects.get().pk}"
    assert response.json() == {"task_id": task, "message": "Bulk delete started"}
    assert response["Location"] == f"http://testserver/api/progress/{task}"
    assert not Product.objects.exists()


@pytest.mark.parametrize("query", ["", "?confirm=", "?confirm=false", "?confirm=1"])
@pytest.mark.parametrize("path", ["/api/products", "/api/products/bulk"])
def test_bulk_delete_without_confirm_says_how(
    manager_api: ApiClient, path: str, query: str
) -> None:
    made()

    response = manager_api.send("DELETE", path + query)

    assert response.status_code == 400
    assert set(response.json()) == PROBLEM | {"errors"}
    assert response.json()["type"] == "/api/docs#confirmation-missing"
    assert "?confirm=true" in response.json()["detail"]
    assert Product.objects.count() == 1
    assert not BulkOperation.objects.exists()


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("activate", [("A-1", True), ("B-1", True)]),
        ("deactivate", [("A-1", False), ("B-1", False)]),
        ("delete", [("B-1", False)]),
    ],
)
@pytest.mark.parametrize("by", ["ids", "filter"])
def test_action_on_few_products(
    editor_api: ApiClient, action: str, left: list[tuple[str, bool]], by: str
) -> None:
    one = made("A-1")
    made("B-1", active=False)
    chosen: dict[str, Any] = {"ids": [one.pk]} if by == "ids" else {"filter": {"sku": "a-"}}
    if action == "activate":
        chosen = {"ids": [each.pk for each in Product.objects.all()]} if by == "ids" else {}
        chosen = chosen or {"filter": {"search": "1"}}

    response = editor_api.send("POST", "/api/products/actions", {"action": action, **chosen})

    assert response.status_code == 200, response.content
    assert response.json() == {
        "message": response.json()["message"],
        "count": 1,
        "unchanged": 1 if action == "activate" else 0,
        "left_alone": 0,
        "change_set": ChangeSet.objects.latest("id").pk,
        "operation": BulkOperation.objects.get().pk,
    }
    assert list(Product.objects.order_by("sku").values_list("sku", "active")) == left


def test_action_on_many_products_is_a_task(
    editor_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    product = made()

    response = editor_api.send(
        "POST", "/api/products/actions", {"action": "deactivate", "ids": [product.pk]}
    )

    assert response.status_code == 202
    task = f"operation-{BulkOperation.objects.get().pk}"
    assert response.json() == {"task_id": task, "message": "Bulk deactivate started"}
    assert response["Location"] == f"http://testserver/api/progress/{task}"


def test_export(viewer_api: ApiClient) -> None:
    made("A-1", price="5.00")
    made("B-1")

    response = viewer_api.get("/api/products/export?sku=a-&active=true")

    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="products-')
    stream = cast("AsyncIterator[bytes]", cast(StreamingHttpResponse, response).streaming_content)

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in stream])

    lines = asyncio.run(whole()).decode("utf-8-sig").splitlines()
    assert lines == ["sku,name,description,price,active", "A-1,One,Text,5.00,true"]


# --- Change sets --------------------------------------------------------------------------------

CHANGE_SET = {
    "id", "source", "actor", "created_at", "what", "note", "created", "updated", "deleted",
    "undoes", "undone", "can_be_undone", "operation", "import_job",
}  # fmt: skip


def test_change_sets(viewer_api: ApiClient) -> None:
    made("A-1")
    made("B-1")

    response = viewer_api.get("/api/changesets")

    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"items", "next"}
    assert [set(item) for item in body["items"]] == [CHANGE_SET, CHANGE_SET]
    newest = ChangeSet.objects.latest("id")
    assert body["items"][0]["id"] == newest.pk
    assert set(viewer_api.get(f"/api/changesets/{newest.pk}").json()) == CHANGE_SET


def test_changes_of_a_change_set_by_cursor(viewer_api: ApiClient) -> None:
    made("A-1")
    made("A-2")
    operation = operations.start(BulkOperation.Kind.DEACTIVATE, actor=None, query="")
    path = f"/api/changesets/{operation.change_set_id}/changes"

    first = viewer_api.get(f"{path}?limit=1").json()
    second = viewer_api.get(f"{path}?limit=1&cursor={first['next']}").json()

    assert set(first) == {"items", "next"}
    assert first["items"] == [
        {
            "product": Product.objects.earliest("id").pk,
            "sku": "A-1",
            "name": "One",
            "kind": "updated",
            "before": {"active": True},
            "after": {"active": False},
            "since": "",
        }
    ]
    assert ([item["sku"] for item in second["items"]], second["next"]) == (["A-2"], None)


def test_undo(editor_api: ApiClient) -> None:
    made("A-1")
    change_set = ChangeSet.objects.get()

    response = editor_api.send("POST", f"/api/changesets/{change_set.pk}/undo")

    assert response.status_code == 200
    undo = ChangeSet.objects.latest("id")
    assert response.json() == {
        "message": f"Undid change set #{change_set.pk:,}",
        "created": 0,
        "updated": 0,
        "deleted": 1,
        "unchanged": 0,
        "left_alone": 0,
        "left": [],
        "change_set": undo.pk,
        "operation": BulkOperation.objects.get().pk,
    }
    assert undo.undoes_id == change_set.pk
    assert not Product.objects.exists()


def test_undo_of_many_products_is_a_task(
    editor_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    made("A-1")

    response = editor_api.send("POST", f"/api/changesets/{ChangeSet.objects.get().pk}/undo")

    assert response.status_code == 202
    task = f"operation-{BulkOperation.objects.get().pk}"
    assert response.json() == {"task_id": task, "message": "Undo started"}
    assert response["Location"] == f"http://testserver/api/progress/{task}"
    assert Product.objects.count() == 1
