"""The log of deliveries: filters, pages, and how many there are."""

import datetime
from typing import Any

import pytest
from django.db import connection

from core.admin import COUNTED
from webhooks import log
from webhooks.log import Asked, Total
from webhooks.models import Delivery, Endpoint, Event
from webhooks.tests.listening import endpoint

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

STATES = ("waiting", "sending", "retrying", "arrived", "failed")


def delivery(of: Endpoint, kind: str = "product.updated", **values: Any) -> int:
    event = Event.objects.create(type=kind, body="{}")
    return Delivery.objects.create(event=event, endpoint=of, **values).pk


def ids(of: Endpoint, asked: Asked | None = None, **where: Any) -> list[int]:
    return [each.pk for each in log.page_of(of, asked or Asked(), **where).rows]


def many(of: Endpoint, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH made AS (INSERT INTO webhooks_event (uid, type, about, count, subject, body)"
            " SELECT gen_random_uuid(), 'product.updated', '', 1, 'A-' || n, '{}'"
            " FROM generate_series(1, %s) AS n RETURNING id)"
            " INSERT INTO webhooks_delivery (event_id, endpoint_id, state, is_test, urgent,"
            " attempts, tries, error) SELECT id, %s, 'arrived', false, false, 1, 1, '' FROM made",
            [number, of.pk],
        )
        cursor.execute("ANALYZE webhooks_delivery, webhooks_event")


def test_newest_deliveries_of_all_states_come_first() -> None:
    listening, other = endpoint(), endpoint()
    made = [delivery(listening, state=state) for state in STATES * 2]
    delivery(other)

    page = log.page_of(listening, Asked())

    assert [each.pk for each in page.rows] == made[::-1]
    assert (page.start, page.end, page.total) == (1, 10, Total(10))
    assert (page.newer, page.older) == (None, None)


def test_filters_find_by_state_event_and_time() -> None:
    listening = endpoint()
    by_state = {state: delivery(listening, state=state) for state in STATES}
    created = delivery(listening, "product.created", state="arrived")
    test = delivery(listening, "webhook.test", state="failed", is_test=True)
    old = delivery(listening, "product.created", state="failed")
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    Delivery.objects.filter(pk=old).update(created_at=now - 2 * day)

    def found(**asked: Any) -> set[int]:
        page = ids(listening, Asked(**asked))
        assert log.total_of(listening, Asked(**asked)) == Total(len(page))
        return set(page)

    # A test that failed is no event that did not arrive.
    assert found(state="open") == {*by_state.values(), old} - {by_state["arrived"]}
    assert found(state="arrived") == {by_state["arrived"], created}
    assert found(event="product.created") == {created, old}
    assert found(event="webhook.test") == {test}
    assert found(event="product.created", since=now - day) == {created}
    assert found(state="open", since=now - day, event="product.created") == set()
    assert found(since=now + day) == set()


def test_pages_meet_in_both_directions_whatever_the_state() -> None:
    listening = endpoint()
    made = [delivery(listening, state=state) for state in STATES * 3][::-1]

    first = log.page_of(listening, Asked(), size=6)
    second = log.page_of(listening, Asked(), older_than=first.older, size=6)
    third = log.page_of(listening, Asked(), older_than=second.older, size=6)
    back = log.page_of(listening, Asked(), newer_than=third.newer, size=6)
    at_start = log.page_of(listening, Asked(), newer_than=second.newer, size=6)

    pages = (first, second, third)
    assert [each.pk for page in pages for each in page.rows] == made
    assert [(page.start, page.end) for page in pages] == [(1, 6), (7, 12), (13, 15)]
    assert (first.newer, third.older) == (None, None)
    assert [each.pk for each in back.rows] == made[6:12]
    assert (back.start, back.end, back.newer, back.older) == (7, 12, made[6], made[11])
    assert [each.pk for each in at_start.rows] == made[:6]


def test_delivery_that_arrives_in_between_moves_no_page() -> None:
    listening = endpoint()
    made = [delivery(listening) for _ in range(8)][::-1]
    first = log.page_of(listening, Asked(), size=4)

    delivery(listening)

    assert ids(listening, older_than=first.older, size=4) == made[4:]


def test_place_behind_the_end_shows_nothing_and_says_how_many_there_are() -> None:
    listening = endpoint()
    made = delivery(listening)

    page = log.page_of(listening, Asked(), older_than=made)

    assert (page.rows, page.total, page.older) == ([], Total(1), None)


def test_log_that_is_long_is_not_counted_in_full() -> None:
    listening = endpoint()
    many(listening, COUNTED + 2000)

    page = log.page_of(listening, Asked())

    assert len(page.rows) == log.PAGE_SIZE
    assert page.total.exact is False
    assert abs(page.total.count - COUNTED - 2000) < 600
    assert page.older == page.rows[-1].pk


def test_replay_would_send_what_ended_since_a_time() -> None:
    listening = endpoint()
    made = {state: delivery(listening, state=state) for state in STATES}
    delivery(listening, "webhook.test", state="failed", is_test=True)
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)

    def found(state: str, since: datetime.datetime | None = None) -> set[int]:
        rows = log.replayable(listening, since=since, state=state)
        return set(rows.values_list("pk", flat=True))

    assert found("failed") == {made["failed"]}
    assert found("arrived") == {made["arrived"]}
    assert found("all") == {made["failed"], made["arrived"]}
    assert found("all", since=later) == set()
