"""Requests to machines of strangers: the only place that makes any.

The peer may be slow, hostile, or somebody's private network, and nothing that it does may hold a
worker for longer than the deadline or fill its memory. Redirects are not followed here, proxies and
credentials of the environment are not used, cookies are not kept.
"""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.exceptions import HTTPError, SSLError
from urllib3.exceptions import TimeoutError as UrllibTimeout
from urllib3.util.ssl_match_hostname import CertificateError

from core.addresses import UrlRefused, check_address, check_url, forbidden, unknown
from core.connections import Direct, Exchange, Filtered, under_way
from core.deadlines import Watchdog

__all__ = ["ERRORS", "EXCERPT", "Answer", "Sender", "UrlRefused", "check_address", "check_url"]

EXCERPT: Final = 16 * 1024
HEADERS: Final = 8 * 1024  # characters of an answer's headers that are kept

TIME_OUT: Final = "time_out"
DNS: Final = "dns"
FORBIDDEN_ADDRESS: Final = "forbidden_address"
REFUSED: Final = "refused"
TLS: Final = "tls"
CONNECTION: Final = "connection"
BAD_ANSWER: Final = "bad_answer"

#: What may come instead of an answer, in the fewest words.
ERRORS: Final[dict[str, str]] = {
    TIME_OUT: "Took too long",
    DNS: "Name not found",
    FORBIDDEN_ADDRESS: "Address not allowed",
    REFUSED: "Connection refused",
    TLS: "No secure connection",
    CONNECTION: "Connection broken",
    BAD_ANSWER: "Not an HTTP answer",
}

RECEIVER_ADVICE: Final = "A receiver should answer at once and do its work afterwards."
#: Bytes of a body that are read at once.
PIECE: Final = 256 * 1024

#: Takes a body in pieces.
Sink = Callable[[bytes], object]
#: Given status and headers (lower-case names), says who takes the body; nobody: an excerpt is kept.
Opens = Callable[[int, dict[str, str]], Sink | None]

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True)
class Answer:
    """What came of one request: either a status, or an error and no status.

    `headers` have lower-case names and are 8 KiB at most in all, `body` is the first 16 KiB as
    they came, not decoded. `error` is a key of ERRORS, with a `message` for people that names the
    host and nothing else of the URL.
    """

    status: int | None
    headers: dict[str, str]
    body: bytes
    milliseconds: int
    error: str = ""
    message: str = ""


class Sender:
    """Sends requests, and keeps up to `connections` to a host alive between them.

    Several threads may use one.

    Raises:
        ImproperlyConfigured: OUTBOUND_CA_BUNDLE can't be read.
    """

    def __init__(self, *, connections: int = 4) -> None:
        self._watchdog = Watchdog()
        self._session = _Session()
        try:
            for scheme in ("http", "https"):
                self._session.mount(f"{scheme}://", _adapter(scheme, connections))
        except OSError as error:
            raise ImproperlyConfigured(
                f"OUTBOUND_CA_BUNDLE ({settings.OUTBOUND_CA_BUNDLE}) is no file of certificates: "
                f"{error}. Name a PEM file, or leave it empty."
            ) from error

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, deadline: float | None = None
    ) -> Answer:
        """Send one POST and return what came of it, within `deadline` seconds in all.

        Raises:
            ValueError: a header that can't be sent.
        """
        exchange = Exchange(settings.OUTBOUND_DEADLINE_SECONDS if deadline is None else deadline)
        return self._send(_Request("POST", url, body, headers), exchange)

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        opens: Opens,
        exchange: Exchange,
        idle: float,
    ) -> Answer:
        """Send one GET and hand the body on as it comes, within what is left of the exchange.

        `idle` is how many seconds the peer may be silent. What `opens` or the sink raises comes
        through. A body that ends before its length, or within a chunk, is an error.

        Raises:
            ValueError: a header that can't be sent.
        """
        request = _Request("GET", url, None, headers, opens=opens, idle=idle)
        return self._send(request, exchange)

    def close(self) -> None:
        self._session.close()
        self._watchdog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, request: "_Request", exchange: Exchange) -> Answer:
        try:
            request = replace(request, url=check_url(request.url))
        except UrlRefused as refused:
            return _failure(exchange, FORBIDDEN_ADDRESS, str(refused))
        self._watchdog.watch(exchange)
        try:
            with under_way(exchange):
                answer = self._exchange(exchange, request)
                # A server may close a connection that it kept alive while the request is on its
                # way. A peer that gets a request twice knows it by its id. The pool gives out a new
                # connection in place of one that failed.
                if answer.error == CONNECTION and exchange.reused and not exchange.heard:
                    answer = self._exchange(exchange, request)
                return answer
        finally:
            self._watchdog.forget(exchange)

    def _exchange(self, exchange: Exchange, request: "_Request") -> Answer:
        received = bytearray()
        try:
            left = exchange.left
            patience = left if request.idle is None else min(left, request.idle)
            with self._session.request(
                request.method,
                request.url,
                data=request.body,
                headers={**request.headers, "Accept-Encoding": "identity"},
                timeout=(patience, patience),
                allow_redirects=False,
                stream=True,
            ) as response:
                exchange.stage = "to finish its answer"
                kept = _kept(response.headers)
                sink = request.opens and request.opens(response.status_code, kept)
                if sink:
                    _hand_on(response.raw, sink)
                else:
                    _read(response.raw, received, exchange)
                _ = exchange.left
        except requests.exceptions.InvalidHeader:
            raise
        except (requests.RequestException, HTTPError, http.client.HTTPException, OSError) as error:
            code = TIME_OUT if exchange.passed else _code(error)
            message = _message(code, error, request, exchange)
            return _failure(exchange, code, message, bytes(received))
        return Answer(
            status=response.status_code,
            headers=kept,
            body=bytes(received),
            milliseconds=_milliseconds(exchange),
        )


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str]
    opens: Opens | None = None
    idle: float | None = None


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.clear()
        self.headers.update({"User-Agent": "product-importer", "Accept": "*/*"})

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: else a redirect's body would be read whole, and decoded, though not followed."""


