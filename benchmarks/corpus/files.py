"""A corpus as a folder of three, which is the layout of public corpora of messy files, too.

`csv/` has the files, `clean/` the table of each under the same name (header and rows, plain
RFC 4180 in UTF-8), `parameters/` what is so about each as JSON, named NAME_parameters.json.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random

from benchmarks.corpus.classes import CLASSES, make
from benchmarks.corpus.writing import Made

SEED = 1
REFUSED = "no table: refused"
REFUSED_FILES = 12
_SUFFIXES = {"": ".csv", "gzip": ".csv.gz", "zip": ".zip", "xlsx": ".xlsx"}


def files(seed: int = SEED) -> Iterator[tuple[str, Made]]:
    """All files with their names; each comes from the seed, its class and number alone."""
    counts = {kind: count for kind, (_, count) in CLASSES.items()} | {REFUSED: REFUSED_FILES}
    for kind, count in counts.items():
        slug = "".join(each if each.isalnum() else "-" for each in kind.casefold())
        for index in range(count):
            file = make(Random(f"{seed} {kind} {index}"), kind, index)
            yield f"{slug}-{index:03d}{_SUFFIXES[file.truth.compression]}", file


def write_corpus(folder: Path, seed: int = SEED) -> int:
    """Write the three folders; returns how many files there are."""
    for name in ("csv", "clean", "parameters"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    count = 0
    for name, file in files(seed):
        (folder / "csv" / name).write_bytes(file.content)
        (folder / "clean" / name).write_text(clean(file), "utf-8", newline="")
        truth = json.dumps(asdict(file.truth), ensure_ascii=False, indent=1)
        (folder / "parameters" / f"{name}_parameters.json").write_text(truth + "\n", "utf-8")
        count += 1
    return count


def clean(file: Made) -> str:
    """The table as plain CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(file.table)
    return text.getvalue()
