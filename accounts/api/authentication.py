"""Who calls: a token in the header, or the session of a page."""

from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from accounts import tokens
from accounts.models import ApiToken
from core.api.problems import Problem

REFUSED = (
    "The token is not known: it may be mistyped, expired or revoked. Make one on the account page."
)


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Bearer …` with a token of the account page."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        """The token's user and the token.

        Raises:
            AuthenticationFailed: there is no such token, or its user was switched off.
        """
        if b"\0" in token:  # PostgreSQL would not take it for text
            raise AuthenticationFailed(REFUSED)
        try:
            user, found = super().authenticate_credentials(token)
        except (AuthenticationFailed, UnicodeDecodeError) as error:
            raise AuthenticationFailed(REFUSED) from error
        tokens.note_use(found)
        return user, found

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        """Whether it has expired; it stays, so that its owner sees that on the account page."""
        return auth_token.is_expired


class PageAuthentication(SessionAuthentication):
    """The session of a page; what changes something needs the page's CSRF token too."""

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise Problem(
                "not-allowed",
                "With a session the CSRF token is needed, in the header X-CSRFToken. Programs send"
                " a token in Authorization instead.",
            ) from error
