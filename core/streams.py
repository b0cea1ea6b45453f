"""Server-Sent Events and downloads: the only place that makes a streaming response.

Whatever is watched is read once a process, however many browsers listen: a feed asks its source a
few times a second and wakes its listeners when the answer has changed. A stream holds no database
connection while it waits (with one held each, 80 streams took 80 connections and the site went
down), ends after STREAM_MAX_SECONDS, and ends at once when the process is told to stop; the browser
then comes back by itself and gets the whole picture again.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import IO

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error as DatabaseUnavailable
from django.db import connection
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
RETRY_SECONDS = 1.0
RECONNECT_MILLISECONDS = 1000
FILE_CHUNK = 256 * 1024


@dataclass(frozen=True)
class Event:
    """One event: `last` closes the stream behind it.

    Without a name it is a plain message. A browser that comes back names the `id` of the last event
    that had one, in the header Last-Event-ID; `retry` says after how many milliseconds it comes.
    """

    name: str
    data: str
    last: bool = False
    id: str = ""
    retry: int = 0

    def encode(self) -> bytes:
        head = f"event: {self.name}\n" if self.name else ""
        head += f"id: {self.id}\n" if self.id else ""
        head += f"retry: {self.retry}\n" if self.retry else ""
        lines = "".join(f"data: {line}\n" for line in self.data.splitlines())
        return f"{head}{lines}\n".encode()


Source = Callable[[], Awaitable[list[Event]]]


class _Feed:
    """One source, read for all who listen to it in this process."""

    def __init__(self, source: Source) -> None:
        self.events: list[Event] = []
        self.listeners = 0
        self.ended = False
        self.changed = asyncio.Condition()
        self._source = source
        self._task = asyncio.create_task(self._follow())
        self._task.add_done_callback(_say_why)

    async def _follow(self) -> None:
        try:
            while not is_stopping():
                try:
                    events = await self._source()
                except DatabaseUnavailable as error:
                    # A restart of PostgreSQL is over in a moment: the streams wait for it.
                    logger.warning("a stream's source failed: %s", error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if events != self.events:
                    self.events = events
                    await self._wake()
                if events and events[-1].last:
                    return
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self.ended = True
            await self._wake()

    async def _wake(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def close(self) -> None:
        self._task.cancel()


def _say_why(task: "asyncio.Task[None]") -> None:
    """Log what broke a source: nobody awaits the task."""
    if not task.cancelled() and (error := task.exception()):
        logger.error("a stream's source broke", exc_info=error)


_feeds: dict[str, _Feed] = {}


def _never() -> bool:
    return False


_is_stopping: Callable[[], bool] = _never


def stop_when(condition: Callable[[], bool]) -> None:
    """Tell the streams of this process how to see that it is to stop."""
    global _is_stopping
    _is_stopping = condition


def is_stopping() -> bool:
    return _is_stopping()


def streams_open() -> int:
    """How many streams of events this process has open."""
    return sum(feed.listeners for feed in _feeds.values())


async def _listen(key: str, source: Source) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.STREAM_MAX_SECONDS
    feed = _feeds.get(key)
    if feed is None or feed.ended:
        feed = _feeds[key] = _Feed(source)
    feed.listeners += 1
    sent: list[Event] = []
    try:
        yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
        while not is_stopping() and loop.time() < deadline:
            if feed.events != sent:
                fresh = [event for event in feed.events if event not in sent]
                sent = feed.events
                for event in fresh:
                    yield event.encode()
                if sent and sent[-1].last:
                    return
            elif feed.ended:
                return
            try:
                async with asyncio.timeout(settings.STREAM_HEARTBEAT_SECONDS), feed.changed:
                    if feed.events == sent and not feed.ended and not is_stopping():
                        await feed.changed.wait()
            except TimeoutError:
                yield b": still here\n\n"
    finally:
        feed.listeners -= 1
        if not feed.listeners:
            feed.close()
            if _feeds.get(key) is feed:
                del _feeds[key]


def event_stream(key: str, source: Source) -> StreamingHttpResponse:
    """Answer a request with the events of `source`, shared by all who ask for the same `key`.

    Called from a synchronous view, in the thread whose database connection the request used:
    it is given back here, before the wait begins.
    """
    connection.close()
    return StreamingHttpResponse(
        _listen(key, source),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    read = sync_to_async(file.read, thread_sensitive=False)
    try:
        while chunk := await read(FILE_CHUNK):
            yield chunk
    finally:
        file.close()


def file_stream(file: IO[bytes], *, file_name: str, content_type: str) -> StreamingHttpResponse:
    """Answer with a temporary file as a download; closes it at the end.

    Asynchronous, because a synchronous iterator is collected whole in memory under ASGI.
    """
    connection.close()
    response = StreamingHttpResponse(
        _read(file),
        content_type=content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, file_name) or "attachment",
            "Cache-Control": "no-store",
        },
    )
    # A generator that was never begun closes nothing: the client may leave before the first byte.
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    return response
