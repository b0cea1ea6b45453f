"""The admin writes products as everybody else does, and nothing that the program keeps."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, User
from catalog import admin as catalog_admin
from catalog import products
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from core.admin import ReadOnlyAdmin

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/catalog/product/"
ADD = f"{LIST}add/"
CHANGE_SETS = "/admin/catalog/changeset/"
OPERATIONS = "/admin/catalog/bulkoperation/"
FORM: dict[str, Any] = {
    "sku": "A-1", "name": "One", "description": "", "price": "12.90", "active": "on",
}  # fmt: skip


@pytest.fixture
def superuser() -> User:
    return User.objects.create_superuser("root", password="correct horse")


@pytest.fixture
def client(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def made(sku: str = "A-1") -> Product:
    return products.create(source=ChangeSet.Source.FORM, actor=None, sku=sku, name="One")


def insert(number: int, *, sku: str = "P") -> None:
    """That many products, each younger than the one before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_product (sku, name, created_at, updated_at)"
            " SELECT %s || '-' || n, 'Product ' || n, now(), now() + n * interval '1 ms'"
            " FROM generate_series(1, %s) AS n",
            [sku, number],
        )


def act(client: Client, action: str, *chosen: int, path: str = LIST, **more: str) -> HttpResponse:
    data = {"action": action, "_selected_action": chosen, **more}
    return client.post(path, data, follow=True)  # type: ignore[return-value]


def sources() -> list[tuple[str, int, int, int]]:
    fields = ("source", "created", "updated", "deleted")
    return list(ChangeSet.objects.order_by("id").values_list(*fields))


def test_creation_leaves_a_change_set_of_the_admin(client: Client, superuser: User) -> None:
    response = client.post(ADD, FORM)

    assert response.status_code == 302
    product = Product.objects.get()
    assert (product.sku, product.price, product.active) == ("A-1", Decimal("12.90"), True)
    change_set = ChangeSet.objects.get()
    assert sources() == [("admin", 1, 0, 0)]
    assert change_set.actor == superuser
    assert change_set.first_created_id == product.pk


def test_edit_leaves_the_replaced_values(client: Client) -> None:
    client.post(ADD, FORM)
    product = Product.objects.get()

    client.post(f"/admin/catalog/product/{product.pk}/change/", {**FORM, "name": "Two"})

    assert sources() == [("admin", 1, 0, 0), ("admin", 0, 1, 0)]
    assert ProductChange.objects.get().before == {"name": "One"}
    assert Product.objects.get().name == "Two"


def test_edit_that_changes_nothing_leaves_no_change_set(client: Client) -> None:
    client.post(ADD, FORM)

    client.post(f"/admin/catalog/product/{Product.objects.get().pk}/change/", FORM)

    assert sources() == [("admin", 1, 0, 0)]


def test_deletion_leaves_the_whole_row(client: Client) -> None:
    product = made()

    client.post(f"/admin/catalog/product/{product.pk}/delete/", {"post": "yes"})

    assert sources()[1:] == [("admin", 0, 0, 1)]
    assert not Product.objects.exists()
    change = ProductChange.objects.get()
    assert (change.kind, change.sku, change.before["name"]) == ("d", "A-1", "One")  # type: ignore[index]


def test_deletion_of_several_asks_first(client: Client) -> None:
    chosen = [made("A-1").pk, made("A-2").pk]

    page = act(client, "delete_selected", *chosen).content.decode()

    assert "2 products will be deleted, in one change set that can be undone." in page
    assert Product.objects.count() == 2
    assert not BulkOperation.objects.exists()


def test_deletion_of_several_leaves_one_change_set(client: Client, superuser: User) -> None:
    chosen = [made("A-1").pk, made("A-2").pk]
    kept = made("A-3")

    page = act(client, "delete_selected", *chosen, post="yes").content.decode()

    assert sources()[3:] == [("bulk", 0, 0, 2)]
    assert ChangeSet.objects.latest("id").actor == superuser
    assert list(Product.objects.all()) == [kept]
    operation = BulkOperation.objects.get()
    assert "2 products to be deleted: 2 changed." in page
    assert f'href="/products/operations/{operation.pk}/"' in page


def test_selected_products_are_switched_off_and_on(client: Client) -> None:
    chosen = [made("A-1").pk, made("A-2").pk]
    kept = made("A-3")

    act(client, "deactivate", *chosen)
    assert set(Product.objects.filter(active=True)) == {kept}
    page = act(client, "activate", *chosen, kept.pk).content.decode()

    assert Product.objects.filter(active=True).count() == 3
    assert sources()[3:] == [("bulk", 0, 2, 0), ("bulk", 0, 2, 0)]
    assert "3 products to be activated: 2 changed." in page


