"""Whatever was done in whatever order: catalog, counts, log and every undo are right."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from catalog import operations, products
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.undoing import REASONS, preview
from core.leases import claim_next
from imports.tests.importing import completed, csv_of
from tests import oracle
from tests.oracle import Change, Logged, Outcome, Row, Snapshot
from tests.test_oracle_property import empty_the_catalog, fold

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

Kind = BulkOperation.Kind

SKUS = ["A-1", "a-1", "A-2", "B-1", "b-1", "É", "é", "ſ", "S", "ß", "ẞ"]
NAMES = ["Bolt", "Nut", 'a "quoted" \\ {name}']
DESCRIPTIONS = ["", "Text", 'two\nlines, "quoted" \\n {} %s \u2028 Ж']
PRICES = [None, Decimal("0.00"), Decimal("5.00"), Decimal("9999999999.99")]

values = {
    "sku": st.sampled_from(SKUS),
    "name": st.sampled_from(NAMES),
    "description": st.sampled_from(DESCRIPTIONS),
    "price": st.sampled_from(PRICES),
    "active": st.booleans(),
}
# Which of the products or change sets that there are: taken modulo their number.
which = st.integers(0, 30)
lines = st.lists(
    st.builds(
        Row,
        sku=values["sku"],
        name=values["name"],
        description=st.sampled_from([None, *DESCRIPTIONS[1:]]),
        price=values["price"],
        active=st.sampled_from([None, True, False]),
    ),
    min_size=1,
    max_size=6,
)
QUERIES: Mapping[str, Callable[[Row], bool]] = {
    "": lambda row: True,
    "active=true": lambda row: bool(row.active),
    "active=false": lambda row: not row.active,
    "sku=-1": lambda row: "-1" in row.sku,
    "name=BOLT&active=true": lambda row: row.name == "Bolt" and bool(row.active),
    "price_min=5": lambda row: row.price is not None and row.price >= 5,
    "sku=100%25_": lambda row: False,
}


def row_of(product: Product) -> Row:
    return Row(product.sku, product.name, product.description, product.price, product.active)


def snapshot() -> Snapshot:
    return {product.pk: row_of(product) for product in Product.objects.all()}


def log() -> Iterable[Logged]:
    """The change sets, newest first."""
    changes: dict[int, list[tuple[int, str, Any]]] = {}
    for change in ProductChange.objects.order_by("product_id"):
        part = (change.product_id, change.kind, change.before)
        changes.setdefault(change.change_set_id, []).append(part)
    for each in ChangeSet.objects.order_by("-pk"):
        yield Logged(
            pk=each.pk,
            created=each.created,
            updated=each.updated,
            deleted=each.deleted,
            first_created_id=each.first_created_id,
            last_created_id=each.last_created_id,
            changes=changes.get(each.pk, []),
        )


def quoted(text: object) -> str:
    return '"' + str(text).replace('"', '""') + '"'


def file_of(rows: Iterable[Row]) -> str:
    cells = (
        (
            row.sku,
            row.name,
            row.description or "",
            "" if row.price is None else row.price,
            "" if row.active is None else "yes" if row.active else "no",
        )
        for row in rows
    )
    return csv_of(*(",".join(map(quoted, each)) for each in cells))


def finished(operation: BulkOperation) -> BulkOperation:
    """The operation at its end, be it that it ran at once or that a worker has to come."""
    if operation.state == BulkOperation.State.QUEUED:
        lease = claim_next(BulkOperation, BulkOperation.State.RUNNING)
        assert lease is not None
        assert lease.row.pk == operation.pk
        operations.run_operation(lease)
        operation.refresh_from_db()
    assert operation.state == "completed", operation.error_message
    return operation


def outcome_of(operation: BulkOperation) -> Outcome:
    return Outcome(
        operation.created,
        operation.updated,
        operation.deleted,
        operation.unchanged,
        operation.left_alone,
        [(each["id"], each["sku"], each["reason"]) for each in operation.left],
    )


class Shop(RuleBasedStateMachine):
    """One catalog twice: in the database and in plain Python."""

    def __init__(self) -> None:
        super().__init__()
        self.products: Snapshot = {}
        self.changes: dict[int, Change] = {}
        self.highest_id = 0
        self.created_at: dict[int, Any] = {}

    @initialize()
    def begin(self) -> None:
        empty_the_catalog()

    # --- one product -------------------------------------------------------------------------

    @rule(values=st.fixed_dictionaries(values))
    def create(self, values: dict[str, Any]) -> None:
        row = Row(**values)
        owner = self._owner(row.sku)
        if owner is not None:
            with pytest.raises(products.SkuTaken) as refused:
                products.create(source="form", actor=None, **values)
            assert refused.value.product.pk == owner
            return
        made = products.create(source="form", actor=None, **values)
        self._done({**self.products, made.pk: row}, source="form")

    @precondition(lambda self: self.products)
    @rule(which=which, values=st.fixed_dictionaries({}, optional=values))
    def update(self, which: int, values: dict[str, Any]) -> None:
        pk = self._product(which)
        row = Row(**{**vars(self.products[pk]), **values})
        owner = self._owner(row.sku)
        if owner not in {None, pk}:
            with pytest.raises(products.SkuTaken) as refused:
                products.update(pk, source="api", actor=None, **values)
            assert refused.value.product.pk == owner
            return
        products.update(pk, source="api", actor=None, **values)
        self._done({**self.products, pk: row}, source="api")

    @precondition(lambda self: self.products)
    @rule(which=which)
    def delete(self, which: int) -> None:
        pk = self._product(which)
        products.delete(pk, source="admin", actor=None)
        self._done({at: row for at, row in self.products.items() if at != pk}, source="admin")

    # --- many --------------------------------------------------------------------------------

    @rule(rows=lines)
    def import_file(self, rows: list[Row]) -> None:
        by_key = {fold(row.sku): row for row in self.products.values()}
        counts = oracle.apply(by_key, rows, fold)
        job = completed(file_of(rows))
        assert (job.rejected, job.duplicates) == (0, counts.duplicates)
        assert (job.created, job.updated) == (counts.created, counts.updated)
        ids = {fold(row.sku): pk for pk, row in self.products.items()}
        # The ids of new products are the database's own choice.
        new = Product.objects.filter(pk__gt=self.highest_id).values_list("sku", "pk")
        ids.update((fold(sku), pk) for sku, pk in new)
        self._done({ids[key]: row for key, row in by_key.items()}, source="import")

    @rule(
        kind=st.sampled_from([Kind.ACTIVATE, Kind.DEACTIVATE, Kind.DELETE]),
        chosen=st.sets(which, max_size=8),
    )
    def act_on_ids(self, kind: BulkOperation.Kind, chosen: set[int]) -> None:
        base = max(0, self.highest_id - 12)
        ids = [base + each for each in chosen]  # some are gone, some never were
        self._act(kind, ids, finished(operations.start(kind, actor=None, ids=ids)), "bulk")

    @rule(
        kind=st.sampled_from([Kind.ACTIVATE, Kind.DEACTIVATE, Kind.DELETE]),
        query=st.sampled_from(sorted(QUERIES)),
    )
    def act_on_filter(self, kind: BulkOperation.Kind, query: str) -> None:
        ids = [pk for pk, row in self.products.items() if QUERIES[query](row)]
        self._act(kind, ids, finished(operations.start(kind, actor=None, query=query)), "bulk")

    @rule()
    def delete_all(self) -> None:
        operation = finished(operations.start(Kind.DELETE_ALL, actor=None))
        self._act(Kind.DELETE, list(self.products), operation, "delete_all")

    # --- undo --------------------------------------------------------------------------------

    @precondition(lambda self: self.changes)
    @rule(which=which)
    def undo(self, which: int) -> None:
        """Any change set, the newest ones first: an undo, an undone one, a part of either."""
        pk = sorted(self.changes, reverse=True)[which % len(self.changes)]
        new, expected = oracle.undone(self.products, self.changes[pk], fold)
        change_set = ChangeSet.objects.get(pk=pk)
        plan = preview(change_set)
        assert self.products == snapshot()
        operation = finished(operations.start_undo(change_set, actor=None))
        assert outcome_of(operation) == expected
        said = [(left.id, left.sku, left.reason) for left in plan.left]
        assert expected == Outcome(
            plan.created, plan.updated, plan.deleted, plan.unchanged, plan.left_alone, said
        )
        assert all(left.words == REASONS[left.reason] for left in plan.left)
        assert operation.total == expected.changes + expected.unchanged + expected.left_alone
        assert operation.total == len(self.changes[pk].touched)
        self._done(new, source="undo")
        if operation.change_set is not None:
            assert operation.change_set.undoes_id == pk
        assert (operation.change_set is not None) == (expected.changes > 0)

    # --- what must be true -------------------------------------------------------------------

    @invariant()
    def catalog_is_as_expected(self) -> None:
        if self.changes:
            assert snapshot() == self.products

    def teardown(self) -> None:
        """The log alone tells every earlier moment."""
        told = []
        for pk, before in oracle.walked_back(snapshot(), log()):
            assert before == self.changes[pk].before
            told.append(pk)
        assert sorted(told) == sorted(self.changes)

    def _act(
        self, kind: BulkOperation.Kind, ids: list[int], operation: BulkOperation, source: str
    ) -> None:
        active = {Kind.ACTIVATE: True, Kind.DEACTIVATE: False}.get(kind)
        new, expected = oracle.switched(self.products, ids, active)
        assert outcome_of(operation) == expected
        assert operation.total == len(set(ids))
        assert (operation.change_set is not None) == (expected.changes > 0)
        self._done(new, source=source)

    def _done(self, new: Snapshot, *, source: str) -> None:
        """The step has led here; its change set says so, and one that changed nothing has none."""
        change = Change(self.products, new)
        written = list(ChangeSet.objects.exclude(pk__in=self.changes))
        assert len(written) == bool(change.touched)
        for each in written:
            assert each.source == source
            counted = change.counted()
            assert (each.created, each.updated, each.deleted) == (
                counted.created,
                counted.updated,
                counted.deleted,
            )
            self.changes[each.pk] = change
        self.products = new
        self.highest_id = max([self.highest_id, *new])
        times = dict(Product.objects.values_list("pk", "created_at"))
        # A product that comes back was created when it was created.
        assert {pk: self.created_at.get(pk, at) for pk, at in times.items()} == times
        self.created_at.update(times)

    def _owner(self, sku: str) -> int | None:
        owners = [pk for pk, row in self.products.items() if fold(row.sku) == fold(sku)]
        return owners[0] if owners else None

    def _product(self, which: int) -> int:
        return sorted(self.products)[which % len(self.products)]


def machine(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def test_any_order_of_changes_and_undos_is_as_the_reference_says() -> None:
    run_state_machine_as_test(Shop, settings=machine(25, 20))


def test_any_order_is_as_the_reference_says_in_the_worker_and_across_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    monkeypatch.setattr(operations, "CHUNK", 2)

    run_state_machine_as_test(Shop, settings=machine(15, 15))


CHECKSUM = """
SELECT md5(string_agg(
    concat_ws('|', id, sku, name, description, coalesce(price::text, 'none'), active), E'\\n'
    ORDER BY id
)), count(*)
FROM catalog_product
"""


def checksum() -> tuple[str | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(CHECKSUM)
        found: tuple[str | None, int] = cursor.fetchone()
    return found


def numbered(numbers: Iterable[int], mark: str) -> str:
    return csv_of(*(f"SKU-{at},{mark} {at},{mark},{at}.50,{at % 2}" for at in numbers))


@pytest.mark.parametrize("size", [operations.CHUNK, 7], ids=["one_chunk", "many_chunks"])
@pytest.mark.parametrize(
    ("file", "counts"),
    [(range(300, 500), (200, 0)), (range(300), (0, 300)), (range(200, 450), (150, 100))],
    ids=["new", "changed", "mixed"],
)
def test_import_and_its_undo_leave_no_trace_and_the_undo_of_the_undo_gives_the_import_back(
    monkeypatch: pytest.MonkeyPatch, file: range, counts: tuple[int, int], size: int
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", operations.AT_ONCE if size > 1000 else -1)
    monkeypatch.setattr(operations, "CHUNK", size)
    completed(numbered(range(300), "old"))
    before = checksum()
    job = completed(numbered(file, "new"))
    after = checksum()
    assert (job.created, job.updated) == counts
    assert job.change_set is not None

    undone = finished(operations.start_undo(job.change_set, actor=None)).change_set
    assert checksum() == before
    assert undone is not None
    assert (undone.created, undone.updated, undone.deleted) == (0, counts[1], counts[0])

    again = finished(operations.start_undo(undone, actor=None)).change_set
    assert checksum() == after
    assert again is not None
    assert (again.created, again.updated, again.deleted) == (*counts, 0)


def test_delete_all_and_its_undo_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "CHUNK", 50)
    completed(numbered(range(300), "old"))
    before = checksum()

    emptied = finished(operations.start(Kind.DELETE_ALL, actor=None)).change_set
    assert emptied is not None
    assert checksum() == (None, 0)

    finished(operations.start_undo(emptied, actor=None))
    assert checksum() == before
    made = products.create(source="form", actor=None, sku="NEW", name="New")
    assert made.pk > Product.objects.exclude(pk=made.pk).order_by("-pk")[0].pk
