"""`{% change old new %}`: one changed value, old struck out and new marked."""

from decimal import Decimal
from difflib import SequenceMatcher

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.templatetags.figures import money

register = template.Library()

# A longer text than this is shown whole: the comparison grows with its square.
COMPARED_WORDS = 400
SHARED_AT_LEAST = 0.4


def by_word(old: str, new: str) -> SafeString | None:
    """The new text with the words that went and came marked, or None if too little is shared."""
    before, after = old.split(), new.split()
    if min(len(before), len(after)) < 3 or max(len(before), len(after)) > COMPARED_WORDS:
        return None
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < SHARED_AT_LEAST:
        return None
    parts: list[tuple[str]] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        gone, come = " ".join(before[i:j]), " ".join(after[k:m])
        if kind == "equal":
            parts.append((gone,))
        else:
            marked = (("del", gone), ("ins", come))
            parts.append((format_html_join("", "<{0}>{1}</{0}>", (m for m in marked if m[1])),))
    return format_html_join(" ", "{}", parts)


@register.simple_tag
def change(old: str | None, new: str | None) -> SafeString:
    """Whole values with an arrow, long texts by word; None reads "none"."""
    if old and new:
        compared = by_word(old, new)
        if compared is not None:
            return compared
    return format_html("<del>{}</del> → <ins>{}</ins>", old or "none", new or "none")


@register.simple_tag
def price_change(old: str | None, new: str | None) -> SafeString:
    """Two prices, given as plain decimal text, and by how many per cent the price moved."""
    before, after = (Decimal(text) if text else None for text in (old, new))
    line = change(
        money(before) if before is not None else None, money(after) if after is not None else None
    )
    if not before or after is None:
        return line
    moved = f"{100 * (after - before) / before:+,.1f} %".replace("-", "−")  # noqa: RUF001
    return format_html('{} <span class="soft small">{}</span>', line, moved)
