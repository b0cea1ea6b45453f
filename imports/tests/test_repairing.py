"""Rejected rows imported after all: by a remedy, by hand, or in a file that comes back."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from catalog.models import Product
from core.leases import request_cancel
from imports.models import ImportJob, RejectedRow, StoredFile
from imports.options import Options
from imports.repairs import files as repair_files
from imports.repairs import repairing
from imports.repairs.correcting import CellsWrong, correct
from imports.repairs.files import RepairRefused
from imports.repairs.repairing import Example, Taken, plan, repair, taken, unknown_words
from imports.report import causes
from imports.tests.importing import catalog, completed, csv_of, imported, product, run_next
from imports.tests.test_report import handed_back
from imports.uploads import TooManyUploads

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

COMMAS = "sku;name;price\nA-1;One;1,5\nA-2;Two;2,50\nA-3;;3,5\nA-4;Four;4\n"


@pytest.fixture(autouse=True)
def nobody_else(editor: User) -> None:
    """An editor is there."""


def commas(**how: Any) -> ImportJob:
    return completed(COMMAS, decimal=".", **how)


def row_at(job: ImportJob, line: int) -> RejectedRow:
    return RejectedRow.objects.get(job=job, line=line)


def takers(job: ImportJob) -> dict[int, int | None]:
    """Of each rejected row of a job, the import that took it."""
    return dict(RejectedRow.objects.filter(job=job).values_list("line", "repaired_by"))


def with_delimiter(text: str, delimiter: str) -> str:
    """A CSV as a spreadsheet would write it with another delimiter."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(csv.reader(io.StringIO(text, newline="")))
    return out.getvalue()


def test_plan_says_what_a_remedy_would_do_and_does_nothing(editor: User) -> None:
    job = commas()

    found = plan(job, code="price_decimal_comma")

    assert (found.rows, found.fixed, found.unsure, found.overtaken) == (3, 2, 0, 0)
    assert found.label == "Read 2 prices with a decimal comma"
    assert found.examples == [Example(2, "1,5", "1.5"), Example(3, "2,50", "2.50")]
    assert found.others == [("name_empty", "Name is empty", 1)]
    assert ImportJob.objects.count() == 1
    assert takers(job) == {2: None, 3: None, 4: None}


def test_rows_that_a_remedy_fixes_are_imported_alone(editor: User) -> None:
    job = commas()

    again = repair(job, code="price_decimal_comma", user=editor)
    done = run_next()

    assert done == again
    assert (done.state, done.read, done.created, done.rejected) == ("completed", 2, 2, 0)
    assert (done.repairs, done.file_name) == (job, "products-repair.csv")
    assert [(sku, str(price)) for sku, _, _, price, _ in catalog()] == [
        ("A-4", "4.00"), ("A-1", "1.50"), ("A-2", "2.50"),
    ]  # fmt: skip
    assert takers(job) == {2: again.pk, 3: again.pk, 4: None}
    assert taken(job) == [Taken(done, 2)]


def test_rows_that_were_taken_are_left_out_of_causes_download_and_further_repairs(
    editor: User,
) -> None:
    job = commas()
    repair(job, code="price_decimal_comma", user=editor)
    run_next()

    assert [(each.code, each.count) for each in causes(job)] == [
        ("name_empty", 1), ("price_decimal_comma", 1),
    ]  # fmt: skip
    assert [line.split(b";")[0] for line in handed_back(job).splitlines()] == [b"sku", b"A-3"]
    with pytest.raises(RepairRefused, match="No row would be fixed"):
        repair(job, code="price_decimal_comma", user=editor)
    assert ImportJob.objects.count() == 2


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_rows_of_a_repair_without_effect_are_free_again(end: str, editor: User) -> None:
    job = commas()
    lost = repair(job, code="price_decimal_comma", user=editor)
    assert takers(job) == {2: lost.pk, 3: lost.pk, 4: None}
    assert request_cancel(lost)
    ImportJob.objects.filter(pk=lost.pk).update(state=end)

    again = repair(job, code="price_decimal_comma", user=editor)

    assert takers(job) == {2: again.pk, 3: again.pk, 4: None}
    assert taken(job) == [Taken(again, 2)]


def test_remedies_of_several_causes_work_on_one_row(editor: User) -> None:
    job = completed('sku;name;price\nA-1;"One\nand two";1,5\n', decimal=".")

    alone = plan(job, code="price_decimal_comma")
    assert (alone.fixed, alone.others) == (
        0,
        [("name_control", "Name has a control character or line break", 1)],
    )
    repair(job, code="price_decimal_comma", also=["name_control"], user=editor)
    run_next()

    assert [(name, str(price)) for _, name, _, price, _ in catalog()] == [("One and two", "1.50")]


