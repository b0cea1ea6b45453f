"""What happened lately: change sets and, for those who may see them, audit entries among them.

Pages go by keyset, newest first: by time, then change sets before audit entries, then by id. A page
costs the same however old it is, and nothing is lost or doubled when entries arrive in between.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Self

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateformat import format as format_date

from accounts.models import AuditEntry
from catalog.models import ChangeSet
from catalog.wording import NOBODY, Words, actor_of, audit_words, subjects, words_of
from core.sql import statement

SQL = Path(__file__).parent / "sql"
PAGE_SIZE = 50
Source = ChangeSet.Source

#: From where, as the page groups it: its word and the sources.
GROUPS: Final[dict[str, tuple[str, tuple[Source, ...]]]] = {
    "imports": ("Imports", (Source.IMPORT,)),
    "hand": ("By hand", (Source.FORM, Source.ADMIN)),
    "api": ("API", (Source.API,)),
    "bulk": ("Bulk", (Source.BULK, Source.DELETE_ALL)),
    "undo": ("Undo", (Source.UNDO,)),
}
ACCESS: Final = "access"
COMMAND_LINE: Final = "none"

# At one time change sets come before audit entries.
CHANGE, AUDIT = 1, 0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, order=True)
class Key:
    """A place in the order of all entries; as text it is a cursor in a URL."""

    at: datetime
    rank: int
    id: int

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // TICK}-{self.rank}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is no cursor."""
        found = re.fullmatch(r"([0-9]{1,17})-([01])-([0-9]{1,18})", text)
        if found is None:
            return None
        ticks, rank, pk = map(int, found.groups())
        try:
            return cls(EPOCH + ticks * TICK, rank, pk)
        except OverflowError:
            return None


@dataclass(frozen=True)
class Asked:
    """Which entries: `source` of GROUPS, ACCESS or "" for all; `actor` an id, COMMAND_LINE or "".

    `until` is a day, to its end in the zone of whoever looks.
    """

    source: str = ""
    actor: str = ""
    until: date | None = None
    with_audit: bool = False

    @property
    def change_sets(self) -> QuerySet[ChangeSet]:
        found = ChangeSet.objects.order_by("-created_at", "-id")
        if self.source == ACCESS:
            return found.none()
        if self.source:
            found = found.filter(source__in=GROUPS[self.source][1])
        return self._narrowed(found, "created_at")

    @property
    def audit_entries(self) -> QuerySet[AuditEntry]:
        found = AuditEntry.objects.order_by("-at", "-id")
        if not self.with_audit or self.source not in {"", ACCESS}:
            return found.none()
        if self.actor == COMMAND_LINE:
            found = found.filter(actor_name="").exclude(action=AuditEntry.Action.SIGN_IN_FAILED)
        return self._narrowed(found, "at")

    def _narrowed(self, found: QuerySet[Any], at: str) -> QuerySet[Any]:
        if self.actor == COMMAND_LINE:
            found = found.filter(actor__isnull=True)
        elif self.actor:
            found = found.filter(actor=int(self.actor))
        if self.until is not None:
            midnight = datetime.combine(self.until + timedelta(days=1), datetime.min.time())
            found = found.filter(**{f"{at}__lt": timezone.make_aware(midnight)})
        return found


@dataclass(frozen=True)
class Entry:
    """One line of the page; `change_set` is None for an audit entry."""

    key: Key
    who: str
    words: Words
    change_set: ChangeSet | None = None
    undone: bool = False

    @property
    def at(self) -> datetime:
        return self.key.at

    @property
    def is_of_today(self) -> bool:
        return timezone.localdate(self.at) == timezone.localdate()


@dataclass(frozen=True)
class Day:
    label: str
    entries: list[Entry]


@dataclass(frozen=True)
class ActivityPage:
    """Entries `start` to `end` of `total`; `newer` and `older` are cursors, None at an end."""

    days: list[Day] = field(default_factory=list)
    start: int = 0
    end: int = 0
    total: int = 0
    newer: Key | None = None
    older: Key | None = None


