"""A pure-ASGI cap on request bodies.

Django's ASGI handler spools a whole request body to disk before any middleware or view runs, so a
limit inside Django comes after the disk is full. This guard stands in front of it.
"""

import errno
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from core.api.problems import details

logger = logging.getLogger(__name__)

#: What the operating system says of a full disk.
FULL: Final = (errno.ENOSPC, errno.EDQUOT)

Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyLimit:
    """Answer 413 to a request that announces or sends more than `max_bytes`, 507 on a full disk.

    An announced length is refused before a byte is read. A body without a length is counted as it
    comes: past the cap the application is told that the client has gone, so that it drops what it
    spooled, and the client gets the 413.
    """

    def __init__(self, application: Application, *, max_bytes: int) -> None:
        self.application = application
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        if self._announced(scope) > self.max_bytes:
            await self._too_large(send)
            return
        received = 0
        refused = False
        answering = False

        async def counted() -> Message:
            nonlocal received, refused
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self.max_bytes and not refused:
                    refused = True
                    await self._too_large(send)
            return {"type": "http.disconnect"} if refused else message

        async def unless_refused(message: Message) -> None:
            nonlocal answering
            if not refused:
                answering = True
                await send(message)

        try:
            await self.application(scope, counted, unless_refused)
        except OSError as error:
            if error.errno not in FULL or refused or answering:
                raise
            logger.exception("the disk for request bodies is full")
            await _refuse(send, "no-room", "There is no room for the request. Try again later.")

    @staticmethod
    def _announced(scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
        return 0

    async def _too_large(self, send: Send) -> None:
        await _refuse(send, "too-large", f"A request may send at most {self.max_bytes:,} bytes.")


async def _refuse(send: Send, kind: str, detail: str) -> None:
    problem = details(kind, detail)
    body = json.dumps(problem).encode()
    await send(
        {
            "type": "http.response.start",
            "status": problem["status"],
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
