"""Creating, editing and deleting by the pages: what is saved, refused, or asked back."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog import products
from catalog.locks import take_catalog
from catalog.models import ChangeSet, Product, ProductChange

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FORM = ChangeSet.Source.FORM
TYPED = {"sku": "A-1", "name": "One", "description": "Text", "price": "12.90", "active": "on"}
HTMX = {"HX-Request": "true"}


def made(**values: Any) -> Product:
    given = {"sku": "A-1", "name": "One", "description": "Text", "price": Decimal("12.90")}
    return products.create(source=FORM, actor=None, **{**given, **values})


def changed(product: Product, actor: User | None = None, **values: Any) -> None:
    products.update(product.pk, source=FORM, actor=actor, **values)


def stored(product: Product) -> dict[str, Any]:
    row = Product.objects.get(pk=product.pk)
    return {name: getattr(row, name) for name in products.FIELDS}


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a page's form, with the CSRF token left out."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def opened(client: Client, product: Product) -> dict[str, str]:
    """The fields of the product's form as a browser would send them untouched."""
    page = client.get(reverse("catalog:edit", args=[product.pk]))
    values = page.context["form"].opened_texts
    sent = {name: text for name, text in values.items() if name != "active" or text}
    return {**hidden(page.content.decode()), **sent}


def send(client: Client, product: Product, data: dict[str, str], **headers: str) -> Any:
    return client.post(reverse("catalog:edit", args=[product.pk]), data, headers=headers)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.fixture
def impatient() -> Iterator[None]:
    """An import that is being applied, which nobody waits for longer than 50 ms."""
    ready, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                take_catalog()
                ready.set()
                go_on.wait(20)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert ready.wait(10)
    with connections["default"].cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    yield
    with connections["default"].cursor() as cursor:
        cursor.execute("RESET lock_timeout")
    go_on.set()
    thread.join()


def test_new_product_is_created_and_its_page_says_so(editor_client: Client, editor: User) -> None:
    response = editor_client.post(reverse("catalog:create"), TYPED)

    product = Product.objects.get()
    assert stored(product) == {**TYPED, "price": Decimal("12.90"), "active": True}
    assert response.headers["Location"] == reverse("catalog:detail", args=[product.pk])
    assert said(response) == ["Created A-1."]
    assert ChangeSet.objects.get().actor == editor


def test_panel_is_told_by_an_event_what_was_saved(editor_client: Client) -> None:
    response = editor_client.post(reverse("catalog:create"), TYPED, headers=HTMX)

    product = Product.objects.get()
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["HX-Trigger"] == (
        f'{{"product:saved": {{"id": {product.pk}, "words": "Created A-1.",'
        f' "url": "/products/{product.pk}/"}}}}'
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sku": "  "}, "SKU is empty. Every product needs one."),
        ({"sku": "x" * 256}, "SKU has 256 characters. Shorten it to 255 at most."),
        ({"name": ""}, "Name is empty. Every product needs one."),
        ({"price": "12,90"}, "Price has a decimal comma. Write it with a point: 12.90."),
        ({"price": "-1"}, "Price is negative. Write 0 or more."),
        ({"price": "1.234"}, "Price has 3 decimals. Round it to 2; thousands are written"),
        ({"description": "\0"}, "Null characters are not allowed."),
    ],
)
def test_refused_field_keeps_what_was_typed(
    editor_client: Client, values: dict[str, str], words: str
) -> None:
    response = editor_client.post(reverse("catalog:create"), TYPED | values)

    assert response.status_code == 422
    assert words in response.content.decode()
    assert "One field needs a change." in response.content.decode()
    assert response.context["form"]["name"].value() == (TYPED | values)["name"]
    assert response.content.decode().count('aria-invalid="true"') == 1
    assert not Product.objects.exists()
    assert not ChangeSet.objects.exists()


@pytest.mark.parametrize("sku", ["A-1", "a-1", " a-1 "])
def test_sku_in_another_case_is_named_with_a_link_to_who_has_it(
    editor_client: Client, sku: str
) -> None:
    taken = made()
    other = made(sku="B-1")
    data = opened(editor_client, other) | {"sku": sku}

    for response in (
        editor_client.post(reverse("catalog:create"), TYPED | {"sku": sku}),
        send(editor_client, other, data),
        editor_client.post(reverse("catalog:row", args=[other.pk]), data, headers=HTMX),
    ):
        assert response.status_code == 422
        link = f'href="{reverse("catalog:detail", args=[taken.pk])}">A-1, One</a>'
        assert link in response.content.decode()
    assert ChangeSet.objects.count() == 2


