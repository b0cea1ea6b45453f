"""Signing in, on the site's page and on the admin's: a few tries, then a wait."""

from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

from accounts.models import User
from core.limits import Limit, forget, give_back, sender, spend

# An office shares an address, and so does a proxy: it gets this many times the tries of one name.
SHARING = 10


class LimitedBackend(ModelBackend):
    """Django's own, with a limit on tries: whoever comes by a form or by a header meets it.

    A try over the limit is refused before the password is looked at, right or wrong, and leaves
    `sign_in_wait`, in seconds, on the request.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        by_name, by_sender = _limits(username, sender(request))
        wait = spend([by_name, by_sender])
        if wait:
            request.sign_in_wait = wait  # type: ignore[attr-defined]
            raise PermissionDenied
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            forget([by_name])
            give_back([by_sender])
        return user


class SignInForm(AuthenticationForm):
    """Says how long to wait after too many tries."""

    def get_invalid_login_error(self) -> ValidationError:
        return _too_many(self.request) or super().get_invalid_login_error()


class AdminSignInForm(AdminAuthenticationForm):
    """The same on the admin's page."""

    def get_invalid_login_error(self) -> ValidationError:
        return _too_many(self.request) or super().get_invalid_login_error()


def _limits(name: str, address: str) -> tuple[Limit, Limit]:
    most, seconds = settings.SIGN_IN_TRIES, settings.SIGN_IN_WAIT_SECONDS
    return (
        Limit("sign-in", (name.casefold(), address), most, seconds),
        Limit("sign-in-from", (address,), most * SHARING, seconds),
    )


def _too_many(request: HttpRequest | None) -> ValidationError | None:
    wait = getattr(request, "sign_in_wait", 0)
    if not wait:
        return None
    minutes = -(-wait // 60)
    words = "a minute" if minutes == 1 else f"{minutes} minutes"
    return ValidationError(f"Too many tries. Wait {words}.", code="too_many_tries")
