"""Delete all and undo, interrupted wherever they are: exact, one change set, or nothing at all."""

import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site, eventually
from tests.faults.outcome import after, expect_true_log, imported, snapshot
from tests.oracle import Snapshot

pytestmark = pytest.mark.acceptance

ROWS = products(3000)[:2500]
NEWER = [*renamed(ROWS[:1500], "new"), *products(3000)[2500:]]


def newest_change_set(site: Site) -> int:
    return int(site.value("SELECT max(id) FROM catalog_changeset"))


@dataclass(frozen=True)
class Case:
    """An operation that is large enough for the worker, and the stop point on its way."""

    stop: str
    start: Callable[[], int]
    before: Snapshot
    after: Snapshot
    change_sets: int


def deletion(site: Site) -> Case:
    imported(site, ROWS)
    return Case("delete", site.browser().delete_all, snapshot(site), {}, 1)


def undo_of_an_import(site: Site) -> Case:
    imported(site, ROWS)
    old = snapshot(site)
    imported(site, NEWER)
    newest = newest_change_set(site)
    return Case("update", lambda: undo(site, newest), snapshot(site), old, 2)


def undo_of_the_deletion(site: Site) -> Case:
    imported(site, ROWS)
    old = snapshot(site)
    site.done(site.browser().delete_all())
    newest = newest_change_set(site)
    return Case("insert", lambda: undo(site, newest), {}, old, 2)


def undo(site: Site, change_set: int) -> int:
    operation = site.browser().undo(change_set)
    assert operation is not None
    return operation


CASES: Mapping[str, Callable[[Site], Case]] = {
    "deletion": deletion,
    "undo_of_an_import": undo_of_an_import,
    "undo_of_the_deletion": undo_of_the_deletion,
}


@pytest.fixture
def case(request: pytest.FixtureRequest, site: Site) -> Case:
    return CASES[request.param](site)


each_case = pytest.mark.parametrize("case", CASES, indirect=True)
the_deletion = pytest.mark.parametrize("case", ["deletion"], indirect=True)
an_undo = pytest.mark.parametrize("case", ["undo_of_an_import"], indirect=True)


def expect_done(site: Site, case: Case, operation: int, *, attempt: int) -> None:
    """It has happened once and whole."""
    done = site.done(operation)
    assert (done["state"], done["attempt"], done["lease_token"]) == ("completed", attempt, None)
    assert snapshot(site) == case.after
    assert site.value("SELECT count(*) FROM catalog_changeset") == case.change_sets + 1
    assert done["change_set_id"] == newest_change_set(site)
    expect_true_log(site)


def expect_nothing(site: Site, case: Case, operation: int) -> None:
    """Not one product was touched."""
    row = site.operation(operation)
    assert (row["state"], row["change_set_id"], row["lease_token"]) == ("cancelled", None, None)
    assert snapshot(site) == case.before
    assert site.value("SELECT count(*) FROM catalog_changeset") == case.change_sets
    expect_true_log(site)


@each_case
def test_worker_killed_while_it_writes_is_made_up_for(site: Site, case: Case) -> None:
    with site.hold(case.stop) as held:
        operation = case.start()
        held.wait()
        site.kill("worker")
        assert snapshot(site) == case.before
    site.start_worker()
    expect_done(site, case, operation, attempt=2)


@the_deletion
def test_worker_killed_just_before_the_commit_is_made_up_for(site: Site, case: Case) -> None:
    with site.hold("done") as held:
        operation = case.start()
        held.wait()
        site.kill("worker")
        assert snapshot(site) == case.before
    site.start_worker()
    expect_done(site, case, operation, attempt=2)


def test_worker_killed_in_its_second_chunk_leaves_nothing_of_the_first(site: Site) -> None:
    rows = products(20_200)
    # The last of the file by its key, so that its id is the last too.
    rows[999] = replace(rows[999], sku="~-001000")
    imported(site, rows)
    before = snapshot(site)
    case = Case("delete", site.browser().delete_all, before, {}, 1)
    with site.hold(case.stop) as held:
        operation = case.start()
        held.wait()
        eventually(
            lambda: site.operation(operation)["progress"].get("done") == 20_000,
            what="the row to show the first chunk",
        )
        site.kill("worker")
        assert snapshot(site) == before
    site.start_worker()
    expect_done(site, case, operation, attempt=2)


