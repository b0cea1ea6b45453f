"""Servers for tests that do with a connection what they like, on real sockets of this machine."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Endpoint:
    """A listening socket, and what has come to it so far."""

    port: int
    scheme: str = "http"
    connections: int = 0
    sent: int = 0
    requests: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?token=secret"


@dataclass
class Peer:
    """One connection, seen from the server."""

    connection: socket.socket
    endpoint: Endpoint

    def read_request(self) -> bytes:
        """Head and body of one request; empty when the client has left."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = self.connection.recv(65536)
            if not piece:
                return b""
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while len(body) < length:
            body += self.connection.recv(65536)
        self.endpoint.requests.append(head + b"\r\n\r\n" + body)
        return head

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)
        self.endpoint.sent += len(data)

    def drip(self, data: bytes, *, every: float = 0.05) -> None:
        """The same bytes again and again, until the client or the test has enough."""
        while not self.endpoint.over.wait(every):
            self.send(data)

    def pour(self, data: bytes, *, times: int) -> None:
        for _ in range(times):
            self.send(data)

    def wait(self) -> None:
        """Do nothing, for as long as the test lasts."""
        self.endpoint.over.wait(30)

    def reset(self) -> None:
        """Close by RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Behaviour = Callable[[Peer], None]


@contextmanager
def endpoint(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """Listens on 127.0.0.1 and gives each connection to `behaviour`, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        this = Endpoint(port=listening.getsockname()[1], scheme="http" if tls is None else "https")
        threads: list[threading.Thread] = []
        peers: list[Peer] = []

        def accept() -> None:
            while True:
                connection, _ = listening.accept()
                if this.over.is_set():
                    connection.close()
                    return
                this.connections += 1
                threads.append(threading.Thread(target=serve, args=[connection], daemon=True))
                threads[-1].start()

        def serve(connection: socket.socket) -> None:
            # A client that gives up is what these tests are about.
            connection.settimeout(30)
            with contextlib.suppress(OSError), contextlib.closing(connection):
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                with contextlib.closing(connection):
                    peer = Peer(connection, this)
                    peers.append(peer)
                    behaviour(peer)

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield this
        finally:
            this.over.set()
            socket.create_connection(("127.0.0.1", this.port)).close()
            accepting.join(5)
            for peer in peers:
                with contextlib.suppress(OSError):
                    peer.connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def answers(answer: bytes = OK) -> Behaviour:
    """A well-behaved server: the same answer to each request, connections kept alive."""

    def behave(peer: Peer) -> None:
        while peer.read_request():
            peer.send(answer)

    return behave


@contextmanager
def hanging_lookups(*, of: str) -> Iterator[None]:
    """Let the look-up of one name hang, as a name server that is away makes it."""
    lookup: Any = socket.getaddrinfo
    over = threading.Event()

    def hang(host: str, *arguments: Any, **options: Any) -> Any:
        if host == of:
            over.wait(30)
        return lookup(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", hang)
        yield
        over.set()