def _adapter(scheme: str, connections: int) -> Direct:
    if settings.OUTBOUND_ALLOW_PRIVATE:
        return Direct(kept_alive=connections)
    return Filtered(kept_alive=connections, is_https_proto=scheme == "https")


def _read(stream: Any, received: bytearray, exchange: Exchange) -> None:
    """The beginning of the body; a connection with more to come is not used again."""
    while len(received) < EXCERPT:
        piece = stream.read1(EXCERPT - len(received), decode_content=False)
        if not piece:
            return
        received += piece
    del received[EXCERPT:]


def _hand_on(stream: Any, sink: Sink) -> None:
    """The whole body, in pieces; its length and its chunks are checked by urllib3 on the way."""
    while piece := stream.read1(PIECE, decode_content=False):
        sink(piece)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    room = HEADERS
    for name, value in headers.items():
        room -= len(name) + len(value)
        if room < 0:
            break
        kept[_CONTROLS.sub(" ", name).lower()] = _CONTROLS.sub(" ", value)
    return kept


def _milliseconds(exchange: Exchange) -> int:
    return round((time.monotonic() - exchange.started) * 1000)


def _failure(exchange: Exchange, code: str, message: str, body: bytes = b"") -> Answer:
    return Answer(
        status=None,
        headers={},
        body=body,
        milliseconds=_milliseconds(exchange),
        error=code,
        message=message,
    )


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was made from, as requests and urllib3 wrap them."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        reason = waiting.pop(0)
        if isinstance(reason, BaseException) and id(reason) not in seen:
            seen.add(id(reason))
            yield reason
            waiting += [*reason.args, getattr(reason, "reason", None), reason.__cause__]


#: The first row of which a reason is found decides.
_CODES: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...]] = (
    (InvalidIPAddress, FORBIDDEN_ADDRESS),
    (socket.gaierror, DNS),
    ((TimeoutError, UrllibTimeout), TIME_OUT),
    ((ssl.SSLError, SSLError, CertificateError), TLS),
    (ConnectionRefusedError, REFUSED),
    ((OSError, http.client.IncompleteRead), CONNECTION),
    (http.client.HTTPException, BAD_ANSWER),
)


def _code(error: Exception) -> str:
    # Every exception of requests is an OSError, which says nothing here.
    reasons = [
        each
        for each in _reasons(error)
        if isinstance(each, InvalidIPAddress) or not isinstance(each, requests.RequestException)
    ]
    for kinds, code in _CODES:
        if any(isinstance(reason, kinds) for reason in reasons):
            return code
    return CONNECTION


def _message(code: str, error: Exception, request: _Request, exchange: Exchange) -> str:
    host = urlsplit(request.url).hostname or ""
    match code:
        case "time_out" if request.idle is not None and not exchange.passed:
            return f"{host} was silent for {request.idle:g} s. Try again later."
        case "time_out":
            advice = RECEIVER_ADVICE if request.opens is None else "Try again later."
            return f"{host} took longer than {exchange.seconds:g} s {exchange.stage}. {advice}"
        case "dns":
            return unknown(host)
        case "forbidden_address":
            return forbidden(host)
        case "refused":
            return f"Nothing listens at {host} on that port. Check the port, and that it is up."
        case "tls":
            return f"No secure connection to {host}: {_mistrust(error)}."
        case "bad_answer":
            return f"What {host} answered is not HTTP. Check that a web server listens there."
        case _:
            return f"The connection to {host} broke off before a whole answer had come."


def _mistrust(error: Exception) -> str:
    for reason in _reasons(error):
        if isinstance(reason, CertificateError):
            return "its certificate is for another name. Use the name that it is for"
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({reason.verify_message})"
    return "it does not speak TLS as it should"
