"""The admin writes products as everybody else does, and nothing that the program keeps."""

from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog import products
from catalog.models import ChangeSet, Product, ProductChange
from core.admin import ReadOnlyAdmin

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ADD = "/admin/catalog/product/add/"
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


def test_deletion_of_several_leaves_a_change_set_each(client: Client) -> None:
    chosen = [made("A-1").pk, made("A-2").pk]
    kept = made("A-3")

    client.post(
        "/admin/catalog/product/",
        {"action": "delete_selected", "_selected_action": chosen, "post": "yes"},
    )

    assert sources()[3:] == [("admin", 0, 0, 1)] * 2
    assert list(Product.objects.all()) == [kept]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sku": "a-9"}, "A-9 is taken by “One”."),
        ({"sku": "A\u200b1"}, "SKU has an invisible character: U+200B ZERO WIDTH SPACE"),
        ({"name": "  "}, "This field is required."),
        ({"price": "-1"}, "greater than or equal to 0"),
        ({"price": "1.234"}, "no more than 2 decimal places"),
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
    # A composite key can't be shown, the bytes of a part need not be.
    hidden = {ProductChange, apps.get_model("imports", "FilePart")}

    assert models - hidden == {model for model in admin.site._registry if model in models}


def test_rows_that_the_program_keeps_can_be_looked_at_and_nothing_else(client: Client) -> None:
    made()
    kept = [
        model for model, shown in admin.site._registry.items() if isinstance(shown, ReadOnlyAdmin)
    ]
    assert {model.__name__ for model in kept} >= {
        "ChangeSet", "ImportJob", "RejectedRow", "StoredFile",
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
