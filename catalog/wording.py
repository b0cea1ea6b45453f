"""Change sets and audit entries in words, as the activity page tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.text import capfirst

from accounts.models import AuditEntry
from catalog.filters import ProductFilter
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.undoing import REASONS

Source = ChangeSet.Source
Kind = BulkOperation.Kind
Action = AuditEntry.Action

NOBODY: Final = "Command line"
#: How a change set of one product, or of several of one kind, begins.
DONE: Final = {
    "created": ("Created", "plus"),
    "updated": ("Changed", "pencil"),
    "deleted": ("Deleted", "trash"),
}
THROUGH: Final = {
    Source.ADMIN: (" in the admin", "settings"),
    Source.API: (" through the API", "code"),
}
SWITCHED: Final = {
    Kind.ACTIVATE: "Activated",
    Kind.DEACTIVATE: "Deactivated",
}
AUDIT_ICONS: Final = {
    Action.SIGNED_IN: "login",
    Action.SIGNED_OUT: "logout",
    Action.SIGN_IN_FAILED: "alert-triangle",
    Action.EXPORTED: "download",
    Action.OPERATION_CANCELLED: "ban",
    Action.ENDPOINT_CREATED: "plus",
    Action.ENDPOINT_CHANGED: "pencil",
    Action.ENDPOINT_DELETED: "trash",
    Action.ENDPOINT_PAUSED: "player-pause",
    Action.ENDPOINT_ENABLED: "circle-check",
    Action.ENDPOINT_DISABLED: "ban",
    Action.DELIVERIES_RESENT: "send",
    Action.SOURCE_CREATED: "plus",
    Action.SOURCE_CHANGED: "pencil",
    Action.SOURCE_DELETED: "trash",
    Action.SOURCE_FETCHED: "download",
    Action.TOKEN_CREATED: "key",
    Action.TOKEN_REVOKED: "ban",
}
#: What of an endpoint was changed, by its form's labels.
ENDPOINT_FIELDS: Final = {
    "url": "URL",
    "event_types": "events",
    "bulk": "bulk changes",
    "ordered": "order",
    "rate_per_hour": "rate",
}
#: What of a source was changed, by its form's labels.
SOURCE_FIELDS: Final = {"access": "address", "enabled": "switched on or off"}
WHY_DISABLED: Final = {
    "failing": "nothing but failure for 5 days",
    "gone": "it answered 410 Gone",
}
#: A filter by yes or no, in words: yes, no.
YES_NO: Final = {
    "active": ("active", "inactive"),
    "priced": ("with a price", "without a price"),
}
FLAGS: Final = {"is_active": "active", "is_staff": "staff", "is_superuser": "superuser"}


@dataclass(frozen=True)
class Words:
    """What happened (`icon` by its name in the sprite), and a note that goes with it."""

    icon: str
    what: str
    note: str = ""


def products(count: int) -> str:
    return f"{count:,} product{'' if count == 1 else 's'}"


def subjects(change_sets: Sequence[ChangeSet]) -> dict[int, str]:
    """The product's name, by change set, of those that changed just one."""
    single = {
        each.pk: each.first_created_id
        for each in change_sets
        if each.created + each.updated + each.deleted == 1
    }
    changes = dict(
        ProductChange.objects.filter(change_set_id__in=single).values_list(
            "change_set_id", "product_id"
        )
    )
    ids = {
        pk: product_id
        for pk, first in single.items()
        if (product_id := changes.get(pk, first)) is not None
    }
    names = dict(Product.objects.filter(pk__in=ids.values()).values_list("pk", "name"))
    deletions = (
        ProductChange.objects.filter(
            product_id__in=set(ids.values()) - set(names), kind=ProductChange.Kind.DELETED
        )
        .order_by("product_id", "-change_set_id")
        .distinct("product_id")
        .values_list("product_id", "before__name")
    )
    names.update(deletions)
    return {pk: names.get(product_id) or products(1) for pk, product_id in ids.items()}


def words_of(change_set: ChangeSet, subject: str | None, *, by_hand: bool) -> Words:
    """`subject` is the name of the one product that it changed, None if there were several.

    `by_hand`: a bulk action's products were selected one by one, not by a filter.
    """
    if change_set.source == Source.IMPORT:
        # The page puts the file's name behind it, as a link to the import.
        has_job = hasattr(change_set, "import_job")
        return Words("file-import", "Imported" if has_job else "Imported a file")
    if change_set.source == Source.UNDO:
        undone = f"#{change_set.undoes_id:,}" if change_set.undoes_id else "an older change set"
        return Words("arrow-back-up", f"Undid {undone}", _left_alone(change_set))
    if change_set.source == Source.DELETE_ALL:
        return Words("trash", f"Deleted all {products(change_set.deleted)}")
    kinds = [name for name in DONE if getattr(change_set, name)]
    kind = kinds[0] if len(kinds) == 1 else "updated"
    verb, icon = DONE[kind]
    operation: BulkOperation | None = getattr(change_set, "bulk_operation", None)
    if operation is not None:
        verb = SWITCHED.get(Kind(operation.kind), verb)
    if change_set.source == Source.BULK:
        icon = icon if kind == "deleted" else "checks"
        subject = None
    elif change_set.source == Source.FORM and kind == "updated":
        verb = "Edited"
    suffix, icon = THROUGH.get(Source(change_set.source), ("", icon))
    count = change_set.created + change_set.updated + change_set.deleted
    return Words(
        icon, f"{verb} {subject or products(count)}{suffix}", chosen_by(operation, by_hand=by_hand)
    )


