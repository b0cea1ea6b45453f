"""Single edits and imports that meet: no edit is lost, and the log is true."""

import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from catalog.locks import CATALOG_LOCK
from tests import oracle
from tests.faults.browser import Browser
from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site, eventually
from tests.faults.outcome import expect, expect_true_log, imported
from tests.oracle import Row

pytestmark = pytest.mark.acceptance

ROWS = products(3000)


def edit(browser: Browser, pk: int, row: Row) -> bool:
    """Save a product in the admin; False when it was refused in words."""
    path = f"/admin/catalog/product/{pk}/change/"
    values = {
        "sku": row.sku,
        "name": row.name,
        "description": row.description or "",
        "price": "" if row.price is None else str(row.price),
        **({"active": "on"} if row.active else {}),
    }
    answer = browser.post(path, values)
    if answer.status_code == 302:
        return True
    assert answer.status_code == 200, answer.text[:300]
    assert re.search(r"import is being applied", answer.text), answer.text
    assert row.name in answer.text.replace("&quot;", '"').replace("&#x27;", "'")
    return False


def waits_for_the_catalog(site: Site) -> bool:
    """Whether somebody stands in the queue for the writers' lock."""
    return bool(
        site.rows(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND classid = 0 AND objid = %s",
            [CATALOG_LOCK],
        )
    )


def test_edit_that_meets_a_merge_is_refused_and_keeps_what_was_typed(site: Site) -> None:
    imported(site, ROWS)
    admin = site.browser("admin")
    pk = site.value("SELECT id FROM catalog_product WHERE sku = %s", [ROWS[0].sku])
    changed = renamed(ROWS, "new")
    mine = replace(ROWS[0], name="Mine", description="", active=True)
    with site.hold("update") as held:
        job = site.browser().upload(as_csv(changed))
        held.wait()
        began = time.monotonic()
        assert not edit(admin, pk, mine)
        assert 4 < time.monotonic() - began < 15  # it waited for lock_timeout
        assert site.browser().get(f"/products/{pk}/").status_code == 200
    site.finished(job)
    expect(site, ROWS, changed)
    assert edit(admin, pk, mine)
    assert site.catalog()[mine.sku.lower()].name == "Mine"
    expect_true_log(site)


def test_deletion_that_meets_a_merge_is_refused_in_words(site: Site) -> None:
    imported(site, ROWS)
    admin = site.browser("admin")
    pk = site.value("SELECT id FROM catalog_product WHERE sku = %s", [ROWS[0].sku])
    with site.hold("update") as held:
        job = site.browser().upload(as_csv(renamed(ROWS, "new")))
        held.wait()
        path = f"/admin/catalog/product/{pk}/delete/"
        answer = admin.post(path, {"post": "yes"})
        assert answer.status_code == 302
        assert "import is being applied" in admin.get(answer.headers["Location"]).text
    site.finished(job)
    expect(site, ROWS, renamed(ROWS, "new"))


def test_edit_that_waits_a_moment_goes_through_after_the_merge(site: Site) -> None:
    imported(site, ROWS)
    pk = site.value("SELECT id FROM catalog_product WHERE sku = %s", [ROWS[0].sku])
    changed = renamed(ROWS, "new")
    mine = replace(changed[0], name="Mine", description=changed[0].description or "")
    saved: list[bool] = []
    admin = site.browser("admin")
    with site.hold("update") as held:
        job = site.browser().upload(as_csv(changed))
        held.wait()
        waiting = threading.Thread(target=lambda: saved.append(edit(admin, pk, mine)))
        waiting.start()
        eventually(lambda: waits_for_the_catalog(site), what="the edit to wait")
    waiting.join()
    site.finished(job)
    assert saved == [True]
    assert site.catalog()[mine.sku.lower()] == mine
    expect_true_log(site)


@pytest.mark.parametrize("page", ["change", "delete"])
def test_edit_of_a_product_that_goes_while_it_waits_is_refused_in_words(
    site: Site, page: str
) -> None:
    imported(site, ROWS[:10])
    pk = site.value("SELECT min(id) FROM catalog_product")
    mine = {"sku": "MINE", "name": "Mine", "post": "yes"}
    admin = site.browser("admin")
    with ThreadPoolExecutor(1) as threads:
        with site.hold("merge") as held:
            waiting = threads.submit(admin.post, f"/admin/catalog/product/{pk}/{page}/", mine)
            held.wait()
            site.rows("DELETE FROM catalog_product WHERE id = %s", [pk])
        answer = waiting.result()
    assert answer.status_code == 302
    assert "doesn’t exist. Perhaps it was deleted?" in admin.get("/admin/").text
    assert site.value("SELECT count(*) FROM catalog_product") == 9
    assert site.value("SELECT count(*) FROM catalog_changeset") == 1


@dataclass(frozen=True)
class Edit:
    pk: int
    row: Row


@pytest.mark.parametrize("seed", range(2))
def test_random_interleavings_of_edits_and_imports_are_as_in_some_order(
    site: Site, seed: int
) -> None:
    """Replayed in the order of the change sets, files and edits make the catalog as it is."""
    chance = random.Random(seed)  # noqa: S311
    imported(site, ROWS)
    keys = {row["sku"]: row["id"] for row in site.rows("SELECT id, sku FROM catalog_product")}
    files: list[list[Row]] = []
    jobs: list[int] = []
    edits: list[Edit] = []
    admin = site.browser("admin")
    stop = threading.Event()

    def keep_editing() -> None:
        while not stop.is_set():
            row = chance.choice(ROWS[:50])
            mine = replace(
                row,
                name=f"edit {len(edits)}",
                description="",
                price=Decimal(len(edits)),
                active=chance.random() < 0.5,
            )
            assert edit(admin, keys[row.sku], mine)
            edits.append(Edit(keys[row.sku], mine))

    with ThreadPoolExecutor(1) as threads:
        editing = threads.submit(keep_editing)
        try:
            while len(files) < 4 or (len(edits) < 6 and not editing.done()):
                files.append(renamed(chance.sample(ROWS, 2500), f"file {len(files)}"))
                jobs.append(site.browser().upload(as_csv(files[-1])))
            done = [site.finished(job) for job in jobs]
        finally:
            stop.set()
        editing.result()
    by_change_set = {job["change_set_id"]: rows for job, rows in zip(done, files, strict=True)}
    catalog: dict[str, Row] = {}
    oracle.apply(catalog, ROWS, str.lower)
    remaining = iter(edits)
    for change_set in site.rows("SELECT id, source FROM catalog_changeset ORDER BY id")[1:]:
        if change_set["source"] == "import":
            oracle.apply(catalog, by_change_set[change_set["id"]], str.lower)
        else:
            made = next(remaining)
            catalog[made.row.sku.lower()] = made.row
    assert next(remaining, None) is None
    assert site.catalog() == catalog
    expect_true_log(site)
