"""The rows of a review as lists show them: narrowed, counted, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db import connection
from psycopg import sql

from core.sql import statement
from imports.merge import SQL
from imports.models import ImportJob
from imports.reviews.outcome import (
    is_logged,
    moved_products,
    moved_rows,
    outcome,
    parameters,
)
from imports.staging import missing_table, review_table

NEW: Final = "new"
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
SKIPPED: Final = "skipped"
MISSING: Final = "missing"
CONFLICTS: Final = "conflicts"
#: What becomes of rows and products, and those that changed since the review.
CLASSES: Final = (NEW, CHANGED, UNCHANGED, SKIPPED, MISSING, CONFLICTS)
#: Those of which single rows can be left out.
DECIDABLE: Final = (NEW, CHANGED, MISSING, CONFLICTS)
FIELDS: Final = ("price", "name", "description", "active")
RISKS: Final = ("price_moved", "emptied", "deactivates")
PAGE_SIZE: Final = 50
FEW: Final = 1000
_VALUES: Final = ("name", "description", "price", "active")

Values = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """Which rows: of one of CLASSES, whose SKU or name has a text, in which a field changes, with a
    risk; risky ones come first, or all in the file's order. Missing products and conflicts know a
    text and nothing, respectively."""

    kind: str = CHANGED
    search: str = ""
    field: str = ""
    risk: str = ""
    risks_first: bool = True

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self.field or self.risk)


@dataclass(frozen=True)
class ReviewRow:
    """A row of the file beside its product; `line` is None for a product that the file has not.

    `before` are the values at the review, None when there was no product, `after` those that the
    import writes, None for a missing product. Of a conflict `now` are the values that stand there
    by now, None when there is no product any more.
    """

    line: int | None
    product_id: int | None
    sku: str
    kind: str
    before: Values | None
    after: Values | None
    risks: tuple[str, ...] = ()
    left_out: bool = False
    now: Values | None = None

    @property
    def key(self) -> str:
        """What a decision calls it."""
        return f"product-{self.product_id}" if self.line is None else f"line-{self.line}"

    @property
    def name(self) -> str:
        """What it is called after the import."""
        return str((self.after or self.before or {}).get("name", ""))

    @property
    def changes(self) -> tuple[str, ...]:
        """The fields whose values differ before and after."""
        before, after = self.before or {}, self.after or {}
        return tuple(
            name for name in FIELDS if name in before and before[name] != after.get(name, ...)
        )


class _Lazy(Sequence[ReviewRow]):
    """What Django's paginator needs of a list: its length, and a slice of it."""

    def __init__(
        self, count: Callable[[], int], rows: Callable[[int, int], list[ReviewRow]]
    ) -> None:
        self._count, self._rows = count, rows

    def __len__(self) -> int:
        return self._count()

    def __getitem__(self, asked: Any) -> Any:
        low, high = asked.start, asked.stop
        return self._rows(low, high - low) if high > low else []


def _paged(
    count: Callable[[], int], rows: Callable[[int, int], list[ReviewRow]], size: int
) -> Paginator[ReviewRow]:
    lazy: Any = _Lazy(count, rows)
    return Paginator(lazy, size)


def pages_of(
    job: ImportJob,
    asked: Asked,
    *,
    size: int = PAGE_SIZE,
    conflicts: tuple[int, int] | None = None,
) -> Paginator[ReviewRow]:
    """The rows of a job in review that are asked for, by pages; the count is exact.

    `conflicts` are those of rows and of missing products, if they are known: to count them takes as
    long as to list them.
    """
    if asked.kind == CONFLICTS:
        return _Conflicts(job, conflicts).pages(size)
    if asked.kind == MISSING:
        return _missing_pages(job, asked, size)
    return _row_pages(job, asked, size)


def left_out(job: ImportJob, *, lines: Sequence[int], products: Sequence[int]) -> set[str]:
    """The keys of those of some rows and missing products that are left out."""
    found: list[ReviewRow] = []
    if lines:
        review = review_table(job.staging)
        chosen = {"lines": list(lines), "risks_first": False}
        found += _page(job, statement(SQL, "review_lines", review=review), chosen, 0, len(lines))
    if products and job.missing != ImportJob.Missing.KEEP:
        missing = missing_table(job.staging)
        matching = statement(SQL, "review_products", missing=missing)
        found += _missing_page(job, matching, {"products": list(products)}, 0, len(products))
    return {row.key for row in found if row.left_out}


def page_of(
    job: ImportJob, asked: Asked, *, number: Any, conflicts: tuple[int, int] | None = None
) -> Page[ReviewRow]:
    """One page of them: the first for what is no number, the last for one too high."""
    return pages_of(job, asked, conflicts=conflicts).get_page(number)


def _row_pages(job: ImportJob, asked: Asked, size: int) -> Paginator[ReviewRow]:
    review = review_table(job.staging)
    matching = statement(SQL, "review_matching", review=review)
    chosen: dict[str, Any] = {
        "kind": asked.kind,
        "field": asked.field,
        "risk": asked.risk,
        **_pattern(asked.search),
    }
    # A text that few rows have is looked for once, not once to count and once for the page.
    few = _few(matching, chosen) if asked.search else None
    if few is not None:
        matching, chosen = statement(SQL, "review_lines", review=review), {"lines": few}

    def count() -> int:
        if few is not None:
            return len(few)
        known = _known(job, asked)
        return _count(matching, chosen) if known is None else known

    def rows(low: int, many: int) -> list[ReviewRow]:
        return _page(job, matching, chosen | {"risks_first": asked.risks_first}, low, many)

    return _paged(count, rows, size)


