"""The page of one endpoint: how it does, its log, and one delivery opened beside it.

It renews itself by its own URL. What is live on it are PARTS, each with an id; an answer to htmx
holds those that have changed since the ones that it names by `seen`, so that what somebody reads,
selects or has unfolded stays as it is.
"""

import datetime
import re
import zlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webhooks import log
from webhooks.figures import figures_of
from webhooks.listing import listed
from webhooks.models import Attempt, Delivery, Endpoint, EventType
from webhooks.obstacles import Obstacles, next_look, obstacles_of
from webhooks.readable import contents, curl, head, headers, readable
from webhooks.retries import TRIES, is_success

PAGE: Final = "webhooks/detail.html"
#: Of the whole endpoint, and of the delivery that is open: ids in the page, partials in PAGE.
PARTS: Final = (
    "state", "acts", "notices", "arrived", "latency", "total", "again", "states", "narrow", "log",
)  # fmt: skip
OPENED: Final = ("outcome", "facts", "tries", "sent")
ATTEMPTS_SHOWN: Final = 50
BIGGEST_ID: Final = 2**63 - 1
#: Words that the page's script keeps fresh are no news.
_AGO = re.compile(r">[^<]* ago</time>")


@dataclass(frozen=True)
class Choice:
    """A filter that can be chosen, its URL from the first page on, and how many it finds."""

    name: str
    label: str
    url: str
    current: bool
    total: log.Total | None


@dataclass(frozen=True)
class Try:
    """An attempt, and the headers that came back as text."""

    attempt: Attempt
    headers: str

    @property
    def arrived(self) -> bool:
        return is_success(self.attempt.status, self.attempt.error)


@require_safe
@never_cache
@permission_required("webhooks.view_endpoint", raise_exception=True)
def endpoint_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One endpoint without an open delivery; htmx gets what has changed."""
    return show(request, endpoint_of(pk))


def endpoint_of(pk: int) -> Endpoint:
    """The endpoint with its lane, unless it is gone: then the request is answered by 404."""
    return get_object_or_404(listed(), pk=pk)


def show(
    request: HttpRequest, endpoint: Endpoint, *, opened: Delivery | None = None, said: str = ""
) -> HttpResponse:
    """The page, or for htmx what has changed of it; `said` is read out by screen readers."""
    context = _context(request, endpoint, opened)
    names = PARTS if opened is None else PARTS + OPENED
    # Rendered without the request: what is the same twice must read the same, tokens included.
    parts = {name: render_to_string(f"{PAGE}#{name}", context) for name in names}
    versions = {name: _version(html) for name, html in parts.items()}
    context |= {
        "parts": parts,
        "seen": "-".join(versions.values()),
        "ids": ",".join(f"#{name}" for name in ("delivery", *PARTS, *OPENED)),
        "said": said,
    }
    if not is_fragment(request):
        return render(request, PAGE, context | _static(endpoint, opened))
    seen = request.GET.get("seen", "").split("-")
    if len(seen) != len(names):
        # Another delivery, or none, was open until now.
        context["whole"] = True
        context |= _static(endpoint, opened)
        names, seen = PARTS, [""] * len(PARTS)
    changed = [
        parts[name] for name, known in zip(names, seen, strict=False) if versions[name] != known
    ]
    context["changed"] = changed
    return render(request, f"{PAGE}#update", context)


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def address(endpoint: Endpoint, opened: Delivery | None, request: HttpRequest) -> str:
    """The page's URL with the filters that are in force."""
    query = _filters(request.GET)
    base = _path(endpoint, opened.pk if opened else None)
    return f"{base}?{query.urlencode()}" if query else base


def _context(request: HttpRequest, endpoint: Endpoint, opened: Delivery | None) -> dict[str, Any]:
    asked = _asked(request.GET)
    page = log.page_of(
        endpoint,
        asked,
        older_than=_id(request.GET.get("older_than")),
        newer_than=_id(request.GET.get("newer_than")),
    )
    figures = figures_of([endpoint])[endpoint.pk]
    obstacles = obstacles_of(endpoint)
    is_active = endpoint.state == Endpoint.State.ACTIVE
    shown = [*page.rows, *([opened] if opened else [])]
    url = address(endpoint, opened, request)
    context: dict[str, Any] = {
        "endpoint": endpoint,
        "lane": endpoint.lane,
        "state": "failing" if is_active and obstacles.failures else endpoint.state,
        "figures": figures,
        "obstacles": obstacles,
        "page": page,
        "asked": asked,
        "types": log.TYPES,
        "all": log.total_of(endpoint, log.Asked()),
        "rows": [(each, _url(request.GET, _path(endpoint, each.pk))) for each in page.rows],
        "states": _states(request.GET, endpoint, opened),
        "opened": opened,
        "query": _filters(request.GET).urlencode(),
        "url": url,
        "poll_url": url + ("&" if "?" in url else "?"),
        "seconds": next_look(endpoint, shown),
        "retention_days": settings.WEBHOOK_RETENTION_DAYS,
        "can_change": request.user.has_perm("webhooks.change_endpoint"),
        **_pager(request.GET, endpoint, opened, page),
        "cleared": _path(endpoint, opened.pk if opened else None),
    }
    if opened is not None:
        context |= _opened(endpoint, opened, obstacles)
    return context


