"""Fetching a file from somebody's machine: the whole of it, or a word that says why not.

Other than a webhook, a download follows redirects: each hop passes the same checks as the first,
none leads from https to http, and a password goes to no other machine than the one it was given
for. A body whose end can't be told from a broken connection is refused: half a file, imported,
would take away what the other half holds.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any, Final
from urllib.parse import unquote, urljoin, urlsplit

from django.utils.http import parse_header_parameters

from core.connections import Exchange
from core.outbound import ERRORS, PIECE, Answer, Sender

REDIRECTS: Final = 5
IDLE_SECONDS: Final = 30.0

NOT_MODIFIED: Final = 304
_MOVED: Final = frozenset({301, 302, 303, 307, 308})

STATUS: Final = "status"
ACCESS: Final = "access"
NOT_FOUND: Final = "not_found"
TOO_LARGE: Final = "too_large"
EMPTY: Final = "empty_file"
REDIRECT: Final = "redirect"
ENCODING: Final = "content_encoding"
UNBOUNDED: Final = "no_length"
NO_ROOM: Final = "no_room"

#: What may come instead of a file, in the fewest words.
FAILURES: Final[dict[str, str]] = {
    **ERRORS,
    STATUS: "Not answered with a file",
    ACCESS: "Not let in",
    NOT_FOUND: "Not found",
    TOO_LARGE: "Too large",
    EMPTY: "Empty file",
    REDIRECT: "Redirect refused",
    ENCODING: "Encoding not known",
    UNBOUNDED: "End not told",
    NO_ROOM: "No room to keep it",
}

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class DownloadFailed(Exception):
    """No file came. `code` is a key of FAILURES; the text says why and what helps, and names the
    host and nothing else of the URL."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Asked:
    """What is asked for. `etag` and `last_modified` are those of the file that one has already."""

    url: str
    username: str = ""
    password: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Download:
    """What came: a file, or the word that it has not changed, and then nothing of a file.

    `size` is of what was written, in bytes; `announced` what the server said, None if nothing.
    """

    changed: bool
    status: int
    host: str
    file_name: str = ""
    content_type: str = ""
    size: int = 0
    announced: int | None = None
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""


def download(
    asked: Asked,
    into: IO[bytes],
    *,
    most: int,
    seconds: float,
    idle: float = IDLE_SECONDS,
    watch: Callable[[int], object] = lambda size: None,
) -> Download:
    """Fetch a file of at most `most` bytes into `into`, within `seconds` in all.

    `watch` is told the bytes so far; what it raises ends the download.

    Raises:
        DownloadFailed: there is none, or not all of it.
    """
    writer = _Writer(into, most=most, watch=watch)
    answer, url = _follow(asked, writer.opens, seconds=seconds, idle=idle)
    if answer.status == NOT_MODIFIED:
        return Download(changed=False, status=NOT_MODIFIED, host=urlsplit(url).hostname or "")
    writer.end()
    return _described(answer, url, writer)


def beginning(asked: Asked, *, size: int, seconds: float) -> tuple[Download, bytes]:
    """The first bytes of a file, and what is said of it; decoded, if it was encoded on the way.

    Raises:
        DownloadFailed: there is none.
    """
    writer = _Beginning(size)
    answer, url = _follow(asked, writer.opens, seconds=seconds, idle=seconds)
    return _described(answer, url, writer), bytes(writer.received[:size])


def _follow(asked: Asked, opens: Any, *, seconds: float, idle: float) -> tuple[Answer, str]:
    """The answer that is no redirect, and the URL it came from."""
    exchange = Exchange(seconds)
    url = asked.url
    with Sender(connections=1) as sender:
        for _ in range(REDIRECTS + 1):
            headers = _headers(asked, trusted=_is_same_machine(asked.url, url))
            try:
                answer = sender.get(url, headers, opens=opens, exchange=exchange, idle=idle)
            except _Enough as enough:
                return enough.answer, url
            if answer.error:
                raise DownloadFailed(answer.error, answer.message)
            if answer.status not in _MOVED:
                _refuse_status(answer, url, asked)
                return answer, url
            url = _next(answer, url)
    host = urlsplit(asked.url).hostname
    raise DownloadFailed(
        REDIRECT, f"{host} redirects more than {REDIRECTS} times. Use the address it ends at."
    )


def _is_same_machine(first: str, other: str) -> bool:
    """Whether the password for one is good for the other: same place, or its own way to https."""
    one, two = urlsplit(first), urlsplit(other)
    if (one.scheme, one.hostname, one.port) == (two.scheme, two.hostname, two.port):
        return True
    return one.hostname == two.hostname and (two.scheme, two.port) == ("https", None)


def _headers(asked: Asked, *, trusted: bool) -> dict[str, str]:
    headers = {}
    if asked.etag:
        headers["If-None-Match"] = asked.etag
    if asked.last_modified:
        headers["If-Modified-Since"] = asked.last_modified
    if asked.username and trusted:
        pair = f"{asked.username}:{asked.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return headers


def _next(answer: Answer, url: str) -> str:
    host = urlsplit(url).hostname
    location = answer.headers.get("location", "")
    if not location:
        raise DownloadFailed(REDIRECT, f"{host} redirects and does not say where to.")
    target = urljoin(url, location).partition("#")[0]
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise DownloadFailed(
            REDIRECT,
            f"{host} redirects from https to another scheme, which everybody on the way could"
            " read. Ask for an https address.",
        )
    return target


