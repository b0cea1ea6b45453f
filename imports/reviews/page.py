"""What the page of an import that waits for its review shows: risks, rows in tabs, the outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.core.paginator import Page
from django.http import QueryDict

from catalog.history import LABELS, FieldChange
from imports.missing import is_many
from imports.models import ImportJob
from imports.reviews.listing import (
    CHANGED,
    CONFLICTS,
    DECIDABLE,
    FIELDS,
    MISSING,
    NEW,
    RISKS,
    SKIPPED,
    UNCHANGED,
    Asked,
    ReviewRow,
    Values,
    left_out,
    page_of,
)
from imports.reviews.outcome import Outcome, catalog_size, outcome
from imports.reviews.reviewing import stands
from imports.reviews.risks import missing_risk

REJECTED: Final = "rejected"
#: In the page's address; without any of them it is the page itself that is asked for.
PARAMETERS: Final = ("class", "search", "field", "risk", "order", "cause")
TABS: Final = (
    (NEW, "New", "ok"),
    (CHANGED, "Changed", "live"),
    (UNCHANGED, "Unchanged", ""),
    (SKIPPED, "Passed over", ""),
    (REJECTED, "Rejected", "bad"),
    (MISSING, "Missing", "bad"),
    (CONFLICTS, "Changed since", "warn"),
)
#: Tabs that are there even if nothing is in them.
ALWAYS: Final = (NEW, CHANGED, UNCHANGED, REJECTED)
# A text is cut to this around what differs.
EXCERPT, LEAD = 300, 40


@dataclass(frozen=True)
class Tab:
    kind: str
    label: str
    tone: str
    count: int
    url: str


@dataclass(frozen=True)
class FieldFilter:
    """The rows in which one field changes, or all with an empty name."""

    name: str
    label: str
    count: int | None
    url: str


@dataclass(frozen=True)
class Changes:
    """The rows that are asked for: `page` is None for the rejected ones, which have their own."""

    kind: str
    asked: Asked
    tabs: list[Tab]
    fields: list[FieldFilter]
    page: Page[ReviewRow] | None
    rows: list[ShownRow]
    query: str
    decidable: bool
    left_out_whole: bool
    without_risk: str

    @property
    def tab(self) -> Tab:
        return next(tab for tab in self.tabs if tab.kind == self.kind)


@dataclass(frozen=True)
class Cell:
    """A value that changes, in words: `note` says by how much, in a `tone`."""

    field: FieldChange
    note: str = ""
    tone: str = "soft"


@dataclass(frozen=True)
class Three:
    """A field of a conflict: at the review, now, in the file; None where there was nothing."""

    label: str
    then: str | None
    now: str | None
    file: str | None


@dataclass(frozen=True)
class ShownRow:
    """A row with its changes in words; of a conflict with three values of each field."""

    row: ReviewRow
    cells: list[Cell]
    conflict: list[Three]


@dataclass(frozen=True)
class Prospect:
    """What applying would do, in numbers.

    `going` is how many products would be deactivated or deleted because they are missing;
    `must_type` if somebody has to type that number. `catalog` is how many products there are,
    `conflicting` rows, and missing products, that were changed since. `seen` is what a person
    agrees to who applies.
    """

    outcome: Outcome
    going: int
    must_type: bool
    catalog: int
    products: int
    conflicting: tuple[int, int]
    seen: str
    days: int

    @property
    def conflicts(self) -> int:
        return sum(self.conflicting)


def is_part(query: QueryDict) -> bool:
    """Whether an address asks for rows of the review rather than for the page as a whole."""
    return any(name in query for name in PARAMETERS)


def review_context(job: ImportJob, query: QueryDict) -> dict[str, Any]:
    """What the templates of a review need; nothing for a job that is not in review."""
    if job.state != ImportJob.State.REVIEW:
        return {}
    if not stands(job):
        return {"gone": True}
    prospect = prospect_of(job)
    return {
        "prospect": prospect,
        "changes": changes_of(job, query, conflicts=prospect.conflicting),
        "risks": [
            {**risk, "left_out": risk["code"] in job.left_out_classes}
            for risk in risks_now(job, prospect)
        ],
        "furthest": furthest_price(job),
        "catalog_percent": settings.RISK_CATALOG_PERCENT,
        "price_percent": settings.RISK_PRICE_PERCENT,
    }


Chosen = tuple[list[int], list[int]]


def ticks_of(
    job: ImportJob, *, leave: Iterable[str], was: Iterable[str], row: str = ""
) -> dict[bool, Chosen]:
    """The lines and products to leave out (False) and to take in (True) by the ticks of a page.

    `leave` are the keys that are ticked, `was` those that were when the page was made; `row` is the
    only one that is looked at. What is decided already is not among them.
    """
    ticked = set(leave)
    keys = {row} if row else ticked ^ set(was)
    lines, products = _numbers(keys)
    out = left_out(job, lines=lines, products=products)
    return {
        False: _numbers(key for key in keys if key in ticked and key not in out),
        True: _numbers(key for key in keys if key not in ticked and key in out),
    }


def _numbers(keys: Iterable[str]) -> Chosen:
    found: dict[str, list[int]] = {"line": [], "product": []}
    for key in sorted(keys):
        kind, _, number = key.partition("-")
        if kind in found and re.fullmatch("[0-9]{1,18}", number):
            found[kind].append(int(number))
    return found["line"], found["product"]


def prospect_of(job: ImportJob) -> Prospect:
    """What applying the review of a job would do now."""
    does = outcome(job)
    going = does.deactivated + does.deleted
    catalog = catalog_size(job)
    return Prospect(
        outcome=does,
        going=going,
        must_type=going > 0 and is_many(going, catalog, percent=settings.RISK_CATALOG_PERCENT),
        catalog=catalog,
        products=does.created + does.updated + going,
        conflicting=(does.conflicts, does.missing_conflicts),
        seen="-".join(map(str, astuple(does))),
        days=settings.CHANGE_RETENTION_DAYS,
    )


def risks_now(job: ImportJob, prospect: Prospect) -> list[dict[str, Any]]:
    """The risks of a review, what it says of missing products by what would become of them now.

    The catalog may have grown or shrunk since, and some of them may be left out by themselves.
    """
    listed = [risk for risk in job.reviewed["risks"] if risk["code"] != "missing"]
    found = job.reviewed["missing"] if "missing" in job.left_out_classes else prospect.going
    if found and (prospect.must_type or len(listed) < len(job.reviewed["risks"])):
        rebuilt = sum(risk["code"] == "rebuilt" for risk in listed)
        listed.insert(rebuilt, missing_risk(job, found))
    return listed


def furthest_price(job: ImportJob) -> tuple[Decimal, Decimal] | None:
    """The price that moves the furthest, before and after."""
    if not job.reviewed["furthest"]:
        return None
    old, new = job.reviewed["furthest"]
    return Decimal(old), Decimal(new)


def changes_of(job: ImportJob, query: QueryDict, *, conflicts: tuple[int, int]) -> Changes:
    """The rows that an address asks for; `conflicts` is how many rows and missing products are."""
    counts = {kind: job.reviewed.get(kind, 0) for kind, _, _ in TABS} | {CONFLICTS: sum(conflicts)}
    kind = _kind(query, counts)
    asked = Asked(
        kind=kind,
        search=query.get("search", "").strip() if kind != CONFLICTS else "",
        field=_one_of(FIELDS, query.get("field")) if kind == CHANGED else "",
        risk=_one_of(RISKS, query.get("risk")) if kind == CHANGED else "",
        risks_first=query.get("order") != "line",
    )
    page = (
        None
        if kind == REJECTED
        else page_of(job, asked, number=query.get("page"), conflicts=conflicts)
    )
    return Changes(
        kind=kind,
        asked=asked,
        tabs=[
            Tab(each, label, tone, counts[each], f"?class={each}")
            for each, label, tone in TABS
            if counts[each] or each in ALWAYS or each == kind
        ],
        fields=list(_fields(job, query)) if kind == CHANGED else [],
        page=page,
        rows=[] if page is None else [_shown(row, asked.kind) for row in page],
        query=query.urlencode(),
        decidable=kind in DECIDABLE,
        left_out_whole=kind in job.left_out_classes,
        without_risk=_url(query, risk=""),
    )


def _kind(query: QueryDict, counts: dict[str, int]) -> str:
    asked = query.get("class", "")
    if asked in counts:
        return asked
    if "cause" in query:
        return REJECTED
    return next((kind for kind in (CHANGED, NEW, MISSING, REJECTED) if counts[kind]), UNCHANGED)


def _one_of(names: tuple[str, ...], asked: str | None) -> str:
    return asked if asked in names else ""


def _url(query: QueryDict, **values: str) -> str:
    """The address with some values replaced, or without them if "", from its first page on."""
    changed = query.copy()
    for name in ("page", *values):
        changed.pop(name, None)
    changed.update({name: value for name, value in {"class": CHANGED, **values}.items() if value})
    return f"?{changed.urlencode()}"


def _fields(job: ImportJob, query: QueryDict) -> Iterator[FieldFilter]:
    plain = query.copy()
    plain.pop("class", None)
    yield FieldFilter("", "All fields", None, _url(plain, field=""))
    for name in FIELDS:
        count = job.reviewed["fields"][name]
        if count:
            yield FieldFilter(name, LABELS[name], count, _url(plain, field=name))


# --- rows in words -----------------------------------------------------------------------------


def _shown(row: ReviewRow, kind: str) -> ShownRow:
    if kind == CONFLICTS:
        return ShownRow(row, [], list(_three(row)))
    if row.before is None:
        fields = [FieldChange(name, None, _text(row.after, name)) for name in FIELDS[::-1]]
        cells = [Cell(field) for field in fields if field.name != "name" and field.new]
        return ShownRow(row, cells[::-1], [])
    if row.after is None:
        return ShownRow(row, [], [])
    return ShownRow(row, [_cell(row, name) for name in row.changes], [])


def _cell(row: ReviewRow, name: str) -> Cell:
    old, new = _excerpts(_text(row.before, name), _text(row.after, name))
    change = FieldChange(name, old, new)
    if name == "price":
        return Cell(change, *_moved(row))
    if new is None and "emptied" in row.risks:
        return Cell(change, f"{name} emptied", "warn")
    return Cell(change)


def _moved(row: ReviewRow) -> tuple[str, str]:
    """By how many per cent the price moved, and how grave that is."""
    old, new = (row.before or {})["price"], (row.after or {})["price"]
    if new is None:
        return ("price emptied", "warn")
    if not old:
        return ("", "soft")
    moved = f"{100 * (new - old) / old:+,.1f} %".replace("-", "−")  # noqa: RUF001
    tone = "soft"
    if "price_moved" in row.risks:
        tone = "bad" if new < old else "warn"
    return (moved, tone)


def _three(row: ReviewRow) -> Iterator[Three]:
    """The fields that are not the same in all three.

    Of a product that the file does not have, those that changed since; of one that is not there any
    more its name.
    """
    known = [each for each in (row.before, row.now, row.after) if each is not None]
    names = [name for name in FIELDS if all(name in each for each in known)]
    if row.kind == MISSING and row.now is None:
        names = ["name"]
    for name in names:
        then, now, file = (_text(each, name) for each in (row.before, row.now, row.after))
        if len(known) < 2 or len({_text(each, name) for each in known}) > 1:
            then, now, file = (text and _cut(text, 0) for text in (then, now, file))
            yield Three(LABELS[name], then, now, file)


def _text(values: Values | None, name: str) -> str | None:
    """A value as people read it; None for none."""
    value = None if values is None else values.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.2f}" if isinstance(value, Decimal) else str(value)


def _excerpts(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Two texts, long ones cut around their first difference."""
    if old is None or new is None or max(len(old), len(new)) <= EXCERPT:
        return (old and _cut(old, 0), new and _cut(new, 0))
    pairs = zip(old, new, strict=False)
    first = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
    start = max(0, first - LEAD)
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    end = start + EXCERPT
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
