"""What the page of a bulk operation says of its products and of its undo."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from catalog import operations
from catalog.models import BulkOperation, Product

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Kind = BulkOperation.Kind


@pytest.fixture
def product() -> Product:
    return Product.objects.create(sku="A-1", name="Bolt")


def page(client: Client, operation: BulkOperation) -> str:
    return client.get(f"/products/operations/{operation.pk}/").content.decode()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"ids": None, "query": "priced=false"}, "Bulk, filter: without a price"),
        ({"ids": None, "query": "priced=true&active=true"}, "Bulk, filter: active, with a price"),
        ({"ids": [1]}, "Bulk, selected rows"),
    ],
)
def test_it_tells_how_products_were_chosen(
    editor: User, editor_client: Client, chosen: dict[str, Any], words: str
) -> None:
    operation = operations.start(Kind.DEACTIVATE, actor=editor, **chosen)
    assert words in page(editor_client, operation)


def test_undo_is_offered_until_it_is_done(
    product: Product, editor: User, editor_client: Client, viewer_client: Client
) -> None:
    operation = operations.start(Kind.DEACTIVATE, actor=editor, ids=[product.pk])
    assert operation.change_set is not None
    way = f'href="/activity/{operation.change_set.pk}/undo/'
    assert way in page(editor_client, operation)
    assert way not in page(viewer_client, operation)
    operations.start_undo(operation.change_set, actor=editor)
    assert "Undone" in page(editor_client, operation)
    assert way not in page(editor_client, operation)


def test_filter_by_price_is_kept_in_the_form_and_stands_as_a_chip(
    product: Product, viewer_client: Client
) -> None:
    shown = viewer_client.get("/products/?priced=false").content.decode()
    assert '<option value="false" selected>No</option>' in shown
    assert "Remove filter: Has a price no" in shown
    assert "Remove filter" not in viewer_client.get("/products/").content.decode()
