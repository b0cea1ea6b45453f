"""Outbound requests against endpoints that do their worst, each with a real socket."""

import gzip
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import trustme
from django.test import override_settings
from pytest_django import Settings

from core.outbound import ERRORS, EXCERPT, Answer, Sender
from core.tests.hostile import Behaviour, Peer, answers, endpoint, hanging_lookups

DEADLINE = 1.0
#: A machine that is busy with other tests takes its time; what has no end takes longer still.
TOLERANCE = 10.0
#: For what has to end by itself: whoever waits for the deadline says `time_out`.
PATIENCE = 30.0
MEBIBYTE = bytes(1024**2)


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def drip_the_headers(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    peer.drip(b"a")


def drip_the_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(head("Content-Length: 1000"))
    peer.drip(b"a")


def drip_a_body_without_a_length(peer: Peer) -> None:
    """Its end is the end of the connection, which the watchdog brings about."""
    peer.read_request()
    peer.send(head("Connection: close"))
    peer.drip(b"a")


def drip_chunks(peer: Peer) -> None:
    peer.read_request()
    peer.send(head("Transfer-Encoding: chunked"))
    peer.drip(b"1\r\na\r\n")


def drip_continues(peer: Peer) -> None:
    peer.read_request()
    peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


def answer_nothing(peer: Peer) -> None:
    peer.read_request()
    peer.wait()


def read_nothing(peer: Peer) -> None:
    peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.wait()


def drip_the_handshake(peer: Peer) -> None:
    """The beginning of a TLS record that is never whole."""
    peer.connection.recv(65536)
    peer.send(b"\x16\x03\x03\x40\x00\x02")
    peer.drip(b"\0")


def say_nothing(peer: Peer) -> None:
    peer.wait()


#: What ends at the deadline and not before it.
ENDLESS: dict[str, tuple[Behaviour, str, bytes]] = {
    "dripped headers": (drip_the_headers, "http", b"{}"),
    "dripped body": (drip_the_body, "http", b"{}"),
    "dripped body without a length": (drip_a_body_without_a_length, "http", b"{}"),
    "dripped chunks": (drip_chunks, "http", b"{}"),
    "endless 100 Continue": (drip_continues, "http", b"{}"),
    "no answer": (answer_nothing, "http", b"{}"),
    "a large request not read": (read_nothing, "http", 16 * MEBIBYTE),
    "dripping handshake": (drip_the_handshake, "https", b"{}"),
    "no handshake": (say_nothing, "https", b"{}"),
}


@dataclass(frozen=True)
class Outcome:
    answer: Answer
    seconds: float


def timed(send: Callable[[], Answer]) -> Outcome:
    started = time.monotonic()
    return Outcome(send(), time.monotonic() - started)


def post(sender: Sender, url: str, body: bytes = b"{}", *, deadline: float = PATIENCE) -> Outcome:
    return timed(lambda: sender.post(url, body, {"webhook-id": "msg_1"}, deadline=deadline))


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Outcome]]:
    """All of them side by side, through one sender."""
    with (
        override_settings(
            OUTBOUND_ALLOW_PRIVATE=True, OUTBOUND_ALLOW_HTTP=True, OUTBOUND_CA_BUNDLE=""
        ),
        Sender(connections=len(ENDLESS)) as sender,
        ThreadPoolExecutor(len(ENDLESS)) as pool,
        ExitStack() as servers,
    ):
        sent = {}
        for fault, (behaviour, scheme, body) in ENDLESS.items():
            url = servers.enter_context(endpoint(behaviour)).url.replace("http:", f"{scheme}:")
            sent[fault] = pool.submit(post, sender, url, body, deadline=DEADLINE)
        yield {fault: each.result() for fault, each in sent.items()}


@pytest.mark.parametrize("fault", ENDLESS)
def test_deadline_ends_what_would_go_on_for_ever(fault: str, outcomes: dict[str, Outcome]) -> None:
    answer, seconds = outcomes[fault].answer, outcomes[fault].seconds

    assert (answer.status, answer.error, answer.headers) == (None, "time_out", {})
    assert answer.message.startswith("127.0.0.1 took longer than 1 s to ")
    assert DEADLINE <= seconds < DEADLINE + TOLERANCE
    assert DEADLINE * 1000 <= answer.milliseconds <= seconds * 1000 + 1


