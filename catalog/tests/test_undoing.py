"""What an undo restores and what it leaves alone: the value counts, not the log."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from catalog import operations, products
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.undoing import UndoPlan, UndoRefused, preview

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def make(sku: str, **values: Any) -> Product:
    fields = {"name": "Bolt", "description": "", "price": Decimal("5.00"), "active": True}
    return products.create(source="form", actor=None, sku=sku, **{**fields, **values})


def edit(product: Product, **values: Any) -> ChangeSet:
    products.update(product.pk, source="form", actor=None, **values)
    return newest()


def remove(product: Product) -> ChangeSet:
    products.delete(product.pk, source="form", actor=None)
    return newest()


def newest() -> ChangeSet:
    return ChangeSet.objects.order_by("-pk")[0]


def undo(change_set: ChangeSet) -> ChangeSet:
    """Undo what can be undone; what was said before is what happened."""
    plan = preview(change_set)
    operation = operations.start_undo(change_set, actor=None)
    assert plan == UndoPlan(
        operation.created,
        operation.updated,
        operation.deleted,
        operation.unchanged,
        operation.left_alone,
        plan.left,
    )
    assert operation.change_set is not None
    assert operation.change_set.undoes == change_set
    return operation.change_set


def values(product: Product) -> dict[str, Any]:
    fields = ("sku", "name", "description", "price", "active")
    return {**Product.objects.values(*fields).get(pk=product.pk)}


def reasons(plan: UndoPlan) -> list[tuple[str, str]]:
    return [(left.sku, left.reason) for left in plan.left]


def test_edit_is_undone_and_the_undo_is_undone() -> None:
    bolt = make("A-1")
    old = values(bolt)
    edited = edit(bolt, name="Nut", price=None, sku="a-1/b")
    new = values(bolt)

    undone = undo(edited)
    assert values(bolt) == old
    change = ProductChange.objects.get(change_set=undone)
    assert (change.kind, change.before) == ("u", {"sku": "a-1/b", "name": "Nut", "price": None})

    undo(undone)
    assert values(bolt) == new


def test_created_product_goes_and_comes_back_with_its_id() -> None:
    bolt = make("A-1")
    made, old = newest(), values(bolt)

    undone = undo(made)
    assert not Product.objects.exists()

    undo(undone)
    assert values(bolt) == old
    assert Product.objects.get().created_at == bolt.created_at


def test_deleted_product_comes_back_and_goes_again() -> None:
    bolt = make("A-1", description='two\nlines "quoted" \\ {}', price=None, active=False)
    old = values(bolt)

    undone = undo(remove(bolt))
    assert values(bolt) == old

    undo(undone)
    assert not Product.objects.exists()


def test_what_somebody_edited_since_is_left_alone() -> None:
    bolt, nut = make("A-1"), make("A-2")
    operation = operations.start(BulkOperation.Kind.DEACTIVATE, actor=None)
    assert operation.change_set is not None
    edit(nut, active=True)
    edit(nut, active=False)
    other = edit(make("A-3"), active=False)
    edit(Product.objects.get(sku="A-3"), active=True)

    plan = preview(operation.change_set)
    assert (plan.restored, plan.left_alone) == (2, 0)

    edited = edit(bolt, name="Mine")
    edit(bolt, name="Yours")
    plan = preview(edited)
    assert (plan.restored, plan.left_alone, reasons(plan)) == (0, 1, [("A-1", "edited")])
    operations.start_undo(edited, actor=None)
    assert values(bolt)["name"] == "Yours"

    # Back already: nothing to do, and no conflict.
    plan = preview(other)
    assert (plan.restored, plan.unchanged, plan.left_alone) == (0, 1, 0)


def test_edit_of_another_column_is_no_conflict_and_stays() -> None:
    bolt = make("A-1")
    edited = edit(bolt, price=Decimal("9.00"))
    edit(bolt, name="Renamed")

    undo(edited)

    assert (values(bolt)["price"], values(bolt)["name"]) == (Decimal("5.00"), "Renamed")


def test_edit_that_was_itself_taken_back_is_no_conflict() -> None:
    bolt = make("A-1")
    edited = edit(bolt, price=Decimal("9.00"))
    edit(bolt, price=Decimal("7.00"))
    edit(bolt, price=Decimal("9.00"))

    undo(edited)

    assert values(bolt)["price"] == Decimal("5.00")


def test_half_restored_product_is_restored_whole_when_no_value_is_strange() -> None:
    bolt = make("A-1")
    edited = edit(bolt, price=Decimal("9.00"), name="Nut")
    edit(bolt, price=Decimal("5.00"))

    undone = undo(edited)

    assert (values(bolt)["price"], values(bolt)["name"]) == (Decimal("5.00"), "Bolt")
    assert ProductChange.objects.get(change_set=undone).before == {"name": "Nut"}


def test_created_product_that_was_edited_since_is_not_deleted() -> None:
    bolt = make("A-1")
    made = newest()
    edit(bolt, price=None)

    plan = preview(made)
    assert (plan.deleted, reasons(plan)) == (0, [("A-1", "edited")])

    edit(bolt, price=Decimal("5.00"))
    assert preview(made).deleted == 1


def test_product_that_was_deleted_since_is_left_alone() -> None:
    bolt = make("A-1")
    edited = edit(bolt, price=None)
    gone = remove(bolt)

    assert reasons(preview(edited)) == [("A-1", "deleted")]

    undo(gone)
    undo(edited)
    assert values(bolt)["price"] == Decimal("5.00")


def test_deleted_product_whose_sku_was_taken_since_stays_deleted() -> None:
    bolt = make("A-1")
    gone = remove(bolt)
    make("a-1", name="Another")

    plan = preview(gone)
    assert (plan.created, reasons(plan)) == (0, [("A-1", "taken")])
    assert operations.start_undo(gone, actor=None).change_set is None
    assert Product.objects.get().name == "Another"


def test_renamed_product_whose_old_sku_was_taken_since_keeps_its_new_one() -> None:
    bolt = make("A-1")
    renamed = edit(bolt, sku="B-1")
    make("a-1")

    assert reasons(preview(renamed)) == [("B-1", "taken")]


def test_creations_that_are_gone_need_nothing() -> None:
    bolt = make("A-1")
    made = newest()
    remove(bolt)

    plan = preview(made)

    assert (plan.restored, plan.unchanged, plan.left_alone) == (0, 1, 0)


def test_what_is_too_old_is_refused() -> None:
    bolt = make("A-1")
    edited = edit(bolt, price=None)
    ChangeSet.objects.update(pruned_at=timezone.now())
    edited.refresh_from_db()

    for refused in (preview, lambda each: operations.start_undo(each, actor=None)):
        with pytest.raises(UndoRefused, match="too old to undo"):
            refused(edited)

    assert values(bolt)["price"] is None