def activity(
    asked: Asked,
    *,
    older_than: Key | None = None,
    newer_than: Key | None = None,
    size: int = PAGE_SIZE,
) -> ActivityPage:
    """One page, next to a cursor or from the newest on."""
    if newer_than is not None:
        found = _beside(asked, newer_than, size, newer=True)
        if len(found) <= size:  # the first page, which is always full
            return activity(asked, size=size)
        found = found[:size][::-1]
        at_end = False
    else:
        found = _beside(asked, older_than, size, newer=False)
        at_end = len(found) <= size
        found = found[:size]
    if not found:
        return ActivityPage()
    keys = [_key(row) for row in found]
    total = asked.change_sets.count() + asked.audit_entries.count()
    paged = older_than is not None or newer_than is not None
    ahead = _count_newer(asked, keys[0]) if paged else 0
    return ActivityPage(
        days=_days(entries(found)),
        start=ahead + 1,
        end=ahead + len(found),
        total=total,
        newer=keys[0] if ahead else None,
        older=None if at_end else keys[-1],
    )


def entries(rows: Sequence[ChangeSet | AuditEntry]) -> list[Entry]:
    """Rows in words, in the order given; change sets come from `with_story`.

    The number of queries is the same for any number of rows.
    """
    change_sets = [row for row in rows if isinstance(row, ChangeSet)]
    names = subjects(change_sets)
    undone = undone_among(row.pk for row in change_sets)
    found = []
    for row in rows:
        if isinstance(row, ChangeSet):
            who = row.actor.get_username() if row.actor else NOBODY
            words = words_of(row, names.get(row.pk), by_hand=row.by_hand)  # type: ignore[attr-defined]
            found.append(Entry(_key(row), who, words, row, row.pk in undone))
        else:
            found.append(Entry(_key(row), actor_of(row), audit_words(row)))
    return found


def with_story(change_sets: QuerySet[ChangeSet]) -> QuerySet[ChangeSet]:
    """Change sets with all that `entries` reads of them, without the long columns beside it."""
    return (
        change_sets.select_related("actor", "import_job", "bulk_operation")
        .defer("import_job__detected", "bulk_operation__ids")
        .annotate(by_hand=Q(bulk_operation__ids__isnull=False))
    )


def undone_among(change_sets: Iterable[int]) -> set[int]:
    """Those that an undo took back which is itself in force."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "undos_of"), {"change_sets": list(change_sets)})
        undos = cursor.fetchall()
    undone: set[int] = set()
    # Youngest first: whether an undo is in force is known before what it undoes is asked about.
    for undo, undoes in sorted(undos, reverse=True):
        if undo not in undone:
            undone.add(undoes)
    return undone


def _beside(
    asked: Asked, key: Key | None, size: int, *, newer: bool
) -> list[ChangeSet | AuditEntry]:
    """One more than `size` rows next to a key, the nearest first."""
    rows: list[ChangeSet | AuditEntry] = []
    kinds: tuple[tuple[QuerySet[Any], str, int], ...] = (
        (with_story(asked.change_sets), "created_at", CHANGE),
        (asked.audit_entries, "at", AUDIT),
    )
    for found, at, rank in kinds:
        if key is not None:
            found = found.filter(_past(key, at, rank, newer=newer))
        rows += (found.reverse() if newer else found)[: size + 1]
    rows.sort(key=_key, reverse=not newer)
    return rows[: size + 1]


def _past(key: Key, at: str, rank: int, *, newer: bool) -> Q:
    """Rows of one kind behind a key; the plain bound on the time is what the index serves."""
    side = "gt" if newer else "lt"
    strictly = Q(**{f"{at}__{side}": key.at})
    if rank == key.rank:
        return Q(**{f"{at}__{side}e": key.at}) & (strictly | Q(**{f"id__{side}": key.id}))
    return Q(**{f"{at}__{side}e": key.at}) if (rank > key.rank) == newer else strictly


def _count_newer(asked: Asked, key: Key) -> int:
    change_sets = asked.change_sets.filter(_past(key, "created_at", CHANGE, newer=True))
    audit_entries = asked.audit_entries.filter(_past(key, "at", AUDIT, newer=True))
    return change_sets.count() + audit_entries.count()


def _key(row: ChangeSet | AuditEntry) -> Key:
    if isinstance(row, ChangeSet):
        return Key(row.created_at, CHANGE, row.pk)
    return Key(row.at, AUDIT, row.pk)


def _days(found: list[Entry]) -> list[Day]:
    today = timezone.localdate()
    days = []
    for day, of_day in groupby(found, lambda entry: timezone.localdate(entry.at)):
        if day == today:
            label = "Today"
        elif day == today - timedelta(days=1):
            label = "Yesterday"
        else:
            label = format_date(day, "j F" if day.year == today.year else "j F Y")
        days.append(Day(label, list(of_day)))
    return days
