"""A table as plain CSV: RFC 4180 in UTF-8, quotes only where they are needed."""

import csv
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO


def write_table(rows: Iterable[Sequence[str]], path: Path) -> int:
    """Write rows as they come, and return how many: all of them or no file at all.

    What stood under that name is replaced at the end. Half a character, which UTF-8 can't hold, is
    written as U+FFFD.
    """
    part = path.with_name(f".{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            count = _write(rows, file)
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return count


def _write(rows: Iterable[Sequence[str]], file: TextIO) -> int:
    writer = csv.writer(file, lineterminator="\r\n")
    count = 0
    for row in rows:
        try:
            writer.writerow(row)
        except UnicodeEncodeError:
            writer.writerow([_whole(cell) for cell in row])
        count += 1
    return count


def _whole(cell: str) -> str:
    return cell.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
