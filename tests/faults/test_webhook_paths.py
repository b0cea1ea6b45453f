"""Every path that changes products leads to events that say what the log says; no other does."""

import datetime
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from catalog.models import ChangeSet
from catalog.rules import FIELDS
from tests.faults.files import as_csv
from tests.faults.harness import Site
from tests.faults.listeners import Listener, Listeners, events
from tests.faults.walk import PATHS, UNWATCH, WATCH, Seen, Step, Walk

pytestmark = pytest.mark.acceptance

Source = ChangeSet.Source
CREATED, UPDATED, DELETED = "product.created", "product.updated", "product.deleted"
KINDS = {"c": CREATED, "u": UPDATED, "d": DELETED}

#: A product, and the change set that made it so.
Told = tuple[str, int, int]


def test_every_source_of_changes_is_on_a_path() -> None:
    assert {source for source, _ in PATHS.values()} == set(Source)


@pytest.fixture
def watched(site: Site) -> Iterator[Site]:
    """Nothing is committed there that writes a product and not the log."""
    site.rows(WATCH)
    yield site
    site.rows(UNWATCH)


def test_every_path_tells_everybody_what_the_log_says(watched: Site) -> None:
    """All is published at the end, when the rows have long moved on."""
    site = watched
    if "deliver" in site.children:
        site.kill("deliver")
    walk = Walk(site)
    with Listeners(site) as listen:
        one_by_one = listen(bulk="each")
        in_batches = listen(bulk="batch", ordered=True)
        in_short = listen(bulk="summary", ordered=True)
        walk.take()
        failed = walk.people.upload(b"neither,of,these\n1,2,3\n", "wrong.csv")
        assert site.finished(failed)["state"] == "failed"
        unchanged = walk.people.upload(as_csv(list(site.catalog().values())[:2]), "same.csv")
        assert site.finished(unchanged)["change_set_id"] is None
        site.start_deliver()
        for listener in (one_by_one, in_batches, in_short):
            listener.settled()
            listener.expect_told()
            expect_imports(site, listener)
    expect_the_log(site, walk)
    expect_each(walk, one_by_one)
    expect_batches(site, walk, in_batches)
    expect_summaries(walk, in_short)
    replayed = replay(walk.first, products_told(one_by_one), walk)
    assert replayed == replay(walk.first, products_told(in_batches), walk)
    assert replayed.keys() == walk.look().keys()
    for pk, row in walk.look().items():
        expect_shown(replayed[pk], row)


# --- the truth ----------------------------------------------------------------------------------


def touched(step: Step) -> dict[int, str]:
    """What became of which product, from the catalog before and after."""
    kinds = {}
    for pk in step.before.keys() | step.after.keys():
        if pk not in step.before:
            kinds[pk] = CREATED
        elif pk not in step.after:
            kinds[pk] = DELETED
        elif changed(step, pk):
            kinds[pk] = UPDATED
    return kinds


def changed(step: Step, pk: int) -> list[str]:
    before, after = step.before[pk], step.after[pk]
    return [name for name in FIELDS if before[name] != after[name]]


def truth(walk: Walk) -> Counter[Told]:
    return Counter(
        (kind, step.change_set, pk) for step in walk.steps for pk, kind in touched(step).items()
    )


def expect_the_log(site: Site, walk: Walk) -> None:
    """The change log says what the catalog went through."""
    logged: Counter[Told] = Counter()
    for row in site.rows(
        "SELECT id, first_created_id AS first, last_created_id AS last FROM catalog_changeset"
        " WHERE id >= %s",
        [walk.steps[0].change_set],
    ):
        if row["first"] is not None:
            logged.update((CREATED, row["id"], pk) for pk in range(row["first"], row["last"] + 1))
        changes = site.rows(
            "SELECT kind, product_id FROM catalog_productchange WHERE change_set_id = %s",
            [row["id"]],
        )
        logged.update((KINDS[each["kind"]], row["id"], each["product_id"]) for each in changes)
    assert logged == truth(walk)


def expect_shown(product: dict[str, Any], row: dict[str, Any]) -> None:
    """A product in a body is the row."""
    assert [product[name] for name in ("id", "sku", "name", "description", "active")] == [
        row[name] for name in ("id", "sku", "name", "description", "active")
    ]
    assert product["price"] == (None if row["price"] is None else f"{row['price']:.2f}")
    assert abs(moment(product["created_at"]) - row["created_at"]) < datetime.timedelta(seconds=0.01)
    # Of a row that has moved on the time of its change set is told.
    assert abs(moment(product["updated_at"]) - row["updated_at"]) < datetime.timedelta(seconds=5)


def moment(text: str) -> datetime.datetime:
    assert text.endswith("Z")
    return datetime.datetime.fromisoformat(text)


# --- what was told ------------------------------------------------------------------------------


