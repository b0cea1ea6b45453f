"""`python -m benchmarks [--rows N] [--repeat N] [--only WAY …] [--memory-rows N] [--json FILE]`.

`--corpus DIR` holds the understanding of files against a corpus of somebody else's.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import data, understanding
from benchmarks.ours import import_file
from benchmarks.report import About, Results, print_tables
from benchmarks.scores import print_scores
from benchmarks.server import Server, running
from benchmarks.ways import ON_SERVER, UNDERSTANDING, WAYS, Files, run_ways


def main(arguments: list[str]) -> int:
    """Measure, print the tables, write the JSON; returns the exit status."""
    chosen = parse(arguments)
    figures: dict[str, Any] = {}
    if not set(ON_SERVER).isdisjoint(chosen.only):
        results = measure_on_server(chosen)
        print_tables(results)
        figures |= results.as_dict()
    if UNDERSTANDING in chosen.only:
        scores = understanding.measure(chosen.corpus)
        print_scores(scores)
        figures[UNDERSTANDING] = scores.as_dict()
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure_on_server(chosen: argparse.Namespace) -> Results:
    """All that needs PostgreSQL, on one server of its own."""
    with running() as (server, folder):
        print(f"making {chosen.rows:,} rows", file=sys.stderr)
        files = Files(new=folder / "new.csv", changed=folder / "changed.csv")
        data.write_new(files.new, chosen.rows)
        data.write_changed(files.changed, chosen.rows)
        server.migrate()
        results = Results(about=about(server, rows=chosen.rows, path=files.new))
        for number in range(chosen.repeat):
            print(f"run {number + 1} of {chosen.repeat}", file=sys.stderr)
            run_ways(server, files, chosen.only, results)
        if chosen.memory_rows:
            measure_memory(server, folder, chosen.memory_rows, results)
    return results


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure imports against other ways, on one server of its own.",
    )
    parser.add_argument("--rows", type=int, default=500_000, help="rows of the file (500000)")
    parser.add_argument("--repeat", type=int, default=1, help="rounds; medians are shown (1)")
    parser.add_argument(
        "--only", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY", help=", ".join(WAYS)
    )
    parser.add_argument(
        "--memory-rows", type=int, default=0, help="one more import of so many new rows, at the end"
    )
    parser.add_argument(
        "--corpus", type=_corpus, help="files to be understood: csv/, clean/, parameters/ (our own)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args(arguments)


def _corpus(name: str) -> Path:
    folder = Path(name)
    if not (folder / "csv").is_dir() or not (folder / "parameters").is_dir():
        raise argparse.ArgumentTypeError(f"{name} has no folders csv and parameters")
    return folder


def measure_memory(server: Server, folder: Path, rows: int, results: Results) -> None:
    """Import another number of new rows: does memory stay flat, and the cost of a row?"""
    print(f"making and importing {rows:,} rows", file=sys.stderr)
    path = folder / "memory.csv"
    data.write_new(path, rows)
    server.make_database("memory", migrated=True)
    results.add_import(f"ours: {rows:,} new rows", import_file(server, "memory", path), rows=rows)


def about(server: Server, *, rows: int, path: Path) -> About:
    """Where and when the figures come from."""
    return About(
        rows=rows,
        bytes=path.stat().st_size,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        cores=os.cpu_count(),
        machine=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        postgresql=server.version(),
    )


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} failed: see above")
