"""A program that makes a webhook and tests it, with a real deliver process in between."""

import pytest
import requests

from tests.faults.harness import Site
from webhooks.receiving import Receiver

pytestmark = pytest.mark.acceptance


def test_program_makes_a_webhook_and_hears_what_came_of_its_test(site: Site) -> None:
    site.start_deliver()
    site.trust_valkey()
    program = requests.Session()
    program.trust_env = False
    program.headers["Authorization"] = f"Bearer {site.token()}"
    path = f"{site.url}/api/webhooks"
    with Receiver("127.0.0.1", answer=lambda _: (418, {}, b"short and stout")) as receiver:
        made = program.post(path, json={"url": receiver.url, "event_type": "product.created"})
        assert made.status_code == 201, made.text
        webhook = f"{path}/{made.json()['id']}"

        tested = program.post(f"{webhook}/test", json={"payload": {"n": 1}}, timeout=30)

        assert tested.status_code == 200, tested.text
        result = tested.json()
        assert (result["status"], result["response"]) == (418, "short and stout")
        assert result["time_ms"] >= 0
        (received,) = receiver.received
        assert received.event is not None
        assert received.event["data"] == {"n": 1}
    (logged,) = program.get(f"{webhook}/logs").json()
    assert (logged["event_type"], logged["response_status"]) == ("webhook.test", 418)
    assert logged["delivery"] == result["delivery"]
    assert program.delete(webhook).json() == {"message": "Deleted"}
