"""What people did beside changing products: one row each, in the transaction of the deed."""

from contextvars import ContextVar
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts.models import AuditEntry

Actor = AbstractBaseUser | AnonymousUser | None

# The request that is being answered, for those who are told of a change by a signal: a signal
# knows what was changed, not by whom. Set by `accounts.middleware.acting_user`.
answering: ContextVar[HttpRequest | None] = ContextVar("answering", default=None)


def acting_user() -> Actor:
    """Who is behind the request that is being answered; None on the command line."""
    request = answering.get()
    return None if request is None else request.user


def record(
    action: AuditEntry.Action,
    *,
    actor: Actor,
    target: str = "",
    **details: Any,
) -> AuditEntry:
    """Keep that `actor` did `action` to `target`; `details` must be fit for JSON.

    An actor of None stands for the command line, or for somebody who is not known yet. Of an
    actor without a key the name alone is kept.
    """
    return AuditEntry.objects.create(
        action=action,
        actor_id=actor.pk if actor else None,
        actor_name=actor.get_username() if actor else "",
        target=target[:255],
        details=details,
    )
