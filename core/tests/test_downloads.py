"""Fetching files: whole or not at all, by whatever way the server sends them."""

import gzip
import hashlib
import io
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from core import outbound
from core.downloads import Asked, Download, DownloadFailed, beginning, download
from core.tests.hostile import Behaviour, Endpoint, Peer, answers, endpoint

CSV = b"sku,name\nA-1,One\n"
MOST = 1024**2


@pytest.fixture(autouse=True)
def on_this_machine(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True
    settings.OUTBOUND_CA_BUNDLE = ""


def answer(body: bytes, *lines: str, status: str = "200 OK", length: int | None = -1) -> bytes:
    """An answer with a Content-Length: the true one, another, or (None) none."""
    told = [] if length is None else [f"Content-Length: {len(body) if length == -1 else length}"]
    head = "\r\n".join([f"HTTP/1.1 {status}", *told, *lines, "", ""])
    return head.encode("latin-1") + body


def once(data: bytes) -> Behaviour:
    """One answer, then the connection is closed."""

    def behave(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)

    return behave


def fetched(url: str, **how: object) -> tuple[Download, bytes]:
    into = io.BytesIO()
    limits = {"most": MOST, "seconds": 5.0} | {
        name: how.pop(name) for name in ("most", "seconds", "idle", "watch") if name in how
    }
    got = download(Asked(url, **how), into, **limits)  # type: ignore[arg-type]
    return got, into.getvalue()


def refused(data: bytes | Behaviour, **how: object) -> DownloadFailed:
    behaviour = once(data) if isinstance(data, bytes) else data
    with endpoint(behaviour) as server, pytest.raises(DownloadFailed) as failed:
        fetched(server.url, **how)
    assert "token=secret" not in str(failed.value)
    return failed.value


def test_file_comes_as_it_is_with_what_is_said_of_it() -> None:
    said = ('ETag: "v1"', "Last-Modified: Sun, 22 Nov 2026 09:00:00 GMT", "Content-Type: text/CSV")
    with endpoint(once(answer(CSV, *said))) as server:
        got, body = fetched(server.url)

    assert body == CSV
    assert got == Download(
        changed=True,
        status=200,
        host="127.0.0.1",
        file_name="hook",
        content_type="text/csv",
        size=17,
        announced=17,
        sha256=hashlib.sha256(CSV).hexdigest(),
        etag='"v1"',
        last_modified="Sun, 22 Nov 2026 09:00:00 GMT",
    )
    head = server.requests[0].lower()
    assert head.startswith(b"get /hook?token=secret http/1.1\r\n")
    assert b"accept-encoding: identity" in head
    assert b"authorization" not in head
    assert b"if-none-match" not in head


def test_unchanged_file_is_not_sent() -> None:
    with endpoint(once(answer(b"", status="304 Not Modified", length=None))) as server:
        got, body = fetched(server.url, etag='"v1"', last_modified="yesterday")

    assert (got.changed, got.status, body) == (False, 304, b"")
    assert b'If-None-Match: "v1"\r\n' in server.requests[0]
    assert b"If-Modified-Since: yesterday\r\n" in server.requests[0]


def test_304_to_whoever_has_no_file_is_refused() -> None:
    assert refused(answer(b"", status="304 Not Modified", length=None)).code == "status"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="prices today.csv"', "prices today.csv"),
        ("attachment; filename*=UTF-8''Preisliste%20K%C3%B6ln.csv", "Preisliste Köln.csv"),
        (r'attachment; filename="..\\..\\evil.csv"', "evil.csv"),
        ('attachment; filename="/etc/passwd"', "passwd"),
        ('attachment; filename=".."', "hook"),
        ("attachment", "hook"),
    ],
)
def test_file_is_called_what_the_server_says_or_by_its_path(disposition: str, name: str) -> None:
    with endpoint(once(answer(CSV, f"Content-Disposition: {disposition}"))) as server:
        assert fetched(server.url)[0].file_name == name


def test_chunks_need_no_length() -> None:
    chunked = b"7\r\nsku,nam\r\na\r\ne\nA-1,One\n\r\n0\r\n\r\n"
    with endpoint(once(answer(chunked, "Transfer-Encoding: chunked", length=None))) as server:
        got, body = fetched(server.url)

    assert (body, got.announced) == (CSV, None)


