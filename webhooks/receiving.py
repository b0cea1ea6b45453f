"""A receiver of webhooks for trying out: verifies what it gets, and answers as it is told."""

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

MAX_BODY_BYTES = 16 * 1024**2
NOT_CHECKED = "no secret to check it with"
IDLE_SECONDS = 60.0
LINGER_SECONDS = 2.0
READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Received:
    """One delivery as it arrived; names of headers are in lower case.

    `problem` is empty if the signature is good. `duplicate`: a delivery with this `webhook-id` was
    taken before, as after a retry.
    """

    at: datetime
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    problem: str
    duplicate: bool

    @property
    def verified(self) -> bool:
        """Whether one of the receiver's secrets made the signature, within the last minutes."""
        return not self.problem

    @property
    def webhook_id(self) -> str:
        """What stays the same when a delivery is repeated; empty if the sender gave none."""
        return self.headers.get("webhook-id", "")

    @cached_property
    def event(self) -> dict[str, Any] | None:
        """The body as JSON; None if it is no JSON object."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (HTTPStatus.OK, {}, b"")


class Receiver:
    """A web server in threads of its own, from `start` to `stop` or for a `with` block.

    `answer` says status, headers and body for each delivery, in the thread of its connection; an
    OSError from it closes the connection without an answer. `keep=False` leaves `received` empty,
    for one that runs for days. Raises ValueError for what is no secret, OSError for a taken port.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        secrets: Sequence[str] = (),
        answer: Callable[[Received], Answer] | None = None,
        *,
        keep: bool = True,
    ) -> None:
        self.received: list[Received] = []
        self._verifiers = [_verifier(secret) for secret in secrets]
        self._answer = answer
        self._keep = keep
        self._ids: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(host, port, self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="receiver", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that it listens on, chosen by the system if 0 was asked for."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Where to send to; any other path is taken too."""
        host = str(self._server.server_address[0])
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    def start(self) -> None:
        """Take connections from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections, and cut those that are open; a second time changes nothing."""
        self._server.shutdown()
        self._server.cut_connections()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def take(self, *, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """What the server does with a delivery: check it, keep it, ask for the answer."""
        problem = self._problem(headers, body)
        webhook_id = headers.get("webhook-id", "")
        with self._lock:
            received = Received(
                at=datetime.now(UTC),
                path=path,
                headers=headers,
                body=body,
                problem=problem,
                duplicate=webhook_id in self._ids,
            )
            # A forged delivery must not make the true one look like its repetition.
            if webhook_id and (received.verified or not self._verifiers):
                self._ids.add(webhook_id)
            if self._keep:
                self.received.append(received)
        return OK if self._answer is None else self._answer(received)

    def _problem(self, headers: dict[str, str], body: bytes) -> str:
        """Why no secret verifies this, by the newest one's word; empty if one does."""
        problem = "" if self._verifiers else NOT_CHECKED
        for verifier in self._verifiers:
            try:
                verifier.verify(body, headers, json_parse=False)
            except WebhookVerificationError as error:
                problem = problem or str(error)
            except ValueError:
                # The package's own answer to a header or a body that is not what it should be.
                problem = problem or "Malformed signature or body"
            else:
                return ""
        return problem


def _verifier(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise ValueError("a secret is whsec_ and base64 behind it") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, receiver: Receiver) -> None:
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        self._opened = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of our own name, which takes seconds on some machines."""
        TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._opened:
            self._open.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        with self._opened:
            self._open.discard(request)
        super().close_request(request)

    def cut_connections(self) -> None:
        with self._opened:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that left is no error of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "webhook-receiver"
    sys_version = ""
    timeout = IDLE_SECONDS
    # Head and body of an answer leave in one packet, at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdecimal()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif len(size) > 20 or int(size) > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._take(int(size))

    def do_GET(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)

    do_DELETE = do_PATCH = do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Whoever started the receiver says what to print."""

    def _take(self, size: int) -> None:
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, more, content = self.server.receiver.take(
            path=self.path, headers=headers, body=body
        )
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer, then read on for a moment: a sender that is cut off would miss the answer."""
        text = f"{status.phrase}: webhooks come by POST, with at most {MAX_BODY_BYTES} bytes.\n"
        self.send_response(status)
        self.send_header("Allow", "POST")
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        until = time.monotonic() + LINGER_SECONDS
        while (left := until - time.monotonic()) > 0:
            self.connection.settimeout(left)
            if not self.connection.recv(READ_BYTES):
                break