def _opened(endpoint: Endpoint, opened: Delivery, obstacles: Obstacles) -> dict[str, Any]:
    attempts = list(opened.log.all()[:ATTEMPTS_SHOWN])
    # An attempt that was cut off has sent nothing that is known.
    sent = next((each for each in attempts if each.request_headers), None)
    return {
        "tries": [Try(each, headers(each)) for each in attempts],
        "older_tries": opened.attempts > ATTEMPTS_SHOWN,
        "next_try": opened.tries + 1,
        "most_tries": TRIES,
        "held_by": _held_by(opened, obstacles),
        "request_head": head(endpoint, sent) if sent else "",
        "curl": curl(endpoint, sent, opened.event) if sent else "",
        "told": _told(opened),
        "change_set": opened.event.change_set,
        "job": _job(opened),
    }


def _static(endpoint: Endpoint, opened: Delivery | None) -> dict[str, Any]:
    """What does not move while the page is open."""
    now = timezone.now()
    rotating = bool(
        endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > now
    )
    return {
        "rotating": rotating,
        "raw": f"{_path(endpoint, opened.pk)}?raw=1" if opened else "",
        "body": readable(opened.event) if opened else None,
    }


def _held_by(opened: Delivery, obstacles: Obstacles) -> Delivery | None:
    """The delivery that this one waits for."""
    oldest = obstacles.oldest
    if oldest is None or oldest.pk == opened.pk or opened.is_test or opened.urgent:
        return None
    return oldest


def _told(opened: Delivery) -> str:
    """What a screen reader is told when the open delivery has moved on."""
    if opened.state == Delivery.State.ARRIVED:
        return f"{opened.event.type} has arrived"
    if opened.state == Delivery.State.FAILED:
        return f"{opened.event.type} was given up" if not opened.is_test else "The test failed"
    if opened.state == Delivery.State.RETRYING:
        return f"Try {opened.attempts} of {opened.event.type} failed"
    return ""


def _job(opened: Delivery) -> dict[str, Any] | None:
    """The import behind an event, by the body's word where no change set knows it."""
    event = opened.event
    if event.change_set is not None:
        job = getattr(event.change_set, "import_job", None)
        return {"pk": job.pk, "file": job.file_name} if job else None
    if event.type not in {EventType.IMPORT_COMPLETED, EventType.IMPORT_FAILED}:
        return None
    value = contents(event)
    return {"pk": value["data"]["import"], "file": event.subject} if value else None


def _asked(query: QueryDict) -> log.Asked:
    """The filters of the URL; what can't be read is as if it were not there."""
    state, event = query.get("state", ""), query.get("event", "")
    return log.Asked(
        state=state if state in log.STATES else "",
        event=event if event in log.TYPES else "",
        since=moment(query.get("since", "")),
    )


def moment(text: str) -> datetime.datetime | None:
    """A time of the reader's zone out of a form; None for what is none."""
    try:
        found = parse_datetime(text)
        if found is None or not 1 < found.year < 9999:
            return None
        return timezone.make_aware(found) if timezone.is_naive(found) else found
    except ValueError:
        return None


def _states(query: QueryDict, endpoint: Endpoint, opened: Delivery | None) -> list[Choice]:
    path = _path(endpoint, opened.pk if opened else None)
    current = query.get("state", "")
    return [
        Choice(
            name=name,
            label=label,
            url=_url(query, path, state=name, older_than="", newer_than=""),
            current=name == current or (not name and current not in log.STATES),
            total=log.total_of(endpoint, log.Asked(state=name)) if name == "open" else None,
        )
        for name, (label, _) in log.STATES.items()
    ]


def _pager(
    query: QueryDict, endpoint: Endpoint, opened: Delivery | None, page: log.LogPage
) -> dict[str, Any]:
    path = _path(endpoint, opened.pk if opened else None)
    newer, older = page.newer, page.older
    return {
        "newer_url": newer and _url(query, path, newer_than=str(newer), older_than=""),
        "older_url": older and _url(query, path, older_than=str(older), newer_than=""),
    }


def _path(endpoint: Endpoint, delivery: int | None) -> str:
    if delivery is None:
        return reverse("webhooks:detail", args=[endpoint.pk])
    return reverse("webhooks:delivery", args=[endpoint.pk, delivery])


FILTERS: Final = ("state", "event", "since", "older_than", "newer_than")


def _filters(query: QueryDict) -> QueryDict:
    kept = QueryDict(mutable=True)
    for name in FILTERS:
        if value := query.get(name, ""):
            kept[name] = value
    return kept


def _url(query: QueryDict, path: str, **values: str) -> str:
    """A path with the filters in force, some of them replaced, or left out if ""."""
    kept = {name: query.get(name, "") for name in FILTERS} | values
    text = urlencode({name: value for name, value in kept.items() if value})
    return f"{path}?{text}" if text else path


def _id(text: str | None) -> int | None:
    if not text or not text.isascii() or not text.isdigit():
        return None
    return number if 0 < (number := int(text[:20])) <= BIGGEST_ID else None


def _version(html: str) -> str:
    return f"{zlib.crc32(_AGO.sub('></time>', html).encode()):x}"
