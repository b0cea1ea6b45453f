"""What people do with endpoints: each deed does one thing and is written down."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, User
from catalog.models import ChangeSet
from core.leases import ClockTimestamp
from core.outbound import UrlRefused
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint, EventType, Lane
from webhooks.tests.listening import created, endpoint
from webhooks.tests.queueing import lane_of, queued, seconds_until_due, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

URL = "https://shop.example.com/hook?key=s3cret"


def deeds() -> list[tuple[str, str, dict[str, Any]]]:
    """What the audit log says, the oldest first."""
    entries = AuditEntry.objects.filter(target__contains="example.com").order_by("pk")
    return list(entries.values_list("action", "target", "details"))


def forget_deeds() -> None:
    AuditEntry.objects.all().delete()


# --- making and changing ---------------------------------------------------------------------


def test_new_endpoint_has_a_secret_a_lane_and_hears_of_what_comes(manager: User) -> None:
    created("A-1")
    one = endpoints.create(actor=manager, url=URL, event_types=[EventType.PRODUCT_CREATED])

    assert (one.state, one.bulk, one.ordered, one.rate_per_hour) == (
        "active",
        "batch",
        False,
        1000,
    )
    assert one.since_change_set == ChangeSet.objects.get().pk
    assert one.created_by == manager
    assert len(base64.b64decode(one.secret.removeprefix("whsec_"))) == 32
    assert endpoint().secret != one.secret
    lane = lane_of(one)
    assert (lane.due_at, lane.failures, lane.slow) == (None, 0, False)


def test_log_names_the_host_and_nothing_else_of_a_url(manager: User) -> None:
    endpoints.create(actor=manager, url=URL, event_types=[])

    assert deeds() == [("endpoint_created", "shop.example.com", {})]
    assert AuditEntry.objects.get(action="endpoint_created").actor == manager


@pytest.mark.parametrize(
    "url", ["http://shop.example.com/", "https://a:b@example.com/", "ftp://example.com/", ""]
)
def test_url_that_nothing_may_be_sent_to_makes_no_endpoint(url: str) -> None:
    with pytest.raises(UrlRefused):
        endpoint(url)
    one = endpoint()
    with pytest.raises(UrlRefused):
        endpoints.change(one, actor=None, url=url)

    assert list(Endpoint.objects.values_list("url", flat=True)) == ["https://shop.example.com/hook"]


def test_change_names_what_changed_and_not_to_what(manager: User) -> None:
    one = endpoint()
    forget_deeds()

    endpoints.change(
        one,
        actor=manager,
        url="https://SHOP.example.com/hook",
        description="Shop",
        headers={"Authorization": "Bearer s3cret"},
        rate_per_hour=1000,
    )

    one.refresh_from_db()
    assert (one.description, one.headers) == ("Shop", {"Authorization": "Bearer s3cret"})
    assert deeds() == [
        ("endpoint_changed", "shop.example.com", {"fields": ["description", "headers"]})
    ]


def test_change_to_the_same_is_none() -> None:
    one = endpoint()
    forget_deeds()

    endpoints.change(one, actor=None, url=one.url, bulk=one.bulk, event_types=one.event_types)

    assert deeds() == []


def failing(one: Endpoint) -> None:
    Lane.objects.filter(pk=one.pk).update(
        failures=7, failing_since=timezone.now(), slow=True, due_at=None
    )


def test_new_url_has_a_clean_slate_and_another_change_has_not() -> None:
    one = endpoint()
    failing(one)
    endpoints.change(one, actor=None, description="Shop")
    assert lane_of(one).failures == 7

    endpoints.change(one, actor=None, url="https://new.example.com/")

    lane = lane_of(one)
    assert (lane.failures, lane.failing_since, lane.slow) == (0, None, False)


@pytest.mark.parametrize("values", [{"rate_per_hour": 5000}, {"ordered": False}])
def test_what_waited_for_an_old_setting_waits_no_longer(values: dict[str, Any]) -> None:
    one = endpoint(ordered=True, rate_per_hour=1)
    queued(one)
    Lane.objects.update(due_at=ClockTimestamp() + timedelta(hours=10))

    endpoints.change(one, actor=None, **values)

    lane = Lane.objects.annotate(now=ClockTimestamp()).get()
    assert lane.due_at is not None
    assert lane.due_at <= lane.now


# --- stopping and going on -------------------------------------------------------------------


def test_pausing_lets_deliveries_wait() -> None:
    one = endpoint()
    queued(one)
    before = one.state_since
    forget_deeds()

    assert endpoints.pause(one, actor=None)
    assert not endpoints.pause(one, actor=None)

    assert one.state == "paused"
    assert before is None or one.state_since > before
    assert states() == ["waiting"]
    assert deeds() == [("endpoint_paused", one.host, {})]


@pytest.mark.parametrize("state", ["disabled", "deleted"])
def test_only_an_active_one_can_be_paused(state: str) -> None:
    one = endpoint()
    Endpoint.objects.update(state=state)

    assert not endpoints.pause(one, actor=None)
    assert Endpoint.objects.get().state == state


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_enabling_starts_anew(state: str) -> None:
    one = endpoint()
    first, second, third = queued(one, count=3)
    for delivery, left in ((first, "retrying"), (second, "failed"), (third, "arrived")):
        Delivery.objects.filter(pk=delivery.pk).update(
            state=left, tries=4, due_at=ClockTimestamp() + timedelta(hours=5)
        )
    failing(one)
    Endpoint.objects.update(state=state, reason="failing")
    forget_deeds()

    assert endpoints.enable(one, actor=None)

    assert (one.state, one.reason) == ("active", "")
    assert states("state", "tries") == [("waiting", 0), ("failed", 4), ("arrived", 4)]
    assert seconds_until_due(first) <= 0
    lane = lane_of(one)
    assert (lane.failures, lane.failing_since, lane.slow) == (0, None, False)
    assert lane.due_at is not None
    assert deeds() == [("endpoint_enabled", one.host, {"send_failed": False})]


def test_enabling_can_send_what_was_given_up_since_it_failed() -> None:
    one = endpoint()
    long_ago, lately, arrived = queued(one, count=3)
    now = timezone.now()
    for delivery, left, days in (
        (long_ago, "failed", 9),
        (lately, "failed", 1),
        (arrived, "arrived", 1),
    ):
        Delivery.objects.filter(pk=delivery.pk).update(
            state=left, tries=10, finished_at=now - timedelta(days=days)
        )
    Lane.objects.update(failures=9, failing_since=now - timedelta(days=5))
    Endpoint.objects.update(state="disabled")
    forget_deeds()
    assert endpoints.failing_since(one) == now - timedelta(days=5)

    endpoints.enable(one, actor=None, send_failed=True)

    assert states("state", "finished_at") == [
        ("failed", now - timedelta(days=9)),
        ("waiting", None),
        ("arrived", now - timedelta(days=1)),
    ]
    assert deeds() == [("endpoint_enabled", one.host, {"send_failed": True})]


@pytest.mark.parametrize("state", ["active", "deleted"])
def test_there_is_nothing_to_enable_otherwise(state: str) -> None:
    one = endpoint()
    queued(one)
    Delivery.objects.update(state="failed")
    failing(one)
    Endpoint.objects.update(state=state)
    forget_deeds()

    assert not endpoints.enable(one, actor=None, send_failed=True)

    assert (states(), lane_of(one).failures, deeds()) == (["failed"], 7, [])


def test_deleted_endpoint_is_known_no_longer() -> None:
    one, other = endpoint(), endpoint()
    forget_deeds()

    assert endpoints.delete(one, actor=None)
    assert not endpoints.delete(one, actor=None)

    assert list(endpoints.known()) == [other]
    assert deeds() == [("endpoint_deleted", one.host, {})]


# --- secrets ---------------------------------------------------------------------------------


def test_secret_is_shown_and_that_is_written_down(manager: User) -> None:
    one = endpoint()
    forget_deeds()

    assert endpoints.reveal(one, actor=manager) == one.secret
    assert deeds() == [("secret_revealed", one.host, {})]


def test_rotation_keeps_the_old_secret_for_a_day() -> None:
    one = endpoint()
    first = one.secret
    forget_deeds()

    endpoints.rotate(one, actor=None)

    one.refresh_from_db()
    second = one.secret
    assert second != first
    assert one.previous_secret == first
    assert one.previous_until is not None
    assert one.previous_until - timezone.now() == pytest.approx(
        timedelta(hours=24), abs=timedelta(minutes=1)
    )

    endpoints.rotate(one, actor=None)
    one.refresh_from_db()
    assert one.previous_secret == second
    assert deeds() == [("secret_rotated", one.host, {})] * 2


def test_rotation_can_be_ended_at_once() -> None:
    one = endpoint()
    endpoints.rotate(one, actor=None)
    forget_deeds()

    assert endpoints.end_rotation(one, actor=None)
    assert not endpoints.end_rotation(one, actor=None)

    one.refresh_from_db()
    assert (one.previous_secret, one.previous_until) == (None, None)
    assert deeds() == [("old_secret_ended", one.host, {})]


def test_no_deed_leaves_a_secret_in_the_audit_log(manager: User) -> None:
    one = endpoints.create(actor=manager, url=URL, event_types=[], headers={"X-Key": "s3cret"})
    secrets = [one.secret]
    endpoints.rotate(one, actor=manager)
    secrets.append(one.secret)
    endpoints.change(one, actor=manager, url=URL + "2", headers={"X-Key": "s3cret2"})
    endpoints.reveal(one, actor=manager)
    endpoints.delete(one, actor=manager)

    written = repr(list(AuditEntry.objects.values()))
    assert not any(word in written for word in ["s3cret", *secrets])
