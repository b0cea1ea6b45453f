"""What the catalog and imports say reaches the outbox in their own transaction."""

from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from catalog.models import ChangeSet
from core.leases import ClockTimestamp, request_cancel
from core.tests.test_wakeups import messages
from imports.cleaning import reap_imports
from imports.models import ImportJob
from imports.signals import import_finished
from imports.tests.importing import accepted, claimed, completed, csv_of, imported
from webhooks import endpoints
from webhooks.bodies import moment
from webhooks.models import Delivery, Endpoint, Event, EventType, Publication
from webhooks.tests.listening import created, endpoint, published
from webhooks.tests.queueing import lane_of

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

FILE = csv_of("A-1,One,,1.00,true", "A-2,Two,,,", "A-2,Two again,,,", "A-3,,,,")
ENDS = [EventType.IMPORT_COMPLETED, EventType.IMPORT_FAILED]


def test_import_is_told_with_its_products_first_and_its_counts_behind() -> None:
    old = created("A-1", price="9.90")
    endpoint(event_types=[*EventType])
    job = completed(FILE)
    assert Event.objects.count() == 0

    news, update, end = published()

    assert (news["data"]["event"], update["data"]["event"]) == (
        "product.created",
        "product.updated",
    )
    assert [each["name"] for each in news["data"]["products"]] == ["Two again"]
    assert [each["id"] for each in update["data"]["products"]] == [old.pk]
    assert update["data"]["products"][0]["changed"] == ["name", "price"]
    assert update["data"]["import"] == job.pk
    assert end["type"] == "import.completed"
    assert end["data"] == {
        "import": job.pk,
        "file": "products.csv",
        "change_set": job.change_set_id,
        "read": 4,
        "created": 1,
        "updated": 1,
        "unchanged": 0,
        "duplicates": 1,
        "rejected": 1,
        "url": f"/imports/{job.pk}/",
        "changes_url": f"/api/changesets/{job.change_set_id}/changes",
    }


def test_import_that_changed_nothing_is_told_in_its_own_transaction() -> None:
    completed(FILE)
    one = endpoint(event_types=[*EventType])
    job = completed(FILE)

    (body,) = published()
    assert job.change_set_id is None
    assert job.finished_at is not None
    assert (body["type"], body["timestamp"]) == ("import.completed", moment(job.finished_at))
    assert (body["data"]["change_set"], body["data"]["unchanged"]) == (None, 2)
    assert lane_of(one).due_at is not None
    assert not Publication.objects.exists()
    event = Event.objects.get()
    assert (event.change_set, event.sequence, event.subject) == (None, None, "products.csv")


def test_failed_import_is_told_with_its_reason() -> None:
    endpoint(event_types=[*EventType])
    endpoint(event_types=[EventType.IMPORT_COMPLETED])
    job = imported("price\n1\n")
    assert job.state == ImportJob.State.FAILED

    (body,) = published()

    assert body["type"] == "import.failed"
    assert body["data"]["error"] == {"code": job.error_code, "message": job.error_message}
    assert body["data"]["import"] == job.pk
    assert Delivery.objects.count() == 1


def test_import_whose_workers_died_is_told_as_failed(settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 1
    endpoint(event_types=ENDS)
    accepted(FILE)
    job = claimed().row
    ImportJob.objects.update(leased_until=ClockTimestamp() - timedelta(seconds=1))

    reap_imports()
    reap_imports()

    (body,) = published()
    assert body["type"] == "import.failed"
    assert body["data"]["import"] == job.pk
    assert body["data"]["error"]["code"] == "worker_lost"


def test_cancelled_import_is_not_told() -> None:
    endpoint(event_types=[*EventType])
    job = accepted(FILE)
    assert request_cancel(job)

    assert published() == []


@pytest.mark.parametrize("state", ["disabled", "deleted"])
def test_end_of_an_import_is_not_for_endpoints_that_get_nothing(state: str) -> None:
    one = endpoint(event_types=ENDS)
    Endpoint.objects.filter(pk=one.pk).update(state=state)
    imported("price\n1\n")

    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


def test_paused_endpoint_collects_the_end_of_an_import() -> None:
    endpoints.pause(endpoint(event_types=ENDS), actor=None)
    imported("price\n1\n")

    assert Delivery.objects.get().state == "waiting"


def test_event_goes_with_the_transaction_that_was_to_end_the_import() -> None:
    """What is told of an import that did not end is rolled back with its end."""
    inside: list[tuple[int, bool]] = []

    def break_down(sender: type, job: ImportJob, **kwargs: object) -> None:
        inside.append((Event.objects.count(), connection.in_atomic_block))
        raise ConnectionError

    completed(FILE)
    endpoint(event_types=ENDS)
    import_finished.connect(break_down)
    try:
        with pytest.raises(ConnectionError):
            imported(FILE)
    finally:
        import_finished.disconnect(break_down)

    assert inside == [(1, True)]
    assert not Event.objects.exists()
    assert messages("webhooks") == []


def test_without_endpoints_an_import_costs_no_event() -> None:
    completed(FILE)

    assert ChangeSet.objects.get().published_at is not None
    assert not Event.objects.exists()
    assert messages("webhooks") == []
