"""The export against a bare COPY of the same columns by the same client, in a process of its own.

`measure` starts this module as a program that prints one JSON object.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import django
import psutil
from django.db import connection

from benchmarks.ours import import_file
from benchmarks.report import Results
from benchmarks.server import ROOT, Server
from benchmarks.worker import peak

BARE = "bare COPY TO"
EXPORT = "export"
DATABASE = "export"
ROUNDS = 3
MEGABYTE = 1024**2
COPY_BARE = (
    "COPY catalog_product (sku, name, description, price, active) TO STDOUT (FORMAT csv, HEADER)"
)


def measure(server: Server, path: Path, results: Results) -> None:
    """Import `path`, then export all of it, taking turns with the bare COPY."""
    server.make_database(DATABASE, migrated=True)
    import_file(server, DATABASE, path)
    with server.connect(DATABASE) as direct:
        direct.execute("VACUUM (ANALYZE)")
        direct.execute("CHECKPOINT")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.export"],
        cwd=ROOT,
        env=server.environment(DATABASE),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    for way in (BARE, EXPORT):
        for seconds in found[way]:
            results.add(way, seconds, base=BARE)
    grown = found["growth_bytes"] / MEGABYTE
    print(f"  export: {found['bytes']:,} bytes, memory grew {grown:.0f} MB", file=sys.stderr)


def bare(file: IO[bytes]) -> None:
    """What anyone would type."""
    with connection.cursor() as cursor, cursor.copy(COPY_BARE) as copy:
        for block in copy:
            file.write(block)


def ours(file: IO[bytes]) -> None:
    """The product's own, of every product."""
    from catalog.export import write_csv
    from catalog.models import Product

    write_csv(Product.objects.all(), file)


def timed(write: Callable[[IO[bytes]], None]) -> tuple[float, int]:
    """Seconds to write a temporary file, and its size."""
    with tempfile.TemporaryFile() as file:
        began = time.perf_counter()
        write(file)
        file.flush()
        return time.perf_counter() - began, file.tell()


def main() -> None:
    django.setup()
    timed(bare)  # brings the table into memory, for both
    idle = psutil.Process().memory_info().rss
    seconds: dict[str, list[float]] = {BARE: [], EXPORT: []}
    size = 0
    for _ in range(ROUNDS):
        seconds[BARE].append(timed(bare)[0])
        spent, size = timed(ours)
        seconds[EXPORT].append(spent)
    print(json.dumps({**seconds, "bytes": size, "growth_bytes": peak() - idle}))


if __name__ == "__main__":
    main()
