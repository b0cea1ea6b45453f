"""The ways that are measured, each on tables of its own."""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks import baselines, export, operations, pages, progress, webhooks
from benchmarks.ours import import_file
from benchmarks.report import Results
from benchmarks.server import Server

FLOOR = "floor"
HAND_TYPED = "hand-typed"
BATCHES = "batches"
OURS = "ours"
OPERATIONS = "operations"
EXPORT = "export"
PAGES = "pages"
WEBHOOKS = "webhooks"
PROGRESS = "progress"
ON_SERVER = (FLOOR, HAND_TYPED, BATCHES, OURS, OPERATIONS, EXPORT, PAGES, WEBHOOKS, PROGRESS)
UNDERSTANDING = "understanding"
WAYS = (*ON_SERVER, UNDERSTANDING)

NEW = "new rows"
SAME = "the same file again"
CHANGED = "every row changed"


@dataclass(frozen=True)
class Files:
    new: Path
    changed: Path


def run_ways(server: Server, files: Files, ways: Collection[str], results: Results) -> None:
    """One round: every way once.

    Ours and the hand-typed way take turns, so that a slow moment of the machine hits both.
    """
    server.make_database("ours", migrated=True)
    server.make_database("baselines", migrated=False)
    with server.connect("baselines") as connection:
        baselines.create_product(connection)
        for case, path in ((NEW, files.new), (SAME, files.new), (CHANGED, files.changed)):
            if OURS in ways:
                _say(f"ours, {case}")
                results.add_import(f"ours: {case}", import_file(server, "ours", path))
            if HAND_TYPED in ways:
                _say(f"hand-typed, {case}")
                connection.execute("VACUUM (ANALYZE) product")
                connection.execute("CHECKPOINT")
                results.add(f"hand-typed: {case}", baselines.hand_typed(connection, path))
        if FLOOR in ways:
            _say("floor")
            results.add("floor: COPY into the table", baselines.floor(connection, files.new))
        if BATCHES in ways:
            _say("batches")
            results.add("1,000-row batches", baselines.batches(connection, files.new))
    if OPERATIONS in ways:
        _say("operations")
        operations.measure(server, files.new, results)
    if EXPORT in ways:
        _say("export")
        export.measure(server, files.new, results)
    if WEBHOOKS in ways:
        _say("webhooks")
        webhooks.measure(server, files.new, files.changed, results)
    if PROGRESS in ways and not results.watched:
        _say("progress")
        progress.measure(server, files.new, files.changed, results)
    if PAGES in ways and not results.pages:
        _say("pages")
        pages.measure(server, files.new, results)


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr)
