"""How the API's description names the ways to sign in, and what a token needs for a call."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.roles import SCOPES, scope_for
from core.api import schema


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A token of the account page."""

    target_class = "accounts.api.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of the account page: `Authorization: Bearer pi_…`",
        }


class PageScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session of a page."""

    target_class = "accounts.api.authentication.PageAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of a page. What changes something needs X-CSRFToken too.",
        }


class Schema(schema.Schema):
    """One call's description, with the scope that its token needs."""

    def get_description(self) -> str:  # type: ignore[override]
        return f"{super().get_description()}\n\nScope: `{self._scope()}`".strip()

    def get_extensions(self) -> dict[str, Any]:
        return {**super().get_extensions(), "x-scope": self._scope()}

    def _scope(self) -> str:
        permissions = getattr(self.view, "permissions", {}).get(self.method, ())
        needed = {scope_for(permission) for permission in permissions}
        return max(needed, key=list(SCOPES).index, default="read")