def test_action_on_all_that_match_takes_those_of_every_page(client: Client) -> None:
    insert(150, sku="B")
    kept = made("A-1")

    first = Product.objects.filter(sku__startswith="B-").values_list("pk", flat=True)[0]
    act(client, "deactivate", first, path=f"{LIST}?q=b-", select_across="1")

    assert list(Product.objects.filter(active=True)) == [kept]
    assert BulkOperation.objects.get().total == 150


def test_more_than_an_operation_keeps_are_refused_in_words(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_admin, "MOST_CHOSEN", 2)
    chosen = [made("A-1").pk, made("A-2").pk, made("A-3").pk]

    page = act(client, "delete_selected", *chosen, post="yes").content.decode()

    assert "More than 2 products are too many for this page, and nothing was changed." in page
    assert Product.objects.count() == 3
    assert not BulkOperation.objects.exists()


def test_whole_catalog_is_never_counted(client: Client) -> None:
    insert(20_000)

    with CaptureQueriesContext(connection) as asked:
        page = client.get(LIST).content.decode()

    about = int(re.findall(r"(\d+) products", page)[0])
    assert 10_000 < about < 40_000
    counts = [
        each["sql"] for each in asked if "COUNT(" in each["sql"] and "_product" in each["sql"]
    ]
    assert len(counts) == 1
    assert "LIMIT 10001" in counts[0]


def test_list_takes_as_many_statements_for_a_hundred_products_as_for_one(client: Client) -> None:
    made()
    client.get(LIST)
    with CaptureQueriesContext(connection) as for_one:
        client.get(LIST)
    insert(200)
    with CaptureQueriesContext(connection) as for_many:
        client.get(LIST)

    # The session, the user, the first rows to count, the rows.
    assert len(for_many) == len(for_one) <= 5


def test_last_page_of_an_estimated_catalog_has_the_oldest_products(client: Client) -> None:
    insert(20_000)
    pages = client.get(LIST).context["cl"].paginator.num_pages

    page = client.get(f"{LIST}?p={pages}")

    assert page.status_code == 200
    assert page.context["cl"].result_list[-1].sku == "P-1"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a-1", ["A-1"]),
        ("ONE a", ["A-2", "A-1"]),
        ("a-1 a-2", []),
        ("%", []),
        ("nothing", []),
    ],
)
def test_search_finds_parts_of_sku_and_name_in_any_case(
    client: Client, words: str, found: list[str]
) -> None:
    made("A-1")
    made("A-2")
    made("B-1")

    page = client.get(LIST, {"q": words})

    assert [product.sku for product in page.context["cl"].result_list] == found
    assert page.context["cl"].result_count == len(found)


def test_list_is_sorted_by_its_index_alone(client: Client) -> None:
    made("A-2")
    made("A-1")

    asked = client.get(LIST, {"o": "1"})  # by SKU, if that were possible

    assert [product.sku for product in asked.context["cl"].result_list] == ["A-1", "A-2"]
    assert [product.sku for product in client.get(LIST).context["cl"].result_list] == ["A-1", "A-2"]


def test_change_sets_are_undone_newest_first(client: Client) -> None:
    product = made("A-1")
    for name in ("Two", "Three"):
        products.update(product.pk, source="form", actor=None, name=name)
    edits = ChangeSet.objects.filter(updated=1).values_list("pk", flat=True)

    page = act(client, "undo", *edits, path=CHANGE_SETS).content.decode()

    assert Product.objects.get().name == "One"
    assert sources()[3:] == [("undo", 0, 1, 0), ("undo", 0, 1, 0)]
    assert page.count(": 1 changed.") == 2


def test_change_set_that_is_no_longer_kept_is_not_undone(client: Client) -> None:
    made("A-1")
    ChangeSet.objects.update(pruned_at=timezone.now())

    page = act(client, "undo", ChangeSet.objects.get().pk, path=CHANGE_SETS).content.decode()

    assert 'class="error"' in page
    assert Product.objects.exists()
    assert sources() == [("form", 1, 0, 0)]


def test_change_set_leads_to_each_of_its_changes(client: Client) -> None:
    made("A-1")
    pk = ChangeSet.objects.get().pk

    for path in (CHANGE_SETS, f"{CHANGE_SETS}{pk}/change/"):
        assert (
            f'href="{reverse("catalog:change_set", args=[pk])}"'
            in client.get(path).content.decode()
        )


