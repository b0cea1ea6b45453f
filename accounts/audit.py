"""What people did beside changing products: one row each, in the transaction of the deed."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from accounts.models import AuditEntry


def record(
    action: AuditEntry.Action,
    *,
    actor: AbstractBaseUser | AnonymousUser | None,
    target: str = "",
    **details: Any,
) -> AuditEntry:
    """Keep that `actor` did `action` to `target`; `details` must be fit for JSON.

    An actor of None stands for the command line, or for somebody who is not known yet.
    """
    return AuditEntry.objects.create(
        action=action,
        actor_id=actor.pk if actor else None,
        actor_name=actor.get_username() if actor else "",
        target=target[:255],
        details=details,
    )
