"""Middleware that knows no app."""

import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.decorators import sync_and_async_middleware
from django.utils.encoding import escape_uri_path
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from core.metrics import Counter, Histogram

Handler = Callable[[HttpRequest], HttpResponse]

logger = logging.getLogger("http")

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Asked every few seconds by machines: not worth a line each.
NOT_LOGGED: Final = frozenset({"healthz", "readyz", "metrics"})
REQUESTS: Final = Counter(
    "http_requests",
    "Requests by method, route and status.",
    labels=["method", "route", "status"],
)
SECONDS: Final = Histogram(
    "http_request_seconds",
    "Seconds until an answer began, by route.",
    labels=["route"],
    bounds=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
KEPT: Final = (REQUESTS, SECONDS)


@sync_and_async_middleware
def observed(get_response: Any) -> Any:
    """Count every request and how long its answer took, and log it in one line.

    For either kind of handler: to change between the two costs more than all of this.
    """
    if inspect.iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> HttpResponse:
            began = time.perf_counter()
            response = await cast(Awaitable[HttpResponse], get_response(request))
            _observe(request, response, time.perf_counter() - began)
            return response

        return answer

    def answer_directly(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response: HttpResponse = get_response(request)
        _observe(request, response, time.perf_counter() - began)
        return response

    return answer_directly


def _observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    route = _route(request)
    # Anybody may send any method; each would be a series of its own.
    method = request.method if request.method in METHODS else "other"
    REQUESTS.add(str(method), route, str(response.status_code))
    SECONDS.observe(seconds, route)
    if route in NOT_LOGGED or route == "static":
        return
    milliseconds = round(seconds * 1000)
    path = escape_uri_path(request.path)
    logger.info(
        "%s %s %d in %d ms",
        method,
        path,
        response.status_code,
        milliseconds,
        extra={
            "method": method,
            "path": path,
            "status": response.status_code,
            "milliseconds": milliseconds,
            **_who(request),
        },
    )


def _route(request: HttpRequest) -> str:
    """The pattern of an address, never the address itself, which holds numbers and names."""
    if request.resolver_match is not None:
        return str(request.resolver_match.route)
    return "static" if request.path.startswith(settings.STATIC_URL) else "unknown"


def _who(request: HttpRequest) -> dict[str, int]:
    """Who asked, if that was found out while the request was answered."""
    # Of a token, or of a session that was looked at; a lazy one would be looked up now.
    for user in (vars(request).get("user"), vars(request).get("_cached_user")):
        if user is not None and "id" in vars(user):
            return {"user_id": vars(user)["id"]}
    return {}


def vary_on_htmx(get_response: Handler) -> Handler:
    """Tell caches that one URL answers a page or a fragment, by who asks.

    Without it, Back showed a bare fragment in Chromium.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return middleware


def htmx_sign_in(get_response: Handler) -> Handler:
    """Send an htmx request without a session to sign-in as a page.

    htmx follows a plain redirect by itself and would swap the sign-in page into a table.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        htmx = cast(HtmxDetails, request.htmx)  # type: ignore[attr-defined]
        if not htmx or response.status_code != 302:
            return response
        target = urlsplit(response["Location"])
        if target.path != resolve_url(settings.LOGIN_URL):
            return response
        page = urlsplit(htmx.current_url or "")
        back = f"{page.path}?{page.query}" if page.query else page.path
        following = f"?{urlencode({'next': back}, safe='/')}" if back else ""
        return HttpResponseClientRedirect(f"{target.path}{following}")

    return middleware