def products_told(listener: Listener) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every product of every event, with what happened to it."""
    for event in events(listener):
        if event["type"] in KINDS.values():
            yield event["type"], event["data"]
        elif event["type"] == "product.batch":
            for product in event["data"].get("products", []):
                yield event["data"]["event"], product


def expect_each(walk: Walk, listener: Listener) -> None:
    """One event for each product and kind of each change set, with the product as it was then."""
    assert {event["type"] for event in events(listener)} == {
        CREATED, UPDATED, DELETED, "import.completed", "import.failed",
    }  # fmt: skip
    expect_products(walk, listener)


def expect_products(walk: Walk, listener: Listener) -> None:
    told = list(products_told(listener))
    assert Counter((kind, each["change_set"], each["id"]) for kind, each in told) == truth(walk)
    steps = {step.change_set: step for step in walk.steps}
    for kind, product in told:
        step = steps[product["change_set"]]
        expect_shown(product, (step.before if kind == DELETED else step.after)[product["id"]])
        if kind == UPDATED:
            assert product["changed"] == changed(step, product["id"])
        else:
            assert "changed" not in product


def expect_batches(site: Site, walk: Walk, listener: Listener) -> None:
    """Change sets of several products come in batches of one kind, those of one by themselves."""
    expect_products(walk, listener)
    alone = {step.change_set for step in walk.steps if len(touched(step)) == 1}
    jobs = {row["change_set_id"]: row["id"] for row in import_jobs(site)}
    for event in events(listener):
        data = event["data"]
        if event["type"] in KINDS.values():
            assert data["change_set"] in alone
        elif event["type"] == "product.batch":
            assert data["change_set"] not in alone
            assert data["count"] == len(data["products"]) <= 1000
            assert data["import"] == jobs.get(data["change_set"])


def expect_summaries(walk: Walk, listener: Listener) -> None:
    """Change sets of several products come as their counts; imports by their end alone."""
    expected: Counter[tuple[str, int, int]] = Counter()
    for step in walk.steps:
        counts = Counter(touched(step).values())
        if counts.total() == 1 or step.source != Source.IMPORT:
            expected.update((kind, step.change_set, count) for kind, count in counts.items())
    told: Counter[tuple[str, int, int]] = Counter()
    for event in events(listener):
        data = event["data"]
        if event["type"] in KINDS.values():
            told[event["type"], data["change_set"], 1] += 1
        elif event["type"] == "product.batch":
            assert "products" not in data
            assert data["url"].endswith(f"/activity/{data['change_set']}/")
            told[data["event"], data["change_set"], data["count"]] += 1
    assert told == expected


def import_jobs(site: Site) -> list[dict[str, Any]]:
    return site.rows("SELECT * FROM imports_importjob ORDER BY id")


def expect_imports(site: Site, listener: Listener) -> None:
    """Every import that ended while somebody listened is told of once, with its counts."""
    _, *jobs = import_jobs(site)
    told = {
        event["data"]["import"]: event
        for event in events(listener)
        if event["type"].startswith("import.")
    }
    assert sorted(told) == [job["id"] for job in jobs]
    for job in jobs:
        event = told[job["id"]]
        assert event["type"] == f"import.{job['state']}"
        for name in ("read", "created", "updated", "unchanged", "duplicates", "rejected"):
            assert event["data"][name] == job[name]
        assert event["data"]["change_set"] == job["change_set_id"]


def replay(
    first: Seen, told: Iterator[tuple[str, dict[str, Any]]], walk: Walk
) -> dict[int, dict[str, Any]]:
    """The catalog of somebody who had it at first and takes in what is told, by change set."""
    catalog: dict[int, dict[str, Any]] = {pk: {} for pk in first}
    for kind, product in sorted(told, key=lambda each: each[1]["change_set"]):
        pk = product["id"]
        assert (pk in catalog) == (kind != CREATED), (kind, product)
        if kind == DELETED:
            del catalog[pk]
        else:
            catalog[pk] = product
    return catalog


# --- nothing else -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE catalog_product SET name = 'Written past the log'",
        "DELETE FROM catalog_product",
        "INSERT INTO catalog_product (sku, name) VALUES ('PAST', 'The log')",
        "WITH other AS (INSERT INTO catalog_changeset (source, created, updated, deleted)"
        " VALUES ('form', 0, 1, 0))"
        " UPDATE catalog_product SET name = 'In no change set'",
    ],
)
def test_write_past_the_log_is_seen(watched: Site, statement: str) -> None:
    answer = watched.browser().post("/products/new/", {"sku": "KNOWN", "name": "To the log"})
    assert answer.status_code == 302
    before = watched.rows("SELECT * FROM catalog_product")
    with pytest.raises(psycopg.errors.RaiseException, match="stands in no change set"):
        watched.rows(statement)
    assert watched.rows("SELECT * FROM catalog_product") == before
