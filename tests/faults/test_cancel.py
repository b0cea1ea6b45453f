"""A cancel at any moment: cancelled and nothing, or completed and all."""

import random
import time

import pytest

from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site
from tests.faults.outcome import expect, imported

pytestmark = pytest.mark.acceptance

ROWS = products(3000)
CHANGED = renamed(ROWS, "new")


def test_cancel_of_a_waiting_import_is_immediate(site: Site) -> None:
    if "worker" in site.children:
        site.kill("worker")
    job = site.browser().upload(as_csv(ROWS))
    site.browser().cancel(job)
    assert site.job(job)["state"] == "cancelled"
    site.start_worker()
    site.quiet()
    assert site.job(job)["attempt"] == 0
    expect(site)


@pytest.mark.parametrize(
    ("stop", "known"), [("copy", 1500), ("merge", 1500), ("insert", 500), ("update", 1500)]
)
def test_cancel_interrupts_the_statement_that_runs(site: Site, stop: str, known: int) -> None:
    imported(site, ROWS[:known])
    with site.hold(stop) as held:
        job = site.browser().upload(as_csv(CHANGED))
        held.wait()
        site.browser().cancel(job)
        # Still held: only an interrupted statement lets it end.
        done = site.finished(job)
    assert (done["state"], done["change_set_id"]) == ("cancelled", None)
    expect(site, ROWS[:known])
    site.browser().post(f"/imports/{job}/retry/")
    assert site.finished(job)["state"] == "completed"
    expect(site, ROWS[:known], CHANGED)


@pytest.mark.parametrize("seed", range(8))
def test_cancel_at_a_random_moment_is_all_or_nothing(site: Site, seed: int) -> None:
    imported(site, ROWS)
    browser = site.browser()
    browser.get(f"/imports/{seed}/")  # the connection is open: the moments are those of the import
    job = browser.upload(as_csv(CHANGED))
    time.sleep(random.Random(seed).uniform(0, 0.5))  # noqa: S311
    browser.cancel(job)
    done = site.finished(job)
    if done["state"] == "cancelled":
        assert (done["change_set_id"], done["updated"]) == (None, 0)
        expect(site, ROWS)
    else:
        assert (done["state"], done["updated"]) == ("completed", 3000)
        expect(site, ROWS, CHANGED)
