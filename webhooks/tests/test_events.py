"""Change sets become events, once, in order, for whoever subscribes."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from catalog import operations, products
from catalog.models import BulkOperation, ChangeSet
from catalog.tests.change_sets import edited, imported, mixed, undone
from core.leases import ClockTimestamp
from imports.models import ImportJob
from webhooks import audience, endpoints, events
from webhooks.bodies import moment
from webhooks.models import Delivery, Endpoint, Event, EventType, Publication
from webhooks.tests.listening import created, endpoint, published
from webhooks.tests.queueing import states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Bulk = Endpoint.Bulk
EVERY_TYPE = [*EventType]
FORM = ChangeSet.Source.FORM


def unpublished() -> list[int]:
    waiting = ChangeSet.objects.filter(published_at__isnull=True)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def numbered() -> list[tuple[int | None, int | None]]:
    """Change set and sequence of all events, the oldest first."""
    return list(Event.objects.order_by("pk").values_list("change_set", "sequence"))


def shape(found: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """What batches are of, and how many products are in each."""
    return [(body["data"]["event"], body["data"]["count"]) for body in found]


# --- one product -----------------------------------------------------------------------------


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


def test_life_of_a_product_is_told_in_order() -> None:
    endpoint()
    product = created("A-1", price=Decimal("1.00"))
    edited(product, price=Decimal("2.00"))
    gone = products.delete(product.pk, source=FORM, actor=None)
    undone(gone)

    told = published()

    assert [(body["type"], body["data"]["price"]) for body in told] == [
        ("product.created", "1.00"),
        ("product.updated", "2.00"),
        ("product.deleted", "2.00"),
        ("product.created", "2.00"),
    ]
    assert {body["data"]["id"] for body in told} == {product.pk}
    assert told[1]["data"]["changed"] == ["price"]
    ids = list(ChangeSet.objects.order_by("pk").values_list("pk", flat=True))
    assert [body["data"]["change_set"] for body in told] == ids
    assert numbered() == [(pk, 1) for pk in ids]


def test_event_is_known_by_its_sku_and_has_an_id_of_its_own() -> None:
    endpoint()
    created("A-1")
    created("A-2")
    published()

    first, second = Event.objects.order_by("pk")
    assert (first.type, first.about, first.count, first.subject) == (
        "product.created",
        "",
        1,
        "A-1",
    )
    assert first.webhook_id.startswith("msg_")
    assert first.webhook_id != second.webhook_id


def test_event_is_one_however_many_endpoints_hear_of_it() -> None:
    one, other = endpoint(), endpoint()
    endpoint(event_types=[EventType.PRODUCT_DELETED])
    created("A-1")
    published()

    event = Event.objects.get()
    assert states("event", "endpoint") == [(event.pk, one.pk), (event.pk, other.pk)]


def test_body_is_never_written_anew() -> None:
    endpoint()
    product = created("A-1")
    (before,) = published()
    edited(product, name="2")

    assert published()[0] == before


# --- who hears -------------------------------------------------------------------------------


def test_without_an_endpoint_a_change_is_published_in_its_own_transaction() -> None:
    created("A-1")

    assert ChangeSet.objects.get().published_at is not None
    assert published() == []
    endpoint()
    assert published() == []


def test_change_is_left_to_the_publisher_as_soon_as_somebody_listens() -> None:
    endpoint()
    created("A-1")

    assert ChangeSet.objects.get().published_at is None
    assert not Event.objects.exists()


@pytest.mark.parametrize("state", [Endpoint.State.DISABLED, Endpoint.State.DELETED])
def test_endpoint_that_gets_nothing_is_as_none(state: str) -> None:
    Endpoint.objects.filter(pk=endpoint().pk).update(state=state)
    created("A-1")

    assert ChangeSet.objects.get().published_at is not None
    assert published() == []


def test_paused_endpoint_collects_and_gets_it_later() -> None:
    one = endpoint()
    endpoints.pause(one, actor=None)
    created("A-1")

    assert len(published()) == 1
    assert states() == ["waiting"]
    assert not events.publish_page()


def test_endpoint_does_not_hear_of_what_was_before_it() -> None:
    endpoint()
    created("A-1")
    late = endpoint()
    created("A-2")
    published()

    assert list(
        Delivery.objects.filter(endpoint=late).values_list("event__subject", flat=True)
    ) == ["A-2"]
    assert Delivery.objects.count() == 3


def test_what_nobody_subscribes_to_is_published_without_an_event() -> None:
    endpoint(event_types=[EventType.PRODUCT_DELETED])
    created("A-1")

    assert published() == []
    assert unpublished() == []
    assert not Publication.objects.exists()


def test_backlog_of_a_time_without_listeners_is_marked_at_once() -> None:
    one = endpoint()
    for at in range(3):
        created(f"A-{at}")
    endpoints.delete(one, actor=None)

    assert len(unpublished()) == 3
    assert published() == []
    assert unpublished() == []


def test_change_behind_an_endpoint_that_was_just_made_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Made between the publisher's look at the endpoints and its word that nobody listens."""
    gone = endpoint()
    created("A-1")
    endpoints.delete(gone, actor=None)
    mark = events.mark_published

    def late(change_sets: Any) -> None:
        monkeypatch.setattr(events, "mark_published", mark)
        endpoint()
        created("A-2")
        mark(change_sets)

    monkeypatch.setattr(events, "mark_published", late)

    assert [body["data"]["sku"] for body in published()] == ["A-2"]


