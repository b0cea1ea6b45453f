"""Bodies show products as their change set left them, in batches that any receiver can take."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import operations, products, standing
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.tests.change_sets import edited, imported, made, newest, undone
from webhooks import bodies
from webhooks.bodies import BATCH_BYTES, BATCH_PRODUCTS, Part, Shown, as_json, batches, moment
from webhooks.models import EventType

in_database = [pytest.mark.integration, pytest.mark.django_db]
AT = datetime(2026, 1, 31, 12, 0, 0, 123999, tzinfo=UTC)


def parts_of(change_set: ChangeSet) -> list[Part]:
    """All that a change set did."""
    first, last = change_set.first_created_id, change_set.last_created_id
    ids = [] if first is None or last is None else range(first, last + 1)
    changes = ProductChange.objects.filter(change_set=change_set).order_by("product_id")
    return [
        *(Part(product_id, "c") for product_id in ids),
        *(Part(each.product_id, each.kind, each.before or {}) for each in changes),
    ]


def shown(change_set: ChangeSet) -> list[dict[str, Any]]:
    return [json.loads(each.text) for each in bodies.show(change_set, parts_of(change_set))]


# --- how values are written ------------------------------------------------------------------


def test_moments_are_utc_with_milliseconds() -> None:
    assert moment(AT) == "2026-01-31T12:00:00.123Z"
    assert moment(AT.astimezone(timezone(timedelta(hours=-5)))) == "2026-01-31T12:00:00.123Z"
    assert moment(datetime(2026, 1, 31, tzinfo=UTC)) == "2026-01-31T00:00:00.000Z"


def test_json_is_compact_and_keeps_letters() -> None:
    assert (
        as_json({"name": 'Größe "8"\n', "price": None})
        == '{"name":"Größe \\"8\\"\\n","price":null}'
    )


def test_number_that_json_does_not_know_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(float("nan"))


# --- what a product is shown as --------------------------------------------------------------


class TestProducts:
    pytestmark = in_database

    def test_created_product_is_shown_whole(self) -> None:
        bolt = made(price=Decimal("9.90"), description="M6\n\U0001f529")
        change_set = newest()

        assert shown(change_set) == [
            {
                "id": bolt.pk,
                "sku": "A-1",
                "name": "One",
                "description": "M6\n\U0001f529",
                "price": "9.90",
                "active": True,
                "created_at": moment(bolt.created_at),
                "updated_at": moment(bolt.updated_at),
                "change_set": change_set.pk,
            }
        ]

    def test_price_is_text_with_two_decimals_or_null(self) -> None:
        for price, expected in ((None, None), ("0", "0.00"), ("9999999999.99", "9999999999.99")):
            made(f"P-{price}", price=None if price is None else Decimal(price))
            assert shown(newest())[0]["price"] == expected

    def test_update_names_the_fields_that_changed(self) -> None:
        bolt = made(name="1")
        edited(bolt, price=Decimal("1.00"), name="2", active=False)
        bolt.refresh_from_db()
        change_set = newest()

        assert shown(change_set) == [
            {
                "id": bolt.pk,
                "sku": "A-1",
                "name": "2",
                "description": "",
                "price": "1.00",
                "active": False,
                "created_at": moment(bolt.created_at),
                "updated_at": moment(bolt.updated_at),
                "changed": ["name", "price", "active"],
                "change_set": change_set.pk,
            }
        ]

    def test_deleted_product_is_shown_as_it_was(self) -> None:
        bolt = made(price=Decimal("9.90"))
        change_set = products.delete(bolt.pk, source=ChangeSet.Source.FORM, actor=None)

        assert shown(change_set) == [
            {
                "id": bolt.pk,
                "sku": "A-1",
                "name": "One",
                "description": "",
                "price": "9.90",
                "active": True,
                "created_at": moment(bolt.created_at),
                "updated_at": moment(bolt.updated_at),
                "change_set": change_set.pk,
            }
        ]

    def test_deletion_in_bulk_is_shown_like_a_single_one(self) -> None:
        bolt, nut = made(price=Decimal("9.90")), made("A-2")
        operations.start(BulkOperation.Kind.DELETE_ALL, actor=None)

        first, second = shown(newest())

        assert (first["id"], first["price"], second["id"]) == (bolt.pk, "9.90", nut.pk)
        assert (first["created_at"], first["updated_at"]) == (
            moment(bolt.created_at),
            moment(bolt.updated_at),
        )

    def test_product_that_an_undo_brought_back_is_a_creation_under_its_old_id(self) -> None:
        bolt = made(price=Decimal("9.90"))
        back = undone(products.delete(bolt.pk, source=ChangeSet.Source.FORM, actor=None))

        (product,) = bodies.show(back, parts_of(back))

        assert product.type == EventType.PRODUCT_CREATED
        body = json.loads(product.text)
        assert (body["id"], body["price"], body["change_set"]) == (bolt.pk, "9.90", back.pk)
        assert body["created_at"] == moment(bolt.created_at)
        assert body["updated_at"] == moment(Product.objects.get().updated_at)
        assert "changed" not in body

    def test_undone_creation_is_a_deletion_and_an_undone_edit_an_update(self) -> None:
        bolt = made(name="1")
        creation = newest()
        edited(bolt, name="2")
        undone_edit = undone(newest())
        undone_creation = undone(creation)

        (update,) = bodies.show(undone_edit, parts_of(undone_edit))
        (deletion,) = bodies.show(undone_creation, parts_of(undone_creation))

        assert (update.type, deletion.type) == (
            EventType.PRODUCT_UPDATED,
            EventType.PRODUCT_DELETED,
        )
        assert (json.loads(update.text)["name"], json.loads(deletion.text)["name"]) == ("1", "1")

    def test_product_is_shown_as_the_change_set_left_it_though_it_was_edited_since(self) -> None:
        bolt = made(name="1")
        change_sets = [newest()]
        for name in ("2", "3", "4"):
            edited(bolt, name=name, price=Decimal(name))
            change_sets.append(newest())

        left = [shown(each)[0] for each in change_sets]

        assert [(each["name"], each["price"]) for each in left] == [
            ("1", None),
            ("2", "2.00"),
            ("3", "3.00"),
            ("4", "4.00"),
        ]
        assert [each["updated_at"] for each in left[:3]] == [
            moment(each.created_at) for each in change_sets[:3]
        ]

    def test_product_is_shown_though_it_is_gone(self) -> None:
        bolt = made(name="1", description="M6")
        creation = newest()
        edited(bolt, name="2")
        edit = newest()
        products.delete(bolt.pk, source=ChangeSet.Source.FORM, actor=None)

        ((first,), (second,)) = shown(creation), shown(edit)

        assert (first["name"], first["description"]) == ("1", "M6")
        assert (second["name"], second["changed"]) == ("2", ["name"])
        assert first["created_at"] == second["created_at"] == moment(bolt.created_at)
        assert first["updated_at"] == moment(creation.created_at)

    def test_edit_that_comes_between_the_two_questions_is_not_shown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bolt = made(name="1")
        creation = newest()
        ask = standing.rows

        def edited_behind(ids: list[int]) -> dict[int, dict[str, Any]]:
            found = ask(ids)
            edited(bolt, name="2")
            return found

        monkeypatch.setattr(standing, "rows", edited_behind)

        assert shown(creation)[0]["name"] == "1"

    def test_deletion_that_comes_between_the_two_questions_loses_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bolt = made(name="1")
        creation = newest()
        ask = standing.rows

        def deleted_behind(ids: list[int]) -> dict[int, dict[str, Any]]:
            found = ask(ids)
            products.delete(bolt.pk, source=ChangeSet.Source.FORM, actor=None)
            return found

        monkeypatch.setattr(standing, "rows", deleted_behind)

        assert shown(creation)[0]["name"] == "1"

    def test_product_of_which_nothing_is_known_any_more_is_left_out(self) -> None:
        change_set = imported("A-1", "A-2")
        Product.objects.filter(sku="A-1").delete()

        assert [each["sku"] for each in shown(change_set)] == ["A-2"]

    def test_questions_are_two_however_many_products_are_shown(
        self, django_assert_num_queries: Any
    ) -> None:
        change_set = imported(*(f"A-{at}" for at in range(20)))
        parts = parts_of(change_set)

        with django_assert_num_queries(2):
            assert len(bodies.show(change_set, parts)) == 20


# --- batches ---------------------------------------------------------------------------------

CHANGE_SET = ChangeSet(pk=2**62, created_at=AT)


def product_of(size: int, event_type: str = EventType.PRODUCT_UPDATED) -> Shown:
    """A product whose JSON takes so many bytes."""
    return Shown(event_type, "A-1", '"' + "x" * (size - 2) + '"')


def sizes_of(products: list[Shown]) -> list[int]:
    """The number of products in each batch."""
    return [len(batch.products) for batch in batches(products)]


def test_thousand_products_fill_a_batch() -> None:
    assert sizes_of([product_of(100)] * 1000) == [1000]
    assert sizes_of([product_of(100)] * 2001) == [1000, 1000, 1]
    assert sizes_of([]) == []


def test_batch_is_cut_before_it_is_larger_than_256_kib() -> None:
    assert sizes_of([product_of(64 * 1024)] * 8) == [3, 3, 2]


def test_huge_product_goes_alone_between_the_others() -> None:
    small, huge = product_of(100), product_of(BATCH_BYTES * 2)

    assert sizes_of([small, small, huge, small]) == [2, 1, 1]
    assert sizes_of([huge, huge]) == [1, 1]


def test_size_is_counted_in_bytes_and_not_in_letters() -> None:
    product = Shown(EventType.PRODUCT_UPDATED, "A-1", '"' + "€" * 40_000 + '"')

    assert product.size == 120_002
    assert sizes_of([product] * 4) == [2, 2]


@given(
    st.lists(
        st.tuples(
            st.integers(2, 400) | st.integers(2, 2 * BATCH_BYTES),
            st.sampled_from(list(bodies.TYPES.values())),
        ),
        max_size=30,
    ),
    st.integers(1, 150),
)
def test_batches_are_of_one_type_bounded_and_together_all_there_is(
    wild: list[tuple[int, EventType]], times: int
) -> None:
    products = [product_of(size, kind) for size, kind in wild]
    products += [product_of(2, EventType.PRODUCT_CREATED)] * (times * 10)

    cut = list(batches(products))

    for batch in cut:
        body = bodies.batch_body(CHANGE_SET, batch, import_id=2**62)
        assert {each.type for each in batch.products} == {batch.type}
        assert 0 < len(batch.products) <= BATCH_PRODUCTS
        assert len(batch.products) == 1 or len(body.encode()) <= BATCH_BYTES
    for kind in bodies.TYPES.values():
        together = [each for batch in cut if batch.type == kind for each in batch.products]
        assert together == [each for each in products if each.type == kind]


def test_body_of_a_batch() -> None:
    batch = bodies.Batch(EventType.PRODUCT_DELETED, [product_of(3), product_of(4)])

    body = bodies.batch_body(ChangeSet(pk=991, created_at=AT), batch, import_id=None)

    assert body == (
        '{"type":"product.batch","timestamp":"2026-01-31T12:00:00.123Z","data":{"event":'
        '"product.deleted","change_set":991,"import":null,"count":2,"products":["x","xx"]}}'
    )


def test_body_of_a_summary() -> None:
    body = bodies.summary_body(
        ChangeSet(pk=991, created_at=AT),
        EventType.PRODUCT_UPDATED,
        1200,
        import_id=None,
        url="https://catalog.example.com/activity/991/",
        changes_url="https://catalog.example.com/api/changesets/991/changes",
    )

    assert json.loads(body) == {
        "type": "product.batch",
        "timestamp": "2026-01-31T12:00:00.123Z",
        "data": {
            "event": "product.updated",
            "change_set": 991,
            "import": None,
            "count": 1200,
            "url": "https://catalog.example.com/activity/991/",
            "changes_url": "https://catalog.example.com/api/changesets/991/changes",
        },
    }


def test_body_of_a_trial() -> None:
    assert json.loads(bodies.trial_body(AT)) == {
        "type": "webhook.test",
        "timestamp": "2026-01-31T12:00:00.123Z",
        "data": {"message": "This is a test. Nothing has changed."},
    }
    payloads: list[Any] = [{}, [], {"a": [1]}, 0]
    for payload in payloads:
        assert json.loads(bodies.trial_body(AT, payload))["data"] == payload
