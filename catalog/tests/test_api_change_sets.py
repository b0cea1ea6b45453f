"""The log for programs: change sets, their products, the history of one product, undo."""

from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.models import User
from catalog import operations, products
from catalog.change_details import changes_of
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.tests.change_sets import API, FORM, edited, imported, made, mixed, newest, undone
from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LOG = "/api/changesets"


def shown(response: Any) -> Any:
    assert response.status_code == 200, response.content
    return response.json()


def ids(response: Any) -> list[int]:
    return [item["id"] for item in shown(response)["items"]]


def test_change_set_is_told_as_on_the_activity_page(viewer_api: ApiClient, editor: User) -> None:
    made("A-1", "Bolt", actor=editor)

    (item,) = shown(viewer_api.get(LOG))["items"]

    change_set = ChangeSet.objects.get()
    assert item == {
        "id": change_set.pk,
        "source": "form",
        "actor": "editor",
        "created_at": change_set.created_at.isoformat().replace("+00:00", "Z"),
        "what": "Created Bolt",
        "note": "",
        "created": 1,
        "updated": 0,
        "deleted": 0,
        "undoes": None,
        "undone": False,
        "can_be_undone": True,
        "operation": None,
        "import_job": None,
    }


def test_change_set_names_what_made_it_and_what_undid_it(viewer_api: ApiClient) -> None:
    change_set = imported("I-1", "I-2", file="may.csv")
    undo = undone(change_set)
    ChangeSet.objects.filter(pk=change_set.pk).update(pruned_at=timezone.now())

    first = shown(viewer_api.get(f"{LOG}/{change_set.pk}"))
    second = shown(viewer_api.get(f"{LOG}/{undo.pk}"))

    job = apps.get_model("imports", "ImportJob").objects.get()
    assert (first["import_job"], first["operation"], first["actor"]) == (job.pk, None, None)
    assert (first["undone"], first["can_be_undone"]) == (True, False)
    assert (second["undoes"], second["source"]) == (change_set.pk, "undo")
    assert second["operation"] == BulkOperation.objects.get().pk


def test_log_is_read_by_cursor_newest_first(viewer_api: ApiClient) -> None:
    for number in range(5):
        made(f"A-{number}")
    expected = list(ChangeSet.objects.order_by("-id").values_list("pk", flat=True))

    response = viewer_api.get(f"{LOG}?limit=2")
    found = ids(response)
    made("A-5")
    while (cursor := response.json()["next"]) is not None:
        assert f'/api/changesets?limit=2&cursor={cursor}>; rel="next"' in response["Link"]
        response = viewer_api.get(f"{LOG}?limit=2&cursor={cursor}")
        found += ids(response)

    assert found == expected
    assert "Link" not in response
    assert ids(viewer_api.get(f"{LOG}?cursor=1")) == []


def test_log_is_narrowed_by_source_and_person(
    viewer_api: ApiClient, editor: User, manager: User
) -> None:
    product = made("A-1", actor=editor)
    edited(product, actor=editor, source=API, name="Two")
    edited(product, actor=manager, source=API, name="Three")
    first, second, third = ChangeSet.objects.order_by("id").values_list("pk", flat=True)

    assert ids(viewer_api.get(f"{LOG}?source=form")) == [first]
    assert ids(viewer_api.get(f"{LOG}?actor=editor")) == [second, first]
    assert ids(viewer_api.get(f"{LOG}?actor=manager&source=api")) == [third]
    assert ids(viewer_api.get(f"{LOG}?actor=nobody")) == []
    assert ids(viewer_api.get(f"{LOG}?source=&actor=")) == [third, second, first]


@pytest.mark.parametrize("query", ["source=x", "cursor=0", "cursor=x", "limit=251", "page=1"])
def test_parameter_that_can_not_be_read_is_an_error(viewer_api: ApiClient, query: str) -> None:
    made()
    for path in (LOG, f"{LOG}/{newest().pk}/changes"):
        response = viewer_api.get(f"{path}?{query}")
        assert response.status_code == 400
        assert [each["field"] for each in response.json()["errors"]] == [query.partition("=")[0]]


