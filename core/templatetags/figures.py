"""How figures read on a page: numbers, sizes, durations, moments."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from django import template
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html

register = template.Library()

NONE = "–"  # noqa: RUF001

# What a template hands over for a name that it does not find.
Missing = Literal[""] | None


@register.filter
def count(value: float | Decimal | Missing) -> str:
    """A whole number with thousands separated; a dash for none."""
    return NONE if value is None or value == "" else f"{value:,.0f}"


@register.filter
def money(value: Decimal | Missing) -> str:
    """A price with two decimals, thousands separated; a dash for none."""
    return NONE if value is None or value == "" else f"{value:,.2f}"


@register.filter
def size(value: int | Missing) -> str:
    """Bytes in steps of 1,024, as file managers show them: 812 bytes, 65.2 MB, 100 MB."""
    if value is None or value == "":
        return NONE
    if value < 1024:
        return f"{value} bytes" if value != 1 else "1 byte"
    amount, unit = value / 1024, "KB"
    for larger in ("MB", "GB", "TB"):
        if amount < 999.95:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:,.1f}".removesuffix(".0") + f" {unit}"


@register.filter
def duration(seconds: float | Missing, decimals: int = 1) -> str:
    """Seconds in words: 0.4 s, 15 s, 2 min 5 s, 1 h 12 min; under ten with `decimals`."""
    if seconds is None or seconds == "":
        return NONE
    if decimals and seconds < 9.95:
        return f"{seconds:.{decimals}f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@register.filter
def percent_of(part: float | Missing, whole: float | Missing) -> str:
    """1.1 % for 3,412 of 318,902; nothing to divide by gives 0 %."""
    if not part or not whole:
        return "0 %"
    share = 100 * part / whole
    return "under 0.1 %" if share < 0.1 else f"{share:.1f}".removesuffix(".0") + " %"


def in_words(moment: datetime, *, now: datetime) -> str:
    """How long ago `moment` was, both aware and in the reader's zone.

    15 s ago, 2 min ago, 3 h ago, yesterday, Nov 20, Nov 20, 2025. `static/js/app.js` keeps the
    first three fresh by the same steps.
    """
    elapsed = max(now - moment, timedelta(0))
    if elapsed < timedelta(minutes=1):
        return f"{elapsed.seconds} s ago"
    if elapsed < timedelta(hours=1):
        return f"{elapsed.seconds // 60} min ago"
    days = (now.date() - moment.date()).days
    if days == 0:
        return f"{elapsed.seconds // 3600} h ago"
    if days == 1:
        return "yesterday"
    return format_date(moment, "M j" if moment.year == now.year else "M j, Y")


@register.filter
def ago(moment: datetime | Missing) -> str:
    """`<time>`: relative in its text, exact in the reader's zone on hover, UTC for machines."""
    if not moment:
        return NONE
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        format_date(local, "j M Y, H:i:s T"),
        in_words(local, now=timezone.localtime()),
    )
