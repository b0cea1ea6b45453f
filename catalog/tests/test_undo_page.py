"""What an undo would do, in words, and the undo itself."""

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalog import operations, products
from catalog.models import BulkOperation, ChangeSet, Product
from catalog.tests.change_sets import (
    API,
    FORM,
    HTMX,
    PAGE,
    edited,
    html_of,
    imported,
    made,
    newest,
    text_of,
    undone,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Kind = BulkOperation.Kind


def test_undo_page_says_what_it_restores_and_what_it_leaves_alone(editor_client: Client) -> None:
    rows = [made(f"A-{at}", "Old") for at in range(4)]
    bulk = operations.start(Kind.DEACTIVATE, actor=None, query="")
    edited(rows[0], active=True)
    products.delete(rows[1].pk, source=FORM, actor=None)
    assert bulk.change_set is not None
    path = f"{PAGE}{bulk.change_set.pk}/undo/"

    page = text_of(editor_client.get(path))
    fragment = html_of(editor_client.get(path, headers=HTMX))

    assert "Undo restores 2 of 4 products. 2 products get their old values back." in page
    assert "1 is as before already." in page
    assert "1 stays as it is. Deleted since: A-1 ." in page
    assert "Undo 2 changes" in page
    assert fragment.lstrip().startswith(f'<div class="notice warn" id="plan-{bulk.change_set.pk}"')
    assert "btn-primary" in fragment
    assert Product.objects.filter(active=True).count() == 1
    assert not BulkOperation.objects.filter(kind="undo").exists()


def test_undo_that_deletes_is_red_and_names_the_deletion(editor_client: Client) -> None:
    change_set = imported("I-1", "I-2")

    response = editor_client.get(f"{PAGE}{change_set.pk}/undo/")

    assert "2 products that it created are deleted." in text_of(response)
    assert "btn-danger" in html_of(response)


def test_undo_of_a_deletion_brings_back(editor_client: Client) -> None:
    product = made()
    products.delete(product.pk, source=FORM, actor=None)

    page = text_of(editor_client.get(f"{PAGE}{newest().pk}/undo/"))

    assert "Undo restores 1 of 1 product. 1 deleted product comes back." in page
    assert "Undo 1 change" in page


def test_undo_is_done_told_and_can_be_undone(editor: User, editor_client: Client) -> None:
    change_set = imported("I-1", "I-2", "I-3")
    edited(Product.objects.earliest("id"), name="Mine")

    response = editor_client.post(
        f"{PAGE}{change_set.pk}/undo/", {"next": "/imports/"}, follow=True
    )

    undo = newest()
    assert response.redirect_chain == [("/imports/", 302)]
    assert (
        f"Change set #{change_set.pk:,} is undone: "
        "2 products were deleted, 1 product was left alone." in text_of(response)
    )
    assert f'<a href="/activity/{undo.pk}/undo/">Undo this undo</a>' in html_of(response)
    assert [product.name for product in Product.objects.all()] == ["Mine"]
    assert (undo.actor, undo.undoes, undo.deleted) == (editor, change_set, 2)

    response = editor_client.post(f"{PAGE}{undo.pk}/undo/", follow=True)

    assert response.redirect_chain == [(PAGE, 302)]
    assert f"Change set #{undo.pk:,} is undone: 2 products came back." in text_of(response)
    assert sorted(Product.objects.values_list("sku", flat=True)) == ["I-1", "I-2", "I-3"]


@pytest.mark.parametrize("away", ["https://example.com/", "//example.com", "javascript:alert(1)"])
def test_undo_leads_nowhere_else(editor_client: Client, away: str) -> None:
    made()
    path = f"{PAGE}{newest().pk}/undo/"

    assert f'value="{away}"' not in html_of(editor_client.get(path, {"next": away}))
    assert editor_client.post(path, {"next": away})["Location"] == PAGE


def test_undo_with_nothing_to_restore_says_so_and_has_no_button(editor_client: Client) -> None:
    product = made()
    edited(product, name="Two")
    change_set = newest()
    undone(change_set)
    count = ChangeSet.objects.count()
    path = f"{PAGE}{change_set.pk}/undo/"

    page = html_of(editor_client.get(path))
    response = editor_client.post(path, follow=True)

    assert "There is nothing to restore." in page
    assert '<button class="btn btn-sm' not in page
    assert "Nothing was changed: every product is as it was before the change set." in text_of(
        response
    )
    assert ChangeSet.objects.count() == count


def test_undo_that_is_too_late_says_why(editor_client: Client) -> None:
    product = made()
    edited(product, name="Two")
    change_set = newest()
    ChangeSet.objects.filter(pk=change_set.pk).update(pruned_at=timezone.now())
    path = f"{PAGE}{change_set.pk}/undo/"
    said = f"Change set #{change_set.pk} is too old to undo: its values are no longer kept."

    assert said in text_of(editor_client.get(path))
    assert said in text_of(editor_client.post(path, follow=True))
    assert Product.objects.get().name == "Two"


def test_big_undo_is_counted_when_asked_and_left_to_a_worker(editor_client: Client) -> None:
    change_set = imported(*(f"I-{at}" for at in range(operations.AT_ONCE + 1)))
    path = f"{PAGE}{change_set.pk}/undo/"

    page = html_of(editor_client.get(path, {"next": "/imports/"}))
    counted = text_of(editor_client.get(f"{path}?count=1"))
    fragment = html_of(editor_client.get(f"{path}?next=/imports/", headers=HTMX))
    response = editor_client.post(path)

    assert f'hx-get="{path}?next=%2Fimports%2F" hx-trigger="load"' in page
    assert "?next=%2Fimports%2F&amp;count=1" in page
    assert "Undo restores" not in page
    assert "Undo restores 1,001 of 1,001 products." in counted
    assert '<input type="hidden" name="next" value="/imports/">' in fragment
    operation = BulkOperation.objects.get()
    assert response["Location"] == f"/products/operations/{operation.pk}/"
    assert (operation.state, operation.undoes) == ("queued", change_set)
    assert Product.objects.count() == 1001


def test_opened_row_of_a_big_change_set_counts_nothing_unasked(editor_client: Client) -> None:
    few = ChangeSet.objects.create(source=API, updated=20_000)
    many = ChangeSet.objects.create(source=API, updated=20_001)

    for change_set, counts in ((few, True), (many, False)):
        row = html_of(
            editor_client.get(
                f"{PAGE}{change_set.pk}/",
                headers={**HTMX, "HX-Target": f"change-set-{change_set.pk}"},
            )
        )
        assert (f'hx-get="{PAGE}{change_set.pk}/undo/"' in row) is counts
        assert f'href="{PAGE}{change_set.pk}/undo/?next=%2Factivity%2F">Undo…</a>' in row


def test_viewer_undoes_nothing(viewer_client: Client) -> None:
    product = made()
    edited(product, name="Two")
    path = f"{PAGE}{newest().pk}/undo/"

    assert viewer_client.get(path).status_code == 403
    assert viewer_client.post(path).status_code == 403
    assert Product.objects.get().name == "Two"


def test_activity_is_read_by_those_who_may_see_change_sets(viewer_client: Client) -> None:
    made()
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody"))

    for path in (PAGE, f"{PAGE}{newest().pk}/"):
        assert viewer_client.get(path).status_code == 200
        assert viewer_client.post(path).status_code == 405
        assert nobody.get(path).status_code == 403


def test_import_page_leads_to_its_change_set_and_its_undo(
    editor_client: Client, viewer_client: Client
) -> None:
    change_set = imported("I-1")
    path = f"/imports/{apps.get_model('imports', 'ImportJob').objects.get().pk}/"

    page = html_of(editor_client.get(path))
    assert f'<a href="/activity/{change_set.pk}/">#{change_set.pk:,}</a>' in page
    assert f'href="/activity/{change_set.pk}/undo/?next=%2Fimports%2F' in page
    assert "/undo/" not in html_of(viewer_client.get(path))

    undone(change_set)
    page = html_of(editor_client.get(path))
    assert "Undone" in page
    assert "/undo/" not in page
