"""The bytes of uploads in parts: kept as they arrive, so that a cut request loses almost nothing.

Django's own request is made of a whole body: of a body that was cut it shows none. So a PATCH is
first shown to Django without its body; the view says who may write from where on
(`imports.resumable.store.Writer`), or refuses. Only then the body is read, here, piece by piece. No
thread and no database connection waits for the client.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from enum import Enum
from typing import Final, ParamSpec, TypeVar

from django.db import connections
from django.utils.http import http_date

from core.api.problems import CONTENT_TYPE, KINDS, details
from core.body_limit import Application, Message, Receive, Scope, Send
from core.leases import LeaseLost
from core.logs import log_ids
from core.streams import is_stopping
from imports.models import ImportJob
from imports.resumable import protocol, store
from imports.resumable.store import PIECE_BYTES, Writer
from imports.storage import PartCorrupt
from imports.uploads import NoRoom

logger = logging.getLogger(__name__)
_finishing: set["asyncio.Task[ImportJob]"] = set()

PATH: Final = "/api/uploads/"
#: Where the view leaves the right to write, in the scope of its request.
GATE: Final = "imports.resumable"
# Of a body that is refused: read, so that its sender gets to see why.
SWALLOWED_BYTES: Final = 16 * 1024**2
SWALLOWED_SECONDS: Final = 10.0

LOST: Final = "Another request writes this upload by now, or it was removed. Ask for the offset."
MISMATCH: Final = "The bytes that came are not those of Upload-Checksum. None of them were kept."
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class End(Enum):
    """How the body of a request came to its end."""

    WHOLE = "whole"
    CUT = "cut"
    STOPPING = "stopping"


class Refused(Exception):
    """The bytes are not kept; `kind` is one of `core.api.problems.KINDS`."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class ResumableUploads:
    """Takes the PATCH requests of uploads in parts; all others go to `others`."""

    def __init__(self, django: Application, *, others: Application) -> None:
        self.django = django
        self.others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await self.others(scope, receive, send)
            return
        scope = {**scope, "method": _method(scope)}
        if scope["method"] != "PATCH":
            await self.others(scope, receive, send)
            return
        answer = _Answer()
        gate: dict[str, Writer] = {}
        await self.django({**scope, GATE: gate}, _no_body(), answer.take)
        writer = gate.get("writer")
        if writer is None:
            await answer.give(send)
            await _swallow(scope, receive)
            return
        with log_ids(user_id=writer.hold.row.created_by_id, request_id=answer.request_id):
            await _write(writer, answer, receive)
            await answer.give(send)


async def _write(writer: Writer, answer: "_Answer", receive: Receive) -> None:
    """Keep what comes, and say how far the upload is."""
    incoming = Incoming(writer, receive)
    began = time.monotonic()
    try:
        end = await incoming.run()
        if end is End.STOPPING:
            answer.refuse("restarting", "Ask for the offset and go on there in a moment.")
    except Refused as refused:
        answer.refuse(refused.kind, str(refused))
    except Exception:
        logger.exception("an upload broke")
        answer.refuse("error", "The bytes could not be kept. Ask for the offset and go on there.")
    # Not when this task is cancelled: the import may still be on its way into the queue.
    await _in_thread(store.release, writer.hold)
    upload = writer.hold.row
    logger.info(
        "upload %s: %d of %d bytes, %d of them in %.1f s",
        upload.pk,
        incoming.kept,
        upload.length,
        incoming.kept - incoming.began_at,
        time.monotonic() - began,
    )
    answer.set("upload-offset", str(incoming.kept))
    answer.set("upload-expires", http_date(store.expires_from_now().timestamp()))
    if incoming.job is not None:
        for name, value in protocol.import_headers(incoming.job.pk).items():
            answer.set(name.lower(), value)


