"""The activity page, one change set opened, and its undo."""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import AuditEntry, User
from catalog import operations
from catalog.activity import (
    ACCESS,
    COMMAND_LINE,
    GROUPS,
    Asked,
    Key,
    activity,
    entries,
    with_story,
)
from catalog.change_details import changes_of
from catalog.models import BulkOperation, ChangeSet
from catalog.undoing import Left, UndoRefused, preview

# Of an opened change set in the list; the rest stands on its own page.
OPENED = 10
# What an undo of more than that would do is counted when it is asked for: it takes seconds.
COUNTED_UNASKED = 20_000
# The select of people: who has more than that types a name into the admin's search.
PEOPLE = 200
BIGGEST_ID = 2**63 - 1


@require_safe
@permission_required("catalog.view_changeset", raise_exception=True)
def activity_list(request: HttpRequest) -> HttpResponse:
    """All change sets, newest first; the same URL answers htmx with the results alone."""
    asked = _asked(request)
    fragment = _is_fragment(request)
    page = activity(
        asked,
        older_than=Key.parse(request.GET.get("older_than", "")),
        newer_than=Key.parse(request.GET.get("newer_than", "")),
    )
    context: dict[str, Any] = {
        "page": page,
        "asked": asked,
        "groups": _groups(request.GET, asked),
        "back": request.get_full_path(),
    }
    if not fragment:
        context |= {
            "people": _people(asked),
            "total": ChangeSet.objects.count(),
            "kept_days": settings.CHANGE_RETENTION_DAYS,
        }
    return render(request, f"catalog/activity.html{'#entries' if fragment else ''}", context)


