"""Many products at once: actions, the deletion of all, the export."""

import asyncio
import gzip
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from django.contrib.auth.models import Permission
from django.http import StreamingHttpResponse

from accounts.models import AuditEntry, User
from accounts.roles import ROLES
from catalog import operations
from catalog.api.bulk import FilterBody
from catalog.filters import ProductFilter
from catalog.models import BulkOperation, ChangeSet, Product
from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ACTIONS = "/api/products/actions"
EXPORT = "/api/products/export"
HEADER = "sku,name,description,price,active"


@pytest.fixture(autouse=True)
def some_products() -> None:
    """Ten products, A-0 to A-9, of which A-0 and A-1 are inactive; A-9 costs 12.90."""
    Product.objects.bulk_create(
        Product(sku=f"A-{at}", name=f"Name {at}", active=at > 1, price="12.90" if at > 8 else None)
        for at in range(10)
    )


def act(client: ApiClient, action: str, **chosen: Any) -> Any:
    return client.send("POST", ACTIONS, {"action": action, **chosen})


def refused(response: Any) -> set[str]:
    assert response.status_code == 400, response.content
    return {each["field"] for each in response.json()["errors"]}


def ids(*skus: str) -> list[int]:
    return list(Product.objects.filter(sku__in=skus).values_list("pk", flat=True))


def inactive() -> set[str]:
    return set(Product.objects.filter(active=False).values_list("sku", flat=True))


def body(response: Any) -> bytes:
    stream = cast("AsyncIterator[bytes]", cast(StreamingHttpResponse, response).streaming_content)

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in stream])

    return asyncio.run(whole())


def test_every_filter_of_the_page_chooses_products() -> None:
    assert set(FilterBody().fields) == set(ProductFilter.base_filters)


@pytest.mark.parametrize(
    ("chosen", "switched"),
    [
        ({"sku": "a-5"}, {"A-5"}),
        ({"search": "name 5", "sku": ""}, {"A-5"}),
        ({"price_min": 12.9}, {"A-9"}),
        ({"price_min": "12.90", "price_max": 13}, {"A-9"}),
        ({"priced": True, "active": True}, {"A-9"}),
        ({"updated_after": "2020-01-01", "ordering": "sku", "name": "7"}, {"A-7"}),
        ({"updated_before": "2020-01-01T00:00:00Z"}, set()),
    ],
)
def test_filter_is_that_of_the_list(
    editor_api: ApiClient, chosen: dict[str, Any], switched: set[str]
) -> None:
    response = act(editor_api, "deactivate", filter=chosen)

    assert response.status_code == 200, response.content
    assert response.json()["count"] == len(switched)
    assert inactive() == {"A-0", "A-1"} | switched


def test_products_are_chosen_by_their_ids_once_each(editor_api: ApiClient, editor: User) -> None:
    one = ids("A-5")

    response = act(editor_api, "deactivate", ids=[*one, *one, *ids("A-0"), 10**9])

    assert response.json()["message"] == "Deactivated 1 product"
    counts = {name: response.json()[name] for name in ("count", "unchanged", "left_alone")}
    assert counts == {"count": 1, "unchanged": 2, "left_alone": 0}
    change_set = ChangeSet.objects.get()
    assert response.json()["change_set"] == change_set.pk
    assert (change_set.source, change_set.actor) == ("bulk", editor)


