"""kill -9 of a worker, wherever it is: in the end the catalog is that of an undisturbed run."""

import random
import time

import pytest

from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site, eventually
from tests.faults.outcome import after, expect, imported

pytestmark = pytest.mark.acceptance

ROWS = products(3000)
CHANGED = [*renamed(ROWS[:2000], "new"), *ROWS[2000:], ROWS[5]]


@pytest.mark.parametrize("stop", ["copy", "merge", "insert", "finish"])
def test_worker_killed_while_creating_is_made_up_for(site: Site, stop: str) -> None:
    site.start_worker()
    with site.hold(stop) as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        site.kill("worker")
    site.start_worker()
    done = site.finished(job)
    assert (done["state"], done["attempt"], done["created"]) == ("completed", 2, 3000)
    assert site.value("SELECT count(*) FROM catalog_changeset") == 1
    expect(site, ROWS)


def test_worker_killed_in_the_middle_of_an_update_changes_nothing_until_it_runs_again(
    site: Site,
) -> None:
    imported(site, ROWS)
    with site.hold("update") as held:
        job = site.browser().upload(as_csv(CHANGED))
        backend = held.wait()
        site.kill("worker")
        eventually(
            lambda: not site.rows("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [backend]),
            what="PostgreSQL to notice that the client of the merge is gone",
        )
    assert site.catalog() == after(ROWS)
    site.start_worker()
    done = site.finished(job)
    assert (done["state"], done["attempt"]) == ("completed", 2)
    assert (done["updated"], done["unchanged"], done["duplicates"]) == (1999, 1001, 1)
    expect(site, ROWS, CHANGED)


def test_worker_killed_after_the_commit_is_not_run_again(site: Site) -> None:
    site.start_worker()
    with site.hold("finish") as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        (table,) = (name for name in site.staging_tables() if not name.endswith("_c"))
        with site.table_locked(table):
            held.release()
            eventually(lambda: site.job(job)["state"] == "completed", what="the commit")
            site.kill("worker")
    before = site.job(job)
    site.start_worker()
    site.quiet()
    assert site.job(job) == before
    assert before["attempt"] == 1
    assert site.value("SELECT count(*) FROM catalog_changeset") == 1
    expect(site, ROWS)


def test_file_that_kills_its_worker_three_times_fails_with_a_reason(site: Site) -> None:
    site.start_worker()
    with site.hold("copy") as held:
        job = site.browser().upload(as_csv(ROWS))
        for attempt in (1, 2, 3):
            held.wait()
            assert site.job(job)["attempt"] == attempt
            for process in site.pool():
                process.kill()
    failed = site.finished(job)
    assert (failed["state"], failed["attempt"], failed["error_code"]) == (
        "failed",
        3,
        "worker_lost",
    )
    assert "stopped its worker 3 times" in failed["error_message"]
    assert "stopped its worker 3 times" in site.browser().get(f"/imports/{job}/").text
    expect(site)
    # The worker is well: the next file goes through, and so does this one when run again.
    site.browser().post(f"/imports/{job}/retry/")
    assert site.finished(job)["state"] == "completed"
    expect(site, ROWS)


@pytest.mark.parametrize("seed", range(6))
def test_worker_killed_at_a_random_moment(site: Site, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    rows = products(8000, seed=seed)
    changed = renamed(rows[chance.randrange(4000) :], "new")
    imported(site, rows)
    # Warm processes: the import takes about half a second.
    job = site.browser().upload(as_csv(changed))
    time.sleep(chance.uniform(0, 0.8))
    if seed % 2:
        site.kill("worker")
    else:
        for process in site.pool():
            process.kill()
    site.start_worker()
    done = site.finished(job)
    assert (done["state"], done["updated"]) == ("completed", len(changed))
    assert site.value("SELECT count(*) FROM catalog_changeset") == 2
    expect(site, rows, changed)
