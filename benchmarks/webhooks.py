"""Webhooks: how soon an import reaches a receiver, whom endpoints that hang hold up, and what an
import pays while the one before is delivered.

The sender is the Procfile's `deliver` process. It is sent a tick each second, as by beat; all
other wake-ups are the product's own.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from celery import Celery

from benchmarks.ours import import_file
from benchmarks.report import IMPORTED, Results
from benchmarks.server import ROOT, Server
from dev import procfile
from dev.processes import spawn, stop_all
from webhooks.receiving import Receiver

DATABASE = "webhooks"
ENDPOINTS = 990
HANGING = 10
ROUNDS = 5
DELIVERED = "that import reaches a receiver in batches"
QUIET = "an import of changed rows, nobody listens"
BESIDE = "the same while the import before it is delivered"
ALONE = f"an edit reaches {ENDPOINTS} endpoints"
CROWDED = f"an edit reaches {ENDPOINTS} endpoints, {HANGING} more hang"
PATIENCE_SECONDS = 900.0
START_SECONDS = 60.0
TICK_SECONDS = 1.0

ARRIVED = """
    SELECT coalesce(sum(event.count), 0)
    FROM webhooks_delivery AS delivery
    JOIN webhooks_event AS event ON event.id = delivery.event_id
    WHERE delivery.state = 'arrived'
      AND event.change_set_id = (SELECT max(id) FROM catalog_changeset)
"""
# As if nothing had failed before: each of those that hang takes its deadline anew.
FORGET = """
    WITH forgotten AS (UPDATE webhooks_delivery SET state = 'failed' WHERE state <> 'arrived')
    UPDATE webhooks_lane SET failures = 0, slow = false, due_at = NULL WHERE failures > 0
"""


def measure(server: Server, new: Path, changed: Path, results: Results) -> None:
    """Every case, each against what it is held to."""
    with Receiver(keep=False) as receiver:
        _measure_imports(server, new, changed, receiver.url, results)
        _measure_edits(server, receiver.url, results)


def _measure_imports(server: Server, new: Path, changed: Path, url: str, results: Results) -> None:
    server.make_database(DATABASE, migrated=True)
    import_file(server, DATABASE, new)
    results.add(QUIET, import_file(server, DATABASE, changed).seconds, base=QUIET)
    server.make_database(DATABASE, migrated=True)
    _worker(server, "listen", url, "1")
    with _delivering(server) as arrived:
        run = import_file(server, DATABASE, new)
        results.add(IMPORTED, run.seconds)
        began = time.perf_counter()
        arrived(run.counts["created"])
        results.add(DELIVERED, time.perf_counter() - began, base=IMPORTED)
    server.make_database(DATABASE, migrated=True)
    _worker(server, "listen", url, "1")
    with _delivering(server):
        import_file(server, DATABASE, new)
        results.add(BESIDE, import_file(server, DATABASE, changed).seconds, base=QUIET)


def _measure_edits(server: Server, url: str, results: Results) -> None:
    server.make_database(DATABASE, migrated=True)
    with (
        socket.create_server(("127.0.0.1", 0)) as hole,
        server.connect(DATABASE) as connection,
        _delivering(server) as arrived,
    ):
        _worker(server, "listen", url, str(ENDPOINTS))
        for _ in range(ROUNDS):
            results.add(ALONE, _edit(server, arrived), base=ALONE)
        # Connections are taken by the system, and nobody ever answers.
        _worker(server, "listen", f"http://127.0.0.1:{hole.getsockname()[1]}/", str(HANGING))
        for _ in range(ROUNDS):
            results.add(CROWDED, _edit(server, arrived), base=ALONE)
            connection.execute(FORGET)


def _edit(server: Server, arrived: Callable[[int], None]) -> float:
    """Seconds from an edit's commit until all endpoints that answer have it."""
    committed = _worker(server, "edit")["committed"]
    arrived(ENDPOINTS)
    return time.time() - committed


def _worker(server: Server, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", *arguments],
        cwd=ROOT,
        env=_environment(server),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _environment(server: Server) -> dict[str, str]:
    allowed = {"OUTBOUND_ALLOW_HTTP": "true", "OUTBOUND_ALLOW_PRIVATE": "true"}
    return {**server.environment(DATABASE), **allowed}


@contextmanager
def _delivering(server: Server) -> Iterator[Callable[[int], None]]:
    """A deliver process; yields what waits until so many products of the last change arrived."""
    entry = next(each for each in procfile.read(ROOT / "Procfile") if each.name == "deliver")
    environment = {**_environment(server), **entry.variables, "LOG_LEVEL": "WARNING"}
    program = Path(sys.executable).with_name(entry.command[0])
    child = spawn(
        [program, *entry.command[1:]],
        environment=environment,
        output=subprocess.DEVNULL,
        directory=ROOT,
    )
    try:
        with (
            Celery(broker=environment["REDIS_URL"]) as app,
            server.connect(DATABASE) as connection,
        ):
            _wait(lambda: bool(app.control.ping(timeout=0.5)), "deliver did not start")
            yield lambda count: _wait_for(app, connection, count)
    finally:
        stop_all([child], seconds=20)


def _wait_for(app: Celery, connection: psycopg.Connection, count: int) -> None:
    ticked = 0.0

    def there() -> bool:
        nonlocal ticked
        if time.monotonic() - ticked > TICK_SECONDS:
            ticked = time.monotonic()
            app.send_task("webhooks.tick", queue="webhooks", expires=TICK_SECONDS)
        return connection.execute(ARRIVED).fetchone() == (count,)

    _wait(there, f"{count:,} did not arrive", seconds=PATIENCE_SECONDS)


def _wait(condition: Callable[[], bool], failure: str, *, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(failure)
        time.sleep(0.02)