def test_edit_saves_what_was_typed(editor_client: Client, editor: User) -> None:
    product = made()

    response = send(editor_client, product, opened(editor_client, product) | {"price": "13"})

    assert stored(product)["price"] == Decimal("13.00")
    assert said(response) == ["Saved A-1."]
    assert ProductChange.objects.get().before == {"price": "12.90"}
    assert ChangeSet.objects.latest("id").actor == editor


@pytest.mark.parametrize("description", ["two\r\nlines", "one\rtwo", "  padded\n", "\nfirst"])
def test_form_sent_back_untouched_changes_nothing(editor_client: Client, description: str) -> None:
    product = made(description=description, price=None, active=False)
    data = opened(editor_client, product)
    crlf = {name: re.sub("\r\n|\r|\n", "\r\n", text) for name, text in data.items()}

    response = send(editor_client, product, crlf)

    assert response.status_code == 302
    assert stored(product)["description"] == description
    assert ChangeSet.objects.count() == 1


def test_description_of_blanks_is_none_as_in_an_import(editor_client: Client) -> None:
    product = made()

    send(editor_client, product, opened(editor_client, product) | {"description": " \r\n "})

    assert stored(product)["description"] == ""


@pytest.mark.parametrize("version", [None, "", "yesterday", "2026-11-22T09:40:12"])
def test_edit_that_names_no_version_is_refused(editor_client: Client, version: str | None) -> None:
    product = made()
    data = opened(editor_client, product) | {"price": "13", "version": version or ""}
    if version is None:
        del data["version"]

    assert send(editor_client, product, data).status_code == 400
    assert ChangeSet.objects.count() == 1


@pytest.fixture
def conflict(editor_client: Client, manager: User) -> tuple[Product, Any]:
    """Both changed the price, they the name, you the description; the answer to your edit."""
    product = made()
    data = opened(editor_client, product) | {"price": "13", "description": "Mine"}
    changed(product, manager, price=Decimal("14"), name="Theirs")
    return product, send(editor_client, product, data)


def test_edit_on_top_of_a_newer_one_is_refused_and_shows_both(
    conflict: tuple[Product, Any],
) -> None:
    product, response = conflict
    html = response.content.decode()

    assert response.status_code == 409
    assert "Not saved: manager changed this product" in html
    shown = response.context["conflict"].differences
    assert [
        (each.name, each.by_both, each.kept) for each in shown if each.by_you or each.by_them
    ] == [
        ("name", False, "Theirs"),
        ("description", False, "Mine"),
        ("price", True, "13.00"),
    ]
    assert html.count('type="radio"') == 2
    assert (stored(product)["price"], stored(product)["description"]) == (Decimal("14.00"), "Text")
    assert ChangeSet.objects.count() == 2


@pytest.mark.parametrize(("choice", "price"), [("theirs", "14.00"), ("yours", "13.00")])
def test_choice_is_saved_with_what_only_one_changed(
    editor_client: Client, conflict: tuple[Product, Any], choice: str, price: str
) -> None:
    product, response = conflict
    data = hidden(response.content.decode()) | {"choose-price": choice}

    assert send(editor_client, product, data).status_code == 302
    assert stored(product) == {
        "sku": "A-1",
        "name": "Theirs",
        "description": "Mine",
        "price": Decimal(price),
        "active": True,
    }


def test_third_edit_in_between_is_refused_again(
    editor_client: Client, conflict: tuple[Product, Any], manager: User
) -> None:
    product, response = conflict
    data = hidden(response.content.decode()) | {"choose-price": "yours"}
    changed(product, manager, price=Decimal("15"))

    again = send(editor_client, product, data)

    assert again.status_code == 409
    assert [
        (each.name, each.was, each.theirs, each.yours)
        for each in again.context["conflict"].differences
        if each.by_both
    ] == [("price", "14.00", "15.00", "13.00")]
    assert stored(product)["price"] == Decimal("15.00")
    assert ChangeSet.objects.count() == 3


def test_switch_of_active_that_both_changed_can_be_chosen(
    editor_client: Client, manager: User
) -> None:
    product = made()
    data = opened(editor_client, product) | {"name": "Mine"}
    del data["active"]
    changed(product, manager, name="Theirs", active=False)

    response = send(editor_client, product, data)
    send(editor_client, product, hidden(response.content.decode()) | {"choose-name": "theirs"})

    assert response.status_code == 409
    assert (stored(product)["name"], stored(product)["active"]) == ("Theirs", False)


