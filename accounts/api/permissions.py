"""What a call may do: the rights of its user's role, up to the scope of its token."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.roles import SCOPES, scope_for
from core.api.problems import Problem

ORDER = list(SCOPES)


class HasPermissions(BasePermission):
    """A view names permissions by method; `needs` of it may name more for one request."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        method = "GET" if request.method == "HEAD" else request.method
        check_permissions(request, view.permissions.get(method, ()))
        return True


def check_permissions(request: Request, permissions: tuple[str, ...]) -> None:
    """Hold a call against permissions.

    Raises:
        Problem: `not-allowed`, with what is missing.
    """
    if not request.user.has_perms(permissions):
        raise Problem(
            "not-allowed",
            "Your role does not allow this. Ask a manager to do it, or to change your role.",
        )
    token = request.auth
    if not isinstance(token, ApiToken):
        return
    for permission in permissions:
        needed = scope_for(permission)
        if ORDER.index(token.scope) < ORDER.index(needed):
            raise Problem(
                "not-allowed",
                f"The token's scope is {token.scope}, and this needs {needed}. Make a token with"
                " that scope on the account page.",
            )