def _refuse_status(answer: Answer, url: str, asked: Asked) -> None:
    host, status = urlsplit(url).hostname, answer.status
    asked_for_news = bool(asked.etag or asked.last_modified)
    if status == 200 or (status == NOT_MODIFIED and asked_for_news):
        return
    if status in (401, 403):
        remedy = (
            "Check the user name and the password."
            if asked.username
            else "It may want a user name and a password."
        )
        raise DownloadFailed(ACCESS, f"{host} does not let us in ({status}). {remedy}")
    if status in (404, 410):
        raise DownloadFailed(
            NOT_FOUND, f"{host} has no file at this address ({status}). Check the address."
        )
    if status is not None and status >= 500:
        remedy = "Try again later; if it stays, tell whoever runs it."
    else:
        remedy = "Open the address in a browser and see what it wants."
    raise DownloadFailed(STATUS, f"{host} answered {status} instead of a file. {remedy}")


def _described(answer: Answer, url: str, writer: "_Writer | _Beginning") -> Download:
    headers = answer.headers
    length = headers.get("content-length", "")
    encoded = bool(headers.get("content-encoding", "").strip())
    known = length.isascii() and length.isdigit() and not encoded
    return Download(
        changed=True,
        status=answer.status or 0,
        host=urlsplit(url).hostname or "",
        file_name=_file_name(headers.get("content-disposition", ""), url),
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower()[:100],
        size=writer.size,
        announced=int(length) if known else None,
        sha256=writer.sha256,
        etag=headers.get("etag", ""),
        last_modified=headers.get("last-modified", ""),
    )


def _file_name(disposition: str, url: str) -> str:
    """What the server calls the file, else the last part of the path, else the host."""
    name = ""
    try:
        _, parameters = parse_header_parameters(disposition)
        name = str(parameters.get("filename", ""))
    except ValueError:
        pass  # a header that can't be read names no file
    parts = urlsplit(url)
    for each in (name, unquote(parts.path), parts.hostname or ""):
        last = PurePosixPath(_CONTROLS.sub("", each).replace("\\", "/")).name
        if last not in ("", ".", ".."):
            return last[:255]
    return "file"


class _Decoder:
    """Undoes Content-Encoding: gzip a piece at a time; a bomb never unfolds in memory."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take = take
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> None:
        try:
            while data:
                if self._inflate.eof:  # members may follow each other, RFC 1952 2.2
                    self._inflate = zlib.decompressobj(wbits=31)
                self._take(self._inflate.decompress(data, PIECE))
                data = self._inflate.unconsumed_tail or self._inflate.unused_data
        except zlib.error as error:
            raise DownloadFailed(
                ENCODING, "The answer says that it is gzip, and is not. Tell whoever runs it."
            ) from error

    @property
    def whole(self) -> bool:
        return self._inflate.eof


def _encoding(headers: dict[str, str]) -> str:
    """ "gzip", or "" for none.

    Raises:
        DownloadFailed: it is another one, which nobody asked for.
    """
    named = headers.get("content-encoding", "").strip().lower()
    if named in ("", "identity"):
        return ""
    if named in ("gzip", "x-gzip"):
        return "gzip"
    raise DownloadFailed(
        ENCODING, f"The answer is encoded as “{named[:40]}”, which was not asked for."
    )


@dataclass
class _Writer:
    """Writes a body down, counts it and takes its SHA-256."""

    into: IO[bytes]
    most: int
    watch: Callable[[int], object]
    size: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)
    _decoder: _Decoder | None = None

    def opens(self, status: int, headers: dict[str, str]) -> Callable[[bytes], object] | None:
        if status != 200:
            return None
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self.most:
            raise self._too_large(int(length))
        if _encoding(headers):
            self._decoder = _Decoder(self._take)
            return self._decoder.feed
        if not length and "chunked" not in headers.get("transfer-encoding", "").lower():
            raise DownloadFailed(
                UNBOUNDED,
                "The server does not say how long the file is, so half of it could not be told"
                " from all of it. Ask whoever runs it for a Content-Length, or a gzip file.",
            )
        return self._take

    def end(self) -> None:
        """Nothing more comes."""
        if self._decoder is not None and not self._decoder.whole:
            raise DownloadFailed(
                "connection", "The file broke off before its end. It is fetched again later."
            )
        if not self.size:
            raise DownloadFailed(EMPTY, "The file is empty: 0 bytes. Ask whoever makes it.")

    @property
    def sha256(self) -> str:
        return str(self._digest.hexdigest())

    def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.most:
            raise self._too_large(None)
        self._digest.update(piece)
        try:
            self.into.write(piece)
        except OSError as error:
            raise DownloadFailed(
                NO_ROOM, f"The file could not be kept on the worker's disk: {error.strerror}."
            ) from error
        self.watch(self.size)

    def _too_large(self, length: int | None) -> DownloadFailed:
        told = "more than that" if length is None else f"{length / 1024**2:,.1f} MB"
        return DownloadFailed(
            TOO_LARGE,
            f"A fetched file may have {self.most / 1024**2:,.0f} MB, this one has {told}. Have it"
            " split, or raise RESUMABLE_MAX_BYTES.",
        )


class _Enough(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class _Beginning:
    """Keeps the first bytes of a body and then hangs up."""

    sha256 = ""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._answer: Answer | None = None
        self.received = bytearray()

    @property
    def size(self) -> int:
        return len(self.received)

    def opens(self, status: int, headers: dict[str, str]) -> Callable[[bytes], object] | None:
        if status != 200:
            return None
        self._answer = Answer(status=status, headers=headers, body=b"", milliseconds=0)
        return _Decoder(self._take).feed if _encoding(headers) else self._take

    def _take(self, piece: bytes) -> None:
        self.received += piece
        if self._answer is not None and len(self.received) >= self._wanted:
            raise _Enough(self._answer)