def test_changes_hold_the_values_typed_as_the_products_fields(viewer_api: ApiClient) -> None:
    product = made("A-1", "One", price=Decimal("1.00"), description="Text")
    creation = newest()
    edited(product, name="Two", price=None, active=False, description="")
    edit = newest()
    products.delete(product.pk, source=FORM, actor=None)
    deletion = newest()

    def change(of: ChangeSet) -> dict[str, Any]:
        (item,) = shown(viewer_api.get(f"{LOG}/{of.pk}/changes"))["items"]
        assert (item["product"], item["sku"]) == (product.pk, "A-1")
        return dict(item)

    row = {"sku": "A-1", "name": "One", "description": "Text", "price": "1.00", "active": True}
    changed = {"name": "Two", "description": "", "price": None, "active": False}
    found = change(creation)
    assert (found["kind"], found["since"]) == ("created", "deleted since")
    assert (found["before"], found["after"]) == (None, row)
    found = change(edit)
    assert (found["kind"], found["name"]) == ("updated", "Two")
    assert (found["before"], found["after"]) == ({name: row[name] for name in changed}, changed)
    found = change(deletion)
    assert (found["kind"], found["since"]) == ("deleted", "")
    assert (found["before"], found["after"]) == ({**row, **changed}, None)


def test_changes_are_read_by_cursor_and_found_by_sku(viewer_api: ApiClient) -> None:
    change_set, products_of = mixed()
    path = f"{LOG}/{change_set.pk}/changes"

    found: list[int] = []
    cursor: int | None = None
    while True:
        response = viewer_api.get(f"{path}?limit=3{f'&cursor={cursor}' if cursor else ''}")
        found += [item["product"] for item in shown(response)["items"]]
        cursor = response.json()["next"]
        if cursor is None:
            break

    assert found == products_of == [row.id for row in changes_of(change_set).rows]
    by_sku = shown(viewer_api.get(f"{path}?sku=old&limit=2"))["items"]
    assert [item["sku"] for item in by_sku] == ["OLD-0", "OLD-1"]
    assert viewer_api.get(f"{path}?sku=%00").status_code == 400


def test_creation_of_which_nothing_is_known_any_more_has_no_values(viewer_api: ApiClient) -> None:
    change_set = imported("I-1")
    product = Product.objects.get()
    products.delete(product.pk, source=FORM, actor=None)
    ProductChange.objects.all().delete()

    (item,) = shown(viewer_api.get(f"{LOG}/{change_set.pk}/changes"))["items"]

    assert (item["sku"], item["before"], item["after"]) == (None, None, {})


def test_history_of_a_product_tells_each_change_with_its_values(
    viewer_api: ApiClient, editor: User
) -> None:
    product = made("A-1", "One", actor=editor)
    edited(product, price=Decimal("5.00"))
    edited(product, source=API, name="Two")
    products.delete(product.pk, source=FORM, actor=None)
    undone(newest())
    creation, priced, named, deletion, back = ChangeSet.objects.order_by("id")
    path = f"/api/products/{product.pk}/changes"

    body = shown(viewer_api.get(path))

    last = {"sku": "A-1", "name": "Two", "description": "", "price": "5.00", "active": True}
    first = {**last, "name": "One", "price": None}
    told = [
        (item["change_set"], item["kind"], item["again"], item["before"], item["after"])
        for item in body["items"]
    ]
    assert told == [
        (back.pk, "created", True, None, last),
        (deletion.pk, "deleted", False, last, None),
        (named.pk, "updated", False, {"name": "One"}, {"name": "Two"}),
        (priced.pk, "updated", False, {"price": None}, {"price": "5.00"}),
        (creation.pk, "created", False, None, first),
    ]
    assert (body["total"], body["next"]) == (5, None)
    assert [item["source"] for item in body["items"]] == ["undo", "form", "api", "form", "form"]
    assert (body["items"][-1]["actor"], body["items"][0]["actor"]) == ("editor", None)


def test_history_goes_by_cursor_and_by_field(viewer_api: ApiClient) -> None:
    product = made("A-1", "One")
    for name in ("Two", "Three", "Four"):
        edited(product, name=name)
        edited(product, description=name)
    path = f"/api/products/{product.pk}/changes"

    names = shown(viewer_api.get(f"{path}?field=name"))["items"]
    pages = []
    cursor = ""
    while cursor is not None:
        body = shown(viewer_api.get(f"{path}?limit=3{f'&cursor={cursor}' if cursor else ''}"))
        pages.append([(item["before"], item["after"]) for item in body["items"]])
        cursor = body["next"]

    assert [item["after"] for item in names] == [
        {"name": "Four"},
        {"name": "Three"},
        {"name": "Two"},
        {"name": "One"},
    ]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert pages[1][0] == ({"name": "Two"}, {"name": "Three"})
    assert viewer_api.get(f"{path}?field=colour").status_code == 400


