"""`{% icon "name" %}`: one outline icon out of the sprite in `templates/icons.html`.

Names are those of @tabler/icons (https://tabler.io/icons); `-f` marks a filled one. A test holds
that templates and sprite name the same icons, so names are written out, never computed.
"""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """An `<svg>` that is decoration: words beside it, or the control's label, say what it means."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="#i-{}"/></svg>',
        f"icon {classes}".rstrip(),
        name,
    )