@pytest.fixture
def local(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True
    settings.OUTBOUND_CA_BUNDLE = ""


@pytest.fixture
def sender(local: None) -> Iterator[Sender]:
    with Sender() as made:
        yield made


def pour_a_gigabyte(peer: Peer) -> None:
    peer.read_request()
    peer.send(head(f"Content-Length: {1024**3}"))
    peer.pour(MEBIBYTE, times=1024)


def pour_a_gigabyte_in_one_chunk(peer: Peer) -> None:
    peer.read_request()
    peer.send(head("Transfer-Encoding: chunked") + b"40000000\r\n")
    peer.pour(MEBIBYTE, times=1024)


def redirect_with_a_gigabyte(peer: Peer) -> None:
    peer.read_request()
    peer.send(head("Location: /", f"Content-Length: {1024**3}", status="302 Found"))
    peer.pour(MEBIBYTE, times=1024)


BOMB = gzip.compress(bytes(64 * 1024**2))


def send_a_bomb(peer: Peer) -> None:
    peer.read_request()
    peer.send(head("Content-Encoding: gzip", f"Content-Length: {len(BOMB)}") + BOMB)


def redirect_with_a_bomb(peer: Peer) -> None:
    peer.read_request()
    lines = ("Location: /", "Content-Encoding: gzip", f"Content-Length: {len(BOMB)}")
    peer.send(head(*lines, status="302 Found") + BOMB)


def send_many_header_lines(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n")
    peer.pour(b"X-Many: of them\r\n", times=65_536)
    peer.send(b"\r\n")


def send_large_header_lines(peer: Peer) -> None:
    """As many and as long as `http.client` would take: 6 MB."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n")
    peer.pour(b"X-Large: " + b"a" * 65_000 + b"\r\n", times=99)
    peer.send(b"\r\n")


def send_an_endless_header_line(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    peer.pour(b"a" * 1024**2, times=1024)


def pour_continues(peer: Peer) -> None:
    peer.read_request()
    peer.pour(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, times=100_000)


@pytest.mark.parametrize(
    ("behaviour", "status", "error", "size"),
    [
        pytest.param(pour_a_gigabyte, 200, "", EXCERPT, id="1 GB body"),
        pytest.param(pour_a_gigabyte_in_one_chunk, 200, "", EXCERPT, id="1 GB chunk"),
        pytest.param(redirect_with_a_gigabyte, 302, "", EXCERPT, id="1 GB redirect"),
        pytest.param(send_a_bomb, 200, "", EXCERPT, id="gzip bomb"),
        pytest.param(redirect_with_a_bomb, 302, "", EXCERPT, id="gzip bomb in a redirect"),
        pytest.param(send_many_header_lines, None, "bad_answer", 0, id="65,536 header lines"),
        pytest.param(send_large_header_lines, None, "bad_answer", 0, id="6 MB of headers"),
        pytest.param(send_an_endless_header_line, None, "bad_answer", 0, id="endless header line"),
        pytest.param(pour_continues, None, "bad_answer", 0, id="100 Continue as fast as it goes"),
    ],
)
def test_size_fills_no_memory(
    behaviour: Behaviour, status: int | None, error: str, size: int, sender: Sender
) -> None:
    process = psutil.Process()
    with endpoint(behaviour) as server:
        before = process.memory_info().rss

        outcome = post(sender, server.url)

        grown = process.memory_info().rss - before
    assert (outcome.answer.status, outcome.answer.error) == (status, error)
    assert len(outcome.answer.body) == size
    assert grown < 20 * 1024**2
    assert outcome.seconds < PATIENCE
    assert server.connections == 1
    # What the two kernels' buffers hold, and no more, has left the server.
    assert server.sent < 50 * 1024**2


def test_gzip_stays_as_it_came(sender: Sender) -> None:
    with endpoint(send_a_bomb) as server:
        answer = post(sender, server.url).answer

    assert answer.body == BOMB[:EXCERPT]
    assert b"Accept-Encoding: identity" in server.requests[0]


def close_at_once(peer: Peer) -> None:
    peer.connection.recv(1)


def close_after_the_request(peer: Peer) -> None:
    peer.read_request()


def close_in_the_headers(peer: Peer) -> None:
    """To `http.client` this is an answer with status 200."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def close_after_the_status(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n")


def close_in_the_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(head("Content-Length: 1000") + b"only this")


def reset_in_the_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(head("Content-Length: 1000") + b"only this")
    peer.endpoint.over.wait(0.1)
    peer.reset()


def talk_garbage(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"\x00\xff\xfeSSH-2.0-OpenSSH_9.6\r\n\r\n" * 3)


def give_an_impossible_status(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 2e2 OK\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(close_at_once, "connection", id="closed at once"),
        pytest.param(close_after_the_request, "connection", id="closed without an answer"),
        pytest.param(close_in_the_headers, "connection", id="closed in a header"),
        pytest.param(close_after_the_status, "connection", id="closed after the status"),
        pytest.param(close_in_the_body, "connection", id="closed in the body"),
        pytest.param(reset_in_the_body, "connection", id="reset in the body"),
        pytest.param(talk_garbage, "bad_answer", id="garbage"),
        pytest.param(give_an_impossible_status, "bad_answer", id="impossible status"),
    ],
)
def test_half_an_answer_is_no_answer(behaviour: Behaviour, error: str, sender: Sender) -> None:
    with endpoint(behaviour) as server:
        outcome = post(sender, server.url)

    answer = outcome.answer
    assert (answer.status, answer.error, answer.headers) == (None, error, {})
    assert outcome.seconds < PATIENCE
    # Nothing was kept alive, so nothing is sent twice.
    assert server.connections == 1