def _left_alone(change_set: ChangeSet) -> str:
    operation: BulkOperation | None = getattr(change_set, "bulk_operation", None)
    if operation is None or not operation.left_alone:
        return ""
    reasons = dict.fromkeys(each["reason"] for each in operation.left)
    why = ", ".join(REASONS[reason] for reason in reasons)
    return f"{products(operation.left_alone)} left alone: {why}"


def chosen_by(operation: BulkOperation | None, *, by_hand: bool) -> str:
    """How a bulk action's products were chosen; nothing of an undo or of a deletion of all."""
    if operation is None or operation.kind in {Kind.UNDO, Kind.DELETE_ALL}:
        return ""
    return "Bulk, selected rows" if by_hand else f"Bulk, {filter_words(operation.query)}"


def filter_words(query: str) -> str:
    """A list's query by the labels of its filters: filter: name contains “discontinued”."""
    filterset = ProductFilter(QueryDict(query), queryset=Product.objects.none())
    parts = []
    for name, value in filterset.in_force.items():
        label = str(filterset.filters[name].label)
        label = label if label.startswith("SKU") else label[:1].lower() + label[1:]
        if isinstance(value, bool):
            parts.append(YES_NO[name][not value])
        elif isinstance(value, str):
            parts.append(f"{label} contains “{value}”")
        else:
            shown = _moment(value) if isinstance(value, datetime) else f"{value:,.2f}"
            parts.append(f"{label} {shown}")
    return f"filter: {', '.join(parts)}" if parts else "all products"


def _moment(moment: datetime) -> str:
    """A day if it is one's first or last moment, as the list's filters are."""
    local = timezone.localtime(moment)
    whole_day = local.time() in {time.min, time.max}
    return format_date(local, "j M Y" if whole_day else "j M Y, H:i")


def audit_words(entry: AuditEntry) -> Words:
    icon = AUDIT_ICONS.get(Action(entry.action), "shield-lock")
    did = capfirst(entry.get_action_display())
    if entry.action == Action.SIGN_IN_FAILED:
        return Words(icon, f"{did} as “{entry.target}”")
    if entry.action == Action.OPERATION_CANCELLED:
        return Words(icon, f"{did} “{entry.target}”")
    if entry.action == Action.EXPORTED:
        query = entry.details.get("query", "")
        return Words(icon, f"{did} {entry.target}", filter_words(query) if query else "")
    if entry.action == Action.DELIVERIES_RESENT:
        count = entry.details.get("count", 0)
        noun = "delivery" if count == 1 else "deliveries"
        return Words(icon, f"Sent {count:,} {noun} again to {entry.target}")
    return Words(icon, f"{did} {entry.target}".strip(), _note(entry))


def actor_of(entry: AuditEntry) -> str:
    """Who did it; nobody is known before a sign-in succeeds, and nobody disables an endpoint."""
    by_nobody = {Action.SIGN_IN_FAILED, Action.ENDPOINT_DISABLED}
    return entry.actor_name or ("" if entry.action in by_nobody else NOBODY)


def _note(entry: AuditEntry) -> str:
    if entry.action == Action.ENDPOINT_CHANGED:
        fields = entry.details.get("fields", [])
        return ", ".join(ENDPOINT_FIELDS.get(name, name) for name in fields)
    if entry.action == Action.SOURCE_CHANGED:
        fields = entry.details.get("fields", [])
        return ", ".join(SOURCE_FIELDS.get(name, name) for name in fields)
    if entry.action == Action.ENDPOINT_ENABLED:
        return "what had failed sent again" if entry.details.get("send_failed") else ""
    if entry.action == Action.ENDPOINT_DISABLED:
        return WHY_DISABLED.get(entry.details.get("reason", ""), "")
    if entry.action == Action.TOKEN_CREATED:
        days, scope = entry.details.get("days"), entry.details.get("scope", "")
        return f"{scope}, for {days} days" if days else f"{scope}, without an end"
    return _details(entry)


def _details(entry: AuditEntry) -> str:
    parts = []
    for name, value in entry.details.items():
        label = FLAGS.get(name, name.replace("_", " "))
        if name == "password":
            parts.append(label)
        elif entry.action == Action.USER_CHANGED:
            old, new = value
            parts.append(f"{label} {_shown(old)} → {_shown(new)}")
        elif isinstance(value, list):
            parts.append(f"{label} {', '.join(map(str, value))}")
        elif value is True:
            parts.append(label)
        elif value not in (None, "", False):
            parts.append(f"{label} {_shown(value)}")
    return ", ".join(parts)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value) if value not in (None, "") else "none"
