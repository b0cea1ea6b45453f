"""Messages that come twice, and imports that meet each other."""

import random

import pytest

from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site, eventually
from tests.faults.outcome import expect, imported

pytestmark = pytest.mark.acceptance

ROWS = products(3000)


def test_message_delivered_many_times_imports_once(site: Site) -> None:
    site.start_worker()
    with site.hold("copy") as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        site.wake(5)
        # Its second process takes them one after the other while the first is held.
        eventually(lambda: site.broker().llen("imports") == 0, what="the messages to be taken")
    assert site.finished(job)["attempt"] == 1
    site.wake(3)
    site.quiet()
    assert site.value("SELECT count(*) FROM catalog_changeset") == 1
    expect(site, ROWS)


def test_two_imports_of_the_same_skus_in_another_order_both_apply_in_order(site: Site) -> None:
    imported(site, ROWS)
    first, second = renamed(ROWS, "first"), renamed(ROWS, "second")
    second.reverse()
    random.Random(5).shuffle(first)  # noqa: S311
    with site.hold("merge") as held:
        jobs = [site.browser().upload(as_csv(rows)) for rows in (first, second)]
        held.wait()
        eventually(
            lambda: all(site.job(job)["state"] == "merging" for job in jobs),
            what="both files to be staged",
        )
    for job in jobs:
        done = site.finished(job)
        assert (done["state"], done["attempt"], done["updated"]) == ("completed", 1, 3000)
    expect(site, ROWS, first, second)


def test_newer_smaller_file_waits_for_the_older_larger_one(site: Site) -> None:
    site.start_worker()
    older, newer = renamed(ROWS, "older"), renamed(ROWS[:10], "newer")
    with site.hold("copy") as held:
        first = site.browser().upload(as_csv(older))
        held.wait()
        second = site.browser().upload(as_csv(newer))
        eventually(lambda: site.job(second)["state"] == "merging", what="the newer to be staged")
        page = f"/imports/{second}/live/"
        eventually(
            lambda: f"waiting for import #{first}" in site.browser().get(page).text,
            what="the page to say what it waits for",
        )
        assert site.catalog() == {}
    assert site.finished(first)["created"] == 3000
    assert site.finished(second)["updated"] == 10
    expect(site, older, newer)


def test_newer_file_gives_its_worker_to_an_older_one_that_has_none(site: Site) -> None:
    site.start_worker()
    older, newer = renamed(ROWS, "older"), renamed(ROWS[:10], "newer")
    with site.hold("copy") as held:
        first = site.browser().upload(as_csv(older))
        held.wait()
        second = site.browser().upload(as_csv(newer))
        eventually(lambda: site.job(second)["state"] == "merging", what="the newer to be staged")
        for process in site.pool():
            process.kill()
    assert site.finished(first)["created"] == 3000
    assert site.finished(second)["updated"] == 10
    expect(site, older, newer)