def test_edit_that_was_taken_back_is_no_conflict(editor_client: Client) -> None:
    product = made()
    data = opened(editor_client, product) | {"price": "13"}
    changed(product, name="Theirs")
    changed(product, name="One")

    assert send(editor_client, product, data).status_code == 302
    assert stored(product)["price"] == Decimal("13.00")


def test_same_change_by_both_is_no_conflict(editor_client: Client) -> None:
    product = made()
    data = opened(editor_client, product) | {"price": "13"}
    changed(product, price=Decimal("13"))

    assert send(editor_client, product, data).status_code == 302
    assert ChangeSet.objects.count() == 2


def test_form_that_nobody_touched_takes_nothing_back(editor_client: Client) -> None:
    product = made()
    data = opened(editor_client, product)
    changed(product, price=Decimal("13"))

    assert send(editor_client, product, data).status_code == 302
    assert stored(product)["price"] == Decimal("13.00")
    assert ChangeSet.objects.count() == 2


def test_product_that_is_gone_can_be_created_anew_from_what_was_typed(
    editor_client: Client,
) -> None:
    product = made()
    data = opened(editor_client, product) | {"name": "Typed"}
    products.delete(product.pk, source=FORM, actor=None)

    response = send(editor_client, product, data)

    html = response.content.decode()
    assert response.status_code == 409
    assert "Not saved: this product was deleted meanwhile." in html
    assert 'value="Typed"' in html
    assert f'action="{reverse("catalog:create")}"' in html
    assert not Product.objects.exists()
    assert ChangeSet.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_edit_while_an_import_is_applied_keeps_what_was_typed(
    editor_client: Client, request: pytest.FixtureRequest
) -> None:
    product = made()
    data = opened(editor_client, product) | {"name": "Typed"}
    request.getfixturevalue("impatient")

    edit = send(editor_client, product, data)
    row = editor_client.post(reverse("catalog:row", args=[product.pk]), data, headers=HTMX)
    new = editor_client.post(reverse("catalog:create"), TYPED | {"sku": "B-1"})
    switch = editor_client.post(reverse("catalog:set_active", args=[product.pk]))
    delete = editor_client.post(reverse("catalog:delete", args=[product.pk]))

    for response in (edit, row, new):
        assert response.status_code == 409
        assert "An import is being applied" in response.content.decode().replace("an i", "An i")
        assert "data-retry" in response.content.decode()
    assert 'value="Typed"' in edit.content.decode()
    assert 'value="Typed"' in row.content.decode()
    assert said(switch) == [
        "A-1 was not changed. An import is being applied. Try again in a moment."
    ]
    assert (delete.status_code, "Not deleted." in delete.content.decode()) == (409, True)
    assert (stored(product)["name"], stored(product)["active"]) == ("One", True)
    assert ChangeSet.objects.count() == 1


def test_row_in_edit_saves_and_flashes(editor_client: Client) -> None:
    product = made()
    url = reverse("catalog:row", args=[product.pk])

    row = editor_client.get(url, headers=HTMX).content.decode()
    saved = editor_client.post(url, hidden(row) | TYPED | {"name": "Two"}, headers=HTMX)

    assert 'class="edit"' in row
    assert f'<tr id="row-{product.pk}" class="saved">' in saved.content.decode()
    assert saved.headers["HX-Trigger"] == (
        '{"product:said": {"words": "Saved A-1.", "failed": false}}'
    )
    assert stored(product)["name"] == "Two"


def test_row_that_is_refused_stays_in_edit(editor_client: Client) -> None:
    product = made()
    url = reverse("catalog:row", args=[product.pk])
    row = editor_client.get(url, headers=HTMX).content.decode()

    response = editor_client.post(url, hidden(row) | TYPED | {"price": "1,5"}, headers=HTMX)

    html = response.content.decode()
    assert response.status_code == 422
    assert 'value="1,5"' in html
    assert f'id="row-{product.pk}-price-error">Price has a decimal comma.' in html
    assert ChangeSet.objects.count() == 1


def test_conflict_of_a_row_opens_in_the_side_panel(editor_client: Client) -> None:
    product = made()
    url = reverse("catalog:row", args=[product.pk])
    row = editor_client.get(url, headers=HTMX).content.decode()
    changed(product, price=Decimal("14"))

    response = editor_client.post(url, hidden(row) | TYPED | {"price": "13"}, headers=HTMX)

    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#panel"
    assert response.headers["HX-Reswap"] == "innerHTML"
    assert "<dialog" in response.content.decode()
    assert stored(product)["price"] == Decimal("14.00")


