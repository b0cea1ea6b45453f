"""PostgreSQL or Valkey goes away and comes back."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.browser import Browser
from tests.faults.files import as_csv, products
from tests.faults.harness import Site, eventually
from tests.faults.outcome import expect

pytestmark = pytest.mark.acceptance

ROWS = products(3000)


@pytest.mark.parametrize("stop", ["copy", "merge", "insert"])
def test_postgres_killed_during_an_import_loses_nothing(site: Site, stop: str) -> None:
    """Staging is UNLOGGED, so it is empty after the crash: it is filled again from the upload."""
    site.start_worker()
    with site.hold(stop) as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        # What a test that never syncs could lose in a crash is not what this is about.
        site.rows("CHECKPOINT")
        site.postgres.kill()
    site.postgres.start()
    done = site.finished(job)
    assert (done["state"], done["created"], done["read"]) == ("completed", 3000, 3000)
    assert done["attempt"] >= 2
    assert site.browser().get("/products/").status_code == 200
    expect(site, ROWS)


def test_pages_answer_again_at_once_after_a_restart_of_postgres(site: Site) -> None:
    """Also with every connection of the web process's pool broken by it."""
    reader = site.browser()

    def look(_: int) -> int:
        mine = Browser(site.url)
        mine.session.cookies.update(reader.session.cookies)
        with mine.session:
            return mine.get("/products/").status_code

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(look, range(48))) == {200}
    site.postgres.restart()
    began = time.monotonic()
    assert [look(turn) for turn in range(5)] == [200] * 5
    assert time.monotonic() - began < 15


def test_staging_emptied_between_staging_and_merge_is_never_an_import_of_nothing(
    site: Site,
) -> None:
    site.start_worker()
    with site.hold("merge") as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        (table,) = site.staging_tables()
        site.rows(f'TRUNCATE "{table}"')
    done = site.finished(job)
    assert (done["state"], done["created"], done["attempt"]) == ("completed", 3000, 2)
    expect(site, ROWS)


def test_upload_while_valkey_is_dead_is_taken_and_imported_later(site: Site) -> None:
    site.start_worker()
    site.quiet()
    site.valkey.kill()
    browser = site.browser()
    began = time.monotonic()
    job = browser.upload(as_csv(ROWS))
    assert time.monotonic() - began < 10
    assert site.job(job)["state"] == "queued"
    for path in ("/products/", "/imports/", f"/imports/{job}/", f"/imports/{job}/live/"):
        assert browser.get(path).status_code == 200
    ready = browser.get("/readyz")
    assert (ready.status_code, ready.json()["degraded"]) == (200, ["broker"])
    site.valkey.start()
    assert site.finished(job)["state"] == "completed"
    expect(site, ROWS)


def test_import_finishes_without_valkey_and_its_page_shows_the_row(site: Site) -> None:
    site.start_worker()
    with site.hold("merge") as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        site.valkey.kill()
        eventually(lambda: "Merg" in site.browser().get(f"/imports/{job}/").text, what="the state")
    assert site.finished(job)["state"] == "completed"
    assert "3,000" in site.browser().get(f"/imports/{job}/").text
    site.valkey.start()
    second = site.browser().upload(as_csv(ROWS))
    assert site.finished(second)["unchanged"] == 3000
    expect(site, ROWS)


def test_queue_lost_with_valkeys_data_is_made_up_from_the_rows(site: Site) -> None:
    if "worker" in site.children:
        site.kill("worker")
    jobs = [site.browser().upload(as_csv(ROWS[start::2])) for start in (0, 1)]
    site.valkey.kill()
    for path in site.valkey.directory.glob("appendonlydir*"):
        shutil.rmtree(path)
    site.valkey.start()
    site.start_worker()
    assert [site.finished(job)["created"] for job in jobs] == [1500, 1500]
    expect(site, ROWS[0::2], ROWS[1::2])


def test_queue_flushed_under_a_living_worker_is_made_up_from_the_rows(site: Site) -> None:
    site.start_worker()
    site.quiet()
    with site.hold("copy") as held:
        first = site.browser().upload(as_csv(ROWS))
        held.wait()
        site.broker().flushall()
        second = site.browser().upload(as_csv(ROWS))
    assert site.finished(first)["created"] == 3000
    assert site.finished(second)["unchanged"] == 3000
    expect(site, ROWS)
