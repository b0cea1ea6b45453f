"""API tokens: made and revoked here, by page and admin alike; used by `accounts.api`."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import ApiToken, AuditEntry, User

#: How long a token may live, in days; None is for ever.
LIFETIMES: Final = (30, 90, 365, None)
#: `last_used_at` is written at most so often for a token, in seconds.
USE_NOTED_SECONDS: Final = 60


@transaction.atomic
def create(*, user: User, name: str, scope: str, days: int | None) -> tuple[ApiToken, str]:
    """Make a token; returns it and the only copy of its secret, which goes to the user."""
    token, secret = ApiToken.objects.create(
        user=user,
        expiry=None if days is None else timedelta(days=days),
        name=name,
        scope=scope,
    )
    audit.record(AuditEntry.Action.TOKEN_CREATED, actor=user, target=name, scope=scope, days=days)
    return token, secret


@transaction.atomic
def revoke(token: ApiToken, *, actor: audit.Actor) -> None:
    """End a token at once."""
    token.delete()
    audit.record(
        AuditEntry.Action.TOKEN_REVOKED,
        actor=actor,
        target=token.name,
        of=token.user.get_username(),
    )


def of(user: User) -> QuerySet[ApiToken]:
    """A user's tokens, expired ones too, newest first."""
    tokens: QuerySet[ApiToken] = ApiToken.objects.filter(user=user)
    return tokens


def note_use(token: ApiToken) -> None:
    """Keep when it was last used."""
    now = timezone.now()
    last = token.last_used_at
    if last is None or now - last > timedelta(seconds=USE_NOTED_SECONDS):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