@pytest.mark.parametrize(
    "data",
    [
        answer(CSV, length=18),
        answer(b"9\r\nsku,n", "Transfer-Encoding: chunked", length=None),
        answer(b"3\r\nsku\r\n", "Transfer-Encoding: chunked", length=None),
        answer(b"x\r\nsku\r\n0\r\n\r\n", "Transfer-Encoding: chunked", length=None),
        answer(gzip.compress(CSV)[:-4], "Content-Encoding: gzip", length=None),
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
    ids=["length", "in a chunk", "between chunks", "broken chunk", "gzip", "head"],
)
def test_half_a_file_is_none(data: bytes) -> None:
    failed = refused(data)

    assert failed.code == "connection"
    assert "broke off" in str(failed)


def test_file_whose_end_can_not_be_told_is_refused() -> None:
    failed = refused(answer(CSV, "Connection: close", length=None))

    assert failed.code == "no_length"
    assert "does not say how long" in str(failed)


def test_empty_file_is_refused() -> None:
    assert refused(answer(b"")).code == "empty_file"


def test_encoding_on_the_way_is_undone_and_a_gzip_file_stays_one() -> None:
    packed = gzip.compress(CSV) + gzip.compress(b"A-2,Two\n")
    with endpoint(once(answer(packed, "Content-Encoding: gzip"))) as server:
        assert fetched(server.url)[1] == CSV + b"A-2,Two\n"
    with endpoint(once(answer(packed, "Content-Type: application/gzip"))) as server:
        assert fetched(server.url)[1] == packed


@pytest.mark.parametrize(("encoding", "body"), [("br", CSV), ("gzip, br", CSV), ("gzip", CSV)])
def test_encoding_that_is_not_what_it_says_or_not_known_is_refused(
    encoding: str, body: bytes
) -> None:
    assert refused(answer(body, f"Content-Encoding: {encoding}")).code == "content_encoding"


def test_gzip_bomb_ends_at_the_cap() -> None:
    bomb = gzip.compress(b"\0" * (64 * MOST))
    seen: list[int] = []

    failed = refused(answer(bomb, "Content-Encoding: gzip"), watch=seen.append)

    assert failed.code == "too_large"
    assert max(seen) <= MOST


def test_file_that_is_too_large_is_refused_before_it_is_sent() -> None:
    failed = refused(answer(b"", length=5 * MOST))

    assert failed.code == "too_large"
    assert "may have 1 MB, this one has 5.0 MB" in str(failed)


def test_file_that_grows_too_large_on_the_way_is_refused() -> None:
    def pour(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"", "Transfer-Encoding: chunked", length=None))
        peer.pour(b"10000\r\n" + b"a" * 65536 + b"\r\n", times=200)

    failed = refused(pour)

    assert failed.code == "too_large"
    assert "more than that" in str(failed)


def test_what_the_watch_raises_ends_the_download() -> None:
    class Stop(Exception):
        pass

    def stop(size: int) -> None:
        raise Stop

    with endpoint(once(answer(CSV))) as server, pytest.raises(Stop):
        fetched(server.url, watch=stop)


def test_full_disk_is_not_the_servers_fault() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with endpoint(once(answer(CSV))) as server, pytest.raises(DownloadFailed) as failed:
        download(Asked(server.url), Full(), most=MOST, seconds=5)

    assert failed.value.code == "no_room"


def test_slow_server_has_one_deadline_for_all() -> None:
    def drip(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"", length=1000))
        peer.drip(b"a")

    began = time.monotonic()
    failed = refused(drip, seconds=0.3)

    assert (failed.code, time.monotonic() - began < 3) == ("time_out", True)
    assert str(failed) == (
        "127.0.0.1 took longer than 0.3 s to finish its answer. Try again later."
    )


def test_silent_server_is_given_up_before_the_deadline() -> None:
    def fall_silent(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"a", length=1000))
        peer.wait()

    failed = refused(fall_silent, idle=0.2)

    assert (failed.code, str(failed)) == (
        "time_out",
        "127.0.0.1 was silent for 0.2 s. Try again later.",
    )


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        ("401 Unauthorized", "access", "It may want a user name and a password."),
        ("403 Forbidden", "access", "It may want a user name and a password."),
        ("404 Not Found", "not_found", "Check the address."),
        ("410 Gone", "not_found", "Check the address."),
        ("204 No Content", "status", "see what it wants"),
        ("206 Partial Content", "status", "see what it wants"),
        ("503 Service Unavailable", "status", "Try again later"),
    ],
)
def test_answer_that_is_no_file_says_what_to_do(status: str, code: str, remedy: str) -> None:
    failed = refused(answer(b"", status=status))

    assert failed.code == code
    assert status[:3] in str(failed)
    assert remedy in str(failed)


def test_user_name_and_password_go_along() -> None:
    with endpoint(once(answer(CSV))) as server:
        fetched(server.url, username="shop", password="Köln")

    # shop:Köln in UTF-8, RFC 7617.
    assert b"Authorization: Basic c2hvcDpLw7Zsbg==\r\n" in server.requests[0]
    assert "Check the user name" in str(
        refused(answer(b"", status="401 No"), username="shop", password="wrong")
    )


# --- Redirects ---