@pytest.mark.parametrize("case", ["deletion", "undo_of_an_import"], indirect=True)
def test_postgres_killed_while_it_writes_loses_nothing(site: Site, case: Case) -> None:
    with site.hold(case.stop) as held:
        operation = case.start()
        held.wait()
        # What a test that never syncs could lose in a crash is not what this is about.
        site.rows("CHECKPOINT")
        site.postgres.kill()
    site.postgres.start()
    assert site.done(operation)["attempt"] >= 2
    expect_done(site, case, operation, attempt=site.operation(operation)["attempt"])


@the_deletion
def test_operation_whose_message_was_lost_is_carried_out(site: Site, case: Case) -> None:
    site.kill("worker")
    operation = case.start()
    site.valkey.kill()
    for path in site.valkey.directory.glob("appendonlydir*"):
        shutil.rmtree(path)
    site.valkey.start()
    assert site.operation(operation)["state"] == "queued"
    site.start_worker()
    expect_done(site, case, operation, attempt=1)


@an_undo
def test_operation_asked_for_without_valkey_is_taken_and_carried_out_later(
    site: Site, case: Case
) -> None:
    site.quiet()
    site.valkey.kill()
    began = time.monotonic()
    operation = case.start()
    assert time.monotonic() - began < 10
    assert site.operation(operation)["state"] == "queued"
    page = site.browser().get(f"/products/operations/{operation}/")
    assert page.status_code == 200
    site.valkey.start()
    expect_done(site, case, operation, attempt=1)


@the_deletion
def test_operation_runs_to_its_end_when_valkey_dies(site: Site, case: Case) -> None:
    with site.hold(case.stop) as held:
        operation = case.start()
        held.wait()
        site.valkey.kill()
    expect_done(site, case, operation, attempt=1)
    site.valkey.start()


@the_deletion
def test_message_delivered_many_times_deletes_once(site: Site, case: Case) -> None:
    with site.hold(case.stop) as held:
        operation = case.start()
        held.wait()
        site.wake(5, task="catalog.run_next")
        eventually(lambda: site.broker().llen("imports") == 0, what="the messages to be taken")
    expect_done(site, case, operation, attempt=1)


@pytest.mark.parametrize("stop", ["merge", "on its way"])
@each_case
def test_cancel_interrupts_whatever_runs_and_nothing_remains(
    site: Site, case: Case, stop: str
) -> None:
    with site.hold(case.stop if stop == "on its way" else stop) as held:
        operation = case.start()
        held.wait()
        site.browser().cancel_operation(operation)
        # Still held: only an interrupted statement lets it end.
        site.done(operation)
    expect_nothing(site, case, operation)


@an_undo
def test_cancelled_undo_can_be_asked_for_again(site: Site, case: Case) -> None:
    with site.hold(case.stop) as held:
        operation = case.start()
        held.wait()
        site.browser().cancel_operation(operation)
        site.done(operation)
    expect_done(site, case, case.start(), attempt=1)


@pytest.mark.parametrize("seed", range(4))
def test_cancel_at_a_random_moment_is_all_or_nothing(site: Site, seed: int) -> None:
    case = [deletion, undo_of_an_import][seed % 2](site)
    site.quiet()
    operation = case.start()
    time.sleep(random.Random(seed).uniform(0, 0.3))  # noqa: S311
    site.browser().cancel_operation(operation)
    if site.done(operation)["state"] == "cancelled":
        expect_nothing(site, case, operation)
    else:
        expect_done(site, case, operation, attempt=1)


@the_deletion
def test_deploy_in_the_middle_runs_it_again_afterwards(site: Site, case: Case) -> None:
    with site.hold(case.stop) as held:
        operation = case.start()
        held.wait()
        site.terminate("web", "worker", "beat", seconds=30)
    assert snapshot(site) == case.before
    site.start_web()
    site.start_beat()
    site.start_worker()
    expect_done(site, case, operation, attempt=2)


def test_deletion_that_meets_an_import_waits_for_it_and_deletes_what_it_brought(
    site: Site,
) -> None:
    imported(site, ROWS)
    with site.hold("update") as held:
        job = site.browser().upload(as_csv(NEWER))
        held.wait()
        operation = site.browser().delete_all()
        eventually(lambda: site.operation(operation)["state"] == "running", what="a worker")
        assert site.job(job)["state"] == "merging"
    assert site.finished(job)["created"] == 500
    done = site.done(operation)
    assert (done["state"], done["deleted"], done["attempt"]) == ("completed", 3000, 1)
    assert site.catalog() == {}
    expect_true_log(site)