def test_words_mean_what_somebody_says(editor: User) -> None:
    text = "sku,name,active\nA-1,One,on sale\nA-2,Two,On Sale\nA-3,Three,gone\nA-4,Four,who knows\n"
    job = completed(text)
    assert unknown_words(job) == [("on sale", 2), ("gone", 1), ("who knows", 1)]

    repair(job, code="active_unknown", words={"on sale": "yes", "gone": "no"}, user=editor)
    run_next()

    assert [(sku, active) for sku, _, _, _, active in catalog()] == [
        ("A-1", True), ("A-2", True), ("A-3", False),
    ]  # fmt: skip
    assert unknown_words(job) == [("who knows", 1)]


def test_broken_bytes_are_read_as_windows_1252(editor: User) -> None:
    good = "".join(f"B-{at},Größe,\n" for at in range(20)).encode()
    job = completed(b"sku,name,description\n" + good + b"A-1,Gr\xf6\xdfe,\xe9t\xc3\xa9\n")

    assert [each.remedy for each in causes(job)] == ["Read 1 row as Windows-1252"]
    repair(job, code="encoding", user=editor)
    run_next()

    found = product("A-1")
    assert (found.name, found.description) == ("Größe", "été")


def test_cause_without_a_sure_remedy_has_none(editor: User) -> None:
    job = completed(csv_of("A-1,,,,"))

    with pytest.raises(RepairRefused, match="There is no sure remedy for “Name is empty”"):
        repair(job, code="name_empty", user=editor)
    assert ImportJob.objects.count() == 1


def test_cells_that_somebody_wrote_are_imported(editor: User) -> None:
    job = completed('sku;name;note;price\nA-1;;"a;b";1\nA-2;;x;much\nA-3;;;3\n')
    first, second = row_at(job, 2), row_at(job, 3)

    cells = {(first.pk, 1): "One", (second.pk, 1): "Two", (second.pk, 3): "2.5"}
    again = correct(job, cells=cells, user=editor)
    run_next()

    assert [(sku, name, str(price)) for sku, name, _, price, _ in catalog()] == [
        ("A-1", "One", "1.00"), ("A-2", "Two", "2.50"),
    ]  # fmt: skip
    assert takers(job) == {2: again.pk, 3: again.pk, 4: None}


def test_cells_that_are_still_wrong_import_nothing(editor: User) -> None:
    job = completed(csv_of("A-1,,,much,", "A-2,,,2,"))
    first, second = row_at(job, 2), row_at(job, 3)

    with pytest.raises(CellsWrong) as refused:
        correct(job, cells={(first.pk, 3): "more", (second.pk, 1): "Two"}, user=editor)

    assert str(refused.value) == "1 row is not right yet. Nothing was imported."
    assert refused.value.problems == {
        (first.pk, 1): "Name is empty. Every product needs one.",
        (first.pk, 3): "Price is not a number. Write digits and a point: 12.90.",
    }
    assert ImportJob.objects.count() == 1
    assert takers(job) == {2: None, 3: None}


def test_row_that_is_taken_is_not_corrected(editor: User) -> None:
    job = completed(csv_of("A-1,,,,"))
    cells = {(row_at(job, 2).pk, 1): "One"}
    correct(job, cells=cells, user=editor)

    with pytest.raises(RepairRefused, match="taken by another import"):
        correct(job, cells=cells, user=editor)
    assert ImportJob.objects.count() == 2


def test_row_whose_cells_are_in_doubt_is_for_the_csv(editor: User) -> None:
    job = completed("sku,name,price\nA-1,One\n")

    with pytest.raises(RepairRefused, match="only be fixed in the CSV"):
        correct(job, cells={(row_at(job, 2).pk, 2): "1"}, user=editor)


def test_repair_leaves_products_that_are_not_in_it(editor: User) -> None:
    Product.objects.create(sku="OLD", name="Old")
    job = completed(COMMAS + "OLD;Old;1\n", decimal=".", missing="deactivate", mode="create")

    again = repair(job, code="price_decimal_comma", user=editor)

    assert Options.of(again).missing == "keep"
    assert (again.mode, again.review) == ("create", "never")
    run_next()
    assert product("OLD").active


def test_product_that_was_changed_since_is_not_overwritten_unseen(editor: User) -> None:
    job = commas()
    Product.objects.create(sku="a-1", name="Mine", updated_at=timezone.now())

    assert plan(job, code="price_decimal_comma").overtaken == 1
    again = repair(job, code="price_decimal_comma", user=editor)

    assert again.review == "always"
    run_next()
    again.refresh_from_db()
    assert again.state == ImportJob.State.REVIEW
    assert product("a-1").name == "Mine"


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> ImportJob:
    """Rows of one cause, of which a request looks at the first only."""
    monkeypatch.setattr(repairing, "LARGE", 1)
    return commas()