def test_what_is_so_already_makes_no_change_set(editor_api: ApiClient) -> None:
    response = act(editor_api, "activate", ids=ids("A-5"))

    assert (response.json()["count"], response.json()["change_set"]) == (0, None)
    assert not ChangeSet.objects.exists()


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({"action": "activate"}, {""}),
        ({"action": "activate", "ids": [1], "filter": {}}, {""}),
        ({"action": "activate", "ids": []}, {"ids"}),
        ({"action": "activate", "ids": "1"}, {"ids"}),
        ({"action": "activate", "ids": None}, {"ids"}),
        ({"action": "activate", "ids": ["1"]}, {"ids.0"}),
        ({"action": "activate", "ids": [1, True]}, {"ids.1"}),
        ({"action": "activate", "ids": [0, 2**63, 1.5]}, {"ids.0", "ids.1", "ids.2"}),
        ({"action": "paint", "ids": [1]}, {"action"}),
        ({"action": "export", "ids": [1]}, {"action"}),
        ({"ids": [1]}, {"action"}),
        ({"action": "activate", "ids": [1], "confirm": True}, {"confirm"}),
        ({"action": "delete", "filter": "sku=A-1"}, {"filter"}),
        ({"action": "delete", "filter": None}, {"filter"}),
        ({"action": "delete", "filter": {"colour": "red"}}, {"filter.colour"}),
        ({"action": "delete", "filter": {"page": 1}}, {"filter.page"}),
        ({"action": "delete", "filter": {"sku": 7}}, {"filter.sku"}),
        ({"action": "delete", "filter": {"sku": None}}, {"filter.sku"}),
        ({"action": "delete", "filter": {"active": "true"}}, {"filter.active"}),
        ({"action": "delete", "filter": {"price_min": True}}, {"filter.price_min"}),
        ({"action": "delete", "filter": {"price_min": "1,5"}}, {"filter.price_min"}),
        ({"action": "delete", "filter": {"price_max": 1e300}}, {"filter.price_max"}),
        ({"action": "delete", "filter": {"updated_after": "x"}}, {"filter.updated_after"}),
        ({"action": "delete", "filter": {"ordering": "colour"}}, {"filter.ordering"}),
    ],
)
def test_choice_that_can_not_be_read_is_refused_and_nothing_is_done(
    manager_api: ApiClient, sent: dict[str, Any], fields: set[str]
) -> None:
    assert refused(manager_api.send("POST", ACTIONS, sent)) == fields
    assert not BulkOperation.objects.exists()
    assert Product.objects.count() == 10


@pytest.mark.parametrize("everything", [{}, {"sku": ""}, {"search": "  ", "ordering": "sku"}])
def test_deletion_of_everything_is_for_managers(
    editor_api: ApiClient, manager_api: ApiClient, everything: dict[str, str]
) -> None:
    response = act(editor_api, "delete", filter=everything)
    assert response.status_code == 403
    assert Product.objects.count() == 10
    assert not BulkOperation.objects.exists()

    sent = {"action": "delete", "filter": everything}
    response = manager_api.send("POST", f"{ACTIONS}?confirm=true", sent)

    assert (response.status_code, response.json()["count"]) == (200, 10)
    assert BulkOperation.objects.get().kind == "delete_all"
    assert ChangeSet.objects.get().source == "delete_all"


@pytest.mark.parametrize("query", ["", "?confirm=", "?confirm=yes"])
def test_deletion_of_everything_asks_to_be_confirmed(manager_api: ApiClient, query: str) -> None:
    sent = {"action": "delete", "filter": {}}

    assert refused(manager_api.send("POST", f"{ACTIONS}{query}", sent)) == {"confirm"}
    assert not BulkOperation.objects.exists()
    assert Product.objects.count() == 10


def test_editor_switches_everything(editor_api: ApiClient) -> None:
    assert act(editor_api, "deactivate", filter={}).json()["count"] == 8
    assert len(inactive()) == 10


def test_action_needs_a_token_that_reaches_so_far(manager: User) -> None:
    reading, writing = (ApiClient(manager, scope=scope) for scope in ("read", "write"))

    assert act(reading, "activate", ids=ids("A-0")).status_code == 403
    response = act(writing, "delete", filter={})
    assert response.status_code == 403
    assert "The token's scope is write, and this needs manage." in response.json()["detail"]
    assert inactive() == {"A-0", "A-1"}
    assert act(writing, "activate", ids=ids("A-0")).status_code == 200


def test_each_action_asks_for_its_own_permissions(viewer: User) -> None:
    viewer.user_permissions.set(
        permission
        for permission in _permissions("catalog.add_bulkoperation", "catalog.change_product")
    )
    client = ApiClient(viewer)

    assert act(client, "delete", ids=ids("A-5")).status_code == 403
    assert Product.objects.count() == 10
    assert act(client, "deactivate", ids=ids("A-5")).status_code == 200


