"""Operations on a whole catalog: delete all, switch all, undo; held against the import of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.ours import import_file
from benchmarks.report import IMPORTED, Results
from benchmarks.server import ROOT, Server

#: What is done one after the other, each to what the one before left.
STEPS = (
    ("undo of the import", "undo"),
    ("undo of that undo", "undo"),
    ("delete all", "delete_all"),
    ("undo of delete all", "undo"),
    ("deactivate all", "deactivate"),
    ("undo of deactivate all", "undo"),
)


def measure(server: Server, path: Path, results: Results) -> None:
    """Import the file's new products, then operate on all of them; seconds from claim to end."""
    server.make_database("operations", migrated=True)
    results.add(IMPORTED, import_file(server, "operations", path).seconds)
    for name, command in STEPS:
        with server.connect("operations") as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")
        result = _child(server, command)
        # Some products of the file are inactive already.
        if result["written"] < 0.9 * results.about.rows:
            sys.exit(f"{name} wrote only {result['written']:,} products")
        results.add(name, result["seconds"], base=IMPORTED)


def _child(server: Server, command: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", "operate", command],
        cwd=ROOT,
        env=server.environment("operations"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
