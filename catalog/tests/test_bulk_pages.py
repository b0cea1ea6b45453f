"""Bulk actions as the list asks for them: what they do, say and refuse."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import cast
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client

from accounts.models import User
from catalog import operations
from catalog.models import BulkOperation, ChangeSet, Product

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

BULK = "/products/bulk/"
LIST = "/products/"


@pytest.fixture(autouse=True)
def some_products() -> None:
    """Ten products, A-0 to A-9, of which A-0 and A-1 are inactive."""
    Product.objects.bulk_create(
        Product(sku=f"A-{at}", name=f"Product {at}", active=at > 1) for at in range(10)
    )


def ids(*skus: str) -> list[int]:
    return list(Product.objects.filter(sku__in=skus).values_list("pk", flat=True))


def post(client: Client, action: str, **fields: object) -> HttpResponse:
    return cast("HttpResponse", client.post(BULK, {"action": action, **fields}))


def text_of(response: object) -> str:
    return cast("HttpResponse", response).content.decode()


def body(response: HttpResponse) -> str:
    stream = cast("AsyncIterator[bytes]", cast(StreamingHttpResponse, response).streaming_content)

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in stream])

    return asyncio.run(whole()).decode("utf-8-sig")


def said(response: HttpResponse) -> str:
    """The messages that the next page shows, without markup."""
    found = [str(message) for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]
    return re.sub("<.*?>", "", " ".join(found))


def inactive() -> set[str]:
    return set(Product.objects.filter(active=False).values_list("sku", flat=True))


def test_selected_products_are_switched_and_it_is_said_how_many_were_so(
    editor_client: Client,
) -> None:
    query = "search=Product&size=50&ordering=sku&page=2"

    response = post(editor_client, "deactivate", ids=ids("A-1", "A-2", "A-3"), query=query)

    assert response.status_code == 302
    assert response["Location"] == f"{LIST}?{query}"
    assert inactive() == {"A-0", "A-1", "A-2", "A-3"}
    assert said(response) == "2 products deactivated. 1 was inactive already. Undo"
    change_set = ChangeSet.objects.get()
    assert f'href="/activity/{change_set.pk}/undo/"' in text_of(editor_client.get(LIST))


def test_all_that_match_are_switched_whatever_is_ticked(editor_client: Client) -> None:
    response = post(editor_client, "activate", all="1", ids=ids("A-9"), query="sku=a-0&page=3")

    assert said(response) == "1 product activated. Undo"
    assert inactive() == {"A-1"}
    assert BulkOperation.objects.get().query == "sku=a-0"


def test_all_without_a_filter_are_every_product(editor_client: Client) -> None:
    response = post(editor_client, "deactivate", all="1", query="ordering=sku&size=50")

    assert said(response) == "8 products deactivated. 2 were inactive already. Undo"
    assert len(inactive()) == 10


def test_what_is_so_already_makes_no_change_set(editor_client: Client) -> None:
    response = post(editor_client, "activate", ids=ids("A-2", "A-3"))

    assert said(response) == "Nothing had to be done. 2 were active already."
    assert not ChangeSet.objects.exists()


def test_large_operation_leads_to_its_own_page(
    editor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", 5)

    response = post(editor_client, "activate", all="1", query="")

    operation = BulkOperation.objects.get()
    assert operation.state == "queued"
    assert response["Location"] == f"/products/operations/{operation.pk}/"
    assert inactive() == {"A-0", "A-1"}


def test_deletion_is_confirmed_with_the_number_and_examples(editor_client: Client) -> None:
    response = post(editor_client, "delete", ids=ids("A-1", "A-2"), query="size=50")

    page = text_of(response)
    assert response.status_code == 200
    assert "Delete 2 products?" in page
    assert "Product 1" in page
    assert "Product 2" in page
    assert Product.objects.count() == 10
    for each in ids("A-1", "A-2"):
        assert f'name="ids" value="{each}"' in page
    assert 'href="/products/?size=50"' in page

    response = post(editor_client, "delete", ids=ids("A-1", "A-2"), query="size=50", confirm="1")

    assert said(response) == "2 products deleted. Undo"
    assert response["Location"] == f"{LIST}?size=50"
    assert not ids("A-1", "A-2")
    assert Product.objects.count() == 8


def test_deletion_of_all_that_match_names_some_and_counts_the_rest(editor_client: Client) -> None:
    response = post(editor_client, "delete", all="1", query="active=true")

    page = text_of(response)
    assert "Delete 8 products?" in page
    assert "and 3 more" in page
    assert 'name="all" value="1"' in page
    assert 'name="query" value="active=true"' in page

    post(editor_client, "delete", all="1", query="active=true", confirm="1")

    assert set(Product.objects.values_list("sku", flat=True)) == {"A-0", "A-1"}


def test_deletion_of_everything_has_a_page_of_its_own(editor_client: Client, manager: User) -> None:
    client = Client()
    client.force_login(manager)
    for query in ("", "search=+&size=50"):
        response = post(client, "delete", all="1", query=query, confirm="1")
        assert response["Location"] == "/products/delete-all/"

        response = post(editor_client, "delete", all="1", query=query, confirm="1")
        assert response.status_code == 403
        assert "Only a manager may delete every product." in text_of(response)
    assert Product.objects.count() == 10


def test_products_that_are_gone_are_not_asked_about(editor_client: Client) -> None:
    response = post(editor_client, "delete", ids=[10**9])

    assert said(response) == "None of these products is there any more."


@pytest.mark.parametrize("action", ["activate", "delete", "export"])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "No products are selected. Tick the boxes of some first."),
        ({"all": "yes"}, "No products are selected. Tick the boxes of some first."),
        ({"ids": ["1", "x"]}, "Nothing was done, since the selection can't be read."),
        ({"ids": ["-1"]}, "Nothing was done, since the selection can't be read."),
        ({"ids": ["²"]}, "Nothing was done, since the selection can't be read."),
        ({"ids": [str(2**63)]}, "Nothing was done, since the selection can't be read."),
        (
            {"all": "1", "query": "price_min=abc"},
            "Nothing was done, since a filter can't be read. Price from: Write a price",
        ),
        (
            {"all": "1", "query": "serach=bolt"},
            "Nothing was done, since a filter can't be read. There is no filter “serach”.",
        ),
    ],
)
def test_selection_that_is_none_is_refused_in_words(
    editor_client: Client, action: str, fields: dict[str, object], reason: str
) -> None:
    response = post(editor_client, action, confirm="1", **fields)

    query = f"?{urlencode({'price_min': 'abc'})}" if "price_min" in str(fields) else ""
    query = "?serach=bolt" if "serach" in str(fields) else query
    assert response["Location"] == LIST + query
    assert said(response).startswith(reason)
    assert inactive() == {"A-0", "A-1"}
    assert Product.objects.count() == 10
    assert not BulkOperation.objects.exists()


def test_action_that_is_none_is_refused_in_words(editor_client: Client) -> None:
    for action in ("", "paint", "delete_all", "undo"):
        response = post(editor_client, action, ids=ids("A-5"))
        assert said(response).startswith("Choose what to do with the products.")
    assert not BulkOperation.objects.exists()


def test_address_that_comes_back_stays_on_the_list(editor_client: Client) -> None:
    response = post(editor_client, "activate", query="//elsewhere.example/\r\nX-Evil: 1")

    assert response["Location"].startswith(f"{LIST}?")
    assert "\n" not in response["Location"]


@pytest.mark.parametrize("action", ["activate", "deactivate", "delete"])
def test_viewer_may_not_change_products(viewer_client: Client, action: str) -> None:
    assert post(viewer_client, action, ids=ids("A-5"), confirm="1").status_code == 403
    assert post(viewer_client, action, all="1", query="sku=A", confirm="1").status_code == 403

    assert Product.objects.count() == 10
    assert inactive() == {"A-0", "A-1"}


@pytest.mark.parametrize(
    ("action", "missing"),
    [
        ("activate", "change_product"),
        ("activate", "add_bulkoperation"),
        ("delete", "delete_product"),
        ("delete", "add_bulkoperation"),
    ],
)
def test_each_action_asks_for_its_own_permissions(action: str, missing: str, viewer: User) -> None:
    needed = {"change_product", "delete_product", "add_bulkoperation"} - {missing}
    viewer.user_permissions.set(Permission.objects.filter(codename__in=needed))
    client = Client()
    client.force_login(viewer)

    assert post(client, action, ids=ids("A-1"), confirm="1").status_code == 403
    assert Product.objects.count() == 10
    assert inactive() == {"A-0", "A-1"}


def test_viewer_exports_what_is_selected(viewer_client: Client) -> None:
    response = post(viewer_client, "export", ids=ids("A-1", "A-2"))

    lines = body(response).splitlines()
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/csv")
    assert [line.split(",")[0] for line in lines] == ["sku", "A-1", "A-2"]


def test_export_of_all_that_match_is_the_lists_own(viewer_client: Client) -> None:
    response = post(viewer_client, "export", all="1", query="sku=a&page=2&size=50")

    assert response["Location"] == "/products/export.csv?sku=a"


def test_bulk_is_posted_to_and_never_read(editor_client: Client) -> None:
    assert editor_client.get(BULK).status_code == 405