def test_waiting_operation_is_cancelled_and_an_ended_one_is_not(client: Client) -> None:
    waiting = BulkOperation.objects.create(kind="activate", ids=[1])
    ended = BulkOperation.objects.create(kind="delete", ids=[1], state="completed")

    page = act(client, "cancel", waiting.pk, ended.pk, path=OPERATIONS).content.decode()

    waiting.refresh_from_db()
    ended.refresh_from_db()
    assert (waiting.state, ended.state) == ("cancelled", "completed")
    assert f"#{ended.pk} delete had already ended." in page
    entries = AuditEntry.objects.filter(action="operation_cancelled")
    assert list(entries.values_list("details__operation", flat=True)) == [waiting.pk]


def test_viewer_who_is_staff_has_no_actions(viewer: User) -> None:
    viewer.is_staff = True
    viewer.save()
    product = made()
    waiting = BulkOperation.objects.create(kind="activate", ids=[product.pk])
    client = Client()
    client.force_login(viewer)

    for path, name, pk in (
        (LIST, "deactivate", product.pk),
        (LIST, "delete_selected", product.pk),
        (CHANGE_SETS, "undo", ChangeSet.objects.get().pk),
        (OPERATIONS, "cancel", waiting.pk),
    ):
        assert client.get(path).status_code == 200
        act(client, name, pk, path=path, post="yes")

    waiting.refresh_from_db()
    assert (Product.objects.get().active, waiting.state) == (True, "queued")
    assert sources() == [("form", 1, 0, 0)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sku": "a-9"}, "A-9 is taken by “One”."),
        ({"sku": "A\u200b1"}, "SKU has an invisible character: U+200B ZERO WIDTH SPACE"),
        ({"name": "  "}, "Name is empty. Every product needs one."),
        ({"price": "-1"}, "Price is negative. Write 0 or more."),
        ({"price": "1.234"}, "Price has 3 decimals. Round it to 2"),
    ],
)
def test_value_that_breaks_a_rule_is_refused_in_words(
    client: Client, values: dict[str, str], said: str
) -> None:
    made("A-9")

    response = client.post(ADD, {**FORM, **values})

    assert response.status_code == 200
    assert said in response.content.decode()
    assert Product.objects.count() == 1
    assert sources() == [("form", 1, 0, 0)]


def test_every_model_of_ours_that_can_be_shown_is_in_the_admin() -> None:
    ours = {"accounts", "catalog", "imports", "webhooks"}
    models = {model for model in apps.get_models() if model._meta.app_label in ours}
    # A composite key can't be shown; bytes of a part, answers for a repeat and what only makes
    # sense on the page of an import need not be.
    hidden = {
        ProductChange,
        *(
            apps.get_model("imports", name)
            for name in ("Decision", "FilePart", "Mapping", "ResumableUpload")
        ),
        apps.get_model("accounts", "IdempotentRequest"),
    }

    assert models - hidden == {model for model in admin.site._registry if model in models}


def test_rows_that_the_program_keeps_can_be_looked_at_and_nothing_else(client: Client) -> None:
    made()
    kept = [
        model for model, shown in admin.site._registry.items() if isinstance(shown, ReadOnlyAdmin)
    ]
    assert {model.__name__ for model in kept} >= {
        "AuditEntry", "BulkOperation", "ChangeSet", "ImportJob", "RejectedRow", "StoredFile",
    }  # fmt: skip

    for model in kept:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:{name}_add")).status_code == 403

    pk = ChangeSet.objects.get().pk
    assert client.get(reverse("admin:catalog_changeset_change", args=[pk])).status_code == 200
    changed = client.post(reverse("admin:catalog_changeset_change", args=[pk]), {"source": "undo"})
    deleted = client.post(reverse("admin:catalog_changeset_delete", args=[pk]), {"post": "yes"})
    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert sources() == [("form", 1, 0, 0)]


def test_user_with_view_rights_alone_can_not_change_products(editor: User) -> None:
    product = made()
    editor.is_staff = True
    editor.save()
    editor.groups.clear()
    editor.user_permissions.clear()
    client = Client()
    client.force_login(editor)

    response = client.post(f"/admin/catalog/product/{product.pk}/change/", {**FORM, "name": "Two"})

    assert response.status_code == 403
    assert Product.objects.get().name == "One"