def _permissions(*names: str) -> list[Any]:
    assert set(names) <= {name for role in ROLES.values() for name in role}
    codes = [name.partition(".")[2] for name in names]
    return list(Permission.objects.filter(codename__in=codes, content_type__app_label="catalog"))


def test_action_with_a_key_is_done_once(editor_api: ApiClient) -> None:
    sent = {"action": "delete", "ids": ids("A-5")}

    first = editor_api.send("POST", ACTIONS, sent, Idempotency_Key="k-1")
    again = editor_api.send("POST", ACTIONS, sent, Idempotency_Key="k-1")

    assert first.json() == again.json()
    assert again.json()["count"] == 1
    assert BulkOperation.objects.count() == 1


def test_bulk_delete_of_many_waits_for_a_worker(
    manager_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", 5)

    response = manager_api.send("DELETE", "/api/products?confirm=true")

    operation = BulkOperation.objects.get()
    assert (operation.state, operation.kind) == ("queued", "delete_all")
    assert response.status_code == 202
    assert response.json()["task_id"] == operation.task_id
    assert Product.objects.count() == 10


def test_bulk_delete_takes_no_filter(manager_api: ApiClient) -> None:
    for path in ("/api/products", "/api/products/bulk"):
        response = manager_api.send("DELETE", f"{path}?confirm=true&active=false")
        assert refused(response) == {"active"}
        assert manager_api.send("DELETE", f"{path}?confirm=true&confirm=true").status_code == 400
    assert Product.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_export_has_the_products_of_the_filters_and_is_audited(
    viewer: User, viewer_api: ApiClient
) -> None:
    found = body(viewer_api.get(f"{EXPORT}?priced=true&ordering=sku")).decode("utf-8-sig")

    assert found == f"{HEADER}\nA-9,Name 9,,12.90,true\n"
    entry = AuditEntry.objects.get(action="exported")
    assert (entry.actor, entry.target) == (viewer, "1 product")
    assert entry.details == {"rows": 1, "query": "priced=true"}


@pytest.mark.django_db(transaction=True)
def test_export_is_one_gzip_stream_for_those_who_take_it(viewer_api: ApiClient) -> None:
    response = viewer_api.get(EXPORT, headers={"Accept-Encoding": "br, gzip"})

    assert response["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response["Vary"]
    zipped = body(response)
    assert zipped.count(b"\x1f\x8b\x08") == 1
    assert gzip.decompress(zipped).decode("utf-8-sig").count("\n") == 11
    plain = viewer_api.get(EXPORT)
    assert "Content-Encoding" not in plain
    assert "Accept-Encoding" in plain["Vary"]
    plain.close()


@pytest.mark.django_db(transaction=True)
def test_head_of_the_export_makes_none(viewer_api: ApiClient) -> None:
    response = viewer_api.head(EXPORT)

    assert response.status_code == 200
    assert response["Content-Disposition"].startswith('attachment; filename="products-')
    assert not AuditEntry.objects.filter(action="exported").exists()


def test_export_takes_no_pages_and_no_filter_that_it_does_not_know(viewer_api: ApiClient) -> None:
    for query, field in (("page=1", "page"), ("colour=red", "colour"), ("active=x", "active")):
        assert refused(viewer_api.get(f"{EXPORT}?{query}")) == {field}
        assert viewer_api.head(f"{EXPORT}?{query}").status_code == 400
    assert not AuditEntry.objects.filter(action="exported").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is Linux's")
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_full_disk_is_a_problem_and_nothing_is_sent(
    viewer_api: ApiClient, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: Path("/dev/full").open("w+b"))  # noqa: SIM115

    response = viewer_api.get(EXPORT, headers={"Accept-Encoding": encoding})

    assert response.status_code == 507
    assert response.json()["type"] == "/api/docs#no-room"
    assert not response.has_header("Content-Disposition")
    assert not AuditEntry.objects.filter(action="exported").exists()
