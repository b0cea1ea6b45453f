"""What is old goes, oldest first and never from under an undo; what is kept stays true."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from catalog import cleaning, operations, products
from catalog.cleaning import PRUNE_LOCK, prune_catalog
from catalog.history import product_history
from catalog.locks import CATALOG_LOCK
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from catalog.undoing import UndoRefused, preview
from core.leases import claim_next
from dev.processes import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

Kind = BulkOperation.Kind


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.CHANGE_RETENTION_DAYS = 90
    settings.CHANGE_RETENTION_ROWS = 1000
    settings.JOB_RETENTION_DAYS = 365


def make(sku: str) -> Product:
    return products.create(
        source="form", actor=None, sku=sku, name="1", description="", price=None, active=True
    )


def edit(product: Product, name: str, *, days_ago: float = 0) -> int:
    """Rename a product, so many days ago; the number of the change set."""
    products.update(product.pk, source="form", actor=None, name=name)
    newest = ChangeSet.objects.order_by("-pk")[0]
    age(newest.pk, days_ago)
    return newest.pk


def age(change_set: int, days: float) -> None:
    at = timezone.now() - timedelta(days=days)
    ChangeSet.objects.filter(pk=change_set).update(created_at=at)


def pruned() -> list[int]:
    marked = ChangeSet.objects.filter(pruned_at__isnull=False)
    return list(marked.order_by("pk").values_list("pk", flat=True))


def kept() -> list[int]:
    """The change sets of which values are kept."""
    rows = ProductChange.objects.order_by("change_set_id")
    return list(rows.values_list("change_set_id", flat=True).distinct())


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Run something in a thread with a connection of its own; what it raises is raised here."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(run)
        yield
        done.result()


@contextmanager
def held(lock: str, *parameters: Any) -> Iterator[None]:
    """A lock that another connection holds for the time of the block."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(lock, parameters)
        yield
        other.rollback()
    finally:
        other.close()


@contextmanager
def impatient() -> Iterator[None]:
    """This connection waits for no lock longer than a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
        yield
        cursor.execute("RESET lock_timeout")


def waiting() -> int:
    """How many connections wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        found: int = cursor.fetchone()[0]
    return found


# --- what goes -------------------------------------------------------------------------------


def test_change_set_that_is_too_old_can_not_be_undone_any_more() -> None:
    bolt = make("A-1")
    old = edit(bolt, "2", days_ago=91)
    young = edit(bolt, "3", days_ago=89)
    made = ChangeSet.objects.earliest("pk").pk
    values = Product.objects.values().get()

    prune_catalog()

    assert (pruned(), kept()) == ([made, old], [young])
    assert Product.objects.values().get() == values
    for refused in (preview, lambda each: operations.start_undo(each, actor=None)):
        with pytest.raises(UndoRefused, match=f"Change set #{old} is too old to undo"):
            refused(ChangeSet.objects.get(pk=old))
    assert preview(ChangeSet.objects.get(pk=young)).updated == 1
    assert not BulkOperation.objects.exists()


def test_oldest_go_first_when_there_are_too_many_rows(settings: Settings) -> None:
    settings.CHANGE_RETENTION_ROWS = 5
    for at in range(3):
        make(f"A-{at}")
    made = list(ChangeSet.objects.order_by("pk").values_list("pk", flat=True))
    first = operations.start(Kind.DEACTIVATE, actor=None).change_set
    second = operations.start(Kind.ACTIVATE, actor=None).change_set
    third = operations.start(Kind.DELETE, actor=None, query="sku=a-1").change_set
    assert first is not None
    assert second is not None
    assert third is not None

    prune_catalog()

    assert pruned() == [*made, first.pk]
    assert ProductChange.objects.count() == 4

    settings.CHANGE_RETENTION_ROWS = 4
    prune_catalog()
    assert pruned() == [*made, first.pk]

    settings.CHANGE_RETENTION_ROWS = 3
    prune_catalog()
    assert (pruned(), kept()) == ([*made, first.pk, second.pk], [third.pk])


