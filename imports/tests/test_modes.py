"""What an import may do: create, update, or both; and to products that its file does not have."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from catalog.models import ChangeSet, Product, ProductChange
from catalog.tests.change_sets import undone
from imports.models import ImportJob
from imports.tests.importing import catalog, completed, counts, csv_of, imported, product

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

OLD = ("A-1,One,,1.00,", "A-2,Two,,2.00,")
NEW = ("A-2,Two,,2.50,", "A-3,Three,,3.00,")


@pytest.fixture
def stock() -> None:
    completed(csv_of(*OLD))


@pytest.mark.usefixtures("stock")
def test_only_create_leaves_products_that_exist_as_they_are() -> None:
    job = completed(csv_of(*NEW), mode="create")

    assert (job.created, job.updated, job.skipped) == (1, 0, 1)
    assert [sku for sku, *_ in catalog()] == ["A-1", "A-2", "A-3"]
    assert product("A-2").price == Decimal("2.00")


@pytest.mark.usefixtures("stock")
def test_only_update_creates_nothing() -> None:
    job = completed(csv_of(*NEW), mode="update")

    assert (job.created, job.updated, job.skipped) == (0, 1, 1)
    assert [sku for sku, *_ in catalog()] == ["A-1", "A-2"]
    assert product("A-2").price == Decimal("2.50")


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(("mode", "line"), [("create", OLD[0] + ""), ("update", NEW[1])])
def test_mode_that_passes_over_all_leaves_no_change_set(mode: str, line: str) -> None:
    changed = line.replace("One", "Changed")
    job = completed(csv_of(changed), mode=mode)

    assert (job.skipped, job.change_set) == (1, None)
    assert ChangeSet.objects.count() == 1


@pytest.mark.usefixtures("stock")
def test_counts_add_up_to_the_rows_read() -> None:
    job = completed(csv_of(*NEW, "A-3,Again,,,", ",Nameless,,,"), mode="create")

    assert job.read == sum(counts(job).values()) - job.read + job.skipped
    assert (job.read, job.duplicates, job.rejected, job.skipped) == (4, 1, 1, 1)


@pytest.mark.usefixtures("stock")
def test_missing_products_are_kept_if_nobody_asks() -> None:
    job = completed(csv_of(NEW[0]))

    assert (job.deactivated, job.deleted) == (0, 0)
    assert product("A-1").active


@pytest.fixture
def many() -> None:
    completed(csv_of(*(f"B-{number},Product {number},,1.00," for number in range(10))))


def without(*missing: int) -> str:
    return csv_of(*(f"B-{n},Product {n},,1.00," for n in range(10) if n not in missing))


@pytest.mark.usefixtures("many")
def test_missing_products_are_deactivated() -> None:
    job = completed(without(3, 7), missing="deactivate")

    assert (job.deactivated, job.deleted, job.unchanged) == (2, 0, 8)
    inactive = Product.objects.filter(active=False).values_list("sku", flat=True)
    assert sorted(inactive) == ["B-3", "B-7"]
    assert job.change_set is not None
    assert (job.change_set.created, job.change_set.updated) == (0, 2)
    changes = ProductChange.objects.filter(change_set=job.change_set)
    assert [change.before for change in changes] == [{"active": True}] * 2


@pytest.mark.usefixtures("many")
def test_missing_products_that_are_inactive_are_left_alone() -> None:
    completed(csv_of("B-3,Product 3,,1.00,no"))
    job = completed(without(3, 7), missing="deactivate")

    assert job.deactivated == 1


@pytest.mark.usefixtures("many")
def test_missing_products_are_deleted_with_all_that_an_undo_needs() -> None:
    gone = product("B-3")
    job = completed(without(3), missing="delete")

    assert (job.deactivated, job.deleted) == (0, 1)
    assert not Product.objects.filter(sku="B-3").exists()
    assert job.change_set is not None
    assert job.change_set.deleted == 1
    change = ProductChange.objects.get(change_set=job.change_set)
    assert (change.kind, change.product_id, change.sku) == ("d", gone.pk, "B-3")
    assert change.before is not None
    assert (change.before["sku"], change.before["price"]) == ("B-3", "1.00")


@pytest.mark.usefixtures("many")
def test_product_whose_row_was_refused_is_not_missing() -> None:
    job = completed(without(3) + "b-3,Product 3,,cheap,\n", missing="delete")

    assert (job.rejected, job.deleted) == (1, 0)
    assert product("B-3").active


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("missing", ["deactivate", "delete"])
def test_more_than_a_fifth_of_the_catalog_waits_for_a_person_though_no_review_was_asked_for(
    missing: str,
) -> None:
    before = catalog()
    job = imported(without(1, 2, 3), missing=missing, review="never")

    assert job.state == ImportJob.State.REVIEW
    assert [risk["code"] for risk in job.reviewed["risks"]] == ["missing"]
    assert job.reviewed["missing"] == 3
    assert catalog() == before


@pytest.mark.usefixtures("many")
def test_number_given_beforehand_releases_the_brake() -> None:
    job = completed(without(1, 2, 3), missing="delete", missing_agreed=3)

    assert job.deleted == 3


@pytest.mark.usefixtures("many")
def test_other_number_than_that_of_the_missing_products_releases_nothing() -> None:
    job = imported(without(1, 2, 3), missing="delete", missing_agreed=4)

    assert job.state == ImportJob.State.REVIEW
    assert Product.objects.count() == 10


@pytest.mark.usefixtures("many")
def test_share_from_which_the_brake_holds_is_a_setting(settings: Settings) -> None:
    settings.RISK_CATALOG_PERCENT = 5
    assert imported(without(1), missing="delete").state == ImportJob.State.REVIEW


@pytest.mark.usefixtures("many")
def test_row_without_a_readable_sku_may_be_of_any_missing_product() -> None:
    job = imported(without(3) + '"B-3" x,Product 3,,1.00,\n', missing="delete")

    assert job.state == ImportJob.State.REVIEW
    assert [risk["code"] for risk in job.reviewed["risks"]] == ["unreadable_sku"]
    assert Product.objects.count() == 10


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("missing", ["deactivate", "delete"])
def test_undo_brings_missing_products_back(missing: str) -> None:
    before = catalog()
    job = completed(without(3) + "C-1,New,,,\nb-4,Changed,,1.00,\n", missing=missing)
    assert (job.created, job.updated, job.deactivated + job.deleted) == (1, 1, 1)
    assert job.change_set is not None

    undone(job.change_set)

    assert catalog() == before
