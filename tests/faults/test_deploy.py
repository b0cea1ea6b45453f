"""SIGTERM to every process at once, as a deploy sends it."""

import pytest

from tests.faults.files import as_csv, products
from tests.faults.harness import Site
from tests.faults.outcome import expect
from tests.faults.streams import EventStreams

pytestmark = pytest.mark.acceptance

ROWS = products(3000)


def start_again(site: Site) -> None:
    site.start_web()
    site.start_beat()
    site.start_worker()


def test_import_that_outlasts_the_grace_runs_again_after_the_deploy(site: Site) -> None:
    site.start_worker()
    with site.hold("copy") as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        with EventStreams(site, 20, f"/imports/{job}/events/"):
            # The worker's own grace (WORKER_SOFT_SHUTDOWN_TIMEOUT) is 4 s in these tests.
            site.terminate("web", "worker", "beat", seconds=30)
    assert site.job(job)["state"] != "completed"
    start_again(site)
    done = site.finished(job)
    assert (done["state"], done["attempt"]) == ("completed", 2)
    expect(site, ROWS)


def test_import_that_ends_within_the_grace_is_let_end(site: Site) -> None:
    site.start_worker()
    with site.hold("insert") as held:
        job = site.browser().upload(as_csv(ROWS))
        held.wait()
        worker = site.children["worker"]
        worker.terminate()
        held.release()
        worker.wait(timeout=30)
    done = site.job(job)
    assert (done["state"], done["attempt"]) == ("completed", 1)
    stopped = site.children.pop("worker")
    assert stopped.returncode == 0
    expect(site, ROWS)


def test_uploads_that_wait_survive_a_deploy(site: Site) -> None:
    site.start_worker()
    with site.hold("copy") as held:
        jobs = [site.browser().upload(as_csv(ROWS))]
        held.wait()
        jobs += [site.browser().upload(as_csv(ROWS[:100])) for _ in range(3)]
        site.terminate("web", "worker", "beat", seconds=30)
    start_again(site)
    assert [site.finished(job)["state"] for job in jobs] == ["completed"] * 4
    assert [site.job(job)["unchanged"] for job in jobs] == [0, 100, 100, 100]
    expect(site, ROWS)


def test_open_event_streams_do_not_hold_up_a_deploy(site: Site) -> None:
    if "worker" in site.children:
        site.kill("worker")
    job = site.browser().upload(as_csv(ROWS))
    with EventStreams(site, 50, f"/imports/{job}/events/") as streams:
        # gunicorn would wait for them for 20 s.
        assert site.terminate("web", seconds=15) < 10
        assert streams.ended() == 50
    site.start_web()
