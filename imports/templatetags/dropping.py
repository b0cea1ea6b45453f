"""What the drop zone of every page needs."""

from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from imports.resumable.store import unfinished

register = template.Library()


@register.simple_tag
def drop_zone(user: User | AnonymousUser) -> dict[str, Any]:
    """How large a file may be, in parts and in one piece, and the user's uploads that can go on."""
    return {
        "max_bytes": settings.RESUMABLE_MAX_BYTES,
        "plain_max_bytes": settings.UPLOAD_MAX_BYTES,
        "unfinished": unfinished(user) if isinstance(user, User) else (),
    }
