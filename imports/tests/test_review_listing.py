"""The rows of a review: narrowed, counted, in order, page by page."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.utils import timezone
from psycopg import sql

from catalog import products
from catalog.models import ChangeSet, ProductChange
from imports.models import ImportJob
from imports.reviews.listing import Asked, ReviewRow, page_of, pages_of
from imports.reviews.page import review_context
from imports.reviews.reviewing import decide, decide_class
from imports.tests.importing import csv_of, product
from imports.tests.waiting import in_review

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_staging_left"),
]


def rows(job: ImportJob, kind: str = "changed", **asked: object) -> list[ReviewRow]:
    return list(page_of(job, Asked(kind=kind, **asked), number=1))  # type: ignore[arg-type]


def skus(job: ImportJob, kind: str = "changed", **asked: object) -> list[str]:
    found = rows(job, kind, **asked)
    total = pages_of(job, Asked(kind=kind, **asked)).count  # type: ignore[arg-type]
    assert total == len(found)
    return [row.sku for row in found]


def test_risky_rows_come_first_then_the_order_of_the_file() -> None:
    job = in_review(empty="clear")

    assert skus(job) == ["A-2", "A-3", "A-1"]
    assert skus(job, risks_first=False) == ["A-1", "A-2", "A-3"]


def test_row_tells_what_stood_there_and_what_will() -> None:
    job = in_review(empty="clear")

    price, emptied, plain = rows(job)

    assert (price.line, price.name, price.changes, price.risks) == (
        3, "Nut", ("price",), ("price_moved",),
    )  # fmt: skip
    assert price.before == {
        "name": "Nut", "description": "", "price": Decimal("20.00"), "active": True,
    }  # fmt: skip
    assert price.after == {
        "name": "Nut", "description": "", "price": Decimal("2.00"), "active": True,
    }  # fmt: skip
    assert emptied.changes == ("description", "active")
    assert emptied.risks == ("emptied", "deactivates")
    assert (plain.changes, plain.risks) == (("price", "description"), ())
    assert plain.product_id == product("A-1").pk


def test_each_kind_has_its_rows() -> None:
    job = in_review()

    (new,) = rows(job, "new")
    assert (new.line, new.sku, new.before, new.product_id) == (6, "B-1", None, None)
    assert (new.after or {})["price"] == Decimal("1.00")
    (same,) = rows(job, "unchanged")
    assert (same.sku, same.changes) == ("A-4", ())


def test_rows_that_the_mode_passes_over_are_told_apart() -> None:
    job = in_review(mode="update")

    assert skus(job, "skipped") == ["B-1"]
    assert skus(job, "new") == []


def test_missing_products_are_listed_when_something_is_done_with_them() -> None:
    job = in_review(missing="deactivate")

    (row,) = rows(job, "missing")
    assert (row.line, row.sku, row.before, row.after) == (
        None, "A-5", {"name": "Größe Öse", "active": True}, None,
    )  # fmt: skip
    assert skus(job, "missing", search="ÖSE") == ["A-5"]
    assert skus(job, "missing", search="a-5") == ["A-5"]
    assert skus(job, "missing", search="bolt") == []


def test_nothing_is_missing_when_missing_products_are_kept() -> None:
    assert skus(in_review(), "missing") == []


def test_rows_are_narrowed_by_text_field_and_risk() -> None:
    job = in_review(empty="clear")

    assert skus(job, search="NUT") == ["A-2"]
    assert skus(job, search="a-") == ["A-2", "A-3", "A-1"]
    assert skus(job, search="%") == []
    assert skus(job, field="price") == ["A-2", "A-1"]
    assert skus(job, field="description") == ["A-3", "A-1"]
    assert skus(job, field="active") == ["A-3"]
    assert skus(job, field="name") == []
    assert skus(job, risk="price_moved") == ["A-2"]
    assert skus(job, risk="emptied") == ["A-3"]
    assert skus(job, risk="deactivates", field="price") == []
    assert skus(job, risk="deactivates", field="description") == ["A-3"]
    assert skus(job, field="price", search="bolt") == ["A-1"]


def test_text_outside_ascii_is_found_in_any_case() -> None:
    job = in_review(csv_of("A-5,Größe Öse,,51.00,yes"))

    assert skus(job, search="GRÖSSE") == []
    assert skus(job, search="GRÖßE öse") == ["A-5"]


def test_row_knows_whether_it_is_left_out() -> None:
    job = in_review(empty="clear", missing="delete")
    (missing,) = rows(job, "missing")

    decide(job, lines=[2], products=[missing.product_id or 0], include=False)
    decide_class(job, "price_moved", include=False)
    job.refresh_from_db()

    assert {row.sku: row.left_out for row in rows(job)} == {
        "A-1": True, "A-2": True, "A-3": False,
    }  # fmt: skip
    assert [row.left_out for row in rows(job, "missing")] == [True]


def test_single_row_overrules_its_class() -> None:
    job = in_review(missing="delete")
    (missing,) = rows(job, "missing")
    for name in ("changed", "missing", "new"):
        decide_class(job, name, include=False)

    decide(job, lines=[3], products=[missing.product_id or 0], include=True)
    job.refresh_from_db()

    assert {row.sku: row.left_out for row in rows(job)} == {
        "A-1": True, "A-2": False, "A-3": True,
    }  # fmt: skip
    assert [row.left_out for row in rows(job, "missing")] == [False]
    assert [row.left_out for row in rows(job, "new")] == [True]


def test_pages_are_exact_and_do_not_overlap() -> None:
    job = in_review(csv_of(*(f"N-{at:03},One,,," for at in range(120))), old="")
    asked = Asked(kind="new")

    pages = pages_of(job, asked)
    seen = [row.line for number in pages.page_range for row in pages.page(number)]

    assert (pages.count, pages.num_pages) == (120, 3)
    assert seen == list(range(2, 122))
    assert page_of(job, asked, number="9").number == 3
    assert page_of(job, asked, number="x").number == 1


def edit(sku: str, **values: Any) -> None:
    products.update(product(sku).pk, source="form", actor=None, **values)


def test_conflicts_show_three_values() -> None:
    job = in_review(missing="deactivate")
    assert skus(job, "conflicts") == []
    edit("A-1", price=Decimal("11.00"))
    edit("A-4", name="Other")
    edit("A-5", name="Ring")
    products.delete(product("A-2").pk, source="form", actor=None)
    products.create(
        source="form",
        actor=None,
        sku="b-1",
        name="Came first",
        description="",
        price=None,
        active=True,
    )

    changed, gone, unchanged, came, missing = rows(job, "conflicts")

    prices = [(each or {}).get("price") for each in (changed.before, changed.now, changed.after)]
    assert prices == [Decimal("10.00"), Decimal("11.00"), Decimal("10.50")]
    assert (gone.sku, gone.now, gone.kind) == ("A-2", None, "changed")
    assert (unchanged.sku, (unchanged.now or {})["name"], unchanged.kind) == (
        "A-4", "Other", "unchanged",
    )  # fmt: skip
    assert (came.sku, came.before, (came.now or {})["name"]) == ("B-1", None, "Came first")
    assert (missing.sku, missing.after, (missing.now or {})["name"]) == ("A-5", None, "Ring")
    assert skus(job, "conflicts") == ["A-1", "A-2", "A-4", "B-1", "A-5"]


def test_missing_product_shows_what_changed_since_whatever_it_is() -> None:
    old = csv_of(
        "A-1,Bolt,,,", "A-2,Nut,hex,2.00,yes", "A-3,Cap,,,", "A-4,Pin,,4.00,", "A-5,Rod,,,"
    )
    job = in_review(csv_of("A-1,Bolt,,,"), old=old, missing="delete")
    edit("A-2", description="", price=None)
    edit("A-2", price=Decimal("3.00"))
    edit("A-2", price=None)
    products.delete(product("A-3").pk, source="form", actor=None)
    edit("A-4", active=False, price=Decimal("4.40"))
    edit("A-5", name="Bar")
    edit("A-5", name="Rod")

    context = review_context(job, QueryDict("class=conflicts"))

    assert [
        (shown.row.sku, [(each.label, each.then, each.now, each.file) for each in shown.conflict])
        for shown in context["changes"].rows
    ] == [
        ("A-2", [("Price", "2.00", None, None), ("Description", "hex", None, None)]),
        ("A-3", [("Name", "Cap", None, None)]),
        ("A-4", [("Price", "4.00", "4.40", None), ("Active", "yes", "no", None)]),
        ("A-5", []),
    ]


def test_missing_product_shows_what_is_known_when_the_log_is_forgotten() -> None:
    job = in_review(csv_of("A-1,Bolt,long,10.50,yes"), missing="delete")
    edit("A-2", name="Hex nut", price=None)
    edit("A-3", price=None)
    ChangeSet.objects.filter(source="form").update(pruned_at=timezone.now())
    ProductChange.objects.filter(change_set__source="form").delete()

    changes = review_context(job, QueryDict("class=conflicts"))["changes"]

    assert [
        (shown.row.sku, [(each.label, each.then, each.now) for each in shown.conflict])
        for shown in changes.rows
    ] == [("A-2", [("Name", "Nut", "Hex nut")]), ("A-3", [])]


def test_pages_of_conflicts_go_from_rows_to_missing_products() -> None:
    job = in_review(missing="deactivate")
    for number in range(1, 6):
        edit(f"A-{number}", name="Other")

    pages = pages_of(job, Asked(kind="conflicts"), size=3)

    assert [[row.sku for row in pages.page(number)] for number in pages.page_range] == [
        ["A-1", "A-2", "A-3"],
        ["A-4", "A-5"],
    ]


def plans_of(asked: Callable[[], object]) -> str:
    """How PostgreSQL finds rows that are asked for when it may neither sort nor read it all."""
    queries: list[tuple[sql.Composed, Any]] = []

    def noted(execute: Any, query: Any, params: Any, many: bool, context: Any) -> Any:
        if isinstance(query, sql.Composed):
            queries.append((query, params))
        return execute(query, params, many, context)

    with connection.execute_wrapper(noted):
        asked()
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        lines = []
        for query, params in queries:
            cursor.execute(sql.SQL("EXPLAIN ") + query, params)
            lines += [line for (line,) in cursor.fetchall()]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Asked(), "order"),
        (Asked(kind="new"), "order"),
        (Asked(risk="price_moved"), "order"),
        (Asked(risks_first=False), "pkey"),
        (Asked(kind="conflicts"), "order_product"),
        (Asked(kind="conflicts"), "order_key"),
    ],
)
def test_page_costs_what_it_shows_however_many_rows_there_are(asked: Asked, index: str) -> None:
    job = in_review()
    edit("A-1", name="Other")

    plans = plans_of(lambda: list(page_of(job, asked, number=1)))

    assert f"using {job.staging}_r_{index} on" in plans
    assert f"Seq Scan on {job.staging}_r" not in plans
