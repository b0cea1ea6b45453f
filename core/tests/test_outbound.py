"""Outbound requests: what is sent, what is kept of the answer, and connections kept alive."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from core.outbound import EXCERPT, Answer, Sender
from core.tests.hostile import OK, Peer, answers, endpoint


@pytest.fixture
def sender(settings: Settings) -> Iterator[Sender]:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True
    settings.OUTBOUND_CA_BUNDLE = ""
    with Sender() as made:
        yield made


def sized(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size


def test_request_arrives_as_it_was_given(sender: Sender) -> None:
    with endpoint(answers()) as server:
        answer = sender.post(server.url, b'{"a": 1}', {"webhook-id": "msg_1", "X-Shop": "north"})

    assert (answer.status, answer.body, answer.error, answer.message) == (200, b"ok", "", "")
    assert answer.headers == {"content-length": "2"}
    assert 0 <= answer.milliseconds < 15_000
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert first == b"POST /hook?token=secret HTTP/1.1"
    assert sorted(lines) == [
        b"Accept-Encoding: identity",
        b"Accept: */*",
        b"Content-Length: 8",
        b"Host: 127.0.0.1:%d" % server.port,
        b"User-Agent: product-importer",
        b"X-Shop: north",
        b"webhook-id: msg_1",
    ]
    assert body == b'{"a": 1}'


def test_environment_gives_no_proxy_and_no_credentials(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with endpoint(answers()) as proxy, endpoint(answers()) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("all_proxy", proxy.url)

        answer = sender.post(server.url, b"", {})

    assert answer.status == 200
    assert (server.connections, proxy.connections) == (1, 0)
    assert b"authorization" not in server.requests[0].lower()


def test_cookies_are_not_kept(sender: Sender) -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
    with endpoint(answers(cookie)) as server:
        sender.post(server.url, b"", {})
        sender.post(server.url, b"", {})

    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("status", [204, 301, 404, 410, 429, 500, 503])
def test_status_is_told_as_it_came(status: int, sender: Sender) -> None:
    with endpoint(answers(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)) as server:
        answer = sender.post(server.url, b"", {})

    assert (answer.status, answer.error) == (status, "")


def test_connection_is_kept_alive(sender: Sender) -> None:
    with endpoint(answers()) as server:
        answered = [sender.post(server.url, b"{}", {}).status for _ in range(5)]

    assert answered == [200] * 5
    assert (server.connections, len(server.requests)) == (1, 5)


@pytest.mark.parametrize(("size", "kept_alive"), [(EXCERPT, True), (EXCERPT + 1, False)])
def test_connection_with_more_to_come_is_not_used_again(
    size: int, kept_alive: bool, sender: Sender
) -> None:
    with endpoint(answers(sized(size))) as server:
        first, second = (sender.post(server.url, b"", {}) for _ in range(2))

    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body == b"a" * EXCERPT
    assert server.connections == (1 if kept_alive else 2)


def test_chunked_answer(sender: Sender) -> None:
    chunks = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    with endpoint(answers(chunks)) as server:
        first, second = (sender.post(server.url, b"", {}) for _ in range(2))

    assert (first.status, first.body, second.body) == (200, b"abcde", b"abcde")
    assert server.connections == 1


def test_threads_share_a_sender(sender: Sender) -> None:
    with endpoint(answers()) as server, ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(sender.post, server.url, b"%d" % n, {}) for n in range(40)]
        answered: list[Answer] = [each.result() for each in sent]

    assert [answer.status for answer in answered] == [200] * 40
    bodies = {int(request.partition(b"\r\n\r\n")[2]) for request in server.requests}
    assert bodies == set(range(40))
    assert server.connections <= 4


def answer_once_and_leave(peer: Peer) -> None:
    """Keeps the connection until the next request has come, then closes it without a word."""
    if peer.read_request():
        peer.send(OK)
        peer.read_request()


def test_request_is_sent_again_when_a_kept_connection_turns_out_closed(sender: Sender) -> None:
    with endpoint(answer_once_and_leave) as server:
        first = sender.post(server.url, b"one", {"webhook-id": "msg_1"})
        second = sender.post(server.url, b"two", {"webhook-id": "msg_2"})

    assert (first.status, second.status) == (200, 200)
    assert server.connections == 2
    sent = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert sent[:3] == [b"one", b"two", b"two"]


def test_second_try_takes_no_other_kept_connection(sender: Sender) -> None:
    """A server that was restarted has closed them all."""
    together = threading.Barrier(2)

    def behave(peer: Peer) -> None:
        kept_alive = peer.endpoint.connections <= 2
        peer.read_request()
        if kept_alive:
            together.wait(5)
        peer.send(OK)
        peer.read_request()

    with endpoint(behave) as server, ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(sender.post, server.url, b"", {}) for _ in range(2)]
        assert [each.result().status for each in sent] == [200, 200]
        assert server.connections == 2

        answer = sender.post(server.url, b"", {})

    assert (answer.status, server.connections) == (200, 3)


def test_it_is_not_sent_again_once_an_answer_has_begun(sender: Sender) -> None:
    def behave(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_request()
        peer.send(b"HTTP/1.1 200")

    with endpoint(behave) as server:
        first = sender.post(server.url, b"one", {})
        second = sender.post(server.url, b"two", {})

    assert first.status == 200
    assert (second.status, second.error) == (None, "connection")
    assert (server.connections, len(server.requests)) == (1, 2)


def test_connection_that_the_server_closed_meanwhile_is_replaced(sender: Sender) -> None:
    closed = threading.Event()

    def behave(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.connection.close()
        closed.set()

    with endpoint(behave) as server:
        first = sender.post(server.url, b"", {})
        assert closed.wait(5)
        second = sender.post(server.url, b"", {})

    assert (first.status, second.status) == (200, 200)
    assert (server.connections, len(server.requests)) == (2, 2)


def test_answer_keeps_a_few_kilobytes_of_headers_without_control_characters(
    sender: Sender,
) -> None:
    lines = b"Retry-After: 7\r\nX-Odd: a\x00b\x1bc\r\nX-Large: " + b"a" * 9_000 + b"\r\n"
    with endpoint(answers(b"HTTP/1.1 503 X\r\n%sContent-Length: 0\r\n\r\n" % lines)) as server:
        answer = sender.post(server.url, b"", {})

    assert answer.status == 503
    assert answer.headers == {"retry-after": "7", "x-odd": "a b c"}


def test_message_names_the_host_and_not_what_is_secret(sender: Sender) -> None:
    with endpoint(lambda peer: None) as server:
        answer = sender.post(server.url, b"", {"Authorization": "Bearer token"})

    assert answer.error == "connection"
    assert "127.0.0.1" in answer.message
    assert "token" not in answer.message
    assert "secret" not in answer.message


def test_url_that_may_not_be_asked_is_told(sender: Sender, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_HTTP = False
    with endpoint(answers()) as server:
        answer = sender.post(server.url, b"", {})

    assert (answer.status, answer.error) == (None, "forbidden_address")
    assert "OUTBOUND_ALLOW_HTTP" in answer.message
    assert server.connections == 0


def test_header_with_a_line_break_is_not_sent(sender: Sender) -> None:
    with endpoint(answers()) as server:
        with pytest.raises(ValueError, match="Invalid"):
            sender.post(server.url, b"", {"X-Shop": "north\r\nX-Other: south"})

        assert server.requests == []


def test_certificates_that_can_not_be_read_name_the_setting(settings: Settings) -> None:
    settings.OUTBOUND_CA_BUNDLE = "/nonexistent/authority.pem"

    with pytest.raises(ImproperlyConfigured, match="OUTBOUND_CA_BUNDLE"):
        Sender()


def test_deadline_is_the_setting_where_none_is_given(sender: Sender, settings: Settings) -> None:
    settings.OUTBOUND_DEADLINE_SECONDS = 0.2

    with endpoint(lambda peer: peer.wait()) as server:
        started = time.monotonic()
        answer = sender.post(server.url, b"", {})

    assert answer.error == "time_out"
    assert 0.2 <= time.monotonic() - started < 10


def test_nothing_is_left_open(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True
    watching = {each for each in threading.enumerate() if each.name == "deadlines"}
    with endpoint(answers()) as server, Sender() as sender:
        sender.post(server.url, b"", {})
        started = {each for each in threading.enumerate() if each.name == "deadlines"} - watching
        assert len(started) == 1

        sender.close()

        for thread in started:
            thread.join(5)
        assert not any(thread.is_alive() for thread in started)
