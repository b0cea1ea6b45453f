"""What a file does to the catalog, and what the change set keeps of it."""

import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction

from accounts.models import User
from catalog.models import ChangeSet, Product, ProductChange
from core import sql
from imports import merge, report
from imports.merge import MergeBroken, MergeCounts, MergeProgress, Rules
from imports.models import ImportJob
from imports.options import Options
from imports.pace import Pace
from imports.preview import preview_file
from imports.reviews import reviewing
from imports.staging import compared_table, create, drop
from imports.tests.importing import (
    catalog,
    completed,
    counts,
    csv_of,
    imported,
    product,
    run_next,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

PRICE = Decimal("12.90")
BROKEN = "imports_staging_broken"


def row_versions() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text, xmin::text, id FROM catalog_product ORDER BY id")
        versions: list[tuple[Any, ...]] = cursor.fetchall()
        return versions


def folded(*texts: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT lower(text) FROM unnest(%s::text[]) AS text", [list(texts)])
        return [text for (text,) in cursor.fetchall()]


def test_last_line_for_a_sku_wins_whole() -> None:
    job = completed(csv_of("A-1,First,Text,12.90,no", "A-1,Last,,,"))

    assert catalog() == [("A-1", "Last", "", None, True)]
    assert counts(job) == {
        "read": 2, "created": 1, "updated": 0, "unchanged": 0, "duplicates": 1, "rejected": 0,
    }  # fmt: skip


def test_rejected_later_line_leaves_the_earlier_good_one_standing() -> None:
    job = completed(csv_of("A-1,Good,,12.90,", "A-1,Bad,,a lot,"))

    assert catalog() == [("A-1", "Good", "", PRICE, True)]
    assert (job.created, job.duplicates, job.rejected) == (1, 0, 1)


def test_new_product_gets_the_defaults_for_empty_cells() -> None:
    completed(csv_of("A-1,One,,,"))
    completed(csv_of("A-2,Two", header="sku,name"))

    assert catalog() == [("A-1", "One", "", None, True), ("A-2", "Two", "", None, True)]


def test_empty_cells_keep_the_values_of_an_existing_product() -> None:
    completed(csv_of("A-1,One,Text,12.90,no"))

    job = completed(csv_of("A-1,One,,,"))

    assert catalog() == [("A-1", "One", "Text", PRICE, False)]
    assert (job.updated, job.unchanged) == (0, 1)


def test_empty_cells_clear_the_values_when_that_is_asked_for() -> None:
    completed(csv_of("A-1,One,Text,12.90,no"))

    job = completed(csv_of("A-1,One,,,"), empty=ImportJob.Empty.CLEAR)

    assert catalog() == [("A-1", "One", "", None, True)]
    assert (job.updated, job.unchanged) == (1, 0)


def test_columns_that_the_file_lacks_are_never_cleared() -> None:
    completed(csv_of("A-1,One,Text,12.90,no"))

    completed(csv_of("A-1,One,", header="sku,name,price"), empty=ImportJob.Empty.CLEAR)

    assert catalog() == [("A-1", "One", "Text", None, False)]


def test_sku_in_another_case_is_the_same_product_and_its_stored_spelling_stays() -> None:
    completed(csv_of("ab-1,One,,,"))

    job = completed(csv_of("AB-1,Two,,,"))

    assert catalog() == [("ab-1", "Two", "", None, True)]
    assert (job.created, job.updated) == (0, 1)


def test_spellings_of_one_new_sku_within_a_file_are_one_product_spelled_as_in_its_last_line() -> (
    None
):
    job = completed(csv_of("ab-1,One,,,", "AB-1,Two,,,"))

    assert catalog() == [("AB-1", "Two", "", None, True)]
    assert (job.created, job.duplicates) == (1, 1)


def test_unchanged_file_writes_no_row_and_leaves_no_change_set() -> None:
    text = csv_of("A-1,One,Text,12.90,no", "A-2,Two,,,", 'A-3,Three,"two\nlines",0,yes')
    completed(text)
    before = row_versions()

    job = completed(text)

    assert row_versions() == before
    assert counts(job) == {
        "read": 3, "created": 0, "updated": 0, "unchanged": 3, "duplicates": 0, "rejected": 0,
    }  # fmt: skip
    assert job.change_set is None
    assert ChangeSet.objects.count() == 1
    assert not ProductChange.objects.exists()


def test_only_rows_that_differ_are_written() -> None:
    completed(csv_of("A-1,One,,1,", "A-2,Two,,2,"))
    before = row_versions()

    completed(csv_of("A-1,One,,1,", "A-2,Two,,3,"))

    after = row_versions()
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_change_set_says_who_did_what_from_where(editor: User) -> None:
    completed(csv_of("A-1,One,,,"))

    job = completed(csv_of("A-1,Changed,,,", "A-2,Two,,,", "A-3,Three,,,"), user=editor)

    change_set = ChangeSet.objects.latest("id")
    assert job.change_set == change_set
    assert change_set.source == ChangeSet.Source.IMPORT
    assert change_set.actor == editor
    assert (change_set.created, change_set.updated, change_set.deleted) == (2, 1, 0)
    assert change_set.published_at is not None  # nobody listens


def test_creations_are_kept_as_one_range_of_ids() -> None:
    completed(csv_of("A-1,One,,,"))

    job = completed(csv_of("A-3,Three,,,", "A-1,Changed,,,", "A-2,Two,,,"))

    assert job.change_set is not None
    created = [product("A-2").pk, product("A-3").pk]
    assert [job.change_set.first_created_id, job.change_set.last_created_id] == created
    assert created[1] == created[0] + 1
    assert [change.sku for change in ProductChange.objects.all()] == ["A-1"]


def test_change_set_of_updates_alone_has_no_range() -> None:
    completed(csv_of("A-1,One,,,"))

    job = completed(csv_of("A-1,Changed,,,"))

    assert job.change_set is not None
    assert job.change_set.first_created_id is None
    assert job.change_set.last_created_id is None


@pytest.mark.parametrize(
    ("line", "before"),
    [
        ("A-1,Changed,Text,12.90,no", {"name": "One"}),
        ("A-1,One,Other,12.90,no", {"description": "Text"}),
        ("A-1,One,Text,12.9,no", None),
        ("A-1,One,Text,13,no", {"price": "12.90"}),
        ("A-1,One,Text,12.90,yes", {"active": False}),
        (
            'A-1,"Say ""hi"" \\",Other,0,yes',
            {"name": "One", "description": "Text", "price": "12.90", "active": False},
        ),
    ],
)
def test_log_holds_the_replaced_values_and_no_others(
    line: str, before: dict[str, Any] | None
) -> None:
    completed(csv_of("A-1,One,Text,12.90,no"))

    completed(csv_of(line))

    logged = [change.before for change in ProductChange.objects.filter(sku="A-1")]
    assert logged == ([before] if before else [])


def test_log_keeps_a_price_that_was_not_there_as_null() -> None:
    completed(csv_of("A-1,One,,,"))

    completed(csv_of("A-1,One,,5,"))

    change = ProductChange.objects.get()
    assert change.before == {"price": None}
    assert (change.kind, change.sku, change.product_id) == ("u", "A-1", product("A-1").pk)


def test_log_keeps_quotes_backslashes_and_line_breaks_of_old_values() -> None:
    completed(csv_of('A-1,"Say ""hi"" \\ é","a\tb\nc",,'))

    completed(csv_of("A-1,One,Two,,"))

    assert ProductChange.objects.get().before == {
        "name": 'Say "hi" \\ é',
        "description": "a\tb\nc",
    }


def test_counts_add_up_to_the_rows_that_were_read() -> None:
    completed(csv_of("A-1,One,,,", "A-2,Two,,,"))

    job = completed(
        csv_of("A-1,One,,,", "A-2,Changed,,,", "A-3,Old,,,", "A-3,New,,,", "A-4,,,,", "A-5,5,,,")
    )

    assert counts(job) == {
        "read": 6, "created": 2, "updated": 1, "unchanged": 1, "duplicates": 1, "rejected": 1,
    }  # fmt: skip
    assert job.staged == 5


def test_updated_products_alone_get_a_new_time() -> None:
    completed(csv_of("A-1,One,,,", "A-2,Two,,,"))
    first, second = product("A-1"), product("A-2")

    completed(csv_of("A-1,One,,,", "A-2,Changed,,,"))

    assert product("A-1").updated_at == first.updated_at
    assert product("A-2").updated_at > second.updated_at
    assert product("A-2").created_at == second.created_at


@pytest.mark.parametrize(
    ("first", "second"),
    [("É-1", "é-1"), ("Ж", "ж"), ("\u212a", "k"), ("K", "\u212a"), ("Ǆ", "ǆ")],
)
def test_letters_outside_ascii_are_folded_too(first: str, second: str) -> None:
    completed(csv_of(f"{first},One,,,"))

    completed(csv_of(f"{second},Two,,,"))

    kept = unicodedata.normalize("NFC", first)
    assert catalog() == [(kept, "Two", "", None, True)]


def test_skus_are_one_product_exactly_when_the_databases_lower_says_so() -> None:
    spellings = ["İ", "i", "I", "ı", "ß", "ẞ", "ss", "ſ", "s", "Σ", "ς", "σ", "Ω", "ω", "ﬁ", "fi"]

    completed(csv_of(*(f"{sku},One,,," for sku in spellings)))

    assert Product.objects.count() == len(set(folded(*spellings)))
    assert sorted(folded(*(sku for sku, *_ in catalog()))) == sorted(set(folded(*spellings)))


def test_composed_and_decomposed_spellings_are_one_product() -> None:
    completed(csv_of("e\u0301-1,One,,,"))

    completed(csv_of("\u00e9-1,Two,,,"))

    assert catalog() == [("\u00e9-1", "Two", "", None, True)]


def test_spaces_around_a_sku_are_dropped_and_those_inside_it_count() -> None:
    completed(csv_of("A 1,One,,,", "A  1,Two,,,"))

    job = completed(csv_of("  A 1 ,One,,,", "\u00a0A  1\u00a0,Two,,,"))

    assert {sku for sku, *_ in catalog()} == {"A 1", "A  1"}
    assert job.unchanged == 2


def write_more_than_announced() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        merge.compare(BROKEN, Rules())
        columns = "superseded, key, sku, name, description, active"
        cursor.execute(
            f"INSERT INTO {compared_table(BROKEN)} ({columns})"
            " VALUES (false, 'a', 'A', 'One', '', true)"
        )
        merge._write_rows(
            BROKEN,
            ChangeSet.objects.create(source=ChangeSet.Source.IMPORT),
            MergeCounts(staged=2, duplicates=0, created=2, updated=0, unchanged=0),
        )


def test_merge_that_writes_other_rows_than_announced_is_given_up() -> None:
    create(BROKEN)
    try:
        with pytest.raises(MergeBroken, match="1 rows were written, 2 were announced"):
            write_more_than_announced()
    finally:
        drop(BROKEN)
    assert catalog() == []
    assert not ChangeSet.objects.exists()


def test_progress_of_a_merge_without_rows_is_whole() -> None:
    nothing = MergeCounts(staged=0, duplicates=0, created=0, updated=0, unchanged=0)
    create("imports_staging_none")
    try:
        figures = MergeProgress(
            "imports_staging_none", staged=0, pace=Pace(), counts=nothing
        ).figures()
    finally:
        drop("imports_staging_none")
    assert (figures["done"], figures["total"]) == (0, 0)


#: What only the pages of a review and repairs ask; `test_review_listing.py` and
#: `test_repairing.py` run them.
OF_OTHERS = {
    "count_matching", "few_matching", "review_conflicts", "review_furthest", "review_lines",
    "review_matching", "review_missing_conflicts", "review_missing_matching", "review_missing_page",
    "review_missing_moved", "review_missing_moved_counts",
    "review_conflicting", "review_moved", "review_moved_counts", "review_order_field",
    "review_page", "review_products", "skus_overtaken", "staging_overtaken",
}  # fmt: skip


def test_every_sql_file_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run: set[str] = set()
    load = sql._text

    def noted(folder: Path, name: str) -> str:
        run.add(name)
        return load(folder, name)

    monkeypatch.setattr(sql, "_text", noted)

    completed(csv_of("A-1,One,,,"))
    job = completed(csv_of("A-1,Changed,,,", "A-2,,,,"))
    assert [cause.code for cause in report.causes(job)] == ["name_empty"]
    found = preview_file(ContentFile(csv_of("A-3,Three,,,").encode()), Options())
    assert found.created == 1
    create("imports_staging_any")
    try:
        figures = MergeProgress("imports_staging_any", staged=7, pace=Pace()).figures()
    finally:
        drop("imports_staging_any")
    assert (figures["done"], figures["total"]) == (0, 7)
    assert completed(csv_of("A-3,Three,,,"), missing="delete", missing_agreed=1).deleted == 1
    assert completed(csv_of("A-4,,,,"), missing="deactivate", missing_agreed=1).deactivated == 1
    waits = imported(csv_of("A-5,Five,,,"), missing="delete", review="always")
    reviewing.decide(waits, lines=[2], products=[product("A-3").pk], include=False)
    reviewing.decide_class(waits, "new", include=True)
    reviewing.apply_review(waits, user=None)
    assert run_next().created == 1

    assert run == {path.stem for path in merge.SQL.glob("*.sql")} - OF_OTHERS
