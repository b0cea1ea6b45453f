"""The command `webhook_receiver`, as a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError

from webhooks.receiving import Receiver
from webhooks.signing import new_secret, signed_headers

ROOT = Path(__file__).resolve().parents[2]
SECRET, OLD, OTHER = new_secret(), new_secret(), new_secret()
# Nothing answers there: the command must not ask.
NO_SERVERS = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://x:1"}


class Command:
    """A running `manage.py webhook_receiver`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stderr is not None
        self.output = process.stdout
        self.errors = process.stderr
        self.url = ""

    def send(self, event: Any, *, webhook_id: str = "evt_1", secret: str = SECRET) -> int:
        body = json.dumps(event).encode()
        headers = signed_headers(
            webhook_id=webhook_id, at=datetime.now(UTC), body=body, secrets=[secret]
        )
        return requests.post(self.url, data=body, headers=headers, timeout=10).status_code

    def ends(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send a signal; returns the status, the rest of the output, and the errors."""
        self.process.send_signal(number)
        # Not `communicate`, which leaves out what stands in the buffer behind the first line.
        output, errors = self.output.read(), self.errors.read()
        return self.process.wait(timeout=10), output, errors


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[Command]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "webhook_receiver", "--port", "0", *arguments],
        cwd=ROOT,
        env={**os.environ, **NO_SERVERS, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        command = Command(process)
        try:
            opening = command.errors if "--json" in arguments else command.output
            command.url = opening.readline().removeprefix("receiving at ").strip()
            yield command
        finally:
            if process.poll() is None:
                process.kill()


def test_deliveries_are_printed_with_verdict_and_body_and_counted_at_the_end() -> None:
    product = {"type": "product.created", "data": {"name": "Größe\x1b[2J"}}
    batch = {"type": "product.batch", "data": {"count": 1_000, "products": [{"id": 1}] * 50}}

    with running(WEBHOOK_SECRET=f"{SECRET} {OLD}") as command:
        statuses = [
            command.send(product),
            command.send(product, secret=OLD),
            command.send(batch, webhook_id="evt_2", secret=OTHER),
            requests.post(command.url, data=b"\x00plain", timeout=10).status_code,
        ]
        status, output, errors = command.ends(signal.SIGINT)

    assert statuses == [200] * 4
    assert (status, errors) == (0, "")
    lines = re.sub(r"^\d\d:\d\d:\d\d ", "", output, flags=re.MULTILINE).splitlines()
    body = [
        "    {",
        '      "type": "product.created",',
        '      "data": {',
        r'        "name": "Größe\u001b[2J"',
        "      }",
        "    }",
    ]
    size = len(json.dumps(product))
    assert lines[:7] == [
        f"| product.created | evt_1 | signature good | {size} bytes | answered 200",
        *body,
    ]
    assert lines[7:14] == [
        f"| product.created | evt_1 | signature good | DUPLICATE | {size} bytes | answered 200",
        *body,
    ]
    assert lines[14] == (
        "| product.batch | evt_2 | NOT VERIFIED: No matching signature found | 1,000 products"
        f" | {len(json.dumps(batch))} bytes | answered 200"
    )
    assert lines[-4:] == [
        "    … 118 more lines",
        "| no event | no id | NOT VERIFIED: Missing required headers | 6 bytes | answered 200",
        r"    \x00plain",
        "4 received, 2 verified, 1 duplicates",
    ]
    assert len(lines) == 15 + 41 + 3


def test_as_json_each_delivery_is_a_line_and_the_last_line_counts() -> None:
    event = {"type": "webhook.test", "data": {"count": 3}}
    options = ["--secret", OTHER, "--secret", SECRET, "--status", "202"]

    with running("--json", "--every-nth", "2", "--fail-status", "503", *options) as command:
        statuses = [command.send(event) for _ in range(4)]
        status, output, errors = command.ends(signal.SIGTERM)

    assert statuses == [202, 503, 202, 503]
    assert (status, errors) == (0, "")
    *lines, last = [json.loads(line) for line in output.splitlines()]
    assert last == {"received": 4, "verified": 4, "duplicates": 3}
    assert [line.pop("status") for line in lines] == statuses
    assert [line.pop("duplicate") for line in lines] == [False, True, True, True]
    for line in lines:
        assert abs(datetime.now(UTC) - datetime.fromisoformat(line.pop("at"))).total_seconds() < 60
        assert line == {
            "path": "/",
            "type": "webhook.test",
            "id": "evt_1",
            "verified": True,
            "problem": "",
            "bytes": len(json.dumps(event)),
            "count": None,
            "event": event,
        }


def test_without_a_secret_it_says_that_nothing_is_verified() -> None:
    with running("--quiet-bodies", "--delay", "0.3", WEBHOOK_SECRET="") as command:
        begin = time.monotonic()
        command.send({"type": "webhook.test"})
        waited = time.monotonic() - begin
        status, output, _ = command.ends(signal.SIGTERM)

    assert waited >= 0.3
    assert status == 0
    opening, delivery, end = output.splitlines()
    assert opening == "no --secret: nothing is verified"
    assert delivery[8:] == " | webhook.test | evt_1 | not verified | 24 bytes | answered 200"
    assert end == "1 received, 0 verified, 0 duplicates"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--secret", "whsec_"], "a secret is whsec_ and base64 behind it"),
        (["--port", "65536"], "can't receive: .*65535"),
        (["--status", "100"], "'100' is no status from 200 to 599"),
        (["--every-nth", "0"], "'0' is no number from 1 up"),
        (["--delay", "-1"], "'-1' is no number of seconds"),
        (["--delay", "nan"], "'nan' is no number of seconds"),
    ],
)
def test_wrong_usage_is_refused(arguments: Sequence[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        call_command("webhook_receiver", *arguments)


def test_taken_port_is_refused() -> None:
    with (
        Receiver() as other,
        pytest.raises(CommandError, match=r"can't receive: .*in use") as error,
    ):
        call_command("webhook_receiver", "--port", str(other.port))

    assert error.value.returncode == 2