def test_creations_cost_no_rows_but_those_that_an_undo_brought_back_do(settings: Settings) -> None:
    settings.CHANGE_RETENTION_ROWS = 3
    for at in range(5):
        make(f"A-{at}")
    prune_catalog()
    assert pruned() == []

    gone = operations.start(Kind.DELETE, actor=None, query="sku=A-1").change_set
    assert gone is not None
    operations.start_undo(gone, actor=None)
    edit(Product.objects.get(sku="A-1"), "2")
    edit(Product.objects.get(sku="A-1"), "3")

    prune_catalog()

    # One deleted, one brought back, two edited.
    assert pruned() == list(range(gone.pk - 5, gone.pk + 1))
    assert ProductChange.objects.count() == 3


def test_change_set_that_only_created_is_marked_too() -> None:
    make("A-1")
    made = ChangeSet.objects.get()
    age(made.pk, 91)

    prune_catalog()

    assert pruned() == [made.pk]
    with pytest.raises(UndoRefused):
        operations.start_undo(ChangeSet.objects.get(pk=made.pk), actor=None)
    assert Product.objects.count() == 1


def test_nothing_is_kept_between_what_goes() -> None:
    """Also when the clock was wrong: an undo needs the values of all that came later."""
    bolt = make("A-1")
    first = edit(bolt, "2", days_ago=10)
    second = edit(bolt, "3", days_ago=91)
    third = edit(bolt, "4", days_ago=10)

    prune_catalog()

    assert pruned() == [first - 1, first, second]
    assert kept() == [third]


def test_what_is_young_and_little_stays() -> None:
    bolt = make("A-1")
    edit(bolt, "2", days_ago=89)

    prune_catalog()

    assert pruned() == []
    assert ProductChange.objects.count() == 1


def test_values_that_webhooks_have_yet_to_be_sent_from_stay() -> None:
    """Those of the oldest unpublished change set and of all that came after it."""
    bolt = make("A-1")
    first, second, third = (edit(bolt, str(at), days_ago=91) for at in (2, 3, 4))
    ChangeSet.objects.filter(pk=second).update(published_at=None)

    prune_catalog()

    assert (pruned(), kept()) == ([first - 1, first], [second, third])

    ChangeSet.objects.filter(pk=second).update(published_at=timezone.now())
    prune_catalog()
    assert (pruned(), kept()) == ([first - 1, first, second, third], [])


def test_values_stay_unpublished_however_many_there_are(settings: Settings) -> None:
    settings.CHANGE_RETENTION_ROWS = 0
    bolt = make("A-1")
    old = edit(bolt, "2")
    ChangeSet.objects.filter(pk=old).update(published_at=None)

    prune_catalog()

    assert kept() == [old]


# --- how it goes -----------------------------------------------------------------------------


