"""Who is told of a change set, and in which form."""

import pytest

from catalog.models import ChangeSet
from webhooks import audience, endpoints
from webhooks.audience import Audience, audience_of, falls_back
from webhooks.models import Endpoint, EventType
from webhooks.tests.listening import endpoint

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

CREATED, UPDATED, DELETED = (
    EventType.PRODUCT_CREATED,
    EventType.PRODUCT_UPDATED,
    EventType.PRODUCT_DELETED,
)
COMPLETED = EventType.IMPORT_COMPLETED
Bulk = Endpoint.Bulk


def change_set(*, created: int = 0, updated: int = 0, deleted: int = 0) -> ChangeSet:
    return ChangeSet.objects.create(
        source=ChangeSet.Source.BULK, created=created, updated=updated, deleted=deleted
    )


def told(change_set: ChangeSet, *, is_import: bool = False) -> Audience:
    return audience_of(change_set, is_import=is_import)


def test_endpoint_hears_of_the_types_that_it_subscribes_to() -> None:
    all_three, only_new = endpoint(), endpoint(event_types=[CREATED])
    endpoint(event_types=[EventType.IMPORT_FAILED])

    found = told(change_set(created=2, updated=3))

    assert found == Audience(batch={CREATED: [all_three.pk, only_new.pk], UPDATED: [all_three.pk]})
    assert told(change_set(deleted=2)) == Audience(batch={DELETED: [all_three.pk]})


def test_nobody_is_told_of_what_nobody_subscribes_to() -> None:
    endpoint(event_types=[CREATED])

    assert told(change_set(deleted=2)).is_empty


@pytest.mark.parametrize("bulk", Bulk.values)
def test_single_product_is_always_one_event(bulk: str) -> None:
    one = endpoint(bulk=bulk)

    for is_import in (False, True):
        found = told(change_set(updated=1), is_import=is_import)
        assert found == Audience(each={UPDATED: [one.pk]})


@pytest.mark.parametrize("bulk", Bulk.values)
def test_more_products_come_in_the_form_that_was_chosen(bulk: str) -> None:
    one = endpoint(bulk=bulk)

    found = told(change_set(updated=1, deleted=1)).as_json()

    forms = {form: found[form] for form in Bulk.values if found[form]}
    assert forms == {bulk: {UPDATED: [one.pk], DELETED: [one.pk]}}


def test_summary_of_an_import_is_its_end_alone() -> None:
    one = endpoint(bulk=Bulk.SUMMARY)
    both = endpoint(bulk=Bulk.SUMMARY, event_types=[CREATED, COMPLETED])
    endpoint(bulk=Bulk.SUMMARY, event_types=[DELETED])

    found = told(change_set(created=2), is_import=True)

    assert found == Audience(completed=[one.pk, both.pk])


def test_end_of_an_import_is_for_those_who_subscribe_to_it() -> None:
    one = endpoint(event_types=[COMPLETED])
    both = endpoint(event_types=[CREATED, COMPLETED])
    endpoint(event_types=[CREATED, EventType.IMPORT_FAILED])

    found = told(change_set(updated=5), is_import=True)

    assert found == Audience(completed=[one.pk, both.pk])
    assert told(change_set(updated=5)).is_empty


def test_paused_endpoint_is_told_and_others_that_are_not_active_are_not() -> None:
    active, paused, disabled, deleted = (endpoint() for _ in range(4))
    endpoints.pause(paused, actor=None)
    endpoints.delete(deleted, actor=None)
    Endpoint.objects.filter(pk=disabled.pk).update(state=Endpoint.State.DISABLED)

    assert told(change_set(updated=1)).each == {UPDATED: [active.pk, paused.pk]}


def test_endpoint_does_not_hear_of_what_was_before_it() -> None:
    before = change_set(updated=1)
    one = endpoint()
    after = change_set(updated=1)

    assert told(before).is_empty
    assert told(after).each == {UPDATED: [one.pk]}


def test_one_by_one_becomes_batches_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audience, "EACH_MAX", 4)
    slow = endpoint(bulk=Bulk.EACH, rate_per_hour=5)
    quick = endpoint(bulk=Bulk.EACH, rate_per_hour=6)

    assert told(change_set(updated=4)).each == {UPDATED: [slow.pk, quick.pk]}
    # A rate that sends them within an hour is high enough.
    assert told(change_set(updated=5)).each == {UPDATED: [slow.pk, quick.pk]}
    assert told(change_set(updated=6)) == Audience(
        each={UPDATED: [quick.pk]}, batch={UPDATED: [slow.pk]}
    )


@pytest.mark.parametrize(
    ("products", "rate", "batches"),
    [
        (10_000, 1, False),
        (10_001, 10_000, True),
        (10_001, 10_001, False),
        (500_000, 100_000, True),
    ],
)
def test_ten_thousand_products_are_the_limit(products: int, rate: int, batches: bool) -> None:
    assert falls_back(Endpoint(rate_per_hour=rate), products) is batches


def test_audience_is_kept_as_json() -> None:
    one, other = endpoint(bulk=Bulk.EACH), endpoint(event_types=[*EventType])
    found = told(change_set(created=2, updated=1), is_import=True)

    assert Audience.from_json(found.as_json()) == found
    assert found.as_json() == {
        "each": {CREATED: [one.pk], UPDATED: [one.pk]},
        "batch": {CREATED: [other.pk], UPDATED: [other.pk]},
        "summary": {},
        "completed": [other.pk],
    }
