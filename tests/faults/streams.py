"""Many browsers that listen to events at once."""

import socket
from types import TracebackType
from typing import Self

from tests.faults.harness import Site


class EventStreams:
    """Open event streams; each has answered 200 and sent its first event."""

    def __init__(self, site: Site, count: int, path: str) -> None:
        cookies = "; ".join(
            f"{cookie.name}={cookie.value}" for cookie in site.browser().session.cookies
        )
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n"
            "Accept: text/event-stream\r\n\r\n"
        ).encode()
        self._port = site.port
        self._count = count
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        for stream in self._sockets:
            stream.close()

    def ended(self) -> int:
        """How many the server has closed; waits for each."""
        count = 0
        for stream in self._sockets:
            while stream.recv(65536):
                pass
            count += 1
        return count

    def _open(self) -> None:
        for _ in range(self._count):
            stream = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._sockets.append(stream)
            stream.sendall(self._request)
        for stream in self._sockets:
            received = b""
            while b"event: live" not in received:
                part = stream.recv(65536)
                assert part, received
                received += part
            assert received.startswith(b"HTTP/1.1 200"), received
