"""Event streams and downloads: one source for many listeners, and an end in every case."""

import asyncio
import io
from collections.abc import AsyncGenerator, Iterator
from typing import cast

import pytest
from django.db import InterfaceError, OperationalError
from django.http import StreamingHttpResponse
from pytest_django import Settings

from core import streams
from core.streams import Event, event_stream, file_stream

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


class Source:
    """Counts how often it is asked and answers with what it was told to."""

    def __init__(self, *events: Event) -> None:
        self.asked = 0
        self.events = list(events)

    async def __call__(self) -> list[Event]:
        self.asked += 1
        return self.events


@pytest.fixture(autouse=True)
def running() -> Iterator[None]:
    yield
    streams.stop_when(streams._never)
    assert streams._feeds == {}


def body(response: StreamingHttpResponse) -> AsyncGenerator[bytes]:
    """What a view's response sends; made outside the event loop, as in a synchronous view."""
    return cast("AsyncGenerator[bytes]", response.streaming_content)


async def whole(stream: AsyncGenerator[bytes]) -> bytes:
    async with asyncio.timeout(5):
        return b"".join([chunk async for chunk in stream])


def test_event_is_written_as_the_standard_says() -> None:
    assert Event("live", "<p>\none</p>").encode() == b"event: live\ndata: <p>\ndata: one</p>\n\n"


def test_event_may_have_no_name_and_an_id() -> None:
    assert Event("", '{"a": 1}', last=True, id="end").encode() == b'id: end\ndata: {"a": 1}\n\n'


def test_stream_ends_behind_its_last_event() -> None:
    source = Source(Event("live", "100 %"), Event("done", "completed", last=True))

    response = event_stream("test:last", source)
    sent = asyncio.run(whole(body(response)))

    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Accel-Buffering"] == "no"
    assert sent == (b"retry: 1000\n\nevent: live\ndata: 100 %\n\nevent: done\ndata: completed\n\n")


def test_source_is_asked_once_for_many_listeners() -> None:
    source = Source(Event("live", "1 %"))

    listeners = [body(event_stream("test:many", source)) for _ in range(50)]

    async def listen() -> list[bytes]:
        for each in listeners:
            assert await anext(each) == b"retry: 1000\n\n"
        first = await asyncio.gather(*(anext(each) for each in listeners))
        for each in listeners:
            await each.aclose()
        return first

    assert asyncio.run(listen()) == [b"event: live\ndata: 1 %\n\n"] * 50
    assert source.asked == 1


def test_late_listener_gets_the_whole_picture_at_once() -> None:
    source = Source(Event("live", "1 %"))

    first, late = (body(event_stream("test:late", source)) for _ in range(2))

    async def listen() -> bytes:
        await anext(first)
        await anext(first)
        await anext(late)
        picture = await anext(late)
        for each in (first, late):
            await each.aclose()
        return picture

    assert asyncio.run(listen()) == b"event: live\ndata: 1 %\n\n"
    assert source.asked == 1


def test_change_is_sent_and_what_stayed_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.01)
    source = Source(Event("live", "1 %"))

    stream = body(event_stream("test:change", source))

    async def listen() -> list[bytes]:
        sent = [await anext(stream), await anext(stream)]
        await asyncio.sleep(0.05)
        source.events = [Event("live", "1 %"), Event("done", "completed", last=True)]
        return [*sent, *[chunk async for chunk in stream]]

    assert asyncio.run(listen()) == [
        b"retry: 1000\n\n",
        b"event: live\ndata: 1 %\n\n",
        b"event: done\ndata: completed\n\n",
    ]


def test_stream_with_nothing_to_say_shows_that_it_is_alive(settings: Settings) -> None:
    settings.STREAM_HEARTBEAT_SECONDS = 0.02

    stream = body(event_stream("test:quiet", Source()))

    async def listen() -> list[bytes]:
        sent = [await anext(stream), await anext(stream)]
        await stream.aclose()
        return sent

    assert asyncio.run(listen()) == [b"retry: 1000\n\n", b": still here\n\n"]


def test_stream_ends_when_the_process_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.01)
    stopping = False
    streams.stop_when(lambda: stopping)

    stream = body(event_stream("test:stop", Source(Event("live", "1 %"))))

    async def listen() -> list[bytes]:
        nonlocal stopping
        sent = [await anext(stream), await anext(stream)]
        stopping = True
        async with asyncio.timeout(2):
            return [*sent, *[chunk async for chunk in stream]]

    assert asyncio.run(listen()) == [b"retry: 1000\n\n", b"event: live\ndata: 1 %\n\n"]


def test_stream_ends_after_its_longest_time(settings: Settings) -> None:
    settings.STREAM_MAX_SECONDS = 0.05
    settings.STREAM_HEARTBEAT_SECONDS = 0.02

    stream = body(event_stream("test:long", Source()))

    assert asyncio.run(whole(stream)).startswith(b"retry: 1000\n\n: still here\n\n")


def test_source_that_breaks_ends_its_streams(settings: Settings) -> None:
    async def broken() -> list[Event]:
        raise LookupError("nobody foresaw this")

    settings.STREAM_HEARTBEAT_SECONDS = 0.05
    stream = body(event_stream("test:broken", broken))

    assert asyncio.run(whole(stream)).startswith(b"retry: 1000\n\n")


def test_stream_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RETRY_SECONDS", 0.05)
    answers = iter([OperationalError("starting up"), InterfaceError("connection is closed")])

    async def restarted() -> list[Event]:
        for error in answers:
            raise error
        return [Event("done", "completed", last=True)]

    sent = asyncio.run(whole(body(event_stream("test:restarted", restarted))))

    assert sent == b"retry: 1000\n\nevent: done\ndata: completed\n\n"


def test_download_that_nobody_reads_is_closed_with_its_response() -> None:
    file = io.BytesIO(b"x")

    file_stream(file, file_name="a.csv", content_type="text/csv").close()

    assert file.closed


def test_download_is_streamed_in_chunks_and_closed() -> None:
    content = bytes(range(256)) * 2048
    file = io.BytesIO(content)

    response = file_stream(file, file_name="Preisliste ä.csv", content_type="text/csv")

    async def download() -> list[bytes]:
        return [chunk async for chunk in body(response)]

    chunks = asyncio.run(download())

    assert [len(chunk) for chunk in chunks] == [streams.FILE_CHUNK] * 2
    assert b"".join(chunks) == content
    assert file.closed
    assert response["Content-Type"] == "text/csv"
    disposition = "attachment; filename*=utf-8''Preisliste%20%C3%A4.csv"
    assert response["Content-Disposition"] == disposition
