"""The signing secret on its endpoint's page: revealed, rotated, the old one ended."""

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from webhooks.models import Endpoint
from webhooks.tests.listening import endpoint

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def actions() -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(action__contains="secret")
    return list(entries.order_by("pk").values_list("action", "actor_name"))


def test_secret_is_revealed_when_asked_for_and_that_is_written_down(client: Client) -> None:
    listening = endpoint()

    page = client.post(f"/webhooks/{listening.pk}/reveal/")
    part = client.post(f"/webhooks/{listening.pk}/reveal/", headers={"HX-Request": "true"})

    assert listening.secret in page.content.decode()
    assert listening.secret in part.content.decode()
    assert part.content.decode().strip().startswith('<div id="secret"')
    assert "no-store" in page["Cache-Control"]
    assert "no-store" in part["Cache-Control"]
    assert actions() == [("secret_revealed", "manager")] * 2


def test_secret_is_not_revealed_by_a_link(client: Client) -> None:
    listening = endpoint()

    answer = client.get(f"/webhooks/{listening.pk}/reveal/")

    assert answer.status_code == 405
    assert actions() == []


def test_rotation_asks_then_keeps_both_secrets_until_it_is_ended(client: Client) -> None:
    listening = endpoint()
    old = listening.secret
    path = f"/webhooks/{listening.pk}/"

    asked = client.get(f"{path}rotate/").content.decode()
    assert Endpoint.objects.get().secret == old
    rotated = client.post(f"{path}rotate/", follow=True).content.decode()

    found = Endpoint.objects.get()
    assert "For 24 hours each delivery carries two signatures" in asked
    assert (found.previous_secret, found.secret != old) == (old, True)
    assert "Secret rotated <time" in rotated
    assert f"Until {found.previous_until:%-d %b, %H:%M UTC} each delivery carries" in rotated
    assert "The one before that" in client.get(f"{path}rotate/").content.decode()
    assert old not in rotated

    ended = client.post(f"{path}end-rotation/", follow=True).content.decode()
    again = client.post(f"{path}end-rotation/", follow=True).content.decode()

    assert Endpoint.objects.get().previous_secret is None
    assert "The old secret has ended." in ended
    assert "Secret rotated" not in ended
    assert "No old secret is in use." in again
    assert actions() == [("secret_rotated", "manager"), ("old_secret_ended", "manager")]


def test_secrets_of_an_endpoint_are_nothing_for_an_editor(editor_client: Client) -> None:
    listening = endpoint()

    for name in ("reveal", "rotate", "end-rotation"):
        answer = editor_client.post(f"/webhooks/{listening.pk}/{name}/")
        assert answer.status_code == 403
        assert listening.secret not in answer.content.decode()

    assert Endpoint.objects.get().secret == listening.secret
    assert actions() == []
