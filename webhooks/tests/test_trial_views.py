"""The test button: asked for, waited for, told."""

import datetime
import html
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from webhooks.models import Delivery, Endpoint
from webhooks.receiving import Receiver
from webhooks.tests.listening import endpoint
from webhooks.trial import TESTS_A_MINUTE, request_test, send_test

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def in_row(of: Endpoint) -> dict[str, str]:
    """The headers of htmx in the list."""
    return {**HTMX, "HX-Target": f"endpoint-{of.pk}"}


def text(response: Any) -> str:
    page = re.sub(r"<svg.*?</svg>", "", response.content.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))).strip()


def ended(of: Endpoint, **values: Any) -> Delivery:
    """A test of the endpoint that is over."""
    delivery = request_test(of, actor=None)
    now = timezone.now()
    Delivery.objects.filter(pk=delivery.pk).update(
        **{"state": "failed", "finished_at": now, "milliseconds": 118, **values}
    )
    return delivery


def test_button_of_the_list_turns_its_row_into_one_that_waits(client: Client) -> None:
    made = endpoint()

    response = client.post(f"/webhooks/{made.pk}/test/", headers=in_row(made))

    delivery = Delivery.objects.get()
    page = response.content.decode()
    assert (delivery.is_test, delivery.state, delivery.endpoint) == (True, "waiting", made)
    assert page.strip().startswith(f'<tbody id="endpoint-{made.pk}"')
    assert "Testing…" in text(response)
    assert f'hx-get="/webhooks/{made.pk}/tests/{delivery.pk}/" hx-trigger="every 500ms"' in page


def answering(status: int, body: bytes) -> Receiver:
    return Receiver("127.0.0.1", answer=lambda received: (status, {}, body))


@pytest.mark.usefixtures("local_receivers")
def test_result_tells_status_time_and_how_the_answer_begins(client: Client) -> None:
    with answering(200, b'{"accepted": 1}' + b"x" * 500) as receiver:
        made = endpoint(receiver.url)
        client.post(f"/webhooks/{made.pk}/test/", headers=in_row(made))
        delivery = Delivery.objects.get()
        send_test(delivery.pk)

    response = client.get(f"/webhooks/{made.pk}/tests/{delivery.pk}/", headers=in_row(made))

    said = text(response)
    delivery.refresh_from_db()
    assert re.search(rf"Test arrived \d s ago 200 OK {delivery.milliseconds} ms", said)
    assert '{"accepted": 1}xxx' in said
    assert "x" * 200 not in said
    assert "every 500ms" not in response.content.decode()
    assert [each.event["type"] for each in receiver.received if each.event] == ["webhook.test"]


@pytest.mark.usefixtures("local_receivers")
def test_failure_tells_the_status(client: Client) -> None:
    with answering(503, b"<b>busy</b>") as receiver:
        made = endpoint(receiver.url)
        client.post(f"/webhooks/{made.pk}/test/", headers=in_row(made))
        delivery = Delivery.objects.get()
        send_test(delivery.pk)

    response = client.get(f"/webhooks/{made.pk}/tests/{delivery.pk}/", headers=in_row(made))

    assert "Test failed" in text(response)
    assert "503 Service Unavailable" in text(response)
    assert "&lt;b&gt;busy&lt;/b&gt;" in response.content.decode()


@pytest.mark.usefixtures("local_receivers")
def test_failure_without_an_answer_is_told_in_words(client: Client) -> None:
    with answering(200, b"") as receiver:
        made = endpoint(receiver.url)
    client.post(f"/webhooks/{made.pk}/test/")
    delivery = Delivery.objects.get()
    send_test(delivery.pk)

    said = text(client.get(f"/webhooks/{made.pk}/tests/{delivery.pk}/", headers=in_row(made)))

    assert "Test failed" in said
    assert "Connection refused" in said
    assert "Nothing listens at 127.0.0.1 on that port. Check the port, and that it is up." in said


def test_elsewhere_the_notice_comes_alone_and_can_be_closed(client: Client) -> None:
    made = endpoint()
    delivery = ended(made, status=500)
    url = f"/webhooks/{made.pk}/tests/{delivery.pk}/"
    headers = {**HTMX, "HX-Target": "test-result"}

    shown = client.get(url, headers=headers).content.decode()
    closed = client.get(f"{url}?show=0", headers=headers).content.decode()

    assert shown.strip().startswith('<div id="test-result"')
    assert "500 Internal Server Error" in shown
    assert "notice" not in closed
    assert closed.strip().startswith('<div id="test-result"')


def test_row_is_as_before_once_the_result_is_closed(client: Client) -> None:
    made = endpoint()
    url = f"/webhooks/{made.pk}/tests/{ended(made).pk}/"

    assert "Test failed" in text(client.get(url, headers=in_row(made)))
    closed = client.get(f"{url}?show=0", headers=in_row(made))
    assert "Test failed" not in text(closed)
    assert closed.content.decode().strip().startswith(f'<tbody id="endpoint-{made.pk}"')


def test_without_a_script_a_page_waits_for_the_result(client: Client) -> None:
    made = endpoint()

    response = client.post(f"/webhooks/{made.pk}/test/", follow=True)

    delivery = Delivery.objects.get()
    url = f"/webhooks/{made.pk}/tests/{delivery.pk}/"
    assert response.redirect_chain == [(url, 302)]
    assert "Testing…" in text(response)
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in (
        response.content.decode()
    )

    Delivery.objects.update(state="arrived", finished_at=timezone.now(), status=204)

    page = client.get(url)
    assert "204 No Content" in text(page)
    assert "http-equiv" not in page.content.decode()


def test_test_that_nobody_sends_says_so_after_ten_seconds(client: Client) -> None:
    made = endpoint()
    client.post(f"/webhooks/{made.pk}/test/")
    delivery = Delivery.objects.get()
    url = f"/webhooks/{made.pk}/tests/{delivery.pk}/"

    for seconds, late in ((9, False), (11, True)):
        Delivery.objects.update(created_at=timezone.now() - datetime.timedelta(seconds=seconds))
        response = client.get(url, headers=in_row(made))
        assert ("Nobody has sent the test yet." in text(response)) is late
        assert "hx-trigger" in response.content.decode()


def test_too_many_tests_are_refused_in_words(client: Client) -> None:
    made = endpoint()
    url = f"/webhooks/{made.pk}/test/"
    for _ in range(TESTS_A_MINUTE):
        client.post(url)

    refused = client.post(url, headers=in_row(made))

    assert refused.status_code == 409
    assert re.search(r"Not tested\. Too many tests\. Try again in \d+ s\.", text(refused))
    followed = client.post(url, follow=True)
    assert followed.redirect_chain == [("/webhooks/", 302)]
    assert "Too many tests. Try again in" in text(followed)
    assert Delivery.objects.count() == TESTS_A_MINUTE


def test_result_of_another_endpoint_or_of_no_test_is_not_found(client: Client) -> None:
    made, other = endpoint(), endpoint("https://other.example.com/")
    test = ended(made)
    plain = Delivery.objects.create(endpoint=made, event=test.event)

    assert client.get(f"/webhooks/{made.pk}/tests/{test.pk}/").status_code == 200
    assert client.get(f"/webhooks/{other.pk}/tests/{test.pk}/").status_code == 404
    assert client.get(f"/webhooks/{made.pk}/tests/{plain.pk}/").status_code == 404


def test_test_is_not_asked_for_by_a_link(client: Client) -> None:
    made = endpoint()

    assert client.get(f"/webhooks/{made.pk}/test/").status_code == 405
    assert not Delivery.objects.exists()
