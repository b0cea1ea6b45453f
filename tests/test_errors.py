"""What breaks is reported to Sentry, if a setting says where, and nobody's secrets with it."""

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import requests
from celery import Celery

from dev.processes import spawn, stop_all, wait_until
from dev.valkey import free_port
from tests.raising import SECRETS

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = "tests.raising"

pytestmark = pytest.mark.integration


class Sentry(http.server.ThreadingHTTPServer):
    """Takes reports, as Sentry does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.texts: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server_port}/1"

    def events(self) -> list[dict[str, Any]]:
        """The reports of errors, without what the library tells of itself."""
        lines = [json.loads(line) for text in self.texts for line in text.splitlines() if line]
        return [line for line in lines if "exception" in line or "logentry" in line]

    def waited_for(self, count: int) -> list[dict[str, Any]]:
        assert wait_until(lambda: len(self.events()) >= count, seconds=30), self.texts
        return self.events()


class Taking(http.server.BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        unpack = {"br": brotli.decompress, "gzip": gzip.decompress}
        encoding = self.headers.get("Content-Encoding", "")
        self.server.texts.append(unpack.get(encoding, bytes)(body).decode())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        """The test's own output says enough."""


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with Sentry() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def environment(sentry: Sentry, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "SENTRY_DSN": sentry.dsn,
        "SENTRY_ENVIRONMENT": "of-the-tests",
        "SECURE_TRANSPORT": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
        "STATIC_FROM_SOURCE": "true",
        **more,
    }


def assert_tells_no_secrets(sentry: Sentry) -> None:
    told = "\n".join(sentry.texts)
    assert [secret for secret in (*SECRETS, os.environ["SECRET_KEY"]) if secret in told] == []


def test_page_that_breaks_is_reported_with_its_request_and_without_secrets(
    sentry: Sentry, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/broken"
    program = Path(sys.executable).with_name("gunicorn")
    command: list[str | Path] = [program, "config.asgi:application", "--config", "gunicorn.conf.py"]
    with (tmp_path / "web.log").open("wb") as output:
        web = spawn(
            command,
            environment=environment(sentry, PORT=str(port), HOST="127.0.0.1"),
            output=output,
            directory=ROOT,
        )
    try:

        def answers() -> bool:
            try:
                return requests.get(f"{url}/missing", timeout=30).status_code == 404
            except requests.ConnectionError:
                return False

        assert wait_until(answers, seconds=30), (tmp_path / "web.log").read_text()
        assert requests.get(f"{url}/denied", timeout=30).status_code == 403
        response = requests.post(
            f"{url}/really?key=token-in-a-query",
            data={"name": "body-of-a-request"},
            headers={
                "X-Request-ID": "abc123",
                "Authorization": "Bearer bearer-of-somebody",
                "Cookie": "remembered=cookie-of-somebody",
            },
            timeout=30,
        )
        assert (response.status_code, response.headers["X-Request-ID"]) == (500, "abc123")
        (event,) = sentry.waited_for(1)
    finally:
        stop_all([web], seconds=5)

    assert event["environment"] == "of-the-tests"
    assert event["tags"]["request_id"] == "abc123"
    assert event["request"] == {"method": "POST", "url": f"{url}/really"}
    (raised,) = event["exception"]["values"]
    assert raised["type"] == "RuntimeError"
    assert raised["value"].startswith("https://[Filtered]@shop.example.com/[Filtered] ")
    assert raised["stacktrace"]["frames"][-1]["function"] == "fail"
    assert_tells_no_secrets(sentry)


def test_task_that_breaks_is_reported_with_the_job_it_was_for(
    sentry: Sentry, tmp_path: Path
) -> None:
    """In the pool of `worker`, which forks, and in that of `deliver`, which has threads."""
    program = Path(sys.executable).with_name("celery")
    workers = []
    for pool in ("prefork", "threads"):
        options = f"--pool {pool} --queues {pool} --hostname {pool}@%h --concurrency 1"
        options += " --without-gossip --without-mingle"
        command: list[str | Path] = [program, "-A", "config", "worker"]
        with (tmp_path / f"{pool}.log").open("wb") as output:
            workers.append(
                spawn(
                    [*command, *options.split(), "--include", "tests.raising_pages"],
                    environment=environment(sentry),
                    output=output,
                    directory=ROOT,
                )
            )
    try:
        with Celery(broker=os.environ["REDIS_URL"]) as app:
            for lost in (True, False):
                for pool in ("prefork", "threads"):
                    app.send_task("tests.broken", [lost], queue=pool, ignore_result=True)
        events = sentry.waited_for(2)
    finally:
        stop_all(workers, seconds=5)

    assert len(events) == len(sentry.events()) == 2
    for event in events:
        assert event["tags"]["request_id"] == "of-the-upload"
        assert event["tags"]["job_id"] == "4711"
        assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert_tells_no_secrets(sentry)


def test_without_a_dsn_the_library_is_not_loaded(sentry: Sentry) -> None:
    code = "import config.celery, sys, django; django.setup(); print('sentry_sdk' in sys.modules)"
    for dsn, loaded in (("", "False"), (sentry.dsn, "True")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**environment(sentry), "SENTRY_DSN": dsn},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == f"{loaded}\n", done.stderr