def test_many_rows_are_repaired_by_the_worker_with_the_same_results(
    many: ImportJob, editor: User
) -> None:
    found = plan(many, code="price_decimal_comma")
    again = repair(many, code="price_decimal_comma", user=editor)

    assert (found.rows, found.total, found.fixed, found.is_whole) == (1, 3, 1, False)
    assert found.label == "Read 3 prices with a decimal comma"
    assert (again.state, again.upload, again.repairs) == ("queued", "", many)
    assert takers(many) == {2: None, 3: None, 4: None}
    done = run_next()

    assert (done.pk, done.state, done.created, done.rejected) == (again.pk, "completed", 2, 0)
    assert (done.file_name, done.created_by) == ("products-repair.csv", editor)
    assert (bool(done.upload), done.size > 0, len(done.sha256)) == (True, True, 64)
    assert takers(many) == {2: done.pk, 3: done.pk, 4: None}
    assert product("A-1").price == Decimal("1.50")


def test_many_rows_are_repaired_once(many: ImportJob, editor: User) -> None:
    repair(many, code="price_decimal_comma", user=editor)
    with pytest.raises(RepairRefused):
        repair(many, code="price_decimal_comma", user=editor)

    assert ImportJob.objects.count() == 2
    run_next()
    with pytest.raises(RepairRefused, match="No row would be fixed"):
        repair(many, code="price_decimal_comma", user=editor)


def test_many_rows_of_which_none_is_fixed_fail_with_the_reason(
    many: ImportJob, editor: User
) -> None:
    repair(many, code="price_decimal_comma", user=editor)
    RejectedRow.objects.filter(job=many).exclude(line=4).delete()

    done = run_next()

    assert (done.state, done.error_code) == ("failed", "repair_refused")
    assert done.error_message == "No row would be fixed by this."
    assert (done.upload, StoredFile.objects.count()) == ("", 1)
    assert takers(many) == {4: None}


def test_worker_that_finds_rows_taken_keeps_no_file(
    many: ImportJob, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    repair(many, code="price_decimal_comma", user=editor)
    monkeypatch.setattr(repair_files, "claim", lambda *of: 1)

    done = run_next()

    assert (done.state, done.error_message) == ("failed", repair_files.BUSY)
    assert (done.upload, StoredFile.objects.count()) == ("", 1)


def test_repairs_count_as_uploads(editor: User, settings: Any) -> None:
    settings.UPLOADS_A_MINUTE = 1
    job = completed(csv_of("A-1,,,,", "A-2,,,,"))
    correct(job, cells={(row_at(job, 2).pk, 1): "One"}, user=editor)

    with pytest.raises(TooManyUploads):
        correct(job, cells={(row_at(job, 3).pk, 1): "Two"}, user=editor)
    assert takers(job)[3] is None


@pytest.mark.parametrize(
    ("codec", "delimiter"), [("utf-8", ";"), ("cp1252", "\t"), ("utf-16", "\t"), ("utf-8-sig", ",")]
)
def test_file_of_rejected_rows_is_known_however_it_was_saved(
    codec: str, delimiter: str, editor: User
) -> None:
    job = completed('sku,name,price\nA-1,,1\nA-2,Größe,much\nA-3,"a\nb",3\n')
    fixed = handed_back(job).decode().replace("A-1,,", "A-1,One,").replace(",much,", ",2.5,")

    again = completed(
        with_delimiter(fixed, delimiter).encode(codec), name="other.csv", missing="deactivate"
    )

    assert (again.created, again.rejected) == (2, 1)
    assert again.repairs == job
    assert again.missing == "keep"
    assert again.detected["ignored"] == ["error"]
    assert again.detected["warnings"] == [] or codec == "cp1252"
    assert takers(job) == {2: again.pk, 3: again.pk, 4: None}


def test_rows_that_came_back_twice_are_taken_in_the_first_import_too() -> None:
    job = completed(csv_of("A-1,,,,", "A-2,,,,"))
    once = completed(handed_back(job).replace(b"A-1,,", b"A-1,One,"))
    assert takers(job) == {2: once.pk, 3: None}

    twice = completed(handed_back(once).replace(b"A-2,,", b"A-2,Two,"))

    assert twice.repairs == once
    assert takers(once) == {3: twice.pk}
    assert takers(job) == {2: once.pk, 3: twice.pk}


def test_ordinary_file_with_a_column_of_errors_is_no_repair() -> None:
    job = completed(csv_of("A-1,,,,"))
    text = "sku,name,error\nA-1,One,Line 2 of import 1\n"
    of_another_site = f"sku,name,error\nA-1,One,Line 2 of import {job.pk} (00000000): Name\n"

    assert completed(text).repairs is None
    assert completed(of_another_site).repairs is None
    assert takers(job) == {2: None}


def test_file_that_comes_back_waits_for_a_review_if_products_were_changed() -> None:
    job = completed(csv_of("A-1,,,,"))
    Product.objects.create(sku="A-1", name="Mine", updated_at=timezone.now())

    fixed = handed_back(job).replace(b"A-1,,", b"A-1,One,")
    again = imported(fixed, review="risks")

    assert (again.state, again.review) == (ImportJob.State.REVIEW, "always")
    assert product("A-1").name == "Mine"
