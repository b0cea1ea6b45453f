"""The receivers that the documentation gives as examples, run as they stand there."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from dev.processes import wait_until
from dev.valkey import free_port
from webhooks.signing import new_secret, signed_headers
from webhooks.tests.javascript import NODE, node_modules

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SECRET, OTHER = new_secret(), new_secret()


class Example:
    """A running example, and what it prints."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def listens(self) -> bool:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def send(self, webhook_id: str, event: Any, **headers: str) -> int:
        return self.post(webhook_id, json.dumps(event).encode(), SECRET, headers)

    def post(self, webhook_id: str, body: bytes, secret: str, headers: dict[str, str]) -> int:
        signed = signed_headers(
            webhook_id=webhook_id, at=datetime.now(UTC), body=body, secrets=[secret]
        )
        url = f"http://127.0.0.1:{self.port}/"
        return requests.post(url, data=body, headers=signed | headers, timeout=10).status_code

    def printed(self) -> list[str]:
        self.process.terminate()
        assert self.process.stdout is not None
        return self.process.stdout.read().splitlines()


@pytest.fixture(params=["receive_webhooks.py", "receive_webhooks.mjs"])
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Example]:
    file = shutil.copy(EXAMPLES / request.param, tmp_path)
    program: str | Path = sys.executable
    if request.param.endswith(".mjs"):
        (tmp_path / "node_modules").symlink_to(node_modules())
        program = NODE
    port = free_port()
    process = subprocess.Popen(
        [program, file],
        env={**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            example = Example(process, port)
            assert wait_until(example.listens, seconds=20)
            yield example
        finally:
            process.kill()


def test_example_takes_each_event_once_and_nothing_that_is_forged(example: Example) -> None:
    created = {"type": "product.created", "data": {"sku": "A"}}
    batch = {
        "type": "product.batch",
        "data": {"event": "product.deleted", "products": [{"sku": "B"}, {"sku": "C"}]},
    }

    statuses = [
        example.send("evt_1", created),
        example.send("evt_1", created),
        example.send("evt_2", batch),
        example.send("evt_3", {"type": "webhook.test", "data": {}}),
        example.post("evt_4", json.dumps(created).encode(), OTHER, {}),
        example.send("evt_5", created, **{"webhook-signature": "none"}),
        example.send("evt_6", created, **{"webhook-timestamp": "1614265330"}),
        example.send("evt_7", created),
    ]

    assert statuses == [204, 204, 204, 204, 401, 401, 401, 204]
    assert example.printed() == [
        "product.created A",
        "product.deleted B",
        "product.deleted C",
        "product.created A",
    ]