class Incoming:
    """The body of one request on its way into pieces.

    `offset` counts the bytes that came, `kept` those that are safe.
    """

    def __init__(self, writer: Writer, receive: Receive) -> None:
        upload = writer.hold.row
        self.job: ImportJob | None = None
        self.began_at = self.offset = self.kept = upload.offset
        self._hold = writer.hold
        self._length = upload.length
        self._receive = receive
        self._buffer = bytearray(writer.tail)
        self._start = upload.offset - len(writer.tail)
        self._written = upload.offset
        self._flush_seconds = store.silence_seconds() / 3
        self._flushed_at = time.monotonic()
        self._checksum = writer.checksum
        self._digest = protocol.ALGORITHMS[writer.checksum.algorithm]() if writer.checksum else None

    async def run(self) -> End:
        """Take the body to its end.

        Raises:
            Refused: what was kept before stays.
        """
        try:
            end = await self._read()
            if self._digest and end is not End.WHOLE:
                return end
            self._hold_against_checksum()
            while len(self._buffer) > PIECE_BYTES:
                await self._flush()
            if end is End.WHOLE and self.offset == self._length:
                self.job = await self._finish()
                self.kept = self._length
            else:
                await self._flush()
        except LeaseLost:
            raise Refused("upload-locked", LOST) from None
        except NoRoom as full:
            raise Refused("no-room", str(full)) from full
        except PartCorrupt as damaged:
            logger.warning("an upload was damaged and removed: %s", damaged)
            raise Refused("not-found", f"{damaged} It was removed.") from None
        return end

    async def _read(self) -> End:
        message = asyncio.ensure_future(self._receive())
        try:
            while True:
                await asyncio.wait({message}, timeout=self._flush_seconds)
                if message.done():
                    end = self._add(message.result())
                    if end is not None:
                        return end
                    message = asyncio.ensure_future(self._receive())
                if is_stopping():
                    return End.STOPPING
                await self._keep_up()
        finally:
            message.cancel()

    def _add(self, message: Message) -> End | None:
        if message["type"] != "http.request":
            return End.CUT
        data = message.get("body", b"")
        if self.offset + len(data) > self._length:
            raise Refused("too-large", "More bytes came than Upload-Length has said.")
        self.offset += len(data)
        self._buffer += data
        if self._digest:
            self._digest.update(data)
        return None if message.get("more_body") else End.WHOLE

    async def _keep_up(self) -> None:
        """Keep full pieces, and bytes that waited for long; the last ones are `_finish`'s."""
        going_on = self.offset < self._length
        while len(self._buffer) >= PIECE_BYTES + (not going_on):
            await self._flush()
        if going_on and time.monotonic() - self._flushed_at > self._flush_seconds:
            await self._flush()

    async def _flush(self) -> None:
        """Keep a piece, which may still grow; under a checksum it does not count yet."""
        self._flushed_at = time.monotonic()
        data = bytes(self._buffer[:PIECE_BYTES])
        end = self._start + len(data)
        counts = None if self._checksum else end
        if end == self._written and counts in (None, self.kept):
            return
        number = self._start // PIECE_BYTES
        await _in_thread(store.keep, self._hold, number=number, data=data, offset=counts)
        self._written = end
        self.kept = self.kept if counts is None else counts
        if len(data) == PIECE_BYTES:
            del self._buffer[:PIECE_BYTES]
            self._start = end

    def _hold_against_checksum(self) -> None:
        if self._checksum is None or self._digest is None:
            return
        if self._digest.digest() != self._checksum.digest:
            raise Refused("checksum-mismatch", MISMATCH)
        self._checksum = None

    async def _finish(self) -> ImportJob:
        finishing = asyncio.create_task(self._hand_over())
        # gunicorn cancels this task when its client has left; the import is queued all the same.
        _finishing.add(finishing)
        finishing.add_done_callback(_finishing.discard)
        return await asyncio.shield(finishing)

    async def _hand_over(self) -> ImportJob:
        number, data = self._start // PIECE_BYTES, bytes(self._buffer)
        work = asyncio.create_task(_in_thread(store.finish, self._hold, number=number, data=data))
        while not work.done():
            await asyncio.wait({work}, timeout=self._flush_seconds)
            if not work.done():
                await _in_thread(store.renew, self._hold)
        return work.result()


class _Answer:
    """What Django has answered, to be completed and sent when the bytes are kept."""

    def __init__(self) -> None:
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""

    async def take(self, message: Message) -> None:
        """As `send` of Django's request."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        else:
            self._body += message.get("body", b"")

    @property
    def request_id(self) -> str:
        return next(
            (value.decode() for name, value in self._headers if name.lower() == b"x-request-id"), ""
        )

    def set(self, name: str, value: str) -> None:
        """Give a header this value alone; `name` in lower case."""
        kept = [each for each in self._headers if each[0].lower() != name.encode()]
        self._headers = [*kept, (name.encode(), value.encode())]

    def refuse(self, kind: str, text: str) -> None:
        """Answer with a problem after all."""
        self._status = KINDS[kind].status
        self._body = json.dumps(details(kind, text)).encode()
        self.set("content-type", CONTENT_TYPE)

    async def give(self, send: Send) -> None:
        if self._status != 204:
            self.set("content-length", str(len(self._body)))
        await send(
            {
                "type": "http.response.start",
                "status": self._status,
                "headers": self._headers,
            }
        )
        await send({"type": "http.response.body", "body": self._body})


def _method(scope: Scope) -> str:
    """The protocol lets clients whose network knows no PATCH say it in a header."""
    for name, value in scope["headers"]:
        if name == b"x-http-method-override":
            return str(value.decode("latin-1").upper())
    return str(scope["method"])


def _no_body() -> Receive:
    """A body of no bytes, behind which the client stays."""
    shown = False

    async def receive() -> Message:
        nonlocal shown
        if shown:
            await asyncio.get_running_loop().create_future()
        shown = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


async def _swallow(scope: Scope, receive: Receive) -> None:
    """Read what is still sent after a refusal: closed too early, the client sees none of it."""
    if any(name == b"expect" for name, _ in scope["headers"]):
        return
    swallowed = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SWALLOWED_SECONDS):
            while swallowed < SWALLOWED_BYTES:
                message = await receive()
                swallowed += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


async def _in_thread(
    function: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs
) -> Result:
    """Call what asks the database; its connection goes back as soon as it is done."""

    def call() -> Result:
        try:
            return function(*args, **named)
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)