@require_safe
@permission_required("catalog.view_changeset", raise_exception=True)
def change_set(request: HttpRequest, pk: int) -> HttpResponse:
    """One change set: a page of its own; htmx gets its row in the list, opened or closed again."""
    found = get_object_or_404(with_story(ChangeSet.objects.all()), pk=pk)
    entry = entries([found])[0]
    total = found.created + found.updated + found.deleted
    target = request.htmx.target  # type: ignore[attr-defined]
    if _is_fragment(request) and target == f"change-set-{pk}":
        opened = request.GET.get("row") != "closed"
        return render(
            request,
            "catalog/activity.html#entry",
            {
                "entry": entry,
                "opened": opened,
                "changes": changes_of(found, size=OPENED) if opened else None,
                "total": total,
                "count_now": total <= COUNTED_UNASKED,
                "back": request.htmx.current_url_abs_path or reverse("catalog:activity"),  # type: ignore[attr-defined]
            },
        )
    # PostgreSQL has no text with a NUL, so no SKU holds one.
    sku = request.GET.get("sku", "").replace("\0", "").strip()
    return render(
        request,
        f"catalog/change_set.html{'#changes' if _is_fragment(request) else ''}",
        {
            "entry": entry,
            "change_set": found,
            "total": total,
            "sku": sku,
            "changes": changes_of(
                found,
                sku=sku,
                after=_id(request.GET.get("after")),
                before=_id(request.GET.get("before")),
            ),
            "back": request.get_full_path(),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("catalog.add_bulkoperation", raise_exception=True)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """What an undo would do, which may take seconds to find out, and the undo itself."""
    found = get_object_or_404(with_story(ChangeSet.objects.all()), pk=pk)
    if request.method == "POST":
        return _undo(request, found)
    fragment = _is_fragment(request)
    total = found.created + found.updated + found.deleted
    context: dict[str, Any] = {"change_set": found, "total": total}
    if fragment or "count" in request.GET or total <= operations.AT_ONCE:
        context |= _planned(found)
    if fragment:
        # An opened row asks from the page on which it stands, the undo's own page for another.
        back = request.GET.get("next") or request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        return render(request, "catalog/undo.html#plan", {**context, "next": _next(request, back)})
    context |= {"entry": entries([found])[0], "next": _next(request, request.GET.get("next"))}
    return render(request, "catalog/undo.html", context)


def _planned(found: ChangeSet) -> dict[str, Any]:
    try:
        plan = preview(found)
    except UndoRefused as refused:
        return {"refused": str(refused)}
    left: defaultdict[str, list[Left]] = defaultdict(list)
    for each in plan.left:
        left[each.words].append(each)
    # A template would take the method `items` of a defaultdict for a key.
    return {"plan": plan, "left": dict(left)}


def _undo(request: HttpRequest, found: ChangeSet) -> HttpResponse:
    back = _next(request, request.POST.get("next"))
    try:
        operation = operations.start_undo(found, actor=request.user)  # type: ignore[arg-type]
    except UndoRefused as refused:
        messages.error(request, str(refused))
        return redirect(back)
    if not operation.is_finished:
        return redirect("catalog:operation", pk=operation.pk)
    if operation.change_set_id is None:
        messages.info(request, f"Nothing was changed: {_why_nothing(operation)}")
        return redirect(back)
    messages.success(
        request,
        format_html(
            '{} <a href="{}">Undo this undo</a>',
            _done(operation),
            reverse("catalog:undo", args=[operation.change_set_id]),
        ),
    )
    return redirect(back)


def _done(operation: BulkOperation) -> str:
    parts = [
        f"{count:,} product{'' if count == 1 else 's'} {one if count == 1 else many}"
        for count, one, many in (
            (operation.updated, "got its old values back", "got their old values back"),
            (operation.deleted, "was deleted", "were deleted"),
            (operation.created, "came back", "came back"),
            (operation.left_alone, "was left alone", "were left alone"),
        )
        if count
    ]
    return f"Change set #{operation.undoes_id or 0:,} is undone: {', '.join(parts)}."


def _why_nothing(operation: BulkOperation) -> str:
    if operation.left_alone:
        return "every product of the change set was changed since."
    return "every product is as it was before the change set."


def _asked(request: HttpRequest) -> Asked:
    """The filters of the URL; what can't be read is as if it were not there."""
    with_audit = request.user.has_perm("accounts.view_auditentry")
    source = request.GET.get("source", "")
    actor = request.GET.get("actor", "")
    try:
        until = parse_date(request.GET.get("until", ""))
    except ValueError:
        until = None
    return Asked(
        source=source if source in GROUPS or (source == ACCESS and with_audit) else "",
        actor=actor if actor == COMMAND_LINE or _id(actor) else "",
        # The first and last years of the calendar leave it in some zones.
        until=until if until and 1 < until.year < 9999 else None,
        with_audit=with_audit,
    )


def _groups(query: QueryDict, asked: Asked) -> list[dict[str, Any]]:
    """The choices of where from, each with its URL from the first page on."""
    labels = {"": "All", **{name: label for name, (label, _) in GROUPS.items()}}
    if asked.with_audit:
        labels[ACCESS] = "Access"
    choices = []
    for name, label in labels.items():
        rest = query.copy()
        for paged in ("older_than", "newer_than", "source"):
            rest.pop(paged, None)
        if name:
            rest["source"] = name
        choices.append(
            {
                "name": name,
                "label": label,
                "url": f"{reverse('catalog:activity')}{'?' if rest else ''}{rest.urlencode()}",
                "current": name == asked.source,
            }
        )
    return choices


def _people(asked: Asked) -> list[User]:
    """Those who did anything that the page can show."""
    did = Q(Exists(ChangeSet.objects.filter(actor=OuterRef("pk"))))
    if asked.with_audit:
        did |= Q(Exists(AuditEntry.objects.filter(actor=OuterRef("pk"))))
    return list(User.objects.filter(did).only("username").order_by("username")[:PEOPLE])


def _next(request: HttpRequest, asked: str | None) -> str:
    """Where to go afterwards: a page of this site, the activity page if none was asked for."""
    safe = asked and url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if asked and safe else reverse("catalog:activity")


def _id(text: str | None) -> int | None:
    if not text or not text.isascii() or not text.isdigit():
        return None
    return number if 0 < (number := int(text[:20])) <= BIGGEST_ID else None


def _is_fragment(request: HttpRequest) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request
