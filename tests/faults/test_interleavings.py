"""Edits, imports, bulk actions and undos of several people at once are as in the log's order."""

import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from tests import oracle
from tests.faults.browser import Browser
from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site
from tests.faults.outcome import imported, log, snapshot
from tests.oracle import Change, Outcome, Row, Snapshot

pytestmark = pytest.mark.acceptance

ROWS = products(1500)
FILTERS: Mapping[str, Callable[[Row], bool]] = {
    "": lambda row: True,
    "active=true": lambda row: bool(row.active),
    "active=false": lambda row: not row.active,
    "sku=-0001": lambda row: "-0001" in row.sku,
}
ACTIVE = {"activate": True, "deactivate": False, "delete": None, "delete_all": None}


@dataclass(frozen=True)
class Asked:
    """What an editor typed into the form of product `pk`, or None for a new one."""

    pk: int | None
    row: Row


class People:
    """Several who work on one site at once, each for so many turns."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.seed = seed
        self.files: dict[int, list[Row]] = {}
        self.operations: list[int] = []
        # A name is given once: it tells which edit a change set is.
        self.edits: dict[str, Asked] = {}

    def work(self) -> None:
        known = list(snapshot(self.site).items())
        for user in ("admin", "editor", "manager"):
            self.site.browser(user)
        work = (self._edit, self._edit, self._import, self._act, self._undo)
        with ThreadPoolExecutor(len(work)) as threads:
            done = [
                threads.submit(each, random.Random(10 * self.seed + number), known)  # noqa: S311
                for number, each in enumerate(work)
            ]
        for each in done:
            each.result()
        for job in self.files:
            assert self.site.finished(job)["state"] == "completed"
        for operation in self.operations:
            assert self.site.done(operation)["state"] == "completed"

    def _browser(self, user: str) -> Browser:
        mine = Browser(self.site.url)
        mine.session.cookies.update(self.site.browser(user).session.cookies)
        return mine

    def _edit(self, chance: random.Random, known: list[tuple[int, Row]]) -> None:
        browser = self._browser("admin")
        for _ in range(12):
            name = f"edit {chance.getrandbits(60)}"
            new = chance.random() < 0.3
            pk, row = (None, known[0][1]) if new else chance.choice(known)
            row = replace(
                row,
                sku=f"NEW {name}" if new else row.sku,
                name=name,
                description="",
                price=Decimal(chance.randrange(100)),
                active=chance.random() < 0.5,
            )
            self.edits[name] = Asked(pk, row)
            form = {"sku": row.sku, "name": name, "description": "", "price": str(row.price)}
            path = f"/admin/catalog/product/{'add' if new else f'{pk}/change'}/"
            # The page of a product that is gone has no form, and the answer says so.
            answer = browser.post(
                path, {**form, **({"active": "on"} if row.active else {})}, page="/products/"
            )
            assert answer.status_code in {200, 302}, self.site.log("web")
        browser.session.close()

    def _import(self, chance: random.Random, known: list[tuple[int, Row]]) -> None:
        browser = self._browser("editor")
        for number in range(3):
            rows = renamed(chance.sample(ROWS, 1200), f"file {number}")
            self.files[browser.upload(as_csv(rows))] = rows
        browser.session.close()

    def _act(self, chance: random.Random, known: list[tuple[int, Row]]) -> None:
        browser = self._browser("manager")
        for turn in range(8):
            action = chance.choice(["activate", "deactivate", "delete"])
            if turn == 5:
                self.operations.append(browser.delete_all())
            elif turn % 2:
                self._note(browser.act(action, all="1", query=chance.choice(sorted(FILTERS)[1:])))
            else:
                ids = [pk for pk, _ in chance.sample(known, 40)]
                self._note(browser.act(action, ids=ids))
        browser.session.close()

    def _undo(self, chance: random.Random, known: list[tuple[int, Row]]) -> None:
        browser = self._browser("manager")
        for _ in range(10):
            newest = self.site.rows("SELECT id FROM catalog_changeset ORDER BY id DESC LIMIT 8")
            self._note(browser.undo(chance.choice(newest)["id"]))
        browser.session.close()

    def _note(self, operation: int | None) -> None:
        if operation is not None:
            self.operations.append(operation)


def replayed(people: People, change_set: Mapping[str, Any], told: Mapping[int, Change]) -> Snapshot:
    """What the one who wrote this change set had asked for, done to the catalog before it."""
    change = told[change_set["id"]]
    before = change.before
    if change_set["source"] == "import":
        (job,) = people.site.rows(
            "SELECT id FROM imports_importjob WHERE change_set_id = %s", [change_set["id"]]
        )
        by_key = {row.sku.lower(): row for row in before.values()}
        oracle.apply(by_key, people.files.get(job["id"], ROWS), str.lower)
        ids = {row.sku.lower(): pk for pk, row in change.after.items()}
        return {ids[key]: row for key, row in by_key.items()}
    if change_set["source"] == "admin":
        (pk,) = change.touched
        asked = people.edits[change.after[pk].name]
        assert asked.pk in {pk, None}
        return {**before, pk: asked.row}
    (operation,) = people.site.rows(
        "SELECT * FROM catalog_bulkoperation WHERE change_set_id = %s", [change_set["id"]]
    )
    after, outcome = expected(operation, before, told)
    counts = Outcome(
        operation["created"],
        operation["updated"],
        operation["deleted"],
        operation["unchanged"],
        operation["left_alone"],
        [(left["id"], left["sku"], left["reason"]) for left in operation["left"]],
    )
    assert counts == replace(outcome, left=outcome.left[:20])
    return after


def expected(
    operation: Mapping[str, Any], before: Snapshot, told: Mapping[int, Change]
) -> tuple[Snapshot, Outcome]:
    if operation["kind"] == "undo":
        return oracle.undone(before, told[operation["undoes_id"]], str.lower)
    ids = operation["ids"]
    if ids is None:
        matches = FILTERS[operation["query"]]
        ids = [pk for pk, row in before.items() if matches(row)]
    return oracle.switched(before, ids, ACTIVE[operation["kind"]])


@pytest.mark.parametrize("seed", range(2))
def test_what_many_people_do_at_once_is_as_if_one_came_after_the_other(
    site: Site, seed: int
) -> None:
    """Each change set, done in plain Python to the catalog that the log says was before it."""
    imported(site, ROWS)
    people = People(site, seed)
    people.work()

    told: dict[int, Change] = {}
    after = snapshot(site)
    for pk, now in oracle.walked_back(after, log(site)):
        before = dict(now)
        told[pk], after = Change(before, after), before
    assert after == {}
    change_sets = site.rows("SELECT id, source FROM catalog_changeset ORDER BY id")
    for change_set in change_sets:
        assert replayed(people, change_set, told) == told[change_set["id"]].after
    sources = {each["source"] for each in change_sets}
    assert sources >= {"import", "admin", "bulk", "undo"}, sources
