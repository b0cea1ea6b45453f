"""What the log keeps of an attempt, and the headers that it was made with."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from core.leases import ClockTimestamp
from core.outbound import Sender
from webhooks import deliveries, endpoints, lanes
from webhooks.deliveries import HIDDEN
from webhooks.models import Attempt, Endpoint, EndpointHour
from webhooks.receiving import Receiver
from webhooks.tests.answering import Answering, in_turn, says
from webhooks.tests.listening import endpoint, sent
from webhooks.tests.queueing import attempts, lane_of, queued, states

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


OWN = {"Authorization": "Bearer s3cret", "X-Shop": "7"}


def test_own_headers_are_sent_and_hidden_in_the_log(receiver: Receiver) -> None:
    queued(endpoint(receiver.url, headers=OWN))
    sent()

    (received,) = receiver.received
    assert received.headers["authorization"] == "Bearer s3cret"
    assert received.headers["x-shop"] == "7"
    logged = Attempt.objects.get().request_headers
    assert (logged["authorization"], logged["x-shop"]) == (HIDDEN, HIDDEN)
    assert logged["content-type"] == "application/json"
    assert logged["webhook-id"] == received.webhook_id


def test_own_header_is_hidden_though_it_was_removed_meanwhile(receiver: Receiver) -> None:
    one = endpoint(receiver.url, headers=OWN)
    queued(one)
    hold = lanes.claim(slow=False)
    assert hold is not None
    drain = deliveries.Drain(hold)
    (delivery,) = drain._step([]) or []
    with Sender() as sender:
        done = deliveries.send(sender, drain.endpoint, delivery)
    endpoints.change(one, actor=None, headers={})
    drain._step([done])

    assert Attempt.objects.get().request_headers["authorization"] == HIDDEN


@pytest.mark.parametrize("style", [str.lower, str.title, str.upper])
def test_own_headers_replace_none_of_ours(receiver: Receiver, style: Callable[[str], str]) -> None:
    wanted = {
        **{style(name): "mine" for name in ("webhook-id", "webhook-signature", "user-agent")},
        **{style(name): "mine" for name in ("host", "content-type", "content-encoding")},
        style("webhook-timestamp"): "1",
        style("content-length"): "1",
        style("transfer-encoding"): "chunked",
        style("x-mine"): "mine",
    }
    # In both spellings, so that no order of names lets one through.
    one = endpoint(receiver.url, headers={**{k.lower(): v for k, v in wanted.items()}, **wanted})
    (delivery,) = queued(one)
    sent()

    (received,) = receiver.received
    assert received.body == delivery.event.body.encode()
    mine = sorted(name for name, value in received.headers.items() if value == "mine")
    assert mine == ["x-mine"]
    assert received.webhook_id == delivery.event.webhook_id
    assert received.headers["host"] == one.host
    assert "transfer-encoding" not in received.headers
    with Receiver(secrets=[one.secret]) as verifier:
        verifier.take(path="/", headers=received.headers, body=received.body)
        assert verifier.received[0].verified
    assert Attempt.objects.get().request_headers["webhook-id"] == received.webhook_id


@pytest.mark.parametrize("headers", [{"X-A": "two\nlines"}, {"X:A": "1"}, {"X-A": "\u20ac"}])
def test_own_header_that_no_request_can_carry_fails_in_words(
    receiver: Receiver, headers: dict[str, str]
) -> None:
    one = endpoint(receiver.url, headers=headers)
    queued(one, count=2)
    sent()

    assert receiver.received == []
    assert states("state", "error") == [("retrying", "header")] * 2
    assert set(attempts("message")) == {
        ("One of the endpoint's own headers can't be sent. Change its name or its value.",)
    }
    assert lane_of(one).lease_token is None


def test_answer_is_kept_as_text_whatever_its_bytes(answering: Answering) -> None:
    body = b"a\x00b\xff\xc3(" + "Größe".encode()
    one = endpoint(answering(says(500, body, x_note="a\x01b")).url)
    queued(one)
    sent()

    attempt = Attempt.objects.get()
    assert attempt.response_body == "a\ufffdb\ufffd\ufffd(Größe"
    assert attempt.response_headers["x-note"] == "a b"
    assert lane_of(one).last_answer == attempt.response_body


def test_beginning_of_an_answer_is_kept(answering: Answering) -> None:
    many = {f"x-{number}": "1" for number in range(60)}
    one = endpoint(answering(lambda received: (500, many, b"x" * 10_000)).url)
    queued(one)
    sent()

    attempt = Attempt.objects.get()
    assert attempt.response_body == "x" * 4096
    assert len(attempt.response_headers) == 50
    assert lane_of(one).last_answer == "x" * 200


def test_attempts_are_counted_in_their_hour(answering: Answering) -> None:
    one = endpoint(answering(in_turn(500, 500)).url)
    queued(one, count=3)
    sent()

    hours = EndpointHour.objects.filter(endpoint=one)
    assert sum(hour.arrived for hour in hours) == 1
    assert sum(hour.failed for hour in hours) == 2


def test_secret_that_can_not_be_read_sends_nothing_and_says_so(
    receiver: Receiver, settings: Settings
) -> None:
    one = endpoint(receiver.url)
    queued(one)
    settings.SECRET_KEY = "another key"
    settings.SECRET_KEY_FALLBACKS = []
    sent()

    assert receiver.received == []
    assert states("state", "error") == [("retrying", "secret")]
    assert "SECRET_KEY_FALLBACKS" in Attempt.objects.get().message


def test_both_secrets_sign_until_the_old_one_ends(receiver: Receiver) -> None:
    one = endpoint(receiver.url)
    old = one.secret
    endpoints.rotate(one, actor=None)
    queued(one)
    sent()
    Endpoint.objects.update(previous_until=ClockTimestamp())
    queued(one)
    sent()

    during, after = receiver.received
    for secret, good in ((old, [True, False]), (one.secret, [True, True])):
        with Receiver(secrets=[secret]) as verifier:
            for each in (during, after):
                verifier.take(path="/", headers=each.headers, body=each.body)
            assert [each.verified for each in verifier.received] == good
