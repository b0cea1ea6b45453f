"""What earlier imports say about the merge to come."""

from typing import Any

import pytest
from django.db import connection

from catalog.models import Product
from imports import foresight
from imports.foresight import FURTHEST, TELLING_ROWS, shown_earlier
from imports.models import ImportJob
from imports.pace import Pace, Shown
from imports.staging import create, drop

pytestmark = [pytest.mark.django_db, pytest.mark.integration]

ROWS = 100_000


def import_of(*, merge: float = 1.65, **fields: Any) -> None:
    """A completed import of new rows: a merge of 165,000 of COSTS, read at 8 µs a row."""
    usual = {
        "state": ImportJob.State.COMPLETED,
        "read": ROWS,
        "staged": ROWS,
        "created": ROWS,
        "phases": {"read": 0.8, "merge": merge},
    }
    ImportJob.objects.create(**usual | fields)


def test_nothing_is_known_at_first() -> None:
    assert shown_earlier() == Shown(dearer=1.0, unit=0.0)


def test_last_import_says_what_merging_costs() -> None:
    import_of(merge=1.65)
    shown = shown_earlier()
    assert shown.unit == pytest.approx(10e-6)
    assert shown.dearer == pytest.approx(1.25)


def test_one_disturbed_import_among_others_says_nothing() -> None:
    for merge in (1.65, 3.3, 1.65):
        import_of(merge=merge)
    assert shown_earlier().unit == pytest.approx(10e-6)


@pytest.mark.parametrize(
    "fields",
    [
        {"read": TELLING_ROWS - 1},
        {"merge": 0.8 * 1.65 * FURTHEST * 1.1},
        {"merge": 0.8 * 1.65 / FURTHEST / 1.1},
        {"state": ImportJob.State.FAILED},
        {"deleted": 5},
        {"staged": 0, "created": 0},
    ],
    ids=["small", "held up", "faster than possible", "failed", "with deletions", "nothing staged"],
)
def test_import_that_met_something_else_says_nothing(fields: dict[str, Any]) -> None:
    import_of(**fields)
    assert shown_earlier() == Shown()


class Told(Pace):
    """A pace that keeps what a sample told it."""

    shares: tuple[float, float] = (0.0, 0.0)

    def expect(self, *, created: float, updated: float) -> None:
        self.shares = created, updated


def test_sample_tells_new_rows_from_those_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "EVERY", 2)
    for sku, price in (("A-1", 1), ("A-2", 1), ("A-3", None)):
        Product.objects.create(sku=sku, name="Same", price=price)
    rows = [
        ("a-1", 1),  # as it is
        ("A-2", 2),  # another price
        ("A-3", 1),  # a price where there was none
        ("A-1", None),  # an empty cell keeps what is there
        ("A-4", 1),
        ("A-5", None),
    ]
    table = "imports_staging_sampled"
    create(table)
    try:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {table} (line, sku, name, price) VALUES (%s, %s, 'Same', %s)",
                [(2 * line + 1, sku, price) for line, (sku, price) in enumerate(rows)],
            )
        pace = Told()
        foresight.foresee(table, pace)
    finally:
        drop(table)
    assert pace.shares == pytest.approx((2 / 6, 2 / 6))