def test_nobody_listens(sender: Sender) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = sender.post(f"http://127.0.0.1:{unused.getsockname()[1]}/", b"", {})

    assert (answer.status, answer.error) == (None, "refused")
    assert "127.0.0.1" in answer.message


def test_redirect_is_told_and_not_followed(sender: Sender) -> None:
    with endpoint(answers()) as inside:
        elsewhere = head(f"Location: {inside.url}", "Content-Length: 0", status="302 Found")
        metadata = "Location: http://169.254.169.254/latest/meta-data/"
        cloud = head(metadata, "Content-Length: 0", status="307 Temporary Redirect")
        with endpoint(answers(elsewhere)) as first, endpoint(answers(cloud)) as second:
            found = post(sender, first.url).answer
            temporary = post(sender, second.url)

    assert (found.status, found.error, found.headers["location"]) == (302, "", inside.url)
    assert (temporary.answer.status, temporary.answer.error) == (307, "")
    assert temporary.seconds < PATIENCE
    assert (first.connections, second.connections, inside.connections) == (1, 1, 0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(
    local: None, settings: Settings, authority: trustme.CA, tmp_path: Path
) -> Iterator[Sender]:
    """A sender that trusts this authority alone."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    settings.OUTBOUND_CA_BUNDLE = str(bundle)
    with Sender() as made:
        yield made


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_trusted_certificate_for_the_right_name(trusting: Sender, authority: trustme.CA) -> None:
    with endpoint(answers(), tls=certified(authority, "127.0.0.1")) as server:
        first = post(trusting, server.url).answer
        second = post(trusting, server.url).answer

    assert (first.status, first.body) == (second.status, second.body) == (200, b"ok")
    assert server.connections == 1


def test_certificate_for_another_name(trusting: Sender, authority: trustme.CA) -> None:
    with endpoint(answers(), tls=certified(authority, "other.example.com")) as server:
        answer = post(trusting, server.url).answer

    assert (answer.status, answer.error) == (None, "tls")
    assert "127.0.0.1" in answer.message
    assert server.requests == []


def test_certificate_that_nobody_trusts(sender: Sender, authority: trustme.CA) -> None:
    with endpoint(answers(), tls=certified(authority, "127.0.0.1")) as server:
        answer = post(sender, server.url).answer

    assert (answer.status, answer.error) == (None, "tls")
    assert "not trusted" in answer.message
    assert server.requests == []


def answer_in_plain_text(peer: Peer) -> None:
    peer.connection.recv(65536)
    peer.send(head("Content-Length: 0", status="400 Bad Request"))


def test_plain_http_where_tls_is_due(sender: Sender) -> None:
    with endpoint(answer_in_plain_text) as server:
        answer = post(sender, server.url.replace("http:", "https:")).answer

    assert (answer.status, answer.error) == (None, "tls")


def drip_in_tls(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    peer.drip(b"a")


def test_headers_dripped_over_tls(trusting: Sender, authority: trustme.CA) -> None:
    with endpoint(drip_in_tls, tls=certified(authority, "127.0.0.1")) as server:
        outcome = timed(lambda: trusting.post(server.url, b"", {}, deadline=0.3))

    assert (outcome.answer.status, outcome.answer.error) == (None, "time_out")
    assert outcome.seconds < 0.3 + TOLERANCE


def test_deadline_holds_on_a_connection_that_was_kept_alive(sender: Sender) -> None:
    def behave(peer: Peer) -> None:
        peer.read_request()
        peer.send(head("Content-Length: 2") + b"ok")
        peer.read_request()
        peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n")

    with endpoint(behave) as server:
        first = post(sender, server.url).answer
        outcome = timed(lambda: sender.post(server.url, b"", {}, deadline=0.3))

    assert first.status == 200
    assert (outcome.answer.status, outcome.answer.error) == (None, "time_out")
    assert outcome.seconds < 0.3 + TOLERANCE
    assert server.connections == 1


@pytest.mark.parametrize("private", [False, True], ids=["filtered", "private allowed"])
def test_name_server_that_hangs(private: bool, local: None, settings: Settings) -> None:
    """The C library's own look-up can't be interrupted, so it is left behind."""
    settings.OUTBOUND_ALLOW_PRIVATE = private

    with hanging_lookups(of="slow.example.com"), Sender() as sender:
        outcome = timed(
            lambda: sender.post("http://slow.example.com/hook?token=secret", b"", {}, deadline=0.3)
        )

    assert (outcome.answer.status, outcome.answer.error) == (None, "time_out")
    assert outcome.answer.message.startswith(
        "slow.example.com took longer than 0.3 s to be looked up"
    )
    assert outcome.seconds < 0.3 + TOLERANCE


def test_every_error_has_words() -> None:
    assert set(ERRORS) == {
        "time_out", "dns", "forbidden_address", "refused", "tls", "connection", "bad_answer",
    }  # fmt: skip
    assert all(ERRORS.values())
