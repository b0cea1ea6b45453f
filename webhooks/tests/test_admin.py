"""Webhooks in the admin: to be looked at without secrets, and sent again by those who may."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from core.admin import ReadOnlyAdmin
from webhooks.models import Attempt, Delivery, Endpoint, EndpointHour, Event, Lane, Publication
from webhooks.receiving import Receiver
from webhooks.tests.listening import created, endpoint, published, sent

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

DELIVERIES = "/admin/webhooks/delivery/"
MODELS: tuple[Any, ...] = (Endpoint, Lane, Publication, Event, Delivery, Attempt, EndpointHour)


@pytest.fixture
def client(manager: User) -> Client:
    return client_of(manager)


def client_of(user: User) -> Client:
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def delivered(receiver: Receiver) -> Delivery:
    """A delivery that has arrived, to an endpoint whose every secret could show."""
    endpoint(f"{receiver.url}?key=in-the-url", headers={"X-Token": "in-a-header"})
    created("A-1")
    published()
    sent()
    return Delivery.objects.select_related("endpoint", "event").get()


def send_again(client: Client, *deliveries: Delivery) -> str:
    chosen = {"action": "send_again", "_selected_action": [each.pk for each in deliveries]}
    return client.post(DELIVERIES, chosen, follow=True).content.decode()


def test_no_page_of_the_admin_shows_a_secret(receiver: Receiver, client: Client) -> None:
    delivery = delivered(receiver)
    superuser = client_of(User.objects.create_superuser("root", password="correct horse"))
    secrets = (delivery.endpoint.secret, "in-the-url", "in-a-header")

    for model in MODELS:
        assert isinstance(admin.site._registry[model], ReadOnlyAdmin)
        name = f"admin:webhooks_{model._meta.model_name}"
        paths = [reverse(f"{name}_changelist")]
        paths += [reverse(f"{name}_change", args=[each.pk]) for each in model.objects.all()]
        for path in paths:
            answer = superuser.get(path)
            assert answer.status_code == 200, path
            shown = answer.content.decode()
            assert [secret for secret in secrets if secret in shown] == [], path
    assert Attempt.objects.count() == EndpointHour.objects.count() == 1


def test_delivery_is_sent_again_under_the_same_id(receiver: Receiver, client: Client) -> None:
    delivery = delivered(receiver)

    page = send_again(client, delivery)
    sent()

    assert f"Delivery {delivery.pk} is sent again." in page
    assert [each.webhook_id for each in receiver.received] == [delivery.event.webhook_id] * 2
    entry = AuditEntry.objects.get(action="deliveries_resent")
    assert (entry.actor_name, entry.details) == ("manager", {"count": 1})


def test_what_is_being_sent_is_left_alone(receiver: Receiver, client: Client) -> None:
    delivery = delivered(receiver)
    Delivery.objects.update(state="sending")

    page = send_again(client, delivery)

    assert f"Delivery {delivery.pk} is being sent, or was a test: left alone." in page
    assert not AuditEntry.objects.filter(action="deliveries_resent").exists()


def test_events_and_deliveries_are_found_by_the_id_that_receivers_see(
    receiver: Receiver, client: Client
) -> None:
    delivery = delivered(receiver)

    for path in (DELIVERIES, "/admin/webhooks/event/"):
        for text, found in (
            (delivery.event.webhook_id, 1),
            (str(delivery.event.uid), 1),
            ("msg_" + "0" * 32, 0),
            ("A-1", 0),
            ("", 1),
        ):
            page = client.get(path, {"q": text})
            assert len(page.context["cl"].result_list) == found, (path, text)


def test_editor_who_is_staff_sees_no_webhooks(editor: User) -> None:
    client = client_of(editor)

    for model in MODELS:
        name = f"admin:webhooks_{model._meta.model_name}_changelist"
        assert client.get(reverse(name)).status_code == 403
