"""The receiver for trying out, by real sockets."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import requests

from webhooks.receiving import MAX_BODY_BYTES, Answer, Received, Receiver
from webhooks.signing import new_secret, signed_headers

SECRET, OTHER = new_secret(), new_secret()
EVENT = {"type": "webhook.test", "data": {"name": "Größe 8"}}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(secrets=[SECRET]) as receiver:
        yield receiver


def signed(
    webhook_id: str = "evt_1", *, secret: str = SECRET, age: timedelta = timedelta(0)
) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return signed_headers(webhook_id=webhook_id, at=at, body=BODY, secrets=[secret])


def send(receiver: Receiver, headers: dict[str, str], body: bytes = BODY) -> int:
    return requests.post(receiver.url, data=body, headers=headers, timeout=10).status_code


def connected(receiver: Receiver) -> socket.socket:
    return socket.create_connection(("127.0.0.1", receiver.port), timeout=10)


def test_delivery_is_kept_as_it_came(receiver: Receiver) -> None:
    before = datetime.now(UTC)
    answer = requests.post(
        f"{receiver.url}hooks?shop=2", data=BODY, headers=signed() | {"X-Shop": "A"}, timeout=10
    )

    assert (answer.status_code, answer.content) == (200, b"")
    [received] = receiver.received
    assert before <= received.at <= datetime.now(UTC)
    assert received.path == "/hooks?shop=2"
    assert received.headers["x-shop"] == "A"
    assert received.webhook_id == "evt_1"
    assert (received.body, received.event) == (BODY, EVENT)
    assert (received.verified, received.problem, received.duplicate) == (True, "", False)


def test_either_secret_of_a_rotation_verifies() -> None:
    with Receiver(secrets=[OTHER, SECRET]) as receiver:
        send(receiver, signed("evt_1", secret=SECRET))
        send(receiver, signed("evt_2", secret=OTHER))

    assert [received.verified for received in receiver.received] == [True, True]


def test_what_does_not_verify_is_told_with_the_reason(receiver: Receiver) -> None:
    for headers in (
        signed(secret=OTHER),
        signed(age=timedelta(minutes=6)),
        {},
        signed() | {"webhook-signature": "no comma"},
        signed() | {"webhook-signature": "v1,a"},
        signed() | {"webhook-timestamp": "soon"},
    ):
        assert send(receiver, headers) == 200

    assert [received.verified for received in receiver.received] == [False] * 6
    assert [received.problem for received in receiver.received] == [
        "No matching signature found",
        "Message timestamp too old",
        "Missing required headers",
        "Malformed signature or body",
        "Malformed signature or body",
        "Invalid Signature Headers",
    ]


def test_without_a_secret_nothing_counts_as_verified() -> None:
    with Receiver() as receiver:
        assert send(receiver, signed()) == 200

    assert [received.verified for received in receiver.received] == [False]


@pytest.mark.parametrize("secret", ["whsec_", "whsec_a", "", "whsec_ö"])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="a secret is whsec_"):
        Receiver(secrets=[secret])


def test_repeated_id_is_a_duplicate(receiver: Receiver) -> None:
    for webhook_id in ("evt_1", "evt_2", "evt_1", "evt_1"):
        send(receiver, signed(webhook_id))

    assert [received.duplicate for received in receiver.received] == [False, False, True, True]


def test_forged_delivery_does_not_make_the_true_one_a_duplicate(receiver: Receiver) -> None:
    send(receiver, signed(secret=OTHER))
    send(receiver, signed())

    assert [received.duplicate for received in receiver.received] == [False, False]


def test_deliveries_without_an_id_are_no_duplicates() -> None:
    with Receiver() as receiver:
        send(receiver, {})
        send(receiver, {})

    assert [received.duplicate for received in receiver.received] == [False, False]


@pytest.mark.parametrize("body", [b"", b"plain", b"[1]", b"\xff", b"[" * 100_000])
def test_body_that_is_no_object_is_no_event(receiver: Receiver, body: bytes) -> None:
    assert send(receiver, signed(), body) == 200

    assert [(one.event, one.verified) for one in receiver.received] == [(None, False)]


def test_answer_is_as_it_was_told() -> None:
    def answer(received: Received) -> Answer:
        return 503, {"Retry-After": "7"}, received.body[:6]

    with Receiver(answer=answer) as receiver:
        response = requests.post(receiver.url, data=BODY, timeout=10)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "7"
    assert response.content == BODY[:6]


def test_answer_may_be_to_hang_up() -> None:
    def answer(received: Received) -> Answer:
        raise ConnectionAbortedError

    with Receiver(answer=answer) as receiver, pytest.raises(requests.ConnectionError):
        requests.post(receiver.url, data=BODY, timeout=10)

    assert len(receiver.received) == 1


def test_connection_is_kept_for_the_next_delivery(receiver: Receiver) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)) as connection:
        connection.request("POST", "/", BODY, signed())
        connection.getresponse().read()
        first = connection.sock
        connection.request("POST", "/", BODY, signed("evt_2"))
        assert connection.getresponse().status == 200

        assert connection.sock is first
    assert [received.webhook_id for received in receiver.received] == ["evt_1", "evt_2"]


def test_largest_body_is_taken_and_one_byte_more_is_refused(receiver: Receiver) -> None:
    assert send(receiver, {}, b"x" * MAX_BODY_BYTES) == 200
    assert send(receiver, {}, b"x" * (MAX_BODY_BYTES + 1)) == 413

    assert [len(received.body) for received in receiver.received] == [MAX_BODY_BYTES]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\n\r\n", 405),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
    ],
)
def test_what_is_no_delivery_is_refused(receiver: Receiver, head: bytes, status: int) -> None:
    with connected(receiver) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert receiver.received == []


def test_body_that_breaks_off_is_no_delivery(receiver: Receiver) -> None:
    with connected(receiver) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""

    assert receiver.received == []


def test_stop_cuts_open_connections_and_frees_the_port(receiver: Receiver) -> None:
    with Receiver() as other, connected(other) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        assert connection.recv(4_096).startswith(b"HTTP/1.1 200 ")
        begin = time.monotonic()
        other.stop()

        assert connection.recv(100) == b""
        assert time.monotonic() - begin < 2
        with Receiver(port=other.port) as again:
            assert send(again, {}) == 200


def test_taken_port_is_an_error(receiver: Receiver) -> None:
    with pytest.raises(OSError, match="in use"):
        Receiver(port=receiver.port)


def test_ipv6_address_has_brackets_in_its_url() -> None:
    with Receiver("::1") as receiver:
        assert receiver.url == f"http://[::1]:{receiver.port}/"
        assert send(receiver, {}) == 200


def test_one_that_runs_for_days_keeps_nothing_but_ids() -> None:
    seen: list[bool] = []

    def answer(received: Received) -> Answer:
        seen.append(received.duplicate)
        return 200, {}, b""

    with Receiver(answer=answer, keep=False) as receiver:
        send(receiver, signed())
        send(receiver, signed())

    assert seen == [False, True]
    assert receiver.received == []


def test_each_of_many_at_once_is_taken_once(receiver: Receiver) -> None:
    """Ten connections with a hundred deliveries each; one id comes from all of them."""
    begun = threading.Barrier(10)

    def deliver(sender: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=30)) as one:
            begun.wait()
            for number in range(100):
                webhook_id = "evt_same" if number == 50 else f"evt_{sender}_{number}"
                one.request("POST", "/", BODY, signed(webhook_id))
                assert one.getresponse().read() == b""

    with ThreadPoolExecutor(10) as pool:
        for done in [pool.submit(deliver, sender) for sender in range(10)]:
            done.result()

    assert len(receiver.received) == 1_000
    assert all(received.verified for received in receiver.received)
    assert sum(received.duplicate for received in receiver.received) == 9
    assert len({received.webhook_id for received in receiver.received}) == 10 * 99 + 1