def test_import_that_meets_a_deletion_waits_for_it_and_creates_everything_anew(
    site: Site,
) -> None:
    imported(site, ROWS)
    with site.hold("delete") as held:
        operation = site.browser().delete_all()
        held.wait()
        job = site.browser().upload(as_csv(NEWER))
        eventually(lambda: site.job(job)["state"] == "merging", what="the file to be staged")
        assert site.catalog() == after(ROWS)
    assert site.done(operation)["deleted"] == 2500
    done = site.finished(job)
    assert (done["created"], done["updated"]) == (2000, 0)
    assert site.catalog() == after(NEWER)
    expect_true_log(site)


@the_deletion
def test_nobody_who_reads_waits_for_a_deletion(site: Site, case: Case) -> None:
    pk = min(case.before)
    sku = case.before[pk].sku
    reader = site.browser()
    with site.hold("done") as held:
        operation = case.start()
        held.wait()
        assert site.value("SELECT count(*) FROM catalog_product") == 2500
        for path in ("/products/", f"/products/?sku={sku}", f"/products/{pk}/", "/"):
            began = time.monotonic()
            assert reader.get(path).status_code == 200
            # Less than lock_timeout: nobody stood in a queue.
            assert time.monotonic() - began < 5
        assert sku in reader.get(f"/products/?sku={sku}").text
        assert site.operation(operation)["state"] == "running"
    expect_done(site, case, operation, attempt=1)
    assert reader.get(f"/products/?sku={sku}").status_code == 200


def test_small_operation_that_meets_an_import_is_done_after_it(site: Site) -> None:
    imported(site, ROWS)
    chosen = [pk for pk, row in snapshot(site).items() if row.active][:3]
    with site.hold("update") as held:
        job = site.browser().upload(as_csv(NEWER))
        held.wait()
        operation = site.browser().act("deactivate", ids=chosen)
        assert operation is not None
    site.finished(job)
    done = site.done(operation)
    assert done["state"] == "completed"
    assert done["updated"] + done["unchanged"] == 3
    found = snapshot(site)
    assert [found[pk].active for pk in chosen] == [False] * 3
    expect_true_log(site)


@an_undo
def test_undo_that_two_people_ask_for_at_once_happens_once(site: Site, case: Case) -> None:
    with site.hold("merge") as held:
        first = case.start()
        held.wait()
        second = case.start()
        eventually(lambda: site.operation(second)["state"] == "running", what="a second worker")
    done = [site.done(operation) for operation in (first, second)]
    assert sorted((row["created"], row["updated"], row["deleted"]) for row in done) == [
        (0, 0, 0),
        (0, 1500, 500),
    ]
    assert sorted(row["unchanged"] for row in done) == [0, 2000]
    assert snapshot(site) == case.after
    assert site.value("SELECT count(*) FROM catalog_changeset") == 3
    expect_true_log(site)


@an_undo
def test_edit_made_while_an_undo_waits_is_left_alone(site: Site, case: Case) -> None:
    """The plan is made under the lock, not when the undo was asked for."""
    pk = next(pk for pk, row in case.before.items() if row.name.endswith(" new"))
    with site.hold("merge") as held:
        operation = case.start()
        held.wait()
        # Beside the lock, as an edit that was there first.
        site.rows(
            "WITH made AS (INSERT INTO catalog_changeset (source, created_at, created, updated,"
            " deleted) VALUES ('form', now(), 0, 1, 0) RETURNING id), logged AS ("
            " INSERT INTO catalog_productchange (change_set_id, product_id, sku, kind, before)"
            " SELECT made.id, product.id, product.sku, 'u',"
            " jsonb_build_object('name', name) FROM catalog_product AS product, made"
            " WHERE product.id = %s)"
            " UPDATE catalog_product SET name = 'Mine' WHERE id = %s",
            [pk, pk],
        )
    done = site.done(operation)
    assert (done["updated"], done["deleted"], done["left_alone"]) == (1499, 500, 1)
    (left,) = done["left"]
    assert (left["id"], left["reason"]) == (pk, "edited")
    expected = {**case.after, pk: replace(case.before[pk], name="Mine")}
    assert snapshot(site) == expected
    expect_true_log(site)
