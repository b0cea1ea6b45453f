"""What understands a CSV file: ours, and others if they are installed.

The others are given the text in its true encoding, as none of them guesses it well enough to be
held against; clevercsv's guess is kept all the same.
"""

import csv
import importlib.util
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from imports.parsing.decoding import Unreadable
from imports.understanding.inspection import inspect, read_rows

#: As much as a caller of a sniffer gives it; ours takes what it wants of the file itself.
SAMPLE = 1 << 16

Table = list[list[str]]


@dataclass(frozen=True)
class Seen:
    """What one of them saw; None is what it has no word for."""

    delimiter: str = ""
    quotechar: str = ""
    escapechar: str = ""
    encoding: str | None = None
    header: Sequence[str] | None = None
    decimal: str | None = None
    table: Table | None = None
    understood: bool = True


Sniffer = Callable[[Path, str], Seen]


def ours(path: Path, text: str) -> Seen:
    try:
        with path.open("rb") as file:
            found = inspect(file, name=path.name)
            table = list(read_rows(file, found))
    except Unreadable:
        return Seen(understood=False)
    return Seen(
        delimiter=found.delimiter,
        quotechar=found.quotechar,
        escapechar=found.escapechar,
        encoding=found.encoding,
        header=table[0] if found.header_lines and table else (),
        decimal=found.decimal,
        table=table,
    )


def csv_sniffer(path: Path, text: str) -> Seen:
    """Python's own. Its header is a guess at yes or no; the first row is taken for it."""
    try:
        dialect = csv.Sniffer().sniff(text[:SAMPLE])
        table = list(csv.reader(io.StringIO(text, newline=""), dialect))
    except csv.Error:
        return Seen(understood=False)
    return Seen(
        delimiter=dialect.delimiter,
        quotechar=dialect.quotechar or "",
        escapechar=dialect.escapechar or "",
        table=table,
    )


def clevercsv(path: Path, text: str) -> Seen:
    module = import_module("clevercsv")
    encoding = import_module("clevercsv.encoding").get_encoding(str(path))
    dialect = module.Sniffer().sniff(text[:SAMPLE])
    if dialect is None:
        return Seen(understood=False)
    return Seen(
        delimiter=dialect.delimiter,
        quotechar=dialect.quotechar,
        escapechar=dialect.escapechar,
        encoding=encoding,
        table=list(module.reader(io.StringIO(text, newline=""), dialect)),
    )


def duckdb(path: Path, text: str) -> Seen:
    """It reads files: the text is put beside the file for it, in UTF-8."""
    module = import_module("duckdb")
    copy = path.with_name(f".{path.name}.utf-8.csv")
    copy.write_text(text, "utf-8", errors="replace", newline="")
    try:
        with module.connect(config={"threads": 1}) as connection:
            return _duckdb(connection, str(copy))
    except module.Error:
        return Seen(understood=False)
    finally:
        copy.unlink()


def _duckdb(connection: Any, path: str) -> Seen:
    sniffed = connection.execute("FROM sniff_csv(?)", [path])
    names = [column[0] for column in sniffed.description]
    found = dict(zip(names, sniffed.fetchone(), strict=True))
    read = connection.execute("FROM read_csv(?, all_varchar = true)", [path])
    header = [column[0] for column in read.description]
    rows = [[cell or "" for cell in row] for row in read.fetchall()]
    quote, escape = (_mark(found[name]) for name in ("Quote", "Escape"))
    return Seen(
        delimiter=_mark(found["Delimiter"]),
        quotechar=quote,
        escapechar="" if escape == quote else escape,
        header=header if found["HasHeader"] else (),
        table=[header, *rows] if found["HasHeader"] else rows,
    )


def _mark(text: str) -> str:
    return "" if text in ("(empty)", "\0") else text


SNIFFERS: dict[str, Sniffer] = {
    "ours": ours,
    "csv.Sniffer": csv_sniffer,
    "clevercsv": clevercsv,
    "duckdb": duckdb,
}


def installed() -> dict[str, Sniffer]:
    """Those that can be run here."""
    return {
        name: sniffer
        for name, sniffer in SNIFFERS.items()
        if name not in ("clevercsv", "duckdb") or importlib.util.find_spec(name)
    }
