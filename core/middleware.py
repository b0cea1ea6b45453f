"""Middleware that knows no app."""

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

Handler = Callable[[HttpRequest], HttpResponse]


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
