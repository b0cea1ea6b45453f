"""How often a user may make API tokens."""

from typing import Final

from accounts.models import User
from core.limits import Limit, spend

TOKENS_AN_HOUR: Final = 20


def wait_for_token(user: User) -> int:
    """Count a token that is about to be made; returns the seconds to wait, 0 if it may be."""
    return spend([Limit("token", (str(user.pk),), TOKENS_AN_HOUR, 3600)])
