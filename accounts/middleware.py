"""Show times in the zone of the person who looks, and say who is behind a change."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import audit

Handler = Callable[[HttpRequest], HttpResponse]


def time_zone(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        name = getattr(request.user, "time_zone", "")
        if not name:
            return get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return get_response(request)

    return middleware


def acting_user(get_response: Handler) -> Handler:
    """Let `accounts.audit.acting_user` answer; the user is looked up only when it is asked."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = audit.answering.set(request)
        try:
            return get_response(request)
        finally:
            audit.answering.reset(token)

    return middleware


def too_many_tries(get_response: Handler) -> Handler:
    """429 and when to try again, on whichever page or API somebody tried to sign in too often."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        wait = getattr(request, "sign_in_wait", 0)
        if wait:
            response.status_code = 429
            response.headers["Retry-After"] = str(wait)
        return response

    return middleware
