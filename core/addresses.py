"""Which URLs and which addresses the product may send requests to.

Whoever enters a URL makes a machine inside the operator's network call it, so only addresses that
the whole internet can reach are called. `requests-hardened` refuses the private ranges; the ones
that it lets through are refused here.
"""

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests_hardened.ip_filter import InvalidIPAddress, filter_host
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from core.deadlines import bounded

URL_LENGTH: Final = 2_000
NAME_LENGTH: Final = 253  # RFC 1035
LABEL_LENGTH: Final = 63
FIRST_FREE_PORT: Final = 1024
WEB_PORTS: Final = (80, 443)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
FORBIDDEN: Final = (
    ipaddress.ip_network("::/96"),  # an IPv4 address in IPv6 clothes, RFC 4291 2.5.5.1
    ipaddress.ip_network("fec0::/10"),  # site-local, RFC 3879
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's own services, on every machine there
)

_SCHEME = re.compile(r"https?://(?P<authority>[^/?#]*)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")


class UrlRefused(Exception):
    """Text for people: what is wrong with a URL, and what to do."""


def check_url(url: str) -> str:
    """The URL as it will be asked for: lower-case host, punycode, percent signs where due.

    No network. What this returns passes again unchanged.

    Raises:
        UrlRefused: it is none that may be asked.
    """
    if any(not each.isprintable() or each.isspace() or each == "\\" for each in url):
        raise UrlRefused("The URL has a space, a backslash or an invisible character in it.")
    start = _SCHEME.match(url)
    if start is None:
        raise UrlRefused("The URL does not start with https://.")
    if "@" in start["authority"]:
        raise UrlRefused(
            "The URL has a user name or a password in it. Leave out what stands before the @."
        )
    if "%" in start["authority"]:
        raise UrlRefused("The URL's host has a % in it. Write the host as it is.")
    if "#" in url:
        raise UrlRefused("The URL has a # in it. What follows it is never sent: leave it out.")
    normal = _normalised(url)
    if len(normal) > URL_LENGTH:
        raise UrlRefused(f"The URL is longer than {URL_LENGTH:,} characters.")
    _check_parts(normal)
    if _normalised(normal) != normal:
        raise UrlRefused("The URL can be read in more than one way.")
    return normal


def _normalised(url: str) -> str:
    """By the code that will send to it, so that both read the same."""
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
    except (requests.RequestException, HTTPError, ValueError) as error:
        raise UrlRefused(
            "The URL can't be read. It looks like https://shop.example.com/path."
        ) from error
    return prepared.url or ""


def _check_parts(url: str) -> None:
    scheme, _, host, port, *_ = parse_url(url)
    if not host or not (_is_name(host) or _is_ipv6(host)):
        raise UrlRefused("The URL has no host, or one that no machine can have.")
    # Every reader of the URL, however careless, finds the same host in it.
    if not url.startswith(f"{scheme}://{host}{'' if port is None else f':{port}'}/"):
        raise UrlRefused("The URL can be read in more than one way.")
    if scheme != "https" and not settings.OUTBOUND_ALLOW_HTTP:
        raise UrlRefused(
            "The URL starts with http://, which everybody on the way can read: use https://. "
            "The operator can allow http with OUTBOUND_ALLOW_HTTP."
        )
    if port is not None and port not in WEB_PORTS and port < FIRST_FREE_PORT:
        raise UrlRefused(f"Port {port} is not allowed: use 80, 443, or one from 1024 up.")


def _is_name(host: str) -> bool:
    return (
        _NAME.fullmatch(host) is not None
        and len(host) <= NAME_LENGTH
        and max(map(len, host.split("."))) <= LABEL_LENGTH
    )


def _is_ipv6(host: str) -> bool:
    if not host.startswith("[") or not host.endswith("]") or "%" in host:
        return False
    return isinstance(literal(host), ipaddress.IPv6Address)


def literal(host: str) -> Address | None:
    """The address that stands in the URL itself, if one does."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def refuse_private(address: Address) -> None:
    """Raises:
    InvalidIPAddress: not everybody on the internet can reach it.
    """
    seen = getattr(address, "ipv4_mapped", None) or address
    if (
        not seen.is_global
        or seen.is_multicast
        or any(address in network for network in FORBIDDEN)
        or any(seen in network for network in FORBIDDEN)
    ):
        raise InvalidIPAddress(seen)


def check_address(url: str, *, deadline: float = 3.0) -> None:
    """Whether a request to this URL would be sent, as far as its address tells.

    What a name leads to may change, so sending asks again. `deadline` in seconds.

    Raises:
        UrlRefused: the URL itself, or the name is unknown, or the address is not public.
    """
    parts = urlsplit(check_url(url))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        bounded(lambda: _resolve(host, port), seconds=deadline)
    except InvalidIPAddress as error:
        raise UrlRefused(forbidden(host)) from error
    except TimeoutError as error:
        raise UrlRefused(
            f"The name {host} could not be looked up within {deadline:g} s. Try again later."
        ) from error
    except (requests.RequestException, OSError, ValueError) as error:
        raise UrlRefused(unknown(host)) from error


def _resolve(host: str, port: int) -> None:
    if settings.OUTBOUND_ALLOW_PRIVATE:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        public_address(host, port)


def public_address(host: str, port: int | None) -> str:
    """The address that a host's name leads to, an IPv6 one in brackets.

    Raises:
        InvalidIPAddress: it is not public.
        requests.ConnectionError: the name is unknown.
    """
    written = literal(host)
    if written is not None:
        refuse_private(written)
    found: str = filter_host(host, port, allow_loopback=False)
    resolved = literal(found)
    if resolved is not None:
        refuse_private(resolved)
    return found


def unknown(host: str) -> str:
    return f"The name {host} was not found. Check how it is spelled."


def forbidden(host: str) -> str:
    return (
        f"{host} is not an address of the public internet, and only those are called. "
        "The operator can allow others with OUTBOUND_ALLOW_PRIVATE."
    )
