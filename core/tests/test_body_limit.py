"""No request sends more than the cap, whether it says so before or not."""

import asyncio
import json
from typing import Any

from core.body_limit import BodyLimit, Message, Receive, Scope, Send


class Reader:
    """An application that reads its whole body, as Django's handler does, and then answers."""

    def __init__(self) -> None:
        self.body = b""
        self.called = self.disconnected = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.called = True
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected = True
                break
            self.body += message["body"]
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})


def ask(application: Reader, chunks: list[bytes], announced: bytes | None = None) -> list[Any]:
    """What the client is sent by a server with a cap of 10 bytes."""
    sent: list[Message] = []
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": at < len(chunks)}
        for at, chunk in enumerate(chunks, 1)
    ]
    headers = [] if announced is None else [(b"content-length", announced)]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    limit = BodyLimit(application, max_bytes=10)
    asyncio.run(limit({"type": "http", "headers": headers}, receive, send))
    return sent


def test_body_within_the_cap_passes_whole() -> None:
    application = Reader()

    sent = ask(application, [b"01234", b"56789"], b"10")

    assert application.body == b"0123456789"
    assert [message.get("status") for message in sent] == [200, None]


def test_announced_length_is_refused_before_a_byte_is_read() -> None:
    application = Reader()

    sent = ask(application, [b"x" * 11], b"11")

    assert not application.called
    assert sent[0]["status"] == 413
    assert (b"content-type", b"application/problem+json") in sent[0]["headers"]
    assert (b"connection", b"close") in sent[0]["headers"]
    assert json.loads(sent[1]["body"]) == {
        "type": "/api/docs#too-large",
        "title": "The request is too large",
        "status": 413,
        "detail": "A request may send at most 10 bytes.",
    }


def test_unannounced_length_is_counted_and_the_application_hears_that_the_client_left() -> None:
    application = Reader()

    sent = ask(application, [b"x" * 6, b"x" * 6, b"x" * 6])

    assert application.body == b"x" * 6
    assert application.disconnected
    assert [message.get("status") for message in sent] == [413, None]


def test_body_that_is_longer_than_announced_is_cut_off_too() -> None:
    application = Reader()

    sent = ask(application, [b"x" * 6, b"x" * 6], b"6")

    assert application.disconnected
    assert [message.get("status") for message in sent] == [413, None]


def test_what_is_no_request_passes() -> None:
    seen: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def unused(*message: Any) -> Any:
        raise AssertionError

    asyncio.run(BodyLimit(application, max_bytes=10)({"type": "lifespan"}, unused, unused))

    assert seen == ["lifespan"]
