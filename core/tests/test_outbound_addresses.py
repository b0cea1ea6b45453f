"""Which URLs and addresses outbound requests may go to."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dnslib
import pytest
import trustme
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer
from hypothesis import HealthCheck, example, given
from hypothesis import settings as property_settings
from hypothesis import strategies as st
from pytest_django import Settings

from core.addresses import refuse_private
from core.outbound import Sender, UrlRefused, check_address, check_url
from core.tests.hostile import answers, endpoint, hanging_lookups

Lookup = Callable[..., list[tuple[Any, ...]]]

PUBLIC = "93.184.216.34"


@pytest.fixture(autouse=True)
def as_in_production(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_HTTP = settings.OUTBOUND_ALLOW_PRIVATE = False
    settings.OUTBOUND_CA_BUNDLE = ""


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://shop.example.com", "https://shop.example.com/"),
        ("HTTPS://Shop.Example.COM/Hook", "https://shop.example.com/Hook"),
        ("https://shop.example.com:8443/a/../b?c=d&e=f", "https://shop.example.com:8443/b?c=d&e=f"),
        ("https://bücher.example/ä?q=ö", "https://xn--bcher-kva.example/%C3%A4?q=%C3%B6"),
        ("https://[2606:2800:220:1::1]/", "https://[2606:2800:220:1::1]/"),
        ("https://shop.example.com:443/", "https://shop.example.com:443/"),
        ("https://shop.example.com:80/", "https://shop.example.com:80/"),
        ("https://shop.example.com:1024/", "https://shop.example.com:1024/"),
        ("https://a.example/" + "x" * 1_982, "https://a.example/" + "x" * 1_982),
    ],
)
def test_url_is_normalised(given: str, normal: str) -> None:
    assert check_url(given) == normal


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "https://"),
        ("shop.example.com/hook", "https://"),
        ("//shop.example.com/hook", "https://"),
        ("ftp://shop.example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "https://"),
        ("http://shop.example.com/", "OUTBOUND_ALLOW_HTTP"),
        ("https://me:secret@shop.example.com/", "password"),
        ("https://@shop.example.com/", "password"),
        ("https://shop.example.com:443@127.0.0.1/", "password"),
        ("https://shop.example.com:22/", "Port 22"),
        ("https://shop.example.com:1023/", "Port 1023"),
        ("https://shop.example.com:65536/", "can't be read"),
        ("https://shop.example.com/#part", "#"),
        ("https://shop.example.com#@127.0.0.1/", "#"),
        ("https://１２７.0.0.1/", "can't be read"),
        ("https://", "can't be read"),
        ("https:///hook", "can't be read"),
        ("https://shop.example.com\\@127.0.0.1/", "backslash"),
        ("https://shop.example.com/a b", "space"),
        (" https://shop.example.com/", "space"),
        ("https://shop.example.com/\r\nHost: inside", "space"),
        ("https://shop.example.com/\x00", "invisible"),
        ("https://shop\u200b.example.com/", "invisible"),
        ("https://shop.example.com/\ud800", "invisible"),
        ("https://[fe80::1%25eth0]/", "host has a %"),
        ("https://shop%2eexample.com/", "host has a %"),
        ("https://[::1/", "can't be read"),
        ("https://[127.0.0.1]/", "can't be read"),
        ("https://shop!.example.com/", "host"),
        ("https://" + "a" * 64 + ".example/", "host"),
        ("https://" + "a." * 127 + "example/", "host"),
        ("https://a..example/", "host"),
        ("https://a.example/" + "x" * 1_983, "2,000"),
        ("https://a.example/" + "ä" * 400, "2,000"),
    ],
)
def test_url_is_refused(url: str, reason: str) -> None:
    with pytest.raises(UrlRefused, match=reason):
        check_url(url)


def test_http_is_taken_where_the_operator_allows_it(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_HTTP = True

    assert check_url("http://localhost:8000/hook") == "http://localhost:8000/hook"


PARTS = st.sampled_from(
    ["https://", "http://", "HTTPS:", "/", "//", "\\", "@", ":", "?", "#", "%", "%41", "%zz", "..",
     "[", "]", "[::1]", "127.0.0.1", "0x7f.1", "example.com", "bücher", "ß", "℀", "１", "xn--",
     "。", "443", "0", "00080", "99999999", " ", "\t", "\n", "\x00", "\u202e", "\ud800", "é", "*",
     "."]
)  # fmt: skip
URLS = st.one_of(
    st.text(),
    st.lists(PARTS | st.text(max_size=5)).map("".join),
    st.lists(PARTS | st.text(max_size=5)).map(lambda parts: "https://" + "".join(parts)),
    st.text().map(lambda text: f"https://shop.example.com/{text}"),
    st.text(max_size=9).map(lambda text: f"https://{text}.example/"),
)


@given(url=URLS)
@example(url="https://example.com:0/")
@example(url="https://example.com/%zz%41%e9")
@example(url="https://EXAMPLE.com./?a=%2f")
@property_settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_is_refused_or_normalised_for_good(url: str) -> None:
    try:
        normal = check_url(url)
    except UrlRefused:
        return
    assert check_url(normal) == normal


PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3",  # noqa: S104
    "10.0.0.1", "10.255.255.255",
    "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "100.127.255.254", "168.63.129.16", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "[::]", "[::1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
    "[::ffff:168.63.129.16]", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[fc00::1]", "[fdff::1]",
    "[fec0::1]", "[feff::1]", "[64:ff9b::7f00:1]", "[64:ff9b::a00:1]", "[64:ff9b:1::1]",
    "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001::1]", "[2001:db8::1]", "[ff02::1]", "[ff0e::1]",
    "[100::1]", "2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "017700000001",
    "localhost",
]  # fmt: skip


@pytest.fixture(scope="module")
def filtered() -> Iterator[Sender]:
    with Sender() as made:
        yield made


@pytest.mark.parametrize("host", PRIVATE)
def test_private_address_is_refused(host: str, filtered: Sender) -> None:
    url = f"https://{host}:8443/hook?token=secret"

    with pytest.raises(UrlRefused, match="OUTBOUND_ALLOW_PRIVATE"):
        check_address(url)
    answer = filtered.post(url, b"{}", {}, deadline=5.0)

    assert (answer.status, answer.error) == (None, "forbidden_address")
    assert "OUTBOUND_ALLOW_PRIVATE" in answer.message
    assert "secret" not in answer.message


def test_nothing_is_sent_to_a_private_address(filtered: Sender, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_HTTP = True
    with endpoint(answers()) as server:
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1"):
            answer = filtered.post(f"http://{host}:{server.port}/", b"{}", {})
            assert answer.error == "forbidden_address"

    assert server.connections == 0


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:2800:220:1::1", "::ffff:1.1.1.1"])
def test_public_address_is_not_refused(address: str) -> None:
    refuse_private(ipaddress.ip_address(address))


def test_private_address_is_called_where_the_operator_allows_it(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True
    with endpoint(answers()) as server, Sender() as sender:
        for host in ("127.0.0.1", "localhost"):
            url = f"http://{host}:{server.port}/"
            check_address(url)
            assert sender.post(url, b"{}", {}).status == 200

    assert server.connections == 2


class Names(BaseResolver):  # type: ignore[misc]
    """Answers each question with the next of its addresses, and the last for ever after."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.asked: list[str] = []

    def resolve(self, request: dnslib.DNSRecord, handler: DNSHandler) -> dnslib.DNSRecord:
        reply = request.reply()
        self.asked.append(str(request.q.qname).rstrip("."))
        if not self.addresses:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
            return reply
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        record = dnslib.A(address)
        reply.add_answer(dnslib.RR(request.q.qname, dnslib.QTYPE.A, rdata=record, ttl=0))
        return reply


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """A name server on a real socket, which `getaddrinfo` asks about all names."""
    resolver = Names()
    server = DNSServer(resolver, address="127.0.0.1", port=0, logger=DNSLogger(logf=lambda _: None))
    server.start_thread()
    port = server.server.server_address[1]
    by_system: Lookup = socket.getaddrinfo

    def lookup(host: str, *arguments: Any, **options: Any) -> list[tuple[Any, ...]]:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            question = dnslib.DNSRecord.question(host)
            reply = dnslib.DNSRecord.parse(question.send("127.0.0.1", port, timeout=5))
            if not reply.rr:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
            host = str(reply.rr[0].rdata)
        return by_system(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield resolver
    server.stop()
    server.server.server_close()


@dataclass
class Internet:
    """Where connections were tried, and the port of this machine that stands for all of it."""

    tried: list[tuple[str, int]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Nothing but this machine is really called."""
    network = Internet()
    connect = socket.socket.connect

    def trying(this: socket.socket, address: Any) -> None:
        network.tried.append(address)
        if address[0] == PUBLIC:
            if not network.port:
                raise ConnectionRefusedError
            address = ("127.0.0.1", network.port)
        connect(this, address)

    monkeypatch.setattr(socket.socket, "connect", trying)
    return network


def test_address_that_was_checked_is_the_one_that_is_called(
    names: Names, internet: Internet, filtered: Sender
) -> None:
    """The name is asked once: a second answer can't lead elsewhere."""
    names.addresses = [PUBLIC, "127.0.0.1"]

    answer = filtered.post("https://rebinding.example.com:8443/", b"{}", {})

    assert answer.error == "refused"
    assert names.asked == ["rebinding.example.com"]
    assert internet.tried == [(PUBLIC, 8443)]


def test_name_and_certificate_are_those_of_the_url(
    names: Names, internet: Internet, settings: Settings, tmp_path: Path
) -> None:
    """Though the address is what is called."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    settings.OUTBOUND_CA_BUNDLE = str(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example.com").configure_cert(context)
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    names.addresses = [PUBLIC]
    with endpoint(answers(), tls=context) as server, Sender() as sender:
        internet.port = server.port

        right = [sender.post("https://shop.example.com:8443/", b"{}", {}) for _ in range(2)]
        wrong = sender.post("https://other.example.com:8443/", b"{}", {})

        assert internet.tried == [(PUBLIC, 8443)] * 2
    assert [answer.status for answer in right] == [200, 200]
    assert (wrong.status, wrong.error) == (None, "tls")
    assert "another name" in wrong.message
    assert asked_for == ["shop.example.com", "other.example.com"]
    assert [b"Host: shop.example.com:8443" in request for request in server.requests] == [True] * 2


def test_name_that_has_turned_private_is_refused(
    names: Names, internet: Internet, filtered: Sender, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOW_HTTP = True
    names.addresses = [PUBLIC, "127.0.0.1"]
    with endpoint(answers()) as server:
        url = f"http://rebinding.example.com:{server.port}/hook"
        check_address(url)

        answer = filtered.post(url, b"{}", {})

        assert (answer.status, answer.error) == (None, "forbidden_address")
        assert names.asked == ["rebinding.example.com"] * 2
        assert internet.tried == []
        assert server.connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "168.63.129.16"])
def test_name_of_a_private_address_is_refused(
    address: str, names: Names, internet: Internet, filtered: Sender
) -> None:
    names.addresses = [address]

    with pytest.raises(UrlRefused, match="OUTBOUND_ALLOW_PRIVATE"):
        check_address("https://inside.example.com/")
    answer = filtered.post("https://inside.example.com/", b"{}", {})

    assert (answer.status, answer.error) == (None, "forbidden_address")
    assert internet.tried == []


def test_unknown_name(names: Names, internet: Internet, filtered: Sender) -> None:
    with pytest.raises(UrlRefused, match=r"The name nowhere.*was not found"):
        check_address("https://nowhere.example.com/?token=secret")

    answer = filtered.post("https://nowhere.example.com/?token=secret", b"{}", {})

    assert (answer.status, answer.error) == (None, "dns")
    assert answer.message.startswith("The name nowhere.example.com was not found")
    assert internet.tried == []


def test_name_server_that_hangs_is_not_waited_for() -> None:
    started = time.monotonic()

    with (
        hanging_lookups(of="slow.example.com"),
        pytest.raises(UrlRefused, match=r"slow\.example\.com could not be looked up within 0\.2 s"),
    ):
        check_address("https://slow.example.com/", deadline=0.2)

    assert time.monotonic() - started < 10
