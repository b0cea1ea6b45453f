"""A user's role in templates."""

from django import template

from accounts.models import User
from accounts.roles import role_of

register = template.Library()


@register.filter
def role(user: User) -> str:
    """The highest role, "superuser", or nothing."""
    return role_of(user)