def test_batches_end_when_the_time_is_over_and_the_next_run_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a run that was killed: what is marked is refused, whatever is left of it."""
    monkeypatch.setattr(cleaning, "BATCH", 2)
    bolt = make("A-1")
    old = [edit(bolt, str(at), days_ago=91) for at in range(2, 7)]
    monkeypatch.setattr(cleaning, "SECONDS", -1.0)

    prune_catalog()

    assert (pruned(), kept()) == ([old[0] - 1, *old], old)
    with pytest.raises(UndoRefused):
        preview(ChangeSet.objects.get(pk=old[-1]))

    monkeypatch.setattr(cleaning, "SECONDS", 300.0)
    marked_at = list(ChangeSet.objects.order_by("pk").values_list("pruned_at", flat=True))
    prune_catalog()
    assert kept() == []
    assert list(ChangeSet.objects.order_by("pk").values_list("pruned_at", flat=True)) == marked_at


def test_two_pruners_at_once_are_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "BATCH", 3)
    bolt = make("A-1")
    old = [edit(bolt, str(at), days_ago=91) for at in range(2, 14)]
    young = edit(bolt, "last")

    with beside(prune_catalog), beside(prune_catalog):
        prune_catalog()
    prune_catalog()

    assert (pruned(), kept()) == ([old[0] - 1, *old], [young])


def test_pruner_leaves_the_rows_to_the_one_that_is_at_it() -> None:
    old = edit(make("A-1"), "2", days_ago=91)

    with held("SELECT pg_advisory_xact_lock(%s)", PRUNE_LOCK):
        prune_catalog()
        assert kept() == [old]

    prune_catalog()
    assert kept() == []


def test_undo_that_has_begun_keeps_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    bolt, _ = make("A-1"), make("A-2")
    switched = operations.start(Kind.DEACTIVATE, actor=None).change_set
    assert switched is not None
    age(switched.pk, 91)
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    operation = operations.start_undo(switched, actor=None)
    lease = claim_next(BulkOperation, BulkOperation.State.RUNNING)
    assert lease is not None

    row = held("SELECT 1 FROM catalog_product WHERE id = %s FOR UPDATE", bolt.pk)
    with ExitStack() as threads, row:
        threads.enter_context(beside(lambda: operations.run_operation(lease)))
        assert wait_until(lambda: waiting() == 1, seconds=10)
        threads.enter_context(beside(prune_catalog))
        assert wait_until(lambda: waiting() == 2, seconds=10)
        assert (pruned(), kept()) == ([], [switched.pk])

    operation.refresh_from_db()
    assert (operation.state, operation.updated) == ("completed", 2)
    assert set(Product.objects.values_list("active", flat=True)) == {True}
    assert pruned()[-1] == switched.pk


def test_import_that_takes_long_puts_the_pruning_off_until_the_next_run() -> None:
    old = edit(make("A-1"), "2", days_ago=91)
    finished = operations.start(Kind.DELETE, actor=None, query="sku=nothing")
    finished_days_ago(finished, 366)

    with held("SELECT pg_advisory_xact_lock(%s)", CATALOG_LOCK), impatient():
        prune_catalog()

    assert (pruned(), kept()) == ([], [old])
    assert not BulkOperation.objects.exists()
    prune_catalog()
    assert kept() == []


def test_undo_that_still_waits_when_its_values_go_fails_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    old = edit(make("A-1"), "2", days_ago=91)
    operation = operations.start_undo(ChangeSet.objects.get(pk=old), actor=None)
    prune_catalog()
    lease = claim_next(BulkOperation, BulkOperation.State.RUNNING)
    assert lease is not None

    operations.run_operation(lease)

    operation.refresh_from_db()
    assert (operation.state, operation.error_code) == ("failed", "too_late")
    assert operation.error_message == (
        f"Change set #{old} is too old to undo: its values are no longer kept."
    )
    assert Product.objects.get().name == "2"
    assert ChangeSet.objects.count() == 2


# --- what stays ------------------------------------------------------------------------------


def test_history_of_a_product_is_true_as_far_as_it_is_kept() -> None:
    bolt = make("A-1")
    old = edit(bolt, "2", days_ago=91)
    young = [edit(bolt, "3"), edit(bolt, "4")]

    prune_catalog()

    bolt.refresh_from_db()
    story = [
        (entry.change_set.pk, [(field.old, field.new) for field in entry.fields])
        for entry in product_history(bolt.pk, bolt).entries
    ]
    assert story == [(young[1], [("3", "4")]), (young[0], [("2", "3")]), (old - 1, [])]


def test_newer_change_is_undone_as_ever_after_older_ones_went() -> None:
    bolt = make("A-1")
    edit(bolt, "2", days_ago=91)
    young = edit(bolt, "3")
    prune_catalog()

    operations.start_undo(ChangeSet.objects.get(pk=young), actor=None)

    assert Product.objects.get().name == "2"


def test_operations_that_ended_long_ago_go_and_their_change_sets_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make("A-1")
    old = operations.start(Kind.DEACTIVATE, actor=None)
    finished_days_ago(old, 366)
    young = operations.start(Kind.ACTIVATE, actor=None)
    finished_days_ago(young, 364)
    monkeypatch.setattr(operations, "AT_ONCE", -1)
    running = operations.start(Kind.DELETE_ALL, actor=None)
    assert claim_next(BulkOperation, BulkOperation.State.RUNNING) is not None
    queued = operations.start(Kind.DELETE_ALL, actor=None)
    long_ago = timezone.now() - timedelta(days=1000)
    for each in (running, queued):
        BulkOperation.objects.filter(pk=each.pk).update(created_at=long_ago, accepted_at=long_ago)

    prune_catalog()

    ids = BulkOperation.objects.order_by("pk").values_list("pk", flat=True)
    assert list(ids) == [young.pk, running.pk, queued.pk]
    assert old.change_set is not None
    assert ChangeSet.objects.filter(pk=old.change_set.pk).exists()


def finished_days_ago(operation: BulkOperation, days: float) -> None:
    at = timezone.now() - timedelta(days=days)
    BulkOperation.objects.filter(pk=operation.pk).update(finished_at=at)
