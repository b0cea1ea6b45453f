"""One action on the products that are selected in the list, or on all that match its filters."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.models import User
from catalog.actions import (
    ID_MAX,
    PERMISSIONS,
    Selection,
    carry_out,
    deletes_all,
    permissions_for,
)
from catalog.filters import InvalidFilter, settled
from catalog.models import BulkOperation
from catalog.totals import Total, total_of
from catalog.views.exporting import export_response
from core.templatetags.figures import count

Kind = BulkOperation.Kind

DONE = {
    Kind.ACTIVATE: ("activated", "active already"),
    Kind.DEACTIVATE: ("deactivated", "inactive already"),
    Kind.DELETE: ("deleted", "gone already"),
}
EXAMPLES = 5


class Refused(Exception):
    """The action can't be carried out; the text says why and what to do."""


@require_POST
@permission_required("catalog.view_product", raise_exception=True)
def bulk(request: HttpRequest) -> HttpResponseBase:
    """Activate, deactivate, export, or ask before deleting."""
    action = request.POST.get("action", "")
    back = _back(request)
    try:
        if action not in PERMISSIONS:
            raise Refused("Choose what to do with the products.")
        if not request.user.has_perms(PERMISSIONS[action]):
            raise PermissionDenied
        selection = _selection(request)
        if action == "export":
            return _export(request, selection)
        if action == "delete":
            return _delete(request, selection, back)
        return _carry_out(request, action, selection, back)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(back)


def _back(request: HttpRequest) -> str:
    """The list as it was."""
    query = QueryDict(request.POST.get("query", "")).urlencode()
    return reverse("catalog:list") + (f"?{query}" if query else "")


def _selection(request: HttpRequest) -> Selection:
    if request.POST.get("all") == "1":
        try:
            return Selection(ids=None, query=settled(request.POST.get("query", "")))
        except InvalidFilter as invalid:
            raise Refused(f"Nothing was done, since a filter can't be read. {invalid}") from None
    chosen = request.POST.getlist("ids")
    if not chosen:
        raise Refused("No products are selected. Tick the boxes of some first.")
    if not all(each.isascii() and each.isdigit() and int(each) <= ID_MAX for each in chosen):
        raise Refused("Nothing was done, since the selection can't be read. Select again.")
    return Selection(ids=tuple(sorted({int(each) for each in chosen})), query="")


def _export(request: HttpRequest, selection: Selection) -> HttpResponseBase:
    if selection.ids is None:
        query = f"?{selection.query}" if selection.query else ""
        return redirect(reverse("catalog:export") + query)
    return export_response(request, selection.products)


def _delete(request: HttpRequest, selection: Selection, back: str) -> HttpResponse:
    if deletes_all("delete", selection):
        if request.user.has_perms(permissions_for("delete", selection)):
            return redirect("catalog:delete_all")
        raise PermissionDenied(
            "Only a manager may delete every product. Narrow the list by a filter first."
        )
    if request.POST.get("confirm") == "1":
        return _carry_out(request, "delete", selection, back)
    total = total_of(selection.products)
    if not total.count:
        raise Refused("None of these products is there any more.")
    return render(request, "catalog/bulk_delete.html", _confirmation(selection, total, back))


def _confirmation(selection: Selection, total: Total, back: str) -> dict[str, object]:
    examples = list(selection.products.order_by("-updated_at", "-id")[:EXAMPLES])
    return {
        "selection": selection,
        "total": total,
        "examples": examples,
        "more": max(0, total.count - len(examples)),
        "back": back,
        "query": back.partition("?")[2],
        "kept_days": settings.CHANGE_RETENTION_DAYS,
    }


def _carry_out(request: HttpRequest, action: str, selection: Selection, back: str) -> HttpResponse:
    operation = carry_out(action, selection, actor=cast(User, request.user))
    if operation.state != BulkOperation.State.COMPLETED:
        return redirect("catalog:operation", pk=operation.pk)
    _say(request, operation)
    return redirect(back)


def _say(request: HttpRequest, operation: BulkOperation) -> None:
    """What came of a small operation, which is over, with the way back."""
    done, already = DONE[Kind(operation.kind)]
    changed = operation.updated + operation.deleted
    rest = [
        f"{count(number)} {'was' if number == 1 else 'were'} {words}."
        for number, words in (
            (operation.unchanged, already),
            (operation.left_alone, "left alone"),
        )
        if number
    ]
    if operation.change_set is None:
        messages.info(request, " ".join(["Nothing had to be done.", *rest]))
        return
    said = " ".join([f"{count(changed)} product{'' if changed == 1 else 's'} {done}.", *rest])
    undo = reverse("catalog:undo", args=[operation.change_set.pk])
    messages.success(request, format_html('{} <a href="{}">Undo</a>', said, undo))
