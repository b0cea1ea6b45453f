"""A schedule from the clock's stroke to the catalog, with a worker that is killed on the way."""

import pytest
import requests

from core.tests.hostile import Peer
from imports.tests.serving import shelf
from tests.faults.harness import Site, eventually

pytestmark = pytest.mark.acceptance


def test_clock_strikes_and_a_killed_fetch_is_done_again(site: Site) -> None:
    hanging: list[Peer] = []

    def hang(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\nsku,name\n")
        hanging.append(peer)
        peer.wait()

    site.start_worker()
    site.start_deliver()
    with shelf() as server:
        server.behave = hang
        made = requests.post(
            f"{site.url}/api/sources",
            json={"name": "Shelf", "url": server.url, "schedule": {"cron": "0 6 * * *"}},
            headers={"Authorization": f"Bearer {site.token('editor', scope='write')}"},
            timeout=30,
        )
        assert made.status_code == 201, made.text
        # As if the clock had stood still for two days.
        site.rows(
            "WITH missed AS (UPDATE django_celery_beat_periodictask"
            " SET last_run_at = now() - interval '2 days' RETURNING id)"
            " UPDATE django_celery_beat_periodictasks SET last_update = now() FROM missed"
            " RETURNING last_update"
        )
        eventually(lambda: hanging, what=f"the fetch\n{site.log('beat')}\n{site.log('deliver')}")
        site.kill("deliver")
        server.behave = None
        site.start_deliver()
        eventually(
            lambda: site.value("SELECT state FROM imports_fetch") == "completed",
            what=f"the second try\n{site.log('deliver')}",
        )

    (fetch,) = site.rows("SELECT * FROM imports_fetch")
    assert (fetch["scheduled"], fetch["attempt"], fetch["size"]) == (True, 2, 25)
    assert site.finished(fetch["job_id"])["created"] == 2
    assert sorted(site.catalog()) == ["a-1", "a-2"]
    (task,) = site.rows("SELECT * FROM django_celery_beat_periodictask")
    assert task["total_run_count"] == 1
