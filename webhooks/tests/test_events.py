"""Change sets become events, once, in order, for whoever subscribes."""

import pytest

from catalog.models import ChangeSet
from webhooks.bodies import moment
from webhooks.models import Delivery
from webhooks.tests.listening import created, endpoint, published

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_creation_is_told_as_it_was() -> None:
    endpoint()
    product = created("A-1", price="9.90")

    (body,) = published()

    change_set = ChangeSet.objects.get()
    assert body == {
        "type": "product.created",
        "timestamp": moment(change_set.created_at),
        "data": {
            "id": product.pk,
            "sku": "A-1",
            "name": "Name of A-1",
            "description": "",
            "price": "9.90",
            "active": True,
            "created_at": moment(product.created_at),
            "updated_at": moment(product.updated_at),
            "change_set": change_set.pk,
        },
    }
    assert change_set.published_at is not None
    assert Delivery.objects.get().state == Delivery.State.WAITING