# --- many products ---------------------------------------------------------------------------


def test_bulk_change_comes_in_batches_of_one_type() -> None:
    endpoint()
    change_set, ids = mixed()
    change_set.refresh_from_db()
    ChangeSet.objects.exclude(pk=change_set.pk).update(published_at=ClockTimestamp())

    told = published()

    assert shape(told) == [("product.created", 5), ("product.updated", 5)]
    assert [body["type"] for body in told] == ["product.batch"] * 2
    found = [product["id"] for body in told for product in body["data"]["products"]]
    assert sorted(found) == ids
    job = ImportJob.objects.get()
    for body in told:
        assert (body["data"]["change_set"], body["data"]["import"]) == (change_set.pk, job.pk)
        assert body["timestamp"] == moment(change_set.created_at)
    assert list(Event.objects.order_by("pk").values_list("type", "about", "count")) == [
        ("product.batch", "product.created", 5),
        ("product.batch", "product.updated", 5),
    ]


def test_one_by_one_means_an_event_for_each_product() -> None:
    endpoint(bulk=Bulk.EACH)
    change_set = imported(*(f"A-{at}" for at in range(5)))

    told = published()

    assert [(body["type"], body["data"]["sku"]) for body in told] == [
        ("product.created", f"A-{at}") for at in range(5)
    ]
    assert numbered() == [(change_set.pk, at) for at in range(1, 6)]


def test_one_by_one_falls_back_to_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "EACH_MAX", 4)
    endpoint(bulk=Bulk.EACH, rate_per_hour=4)
    imported(*(f"A-{at}" for at in range(5)))

    assert shape(published()) == [("product.created", 5)]


def test_each_endpoint_gets_its_own_form() -> None:
    batch, each = endpoint(), endpoint(bulk=Bulk.EACH)
    summary = endpoint(bulk=Bulk.SUMMARY)
    for at in range(3):
        created(f"A-{at}")
    ChangeSet.objects.update(published_at=ClockTimestamp())
    operations.start(BulkOperation.Kind.DEACTIVATE, actor=None)
    published()

    forms = {
        one.pk: [
            (event.type, event.about, event.count)
            for event in Event.objects.filter(deliveries__endpoint=one).order_by("pk")
        ]
        for one in (batch, each, summary)
    }
    assert forms == {
        batch.pk: [("product.batch", "product.updated", 3)],
        each.pk: [("product.updated", "", 1)] * 3,
        summary.pk: [("product.batch", "product.updated", 3)],
    }


def test_summary_says_how_many_and_where_to_read_which(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://catalog.example.com"
    endpoint(bulk=Bulk.SUMMARY)
    for at in range(3):
        created(f"A-{at}")
    ChangeSet.objects.update(published_at=ClockTimestamp())
    change_set = operations.start(BulkOperation.Kind.DELETE_ALL, actor=None).change_set
    assert change_set is not None

    (body,) = published()

    assert body == {
        "type": "product.batch",
        "timestamp": moment(change_set.created_at),
        "data": {
            "event": "product.deleted",
            "change_set": change_set.pk,
            "import": None,
            "count": 3,
            "url": f"https://catalog.example.com/activity/{change_set.pk}/",
            "changes_url": f"https://catalog.example.com/api/changesets/{change_set.pk}/changes",
        },
    }


# --- imports ---------------------------------------------------------------------------------


def test_end_of_an_import_comes_behind_its_products(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://catalog.example.com"
    endpoint(event_types=EVERY_TYPE)
    change_set = imported("A-1", "A-2", file="list.csv")
    job = ImportJob.objects.get()
    finished = ClockTimestamp()
    ImportJob.objects.update(finished_at=finished, read=7, unchanged=3, duplicates=1, rejected=1)
    job.refresh_from_db()
    assert job.finished_at is not None

    *told, end = published()

    assert shape(told) == [("product.created", 2)]
    assert end == {
        "type": "import.completed",
        "timestamp": moment(job.finished_at),
        "data": {
            "import": job.pk,
            "file": "list.csv",
            "change_set": change_set.pk,
            "read": 7,
            "created": 2,
            "updated": 0,
            "unchanged": 3,
            "duplicates": 1,
            "rejected": 1,
            "url": f"https://catalog.example.com/imports/{job.pk}/",
            "changes_url": f"https://catalog.example.com/api/changesets/{change_set.pk}/changes",
        },
    }
    assert numbered() == [(change_set.pk, 1), (change_set.pk, 2)]
    assert Event.objects.order_by("pk")[1].subject == "list.csv"


def test_who_wants_the_end_alone_is_told_once() -> None:
    endpoint(event_types=[EventType.IMPORT_COMPLETED])
    imported("A-1", "A-2")

    assert [body["type"] for body in published()] == ["import.completed"]


def test_summary_of_an_import_is_its_end() -> None:
    endpoint(bulk=Bulk.SUMMARY)
    imported("A-1", "A-2")

    assert [body["type"] for body in published()] == ["import.completed"]