def to(location: str, *, status: int = 302) -> Behaviour:
    return answers(answer(b"moved", f"Location: {location}", status=f"{status} Moved"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_followed(status: int) -> None:
    with (
        endpoint(once(answer(CSV))) as last,
        endpoint(to(f"http://127.0.0.1:{last.port}/new/list.csv#top", status=status)) as first,
    ):
        got, body = fetched(first.url)

    assert (body, got.file_name) == (CSV, "list.csv")
    assert last.requests[0].startswith(b"GET /new/list.csv HTTP/1.1")


def test_password_goes_to_no_other_machine() -> None:
    with (
        endpoint(once(answer(CSV))) as other,
        endpoint(to(f"http://127.0.0.1:{other.port}/")) as first,
    ):
        fetched(first.url, username="shop", password="secret")

    assert b"Authorization" in first.requests[0]
    assert b"Authorization" not in other.requests[0]


def test_redirect_on_the_same_machine_keeps_the_password() -> None:
    def twice(peer: Peer) -> None:
        while head := peer.read_request():
            moved = answer(b"", "Location: /there", status="302 Found")
            peer.send(answer(CSV) if b"/there" in head else moved)

    with endpoint(twice) as server:
        fetched(server.url, username="shop", password="secret")

    assert [b"Authorization" in each for each in server.requests] == [True, True]


def test_circle_of_redirects_ends() -> None:
    with endpoint(to("/again")) as server, pytest.raises(DownloadFailed) as failed:
        fetched(server.url)

    assert failed.value.code == "redirect"
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("ftp://127.0.0.1/a", "forbidden_address"),
        ("http://me:secret@127.0.0.1/", "forbidden_address"),
        ("file:///etc/passwd", "forbidden_address"),
        ("http://127.0.0.1:25/", "forbidden_address"),
    ],
)
def test_redirect_to_what_may_not_be_asked_is_refused(location: str, code: str) -> None:
    assert refused(to(location)).code == code


def test_redirect_from_https_to_http_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = outbound.Answer(
        status=301, headers={"location": "http://127.0.0.1/a.csv"}, body=b"", milliseconds=1
    )
    asked: list[str] = []

    def get(self: object, url: str, *rest: object, **how: object) -> outbound.Answer:
        asked.append(url)
        return moved

    monkeypatch.setattr(outbound.Sender, "get", get)

    with pytest.raises(DownloadFailed) as failed:
        fetched("https://127.0.0.1/a.csv", username="shop", password="secret")

    assert failed.value.code == "redirect"
    assert asked == ["https://127.0.0.1/a.csv"]


def test_redirect_without_a_target_is_refused() -> None:
    assert refused(answer(b"", status="302 Found")).code == "redirect"


def test_redirect_never_leads_into_the_operators_network(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first hop is public; the second is the address of a cloud's credentials."""
    hops: list[str] = []
    guarded: list[Callable[..., object]] = []

    def get(self: object, url: str, headers: object, **how: object) -> object:
        hops.append(url)
        if len(hops) == 1:
            return moved
        settings.OUTBOUND_ALLOW_PRIVATE = False
        with outbound.Sender(connections=1) as strict:
            return guarded[0](strict, url, headers, **how)

    moved = outbound.Answer(
        status=302,
        headers={"location": "http://169.254.169.254/latest/meta-data"},
        body=b"",
        milliseconds=1,
    )
    guarded.append(outbound.Sender.get)
    monkeypatch.setattr(outbound.Sender, "get", get)

    with pytest.raises(DownloadFailed) as failed:
        fetched("http://files.example.com/a.csv")

    assert failed.value.code == "forbidden_address"
    assert hops == ["http://files.example.com/a.csv", "http://169.254.169.254/latest/meta-data"]


def test_private_address_is_refused_at_once(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = False
    with endpoint(once(answer(CSV))) as server, pytest.raises(DownloadFailed) as failed:
        fetched(server.url)

    assert (failed.value.code, server.connections) == ("forbidden_address", 0)


# --- The beginning ---


def test_beginning_of_a_large_file_is_enough(settings: Settings) -> None:
    def pour(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"", length=500_000_000))
        peer.pour(CSV * 1000, times=10_000)

    server: Endpoint
    with endpoint(pour) as server:
        got, first = beginning(Asked(server.url), size=1000, seconds=5)

    assert (got.announced, len(first), first[:17]) == (500_000_000, 1000, CSV)
    assert server.sent < 100_000_000


def test_beginning_of_a_small_file_is_all_of_it() -> None:
    with endpoint(once(answer(gzip.compress(CSV), "Content-Encoding: gzip"))) as server:
        got, first = beginning(Asked(server.url), size=1000, seconds=5)

    assert (first, got.announced) == (CSV, None)
