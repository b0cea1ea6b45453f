"""HTTP connections of urllib3 that a deadline watches over, and the adapters that use them."""

import http.client
import io
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection
from urllib3.util.ssl_ import create_urllib3_context

from core.addresses import literal, refuse_private
from core.deadlines import Deadline, bounded

#: Bytes of status line and headers, those of `100 Continue` included.
HEAD: Final = 64 * 1024


class Exchange(Deadline):
    """One request and its answer, as the connection below sees them."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.reused = False  # on a connection that was kept alive
        self.heard = False  # a byte of an answer has come


_under_way: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def under_way(exchange: Exchange) -> Iterator[None]:
    """Connections that this thread uses meanwhile obey the exchange's deadline."""
    token = _under_way.set(exchange)
    try:
        yield
    finally:
        _under_way.reset(token)


class _Head:
    """Reads the lines before the body: not too many, and none that was cut off.

    `http.client` takes the end of the stream for the end of the headers.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        self.stream = stream
        self._read = 0

    def readline(self, limit: int = -1) -> bytes:
        line = self.stream.readline(limit)
        if line:
            _under_way.get().heard = True
        elif self._read:
            raise http.client.IncompleteRead(b"")
        self._read += len(line)
        if self._read > HEAD:
            raise http.client.LineTooLong("head")
        return line

    def close(self) -> None:
        self.stream.close()


class _WholeHead(http.client.HTTPResponse):
    def begin(self) -> None:
        stream = self.fp
        head = _Head(stream)
        self.fp = cast(io.BufferedReader, head)
        try:
            super().begin()
        finally:
            if cast(object, self.fp) is head:
                self.fp = stream


class _Watched(HTTPConnection):
    """Its socket is shut down at the deadline, from the moment it is connected."""

    response_class = _WholeHead

    def connect(self) -> None:
        super().connect()
        _under_way.get().stage = "to answer"

    def _new_conn(self) -> socket.socket:
        exchange = _under_way.get()
        addresses = self._addresses(exchange)
        exchange.stage = "to connect"
        failed: OSError = OSError("no address")
        for address in addresses:
            try:
                connection = create_connection(
                    (address, self.port),
                    timeout=exchange.left,
                    socket_options=self.socket_options,
                )
            except OSError as error:
                failed = error
            else:
                exchange.guard(connection)
                return connection
        raise failed

    def _addresses(self, exchange: Exchange) -> list[str]:
        """Those of the host's name; it is an address already if it was checked."""
        host, port = self._dns_host, self.port
        if literal(host) is not None:
            return [host]
        exchange.stage = "to be looked up by its name server"
        found = bounded(
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
            seconds=exchange.left,
        )
        return [str(each[4][0]) for each in found]


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        exchange = _under_way.get()
        kept_alive = cast(HTTPConnection, connection).sock
        if kept_alive is not None:
            exchange.reused, exchange.stage = True, "to answer"
            exchange.guard(kept_alive)
        return connection


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


@lru_cache(maxsize=4)
def trust(bundle: str) -> ssl.SSLContext:
    """Loaded once for all connections: reading some 140 certificates takes 20 ms and more.

    Raises:
        OSError: there is no such file, or no certificate in it.
    """
    context = create_urllib3_context()
    context.load_verify_locations(bundle)
    return context


class Direct(HTTPAdapter):
    """Sends to any address; for development, tests and operators who say so."""

    def __init__(self, *, kept_alive: int, **filtering: Any) -> None:
        self._kept_alive = kept_alive
        super().__init__(**filtering)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        bundle = settings.OUTBOUND_CA_BUNDLE or DEFAULT_CA_BUNDLE_PATH
        super().init_poolmanager(
            connections, self._kept_alive, block=block, ssl_context=trust(bundle), **pool_kwargs
        )
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Always by the context, which has its certificates loaded."""
        conn.cert_reqs = "CERT_REQUIRED"


class Filtered(Direct, IPFilterAdapter):  # type: ignore[misc]
    """Sends to the very address that it has looked up and found to be public."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        written = literal(urlsplit(request.url or "").hostname or "")
        if written is not None:
            refuse_private(written)
        exchange = _under_way.get()
        exchange.stage = "to be looked up by its name server"
        host, tls = bounded(
            lambda: super(Filtered, self).build_connection_pool_key_attributes(
                request, verify, cert
            ),
            seconds=exchange.left,
        )
        resolved = literal(host["host"])
        if resolved is not None:
            refuse_private(resolved)
        return host, tls
