"""The ASGI application as gunicorn calls it, for tests of uploads in parts."""

import asyncio
import base64
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from django.core.handlers.asgi import ASGIHandler

from conftest import ApiClient
from core.body_limit import BodyLimit, Message
from imports.models import ResumableUpload
from imports.resumable.asgi import ResumableUploads

CUT: Message = {"type": "http.disconnect"}
MAX_BODY = 64 * 1024
Before = Callable[[int], Awaitable[None]]


@dataclass
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def encoded(**metadata: str) -> str:
    """Upload-Metadata."""
    return ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items()
    )


def more(data: bytes) -> Message:
    """A piece of a body that goes on."""
    return {"type": "http.request", "body": data, "more_body": True}


def last(data: bytes = b"") -> Message:
    """The end of a body."""
    return {"type": "http.request", "body": data, "more_body": False}


async def _nothing(number: int) -> None:
    pass


class Tus:
    """A client of somebody with a token; what it does not say it sends as the protocol has it."""

    def __init__(self, api: ApiClient) -> None:
        django = ASGIHandler()
        guarded = BodyLimit(django, max_bytes=MAX_BODY)
        self.application = ResumableUploads(django, others=guarded)
        self._headers = {
            "host": "testserver",
            "authorization": api.defaults["HTTP_AUTHORIZATION"],
            "tus-resumable": "1.0.0",
        }

    async def ask(
        self,
        method: str,
        path: str,
        body: Sequence[Message] = (last(),),
        *,
        before: Before = _nothing,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request whose body comes in these messages, `before` each is called."""
        said = {
            **self._headers,
            **{name.replace("_", "-"): value for name, value in (headers or {}).items()},
        }
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in said.items() if value],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
            "scheme": "http",
        }
        messages = list(enumerate(body))
        sent: list[Message] = []

        async def receive() -> Message:
            if not messages:
                await asyncio.get_running_loop().create_future()
            number, message = messages.pop(0)
            await before(number)
            return message

        async def send(message: Message) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        return Answer(
            sent[0]["status"],
            {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]},
            b"".join(message.get("body", b"") for message in sent[1:]),
        )

    def call(self, method: str, path: str, *body: Message, **headers: str) -> Answer:
        return asyncio.run(self.ask(method, path, body or (last(),), headers=headers))

    def begin(self, length: int, **metadata: str) -> str:
        """Begin an upload; its address."""
        answer = self.call(
            "POST",
            "/api/uploads/",
            upload_length=str(length),
            upload_metadata=encoded(**{"filename": "list.csv", **metadata}),
        )
        assert answer.status == 201, answer.body
        return answer.headers["location"]

    def patch(self, path: str, *body: Message, offset: int = 0, **headers: str) -> Answer:
        return self.call("PATCH", path, *body, **patching(offset, **headers))

    def offset(self, path: str) -> int:
        """What HEAD says has come."""
        answer = self.call("HEAD", path)
        assert answer.status == 200
        return int(answer.headers["upload-offset"])


def patching(offset: int, **headers: str) -> dict[str, str]:
    """The headers of a PATCH."""
    return {
        "content_type": "application/offset+octet-stream",
        "upload_offset": str(offset),
        **headers,
    }


def row_of(path: str) -> ResumableUpload:
    return ResumableUpload.objects.get(pk=uuid.UUID(path.rpartition("/")[2]))
