"""The pages of a large catalog, asked for from a real web process over a loopback connection."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import ceil
from pathlib import Path

from benchmarks.ours import import_file
from benchmarks.report import PageTimes, Results
from benchmarks.server import Server
from benchmarks.web import web

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


def measure(server: Server, path: Path, results: Results) -> None:
    """Import the file, ask for every page, then for the first one while the file is imported again.

    Raises:
        requests.HTTPError: a page failed.
    """
    server.make_database("pages", migrated=True)
    import_file(server, "pages", path)
    with server.connect("pages") as connection:
        connection.execute("VACUUM (ANALYZE)")
    with web(server, "pages", processes=os.cpu_count() or 1) as site:
        ask = site.ask
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
