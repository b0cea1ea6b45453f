"""The pages of a large catalog, asked for from a real web process over a loopback connection."""

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from math import ceil
from pathlib import Path

import requests

from benchmarks.ours import import_file
from benchmarks.report import PageTimes, Results
from benchmarks.server import ROOT, Server
from dev.valkey import free_port

#: Page → path with its query, and the most that its 95th percentile should take, in milliseconds.
#: `{n}` is another number each time: a filter that was asked for before has its total remembered.
PAGES: dict[str, tuple[str, int]] = {
    "first page": ("/products/", 50),
    "SKU contains": ("/products/?sku=00{n}", 250),
    "name contains": ("/products/?name=5{n}", 250),
    "description contains": ("/products/?description=box+of+{n}", 250),
    "active": ("/products/?active=false", 250),
    "price from, to": ("/products/?price_min={n}&price_max=200", 250),
    "updated since": ("/products/?updated_after=20{n}-01-01", 250),
    "free text": ("/products/?search=bolt+m{n}", 500),
    "free text, not ASCII": ("/products/?search=%C3%97{n}", 500),
    "last page": ("/products/?page=9999999", 150),
    "last page by name": ("/products/?ordering=name&page=9999999", 300),
    "last page by price": ("/products/?ordering=-price&page=9999999", 300),
    "last page by SKU": ("/products/?ordering=sku&page=9999999", 300),
    "page in the middle": ("/products/?page=10000", 300),
    "home": ("/", 250),
    "activity": ("/activity/", 250),
}
AT_ONCE = 20
ROUNDS = 20
START_SECONDS = 30.0


def measure(server: Server, path: Path, results: Results) -> None:
    """Import the file, ask for every page, then for the first one while the file is imported again.

    Raises:
        requests.HTTPError: a page failed.
    """
    server.make_database("pages", migrated=True)
    import_file(server, "pages", path)
    with server.connect("pages") as connection:
        connection.execute("VACUUM (ANALYZE)")
    with web(server) as ask:
        for name, (page, target) in PAGES.items():
            results.pages.append(_times(name, target, partial(ask, page)))
        first = results.pages[0]
        results.pages.append(
            PageTimes(
                "first page while an import runs",
                round(3 * first.p95),
                *_during_an_import(server, path, partial(ask, PAGES[first.page][0])),
            )
        )


def _times(name: str, target: int, ask: Callable[[], float]) -> PageTimes:
    ask()
    alone = sorted(ask() for _ in range(ROUNDS))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        many = sorted(threads.map(lambda _: ask(), range(3 * AT_ONCE)))
    return PageTimes(name, target, alone[len(alone) // 2], _p95(alone), _p95(many))


def _p95(ordered: list[float]) -> float:
    return ordered[ceil(0.95 * len(ordered)) - 1]


def _during_an_import(
    server: Server, path: Path, ask: Callable[[], float]
) -> tuple[float, float, float | None]:
    importing = threading.Thread(target=lambda: import_file(server, "pages", path))
    importing.start()
    times = []
    while importing.is_alive():
        times.append(ask())
    importing.join()
    times.sort()
    return times[len(times) // 2], _p95(times), None


@contextmanager
def web(server: Server) -> Iterator[Callable[[str], float]]:
    """A web process; the function asks for a path, signed in, and returns milliseconds."""
    port = free_port()
    environment = {
        **server.environment("pages"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_TRANSPORT": "false",
        "STATIC_FROM_SOURCE": "true",
        "DATABASE_POOL_MAX": "10",
        "WEB_CONCURRENCY": str(os.cpu_count() or 1),
        "LOG_LEVEL": "WARNING",
    }
    session = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", "sign-in"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cookies = {"sessionid": json.loads(session.stdout.splitlines()[-1])["session"]}
    gunicorn = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "config.asgi:application",
            "--config",
            "gunicorn.conf.py",
        ],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    local = threading.local()
    numbers = itertools.cycle(range(10, 100))

    def ask(path: str) -> float:
        path = path.format(n=next(numbers))
        if not hasattr(local, "client"):
            local.client = requests.Session()
            local.client.cookies.update(cookies)
        began = time.perf_counter()
        answer = local.client.get(
            f"http://127.0.0.1:{port}{path}", timeout=60, allow_redirects=False
        )
        taken = time.perf_counter() - began
        answer.raise_for_status()
        if answer.status_code != 200:
            raise requests.HTTPError(f"{path} answered {answer.status_code}")
        return 1000 * taken

    try:
        _wait_for(port)
        yield ask
    finally:
        gunicorn.terminate()
        gunicorn.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the web process did not start")