def test_deleted_product_has_its_history_while_the_log_has_it(viewer_api: ApiClient) -> None:
    product = made()
    path = f"/api/products/{product.pk}/changes"
    products.delete(product.pk, source=FORM, actor=None)

    assert [item["kind"] for item in shown(viewer_api.get(path))["items"]] == ["deleted", "created"]
    for unknown in (product.pk + 1, 10**30):
        assert viewer_api.get(f"/api/products/{unknown}/changes").status_code == 404


def test_undo_says_what_it_would_do_and_does_it(editor_api: ApiClient, editor: User) -> None:
    rows = [made(f"A-{at}", "Old") for at in range(3)]
    bulk = operations.start(BulkOperation.Kind.DEACTIVATE, actor=None, query="")
    edited(rows[0], active=True)
    products.delete(rows[1].pk, source=FORM, actor=None)
    path = f"{LOG}/{bulk.change_set_id}/undo"

    plan = shown(editor_api.get(path))

    left = {"id": rows[1].pk, "sku": "A-1", "reason": "deleted", "words": "deleted since"}
    assert plan == {
        "created": 0,
        "updated": 1,
        "deleted": 0,
        "unchanged": 1,
        "left_alone": 1,
        "left": [left],
    }
    assert not BulkOperation.objects.filter(kind="undo").exists()

    done = shown(editor_api.send("POST", path))

    assert {name: done[name] for name in plan} == plan
    undo = ChangeSet.objects.get(pk=done["change_set"])
    assert (undo.undoes_id, undo.source, undo.actor) == (bulk.change_set_id, "undo", editor)
    assert Product.objects.get(pk=rows[2].pk).active


def test_undo_that_finds_nothing_to_do_makes_no_change_set(editor_api: ApiClient) -> None:
    product = made()
    change_set = newest()
    products.delete(product.pk, source=FORM, actor=None)

    done = shown(editor_api.send("POST", f"{LOG}/{change_set.pk}/undo"))

    assert (done["unchanged"], done["change_set"]) == (1, None)


def test_change_set_that_is_too_old_can_not_be_undone(editor_api: ApiClient) -> None:
    made()
    ChangeSet.objects.update(pruned_at=timezone.now())
    path = f"{LOG}/{newest().pk}/undo"

    for response in (editor_api.get(path), editor_api.send("POST", path)):
        assert response.status_code == 409
        assert response.json()["type"] == "/api/docs#wrong-state"
        assert "too old to undo" in response.json()["detail"]
    assert Product.objects.count() == 1
    assert not BulkOperation.objects.exists()


def test_undo_with_a_key_is_done_once(editor_api: ApiClient) -> None:
    product = made()
    edited(product, name="Two")
    path = f"{LOG}/{newest().pk}/undo"

    first = editor_api.send("POST", path, Idempotency_Key="k-1")
    again = editor_api.send("POST", path, Idempotency_Key="k-1")

    assert (first.json(), again.status_code) == (again.json(), 200)
    assert BulkOperation.objects.count() == 1
    assert Product.objects.get().name == "One"


def test_undo_takes_no_body(editor_api: ApiClient) -> None:
    made()
    path = f"{LOG}/{newest().pk}/undo"

    assert editor_api.send("POST", path, {"confirm": True}).status_code == 400
    assert Product.objects.count() == 1
    assert editor_api.send("POST", path, {}).status_code == 200


def test_change_set_that_is_none_is_not_found(editor_api: ApiClient) -> None:
    for path in (f"{LOG}/1", f"{LOG}/1/changes", f"{LOG}/1/undo", f"{LOG}/{10**30}"):
        assert editor_api.get(path).status_code == 404
    assert editor_api.send("POST", f"{LOG}/1/undo").status_code == 404


def test_number_of_queries_is_the_same_for_any_number_of_change_sets(
    viewer_api: ApiClient, django_assert_num_queries: Any
) -> None:
    for number in range(6):
        edited(made(f"A-{number}"), name="Two")
    viewer_api.get(LOG)

    # The token and its user, his permissions; change sets; names: changes, products; undone.
    with django_assert_num_queries(7):
        viewer_api.get(f"{LOG}?limit=2")
    with django_assert_num_queries(7):
        viewer_api.get(f"{LOG}?limit=10")