def _page(
    job: ImportJob, matching: sql.Composed, chosen: dict[str, Any], low: int, many: int
) -> list[ReviewRow]:
    page = statement(SQL, "review_page", review=review_table(job.staging), matching=matching)
    return [
        _row(each) for each in _all(page, {**chosen, **parameters(job), "low": low, "size": many})
    ]


def _few(matching: sql.Composed, chosen: dict[str, Any]) -> list[int] | None:
    """The lines that a query finds, None if they are many."""
    few = statement(SQL, "few_matching", matching=matching)
    found = [line for (line,) in _all(few, {**chosen, "most": FEW + 1})]
    return found if len(found) <= FEW else None


def _known(job: ImportJob, asked: Asked) -> int | None:
    """The count, if the review has counted just these rows."""
    if not asked.is_narrowed:
        return int(job.reviewed[asked.kind])
    if asked.search or asked.kind != CHANGED or (asked.field and asked.risk):
        return None
    return int(job.reviewed[asked.risk] if asked.risk else job.reviewed["fields"][asked.field])


def _row(found: tuple[Any, ...]) -> ReviewRow:
    line, kind, product_id, sku = found[:4]
    after, before, risks = found[4:8], found[8:12], found[12:15]
    return ReviewRow(
        line=line,
        product_id=product_id,
        sku=sku,
        kind=kind,
        before=_values(before),
        after=_values(after),
        risks=tuple(name for name, there in zip(RISKS, risks, strict=True) if there),
        left_out=found[15],
    )


def _missing_pages(job: ImportJob, asked: Asked, size: int) -> Paginator[ReviewRow]:
    if job.missing == ImportJob.Missing.KEEP:
        return _paged(lambda: 0, lambda low, many: [], size)
    missing = missing_table(job.staging)
    matching = statement(SQL, "review_missing_matching", missing=missing)
    chosen = _pattern(asked.search)

    def count() -> int:
        return _count(matching, chosen) if asked.search else int(job.reviewed[MISSING])

    def rows(low: int, many: int) -> list[ReviewRow]:
        return _missing_page(job, matching, chosen, low, many)

    return _paged(count, rows, size)


def _missing_page(
    job: ImportJob, matching: sql.Composed, chosen: dict[str, Any], low: int, many: int
) -> list[ReviewRow]:
    missing = missing_table(job.staging)
    page = statement(SQL, "review_missing_page", missing=missing, matching=matching)
    return [
        ReviewRow(
            line=None,
            product_id=product_id,
            sku=sku,
            kind=MISSING,
            before={"name": name, "active": active},
            after=None,
            left_out=left_out,
        )
        for product_id, sku, name, active, left_out in _all(
            page, {**chosen, **parameters(job), "low": low, "size": many}
        )
    ]


class _Conflicts:
    """Rows, then missing products, that were changed, came or went since the review."""

    def __init__(self, job: ImportJob, known: tuple[int, int] | None) -> None:
        self.job, self._known = job, known
        self._decided = parameters(job)

    def pages(self, size: int) -> Paginator[ReviewRow]:
        rows, products = self._known or self._count()

        def page(low: int, many: int) -> list[ReviewRow]:
            found = self._rows(low, many) if low < rows else []
            if products and len(found) < many:
                found += self._products(max(0, low - rows), many - len(found))
            return found

        return _paged(lambda: rows + products, page, size)

    def _count(self) -> tuple[int, int]:
        does = outcome(self.job)
        return does.conflicts, does.missing_conflicts

    def _rows(self, low: int, many: int) -> list[ReviewRow]:
        review = review_table(self.job.staging)
        page = statement(SQL, "review_conflicts", review=review, moved=moved_rows(self.job))
        return [
            ReviewRow(
                line=each[0],
                kind=each[1],
                product_id=each[2],
                sku=each[3],
                after=_values(each[4:8]),
                before=_values(each[8:12]),
                now=_values(each[12:16]),
            )
            for each in _all(page, {**self._decided, "low": low, "size": many})
        ]

    def _products(self, low: int, many: int) -> list[ReviewRow]:
        missing = missing_table(self.job.staging)
        moved = moved_products(self.job)
        page = statement(SQL, "review_missing_conflicts", missing=missing, moved=moved)
        logged = is_logged(self.job)
        return [
            ReviewRow(
                line=None,
                kind=MISSING,
                product_id=product_id,
                sku=sku,
                before=_then(name, active, replaced if logged else None, now),
                after=None,
                now=_values(now),
            )
            for product_id, sku, name, active, replaced, *now in _all(
                page, {**self._decided, "low": low, "size": many}
            )
        ]


def _values(found: Sequence[Any]) -> Values | None:
    """Values by field; a product always has a name."""
    name, description, price, active = found
    if name is None:
        return None
    price = None if price is None else Decimal(price)
    return dict(zip(_VALUES, (name, description, price, active), strict=True))


def _then(name: str, active: bool, replaced: str | None, now: Sequence[Any]) -> Values:
    """A missing product's values at the review: what the log says was replaced, the rest as now.

    Without a log of it those that the review kept.
    """
    if replaced is None:
        return {"name": name, "active": active}
    known = dict(zip(_VALUES, now, strict=True)) | json.loads(replaced)
    price = None if known["price"] is None else Decimal(known["price"])
    return {"name": name, "description": known["description"], "price": price, "active": active}


def _pattern(search: str) -> dict[str, Any]:
    text = connection.ops.prep_for_like_query(search)
    return {
        "pattern": f"%{text}%" if search else None,
        "is_ascii": search.isascii(),
        # The Kelvin sign, for one, is a plain k in lower case.
        "is_wide": any(not char.lower()[0].isascii() for char in search),
    }


def _count(matching: sql.Composed, chosen: dict[str, Any]) -> int:
    ((found,),) = _all(statement(SQL, "count_matching", matching=matching), chosen)
    return int(found)


def _all(query: sql.Composed, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
