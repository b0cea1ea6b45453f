"""Progress: is the time left right, and do 500 browsers that watch hear of it in time?"""

import asyncio
import json
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from benchmarks.ours import child
from benchmarks.report import Results, Watched
from benchmarks.server import Server
from benchmarks.web import Web, web

WATCHERS = 500
EARLIER = 3
LOOK_SECONDS = 0.05
SETTLE_SECONDS = 3.0
_PERCENT = re.compile(rb'data-percent="(\d+)"')


@dataclass
class Told:
    """What the worker published: (moment, percent, seconds left)."""

    moments: list[tuple[float, int, float | None]] = field(default_factory=list)
    ended: float = 0.0

    def worst_error(self) -> float:
        """How far the time left was off at worst, as a share of the whole import's time.

        From the first quarter of the import on, as far as anything was told.
        """
        began = self.moments[0][0]
        whole = self.ended - began
        errors = [
            abs(left - (self.ended - at)) / whole
            for at, _, left in self.moments
            if left is not None and at - began >= whole / 4
        ]
        return max(errors, default=1.0)


def measure(server: Server, new: Path, changed: Path, results: Results) -> None:
    """Import new rows before 500 watchers, then the same again and changed rows before none."""
    server.make_database("progress", migrated=True)
    # What merging costs on this machine is known, as it is to any import but the very first ones.
    for _ in range(EARLIER):
        _import(server, new)
        with server.connect("progress") as connection:
            connection.execute("TRUNCATE catalog_product, catalog_changeset CASCADE")
    results.time_left["new rows"] = _watched(server, new, results)
    results.time_left["the same file again"] = _import(server, new).worst_error()
    results.time_left["every row changed"] = _import(server, changed).worst_error()


def _import(server: Server, path: Path) -> Told:
    child(server, "progress", "receive", str(path))
    return _followed(server)


def _followed(server: Server) -> Told:
    """Run what waits and note what is published meanwhile."""
    told = Told()
    with server.connect("progress") as connection:
        row = connection.execute("SELECT max(id) FROM imports_importjob").fetchone()
    key = f"import:{row[0]}" if row else ""
    running = threading.Thread(target=lambda: child(server, "progress", "run"))
    running.start()
    client = redis.Redis.from_url(server.redis_url)
    while running.is_alive():
        found = client.get(key)
        if found:
            figures = json.loads(found)
            shown = (figures.get("percent", 0), figures.get("seconds_left"))
            if not told.moments or told.moments[-1][1:] != shown:
                told.moments.append((time.monotonic(), *shown))
        time.sleep(LOOK_SECONDS)
    running.join()
    told.ended = time.monotonic()
    return told


def _watched(server: Server, path: Path, results: Results) -> float:
    child(server, "progress", "receive", str(path))
    with server.connect("progress") as connection, web(server, "progress", processes=1) as site:
        (number,) = connection.execute("SELECT max(id) FROM imports_importjob").fetchone() or (0,)
        site.ask(f"/imports/{number}/")
        idle, connections = site.memory(), _connections(connection)
        crowd = _Crowd(site, f"/imports/{number}/events/")
        watching = threading.Thread(target=crowd.run)
        watching.start()
        time.sleep(SETTLE_SECONDS)
        held = _connections(connection) - connections
        told = _followed(server)
        memory = site.memory()
        watching.join()
    results.watched = Watched(
        watchers=WATCHERS,
        worst_seconds=crowd.worst_lag(told),
        memory_bytes=memory - idle,
        connections=held,
    )
    return told.worst_error()


def _connections(connection: psycopg.Connection) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    (number,) = connection.execute(query).fetchone() or (0,)
    return int(number)


class _Crowd:
    """Browsers that watch one import: when each of them heard of which percentage."""

    def __init__(self, site: Web, path: str) -> None:
        self._site = site
        self._path = path
        self.heard: list[list[tuple[float, int]]] = [[] for _ in range(WATCHERS)]

    def run(self) -> None:
        """Watch until every stream has ended."""
        asyncio.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._one(heard) for heard in self.heard))

    async def _one(self, heard: list[tuple[float, int]]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._site.port, limit=1 << 20)
        writer.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Cookie: sessionid={self._site.session}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        while line := await reader.readline():
            if line.startswith(b"event: done"):
                break
            if found := _PERCENT.search(line):
                heard.append((time.monotonic(), int(found[1])))
        writer.close()

    def worst_lag(self, told: Told) -> float:
        """Seconds from when a percentage was published until the last watcher had heard of it."""
        worst = 0.0
        published: dict[int, float] = {}
        for at, percent, _ in told.moments:
            published.setdefault(percent, at)
        for percent, at in published.items():
            for heard in self.heard:
                first = next((moment for moment, shown in heard if shown >= percent), told.ended)
                worst = max(worst, first - at)
        return worst
