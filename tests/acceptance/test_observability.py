"""One upload, seen from outside: in the logs of all processes by its ids, and in the metrics."""

import re
import time
from collections.abc import Iterator

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from core.metrics import FLUSH_SECONDS, KEY
from tests.faults.harness import Site, eventually
from webhooks.receiving import Receiver

pytestmark = pytest.mark.acceptance

REQUEST = "upload-of-the-test-4711"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("127.0.0.1") as running:
        yield running


def metrics(site: Site) -> dict[str, float]:
    text = requests.get(f"{site.url}/metrics", timeout=10).text
    return {
        " ".join([sample.name.removeprefix("product_importer_"), *sample.labels.values()]):
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }  # fmt: skip


def lines(site: Site, process: str, words: str) -> list[dict[str, str]]:
    """The ids of the lines of a process that hold these words."""
    found = [
        line for line in (site.folder / f"{process}.log").read_text().splitlines() if words in line
    ]
    return [dict(re.findall(r" (\w+)=(\S+)", line.partition(words)[0])) for line in found]


def test_upload_is_followed_through_all_processes_by_ids_and_counted(
    site: Site, receiver: Receiver
) -> None:
    # What processes have counted for the test before has reached Valkey by then.
    time.sleep(FLUSH_SECONDS + 0.2)
    keys = list(site.broker().scan_iter(f"{KEY}*"))
    if keys:
        site.broker().delete(*keys)
    site.start_worker()
    site.start_deliver()
    manager = site.browser("manager")
    form = {"event_types": "product.created", "bulk": "each", "rate_per_hour": "1000"}
    assert manager.post("/webhooks/new/", {"url": receiver.url, **form}).status_code == 302

    answer = requests.post(
        f"{site.url}/api/upload",
        files={"file": ("a.csv", b"sku,name\nA-1,One\nA-2,Two\n,No\n")},
        headers={"Authorization": f"Bearer {site.token()}", "X-Request-ID": REQUEST},
        timeout=30,
    )
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (202, REQUEST)
    job = site.finished(site.value("SELECT max(id) FROM imports_importjob"))
    eventually(lambda: len(receiver.received) == 2, what=f"deliveries\n{site.log('deliver')}")
    eventually(
        lambda: metrics(site).get("delivery_attempts_total arrived 2xx") == 2,
        seconds=10,
        what="the attempts in the metrics",
    )

    uploads = lines(site, "web", "POST /api/upload 202")
    (asked,) = [line for line in uploads if line["request"] == REQUEST]
    user = site.value("SELECT id FROM accounts_user WHERE username = 'manager'")
    assert asked == {"request": REQUEST, "user": str(user)}
    of_the_job = {"request": REQUEST, "job": str(job["id"])}
    change_set = {"change_set": str(job["change_set_id"])}
    assert of_the_job in lines(site, "worker", "import started:")
    assert {**of_the_job, **change_set} in lines(site, "worker", "change set written:")
    assert {**of_the_job, **change_set} in lines(site, "worker", "import ended: state=completed")
    (page,) = [
        line for line in lines(site, "deliver", "page published:")
        if line["change_set"] == str(job["change_set_id"])
    ]  # fmt: skip
    assert page["request"] != REQUEST
    deliveries = site.rows("SELECT id, endpoint_id FROM webhooks_delivery ORDER BY id")
    expected = [
        {**change_set, "endpoint": str(row["endpoint_id"]), "delivery": str(row["id"])}
        for row in deliveries
    ]
    attempts = lines(site, "deliver", "attempt ended: number=1 status=200")
    assert sorted(attempts[-2:], key=lambda line: int(line["delivery"])) == expected

    told = metrics(site)
    assert told["imports_ended_total completed"] == 1
    assert (told["import_rows_total created"], told["import_rows_total rejected"]) == (2, 1)
    assert told["import_seconds_count completed"] == 1
    assert told["product_changes_total created import"] == 2
    assert told["http_requests_total POST api/upload 202"] == 1
    assert (told["imports queued"], told["deliveries_waiting active"]) == (0, 0)
    assert told["database_pool_max"] == 10
