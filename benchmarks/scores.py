"""How many files were read right, by sniffer and class, and the tables of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

WAYS = ("dialect", "encoding", "header", "decimal mark", "table", "refused")
ALL = "all"
OTHERS = ("csv.Sniffer", "clevercsv", "duckdb")
COMPARED = ("dialect", "table")


@dataclass
class Share:
    """So many of so many."""

    right: int = 0
    of: int = 0

    def __str__(self) -> str:
        if not self.of:
            return ""
        # Rounded down: only what is wholly right shows as 100.
        return f"{1000 * self.right // self.of / 10:.1f}"


@dataclass
class Scores:
    """Sniffer → class → way → share; the seconds of every file, and the names of the misread."""

    shares: dict[str, dict[str, dict[str, Share]]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    misread: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(
        self, sniffer: str, kind: str, name: str, ways: Mapping[str, bool], seconds: float
    ) -> None:
        """Count one file."""
        self.seconds[sniffer].append(seconds)
        if sniffer == "ours":
            self.files[kind] += 1
        for group in (kind, ALL):
            shares = self.shares.setdefault(sniffer, {}).setdefault(group, {})
            for way, right in ways.items():
                share = shares.setdefault(way, Share())
                share.of += 1
                share.right += right
        wrong = [way for way, right in ways.items() if not right]
        if wrong:
            named = f"{name}: {', '.join(wrong)}"
            self.misread.setdefault(sniffer, {}).setdefault(kind, []).append(named)

    def share(self, sniffer: str, kind: str, way: str) -> Share:
        return self.shares.get(sniffer, {}).get(kind, {}).get(way, Share())

    def as_dict(self) -> dict[str, Any]:
        return {
            "files": sum(self.files.values()),
            "right": {
                sniffer: {
                    kind: {way: [share.right, share.of] for way, share in ways.items()}
                    for kind, ways in kinds.items()
                }
                for sniffer, kinds in self.shares.items()
            },
            "seconds": {
                name: {"median": median(values), "slowest": max(values)}
                for name, values in self.seconds.items()
            },
            "misread": self.misread,
        }


def print_scores(scores: Scores) -> None:
    """Markdown, fit for docs/performance.md: ours in full, then all of them side by side."""
    total = sum(scores.files.values())
    print(f"\nFiles understood, of {total:,}: per cent that are right\n")
    _print_row("class", "files", *WAYS)
    _print_rule(1 + len(WAYS))
    for kind in [*scores.files, ALL]:
        shares = [scores.share("ours", kind, way) for way in WAYS]
        _print_row(kind, scores.files.get(kind, total), *shares)
    here = ["ours", *(name for name in OTHERS if name in scores.seconds)]
    print("\nThe same beside others, which were told the encoding: dialect / table\n")
    _print_row("class", *here)
    _print_rule(len(here))
    for kind in [*scores.files, ALL]:
        _print_row(kind, *(_pair(scores, name, kind) for name in here))
    _print_row("median, ms a file", *(f"{1000 * median(scores.seconds[n]):.1f}" for n in here))
    _print_row("slowest, ms", *(f"{1000 * max(scores.seconds[n]):.0f}" for n in here))
    for name in OTHERS:
        if name not in scores.seconds:
            print(f"\n{name} is not installed.")


def _pair(scores: Scores, name: str, kind: str) -> str:
    shares = [str(scores.share(name, kind, way)) for way in COMPARED]
    return " / ".join(filter(None, shares))


def _print_row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |")


def _print_rule(numbers: int) -> None:
    print("|---|" + "---:|" * numbers)
