"""A web server with one file on it, on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.tests.hostile import Behaviour, Peer, endpoint

CSV = b"sku,name\nA-1,One\nA-2,Two\n"


@dataclass
class Shelf:
    """What lies there; `etag` "" sends none. `behave` takes the place of all that."""

    body: bytes = CSV
    etag: str = '"v1"'
    status: str = "200 OK"
    lines: tuple[str, ...] = ()
    behave: Behaviour | None = None
    url: str = ""
    requests: list[bytes] = field(default_factory=list)

    def answer(self, peer: Peer) -> None:
        """One request, one answer, and the connection is closed."""
        if self.behave is not None:
            self.behave(peer)
            return
        head = peer.read_request()
        tag = [f"ETag: {self.etag}"] if self.etag else []
        if self.etag and f"If-None-Match: {self.etag}".encode() in head:
            peer.send(_message("304 Not Modified", *tag))
            return
        body = self.body if self.status.startswith("200") else b""
        length = f"Content-Length: {len(body)}"
        peer.send(_message(self.status, *tag, *self.lines, length) + body)


def _message(status: str, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *lines, "", ""]).encode()


@contextmanager
def shelf(body: bytes = CSV, **how: object) -> Iterator[Shelf]:
    """Serves a file at `.url`, whose query is a secret."""
    this = Shelf(body=body, **how)  # type: ignore[arg-type]
    with endpoint(this.answer) as server:
        this.url = f"http://127.0.0.1:{server.port}/lists/prices.csv?token=secret"
        this.requests = server.requests
        yield this
