"""Figures of all rounds, and the table of their medians."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.ours import Run

NEW = "hand-typed: new rows"
CHANGED = "hand-typed: every row changed"
IMPORTED = "an import, for the operations"
# What a way is held against; all else stands against the hand-typed import of new rows.
OWN_BASE = {"ours: every row changed": CHANGED, CHANGED: CHANGED, IMPORTED: IMPORTED}
MEGABYTE = 1024**2


@dataclass(frozen=True)
class About:
    """The file that was imported, and where and when."""

    rows: int
    bytes: int
    at: str
    cores: int | None
    machine: str
    python: str
    postgresql: str


@dataclass(frozen=True)
class PageTimes:
    """Milliseconds: the median and the 95th percentile alone, and the latter of 20 at a time."""

    page: str
    target: int
    median: float
    p95: float
    p95_of_many: float | None


@dataclass(frozen=True)
class Watched:
    """So many browsers on one web process: what they cost, and how late the last one heard."""

    watchers: int
    worst_seconds: float
    memory_bytes: int
    connections: int


@dataclass
class Results:
    """Seconds by way, in the order in which they ran, and our imports in full."""

    about: About
    seconds: dict[str, list[float]] = field(default_factory=dict)
    imports: dict[str, list[Run]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    pages: list[PageTimes] = field(default_factory=list)
    #: Case → how far the time left was off at worst, as a share of the whole.
    time_left: dict[str, float] = field(default_factory=dict)
    watched: Watched | None = None
    bases: dict[str, str] = field(default_factory=lambda: dict(OWN_BASE))

    def add(self, way: str, seconds: float, *, base: str | None = None) -> None:
        if base is not None:
            self.bases[way] = base
        self.seconds.setdefault(way, []).append(seconds)

    def add_import(self, way: str, run: Run, *, rows: int | None = None) -> None:
        self.add(way, run.seconds)
        self.imports.setdefault(way, []).append(run)
        if rows is not None:
            self.rows[way] = rows

    def median(self, way: str) -> float:
        return median(self.seconds[way])

    def ratio(self, way: str) -> float | None:
        """Seconds a row over those of the hand-typed way; None when that was not measured."""
        base = self.bases.get(way, NEW)
        if base not in self.seconds:
            return None
        share = self.rows.get(way, self.about.rows) / self.about.rows
        return self.median(way) / self.median(base) / share

    def as_dict(self) -> dict[str, Any]:
        return {
            "about": asdict(self.about),
            "ways": {
                way: {
                    "seconds": round(self.median(way), 3),
                    "all_seconds": [round(value, 3) for value in values],
                    "ratio_to_hand_typed": self.ratio(way),
                    "runs": [asdict(run) for run in self.imports.get(way, [])],
                }
                for way, values in self.seconds.items()
            },
            "pages": [asdict(each) for each in self.pages],
            "time_left": self.time_left,
            "watched": asdict(self.watched) if self.watched else None,
        }


def print_tables(results: Results) -> None:
    """Markdown, fit for docs/performance.md."""
    about = results.about
    print(
        f"{about.rows:,} rows, {about.bytes:,} bytes; {about.cores} cores, "
        f"PostgreSQL {about.postgresql}, Python {about.python}, {about.at}\n"
    )
    if results.seconds:
        _print_ways(results)
    if results.pages:
        _print_pages(results.pages)
    if results.watched:
        _print_progress(results, results.watched)


def _print_progress(results: Results, watched: Watched) -> None:
    print("\n| import | time left, worst error after the first quarter |")
    print("|---|---:|")
    for case, error in results.time_left.items():
        print(f"| {case} | {error:.0%} of the whole |")
    print(
        f"\n{watched.watchers} watchers: the last one heard after {watched.worst_seconds:.2f} s,"
        f" {watched.memory_bytes / MEGABYTE:.0f} MB more, {watched.connections} more connections."
    )


def _print_pages(pages: list[PageTimes]) -> None:
    print("\n| page | target, ms | median | 95th percentile | of 20 at a time |")
    print("|---|---:|---:|---:|---:|")
    for each in pages:
        many = "" if each.p95_of_many is None else f"{each.p95_of_many:.0f}"
        print(f"| {each.page} | {each.target} | {each.median:.0f} | {each.p95:.0f} | {many} |")


def _print_ways(results: Results) -> None:
    print("| way | seconds | to hand-typed | read + merge | memory grew | WAL | rows written |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for way in results.seconds:
        ratio = results.ratio(way)
        cells = [way, f"{results.median(way):.2f}", "" if ratio is None else f"{ratio:.2f}"]
        cells += _import_cells(results.imports.get(way, []))
        print(f"| {' | '.join(cells)} |")
    print(
        "\nA ratio is against the hand-typed import of new rows; for changed rows, of those; for"
        "\noperations, against our import; for the export, against the bare COPY."
    )


def _import_cells(runs: list[Run]) -> list[str]:
    if not runs:
        return [""] * 4
    phases = [median(run.phases[name] for run in runs) for name in runs[0].phases]
    return [
        " + ".join(f"{seconds:.2f}" for seconds in phases),
        f"{max(run.growth_bytes for run in runs) / MEGABYTE:.0f} MB",
        f"{median(run.wal_bytes for run in runs) / MEGABYTE:.1f} MB",
        f"{median(run.written for run in runs):,.0f}",
    ]
