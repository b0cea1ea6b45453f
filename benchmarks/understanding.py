"""How well files are understood: ours and others on the same files, class by class.

A file is read right in five ways, each counted alone:

- dialect: delimiter, quote and escape; a mark that the text does not hold, or a quote that quotes
  nothing, is as good as none;
- encoding: the bytes become the true text, by whatever name;
- header: its cells, or that there is none;
- decimal mark: point, comma, or none seen;
- table: every cell of every row, but for rows without text and empty cells at a row's end.
"""

import csv
import gzip
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpus.files import write_corpus
from benchmarks.scores import Scores
from benchmarks.sniffers import Seen, Sniffer, installed

#: Cells of other people's corpora may be whole documents.
FIELD_LIMIT = 1 << 26


@dataclass(frozen=True)
class Case:
    """A file and what is so about it; None is what nobody knows."""

    path: Path
    kind: str
    truth: Mapping[str, Any]
    table: list[list[str]] | None

    @property
    def is_workbook(self) -> bool:
        return bool(self.truth.get("compression") == "xlsx")

    def content(self) -> bytes:
        """The file's bytes, out of its archive."""
        raw = self.path.read_bytes()
        match self.truth.get("compression"):
            case "gzip":
                return gzip.decompress(raw)
            case "zip":
                with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                    return archive.read(archive.namelist()[0])
            case _:
                return raw

    def text(self) -> str:
        """The true text; that of a workbook is its table."""
        if self.is_workbook:
            return ""
        return decoded(self.content(), self.truth.get("encoding") or "utf-8")


def measure(corpus: Path | None) -> Scores:
    """Hold all that are installed against a corpus: one from elsewhere, or our own."""
    csv.field_size_limit(FIELD_LIMIT)
    if corpus:
        return _measured(corpus)
    with tempfile.TemporaryDirectory(prefix="product-importer-corpus-") as name:
        write_corpus(Path(name))
        return _measured(Path(name))


def _measured(corpus: Path) -> Scores:
    scores = Scores()
    sniffers = installed()
    for number, case in enumerate(cases(corpus)):
        if number % 100 == 0:
            print(f"  understanding: {number} files", file=sys.stderr)
        text = case.text() if case.truth.get("understood", True) else ""
        for name, sniffer in sniffers.items():
            if name != "ours" and (case.is_workbook or not case.truth.get("understood", True)):
                continue
            seen, seconds = _timed(sniffer, case.path, text)
            scores.add(name, case.kind, case.path.name, judged(case, text, seen), seconds)
    return scores


def cases(corpus: Path) -> Iterator[Case]:
    """The files of a corpus in order of their names; what has no parameters is passed over."""
    for path in sorted((corpus / "csv").iterdir()):
        parameters = corpus / "parameters" / f"{path.name}_parameters.json"
        if not parameters.exists():
            continue
        truth = json.loads(parameters.read_text("utf-8"))
        clean = corpus / "clean" / path.name
        table = None
        if clean.exists():
            with clean.open(encoding="utf-8", newline="") as file:
                table = list(csv.reader(file))
        if "column_names" in truth:
            truth, table = _of_others(truth, table)
        yield Case(path, truth.get("kind", corpus.name), truth, table)


def _of_others(
    truth: dict[str, Any], table: list[list[str]] | None
) -> tuple[dict[str, Any], list[list[str]] | None]:
    """What public corpora mean.

    They write a doubled quote as an escape, some numbers as texts, and give a table without header
    one of made-up names.
    """
    escape, header_lines = truth["escapechar"], int(truth["header_lines"])
    if table and not header_lines and len(table[0]) == len(truth["column_names"]):
        table = table[1:]
    read = {
        "encoding": truth.get("encoding"),
        "delimiter": truth["delimiter"],
        "quotechar": truth["quotechar"],
        "escapechar": "" if escape == truth["quotechar"] else escape,
        "header_lines": header_lines,
    }
    return read, table


def judged(case: Case, text: str, seen: Seen) -> dict[str, bool]:
    """In which ways a file was read right; a way that nobody can tell is left out."""
    truth = case.truth
    if not truth.get("understood", True):
        return {"refused": not seen.understood}
    ways: dict[str, bool] = {}
    if not case.is_workbook:
        ways["dialect"] = seen.understood and _same_dialect(truth, text, seen)
        if seen.encoding is not None or not seen.understood:
            ways["encoding"] = bool(seen.encoding) and _same_text(case, text, seen)
    if case.table is not None:
        rows = with_text(case.table)
        columns = rows[:1] if truth["header_lines"] else [[]]
        if seen.header is not None or not seen.understood:
            ways["header"] = seen.understood and without_end(seen.header or ()) == (
                columns[0] if columns else []
            )
        ways["table"] = with_text(seen.table or []) == rows and seen.understood
    if truth.get("decimal") is not None and (seen.decimal is not None or not seen.understood):
        ways["decimal mark"] = seen.decimal == truth["decimal"]
    return ways


def _same_dialect(truth: Mapping[str, Any], text: str, seen: Seen) -> bool:
    def there(mark: str | None) -> str:
        return mark if mark and mark in text else ""

    quotes = {there(truth["quotechar"]), *(() if truth["quotechar"] else ('"',))}
    return (
        there(seen.delimiter) == there(truth["delimiter"])
        and there(seen.quotechar) in quotes
        and there(seen.escapechar) == there(truth["escapechar"])
    )


def _same_text(case: Case, text: str, seen: Seen) -> bool:
    try:
        return decoded(case.content(), seen.encoding or "") == text
    except LookupError:
        return False


def decoded(content: bytes, encoding: str) -> str:
    return content.decode(encoding, "replace").removeprefix("\ufeff")


def with_text(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows that hold anything, without their empty cells at the end."""
    return [row for row in map(without_end, rows) if row]


def without_end(row: Sequence[str]) -> list[str]:
    cells = list(row)
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _timed(sniffer: Sniffer, path: Path, text: str) -> tuple[Seen, float]:
    started = time.perf_counter()
    try:
        seen = sniffer(path, text)
    except Exception as error:  # noqa: BLE001 a file that breaks one of them is one it misread
        print(f"  {sniffer.__name__}: {path.name}: {error!r}", file=sys.stderr)
        seen = Seen(understood=False)
    return seen, time.perf_counter() - started