def test_row_of_a_product_that_is_gone_says_so(editor_client: Client) -> None:
    product = made()
    url = reverse("catalog:row", args=[product.pk])
    row = editor_client.get(url, headers=HTMX).content.decode()
    products.delete(product.pk, source=FORM, actor=None)

    assert "Deleted meanwhile" in editor_client.get(url, headers=HTMX).content.decode()
    posted = editor_client.post(url, hidden(row) | TYPED, headers=HTMX)
    assert (posted.status_code, posted.headers["HX-Retarget"]) == (409, "#panel")
    switch = editor_client.post(reverse("catalog:set_active", args=[product.pk]), headers=HTMX)
    assert "Deleted meanwhile" in switch.content.decode()
    assert not Product.objects.exists()


def test_row_without_htmx_is_the_page_of_its_form(editor_client: Client) -> None:
    product = made()

    response = editor_client.get(reverse("catalog:row", args=[product.pk]))

    assert response.headers["Location"] == reverse("catalog:edit", args=[product.pk])


def test_row_asks_the_database_for_the_product_alone(
    editor_client: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    product = made()
    # Session, user, product; permissions of the user and of the user's groups.
    with django_assert_num_queries(5):
        editor_client.get(reverse("catalog:row", args=[product.pk]), headers=HTMX)
    with django_assert_num_queries(5):
        editor_client.get(reverse("catalog:row", args=[product.pk]) + "?show=1", headers=HTMX)


def test_switch_sets_active_and_leads_back_to_the_list(editor_client: Client) -> None:
    product = made()
    url = reverse("catalog:set_active", args=[product.pk])
    back = reverse("catalog:list") + "?page=2"

    off = editor_client.post(url, {"next": back})
    assert (off.headers["Location"], stored(product)["active"]) == (back, False)
    assert said(off) == ["A-1 is inactive."]

    on = editor_client.post(url, {"active": "on", "next": "https://elsewhere.example/"})
    assert (on.headers["Location"], stored(product)["active"]) == (reverse("catalog:list"), True)

    editor_client.post(url, {"active": "on"}, headers=HTMX)
    assert ChangeSet.objects.count() == 3


def test_deletion_is_asked_about_and_then_offers_its_undo(editor_client: Client) -> None:
    product = made()
    url = reverse("catalog:delete", args=[product.pk])

    assert "can be undone" in editor_client.get(url).content.decode()
    assert Product.objects.exists()
    response = editor_client.post(url)

    undo = reverse("catalog:undo", args=[ChangeSet.objects.latest("id").pk])
    assert said(response) == [f'Deleted A-1. <a href="{undo}">Undo</a>']
    assert response.headers["Location"] == reverse("catalog:list")
    assert not Product.objects.exists()
    assert editor_client.post(url).headers["Location"] == reverse(
        "catalog:detail", args=[product.pk]
    )


def test_viewer_can_neither_create_nor_change_nor_delete(viewer_client: Client) -> None:
    product = made()
    pk = [product.pk]
    for url in (
        reverse("catalog:create"),
        *(reverse(f"catalog:{name}", args=pk) for name in ("edit", "row", "set_active", "delete")),
    ):
        assert viewer_client.get(url).status_code in (403, 405)
        assert viewer_client.post(url, TYPED).status_code == 403
    assert ChangeSet.objects.count() == 1


def test_page_of_a_deleted_product_tells_its_history(editor_client: Client) -> None:
    product = made()
    products.delete(product.pk, source=FORM, actor=None)
    url = reverse("catalog:detail", args=[product.pk])

    gone = editor_client.get(url)

    assert gone.status_code == 410
    assert "Before it was deleted" in gone.content.decode()
    assert (
        reverse("catalog:undo", args=[ChangeSet.objects.latest("id").pk]) in gone.content.decode()
    )
    assert editor_client.get(reverse("catalog:detail", args=[product.pk + 99])).status_code == 404


def test_version_is_the_moment_of_the_last_change_to_the_microsecond(
    editor_client: Client,
) -> None:
    product = made()
    moment = Product.objects.get().updated_at.replace(microsecond=7)
    Product.objects.update(updated_at=moment)
    data = opened(editor_client, product) | {"price": "13"}
    assert data["version"] == moment.isoformat()
    Product.objects.update(updated_at=moment + timedelta(microseconds=1), name="Theirs")

    assert send(editor_client, product, data).status_code == 409
