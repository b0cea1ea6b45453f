"""How endpoints and deliveries read on a page: addresses, answers, waits, a chart of the day."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from django import template
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.outbound import ERRORS
from core.templatetags.figures import NONE, duration
from webhooks.figures import Figures
from webhooks.models import Endpoint, EventType
from webhooks.outlook import Outlook, deletion
from webhooks.retries import is_success

register = template.Library()

#: What came instead of an answer, short enough for a column; the title says it in words.
SHORT: Final = {
    "time_out": "time-out",
    "dns": "no name",
    "forbidden_address": "forbidden",
    "refused": "refused",
    "tls": "TLS",
    "connection": "broken",
    "bad_answer": "no HTTP",
    "interrupted": "cut off",
    "secret": "no secret",
    "header": "bad header",
}
WORDS: Final = {
    **ERRORS,
    "interrupted": "The sending process ended",
    "secret": "The signing secret can't be read",
    "header": "A header can't be sent",
}
#: Bars of the chart, in pixels: one an hour.
STEP, WIDTH, HEIGHT = 3, 2, 20
SECONDS_FROM: Final = 2000


@register.filter
def latency(milliseconds: int | None) -> str:
    """84 ms, 1,240 ms, 15.0 s; a dash for none."""
    if milliseconds is None:
        return NONE
    if milliseconds < SECONDS_FROM:
        return f"{milliseconds:,} ms"
    return f"{milliseconds / 1000:.1f} s"


@register.filter
def percent(value: float | None) -> str:
    """98.6 %, 100 %; never rounded up to all or down to nothing; a dash for none."""
    if value is None:
        return NONE
    if value > 0:
        value = max(0.1, value)
    if value < 100:
        value = min(99.9, value)
    return f"{value:.1f}".removesuffix(".0") + " %"


@register.simple_tag
def answer_code(status: int | None, error: str, *, phrase: bool = False) -> SafeString | str:
    """A status, or what came instead of one, coloured; nothing before the first attempt."""
    if status is None and not error:
        return NONE
    tone = "ok" if is_success(status, error) else "bad"
    if error:
        words = WORDS.get(error, error)
        text = words if phrase else SHORT.get(error, error)
        return format_html('<span class="code {}" title="{}">{}</span>', tone, words, text)
    try:
        words = HTTPStatus(status or 0).phrase
    except ValueError:
        words = ""
    text = f"{status} {words}".strip() if phrase else str(status)
    return format_html('<span class="code {}" title="{}">{}</span>', tone, words, text)


@register.simple_tag
def answer_text(status: int | None, error: str) -> str:
    """A status, or in words what came instead of one."""
    return WORDS.get(error, error) if error else str(status)


@register.filter
def ahead(moment: datetime | None) -> SafeString | str:
    """`<time>` of something to come: in 1 h 34 min; "now" when its time has come."""
    if moment is None:
        return NONE
    local = timezone.localtime(moment)
    seconds = (moment - timezone.now()).total_seconds()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        format_date(local, "j M Y, H:i:s T"),
        f"in {duration(seconds, 0)}" if seconds >= 1 else "now",
    )


@register.filter
def address(endpoint: Endpoint) -> SafeString:
    """Host in bold, then port and path, which may break before each slash."""
    host, colon, port = endpoint.host.rpartition(":")
    if not colon or not port.isdigit():
        host, colon, port = endpoint.host, "", ""
    parts = [(part,) for part in endpoint.path.split("/")[1:]]
    path = format_html_join("", "<wbr>/{}", parts) if parts != [("",)] else ""
    return format_html("<b>{}</b>{}{}{}", host, colon, port, path)


@register.filter
def subscription(endpoint: Endpoint) -> str:
    """product.created, .updated, .deleted; in batches."""
    types = [each for each in EventType.values if each in endpoint.event_types]
    words: list[str] = []
    for each in types:
        family, _, what = each.partition(".")
        known = family == "product" and any(word.startswith(family) for word in words)
        words.append(f".{what}" if known else each)
    return f"{', '.join(words)}; {endpoint.get_bulk_display()}"


@register.simple_tag
def spark(figures: Figures) -> SafeString:
    """The attempts of each of the last 24 hours as a bar, those that failed on top in red."""
    highest = max(hour.arrived + hour.failed for hour in figures.hours) or 1
    marks: list[tuple[str, int, int, int]] = []
    for place, hour in enumerate(figures.hours):
        total = hour.arrived + hour.failed
        if not total:
            continue
        height = max(2, round(HEIGHT * total / highest))
        failed = round(height * hour.failed / total)
        if hour.failed:
            failed = max(1, failed)
        if hour.arrived:
            failed = min(failed, height - 1)
        top = HEIGHT - height
        if failed:
            marks.append(("bad", place * STEP, top, failed))
        if height > failed:
            marks.append(("off", place * STEP, top + failed, height - failed))
    return format_html(
        '<svg class="spark" role="img" aria-label="Attempts an hour in the last day: {} arrived,'
        ' {} failed">{}</svg>',
        f"{figures.arrived:,}",
        f"{figures.failed:,}",
        format_html_join(
            "", f'<rect class="{{}}" x="{{}}" y="{{}}" width="{WIDTH}" height="{{}}"/>', marks
        ),
    )


@register.simple_tag
def deletion_outlook(products: int) -> Outlook:
    """What endpoints will be sent if so many products are deleted."""
    return deletion(products)
