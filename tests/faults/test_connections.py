"""PostgreSQL takes no more than twenty connections."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.browser import Browser
from tests.faults.files import as_csv, products
from tests.faults.harness import Site
from tests.faults.outcome import expect
from tests.faults.streams import EventStreams

pytestmark = pytest.mark.acceptance

ROWS = products(3000)


@pytest.fixture
def small_site(site: Site) -> Iterator[Site]:
    options = site.postgres.options
    before = options["max_connections"]
    options["max_connections"] = "20"
    site.postgres.restart()
    yield site
    options["max_connections"] = before
    site.postgres.restart()


def test_forty_streams_leave_the_site_its_connections(small_site: Site) -> None:
    site = small_site
    site.start_worker()
    reader = site.browser()

    def look(number: int) -> list[int]:
        mine = Browser(site.url)
        mine.session.cookies.update(reader.session.cookies)
        pages = ("/products/", f"/imports/{job}/", f"/imports/{job}/live/", "/imports/")
        with mine.session:
            return [mine.get(pages[(number + turn) % 4]).status_code for turn in range(5)]

    with site.hold("merge") as held:
        job = reader.upload(as_csv(ROWS))
        held.wait()
        with EventStreams(site, 40, f"/imports/{job}/events/"):
            with ThreadPoolExecutor(16) as threads:
                answers = [status for found in threads.map(look, range(32)) for status in found]
            assert set(answers) == {200}
            in_use = site.value(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            )
            assert in_use < 20
    assert site.finished(job)["state"] == "completed"
    expect(site, ROWS)
