"""Look at files without importing them: what was understood, what is doubtful, and the tables."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imports.parsing.decoding import Unreadable
from imports.understanding.inspection import (
    Inspection,
    Notes,
    inspect,
    read_rows,
    with_notes,
)
from imports.understanding.wording import counted, in_words, on_one_line
from imports.understanding.writing import write_table

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "standard-input.csv"
WRONG_USAGE = "usage"


class NotAFile(Exception):
    """What was named can't be opened: a wrong usage, told for this one, while the rest goes on."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one file: what was found, or why it was refused."""

    file: str
    found: Inspection | None = None
    code: str = ""
    message: str = ""
    line: int | None = None
    table: Path | None = None
    rows: int = 0

    def as_dict(self) -> dict[str, Any]:
        """One line of `--json`."""
        if self.found is None:
            why = {"code": self.code, "message": self.message, "line": self.line}
            return {"file": self.file, "understood": False, **why}
        written = {"table": str(self.table), "rows_written": self.rows} if self.table else {}
        return {"file": self.file, "understood": True, **self.found.as_dict(), **written}

    def in_words(self) -> str:
        """A line, and one beneath it for each doubt."""
        name = on_one_line(self.file)
        if self.found is None:
            line = f"line {self.line:,}: " if self.line else ""
            return f"{name}: not understood: {line}{on_one_line(self.message)}"
        lines = [f"{name}: {in_words(self.found)}"]
        for doubt in self.found.doubts:
            line = f"line {doubt.line:,}: " if doubt.line else ""
            lines.append(f"  {line}{on_one_line(doubt.message)}")
        if self.table:
            lines.append(f"  {counted(self.rows, 'row')} written to {on_one_line(str(self.table))}")
        return "\n".join(lines)


class Command(BaseCommand):
    help = (
        "Tell what is understood of CSV files and workbooks, product columns or not. Needs no "
        "database. Exit status: 0 all were understood, 1 some were not, 2 wrong usage."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="- reads standard input")
        parser.add_argument("--json", action="store_true", help="print one JSON object a file")
        parser.add_argument(
            "--rows",
            type=Path,
            metavar="DIR",
            help="write each table into this folder, as plain CSV under the file's own name",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[str] = options["files"]
        if files.count(STANDARD_INPUT) > 1:
            raise CommandError("Standard input (-) can be read only once.", returncode=2)
        targets = _targets(files, options["rows"]) if options["rows"] else [None] * len(files)
        refused = wrong = 0
        for file, target in zip(files, targets, strict=True):
            told = _look(file, target)
            refused += told.found is None
            wrong += told.code == WRONG_USAGE
            self.stdout.write(json.dumps(told.as_dict()) if options["json"] else told.in_words())
            self.stdout.flush()
        if refused:
            raise CommandError(
                f"{refused:,} of {counted(len(files), 'file')} could not be understood.",
                returncode=2 if wrong else 1,
            )


def _targets(files: Sequence[str], folder: Path) -> list[Path | None]:
    """Where each table goes: under the file's own name, or with a number if that is taken."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder}: {error.strerror}.", returncode=2) from error
    sources = {Path(file).resolve() for file in files}
    names = [_own_name(file) for file in files]
    taken, given = set(names), set[str]()
    targets: list[Path | None] = []
    for own in names:
        name, number = own, 1
        while name in (given if number == 1 else taken | given):
            number += 1
            name = f"{Path(own).stem}-{number}{Path(own).suffix}"
        given.add(name)
        target = folder / name
        if target.resolve() in sources:
            raise CommandError(
                f"{target} is one of the files to be looked at, and would be overwritten. "
                "Choose another folder for --rows.",
                returncode=2,
            )
        targets.append(target)
    return targets


def _own_name(file: str) -> str:
    return STANDARD_INPUT_NAME if file == STANDARD_INPUT else Path(file).name


def _look(file: str, target: Path | None) -> Told:
    """What is told of one file; whatever goes wrong with it is told too, and ends nothing else."""
    try:
        with _opened(file) as source:
            found = inspect(source, name=_own_name(file))
            rows = 0
            if target:
                notes = Notes()
                rows = write_table(read_rows(source, found, notes=notes), target)
                found = with_notes(found, notes)
            return Told(file, found, table=target, rows=rows)
    except NotAFile as wrong:
        return Told(file, code=WRONG_USAGE, message=str(wrong))
    except Unreadable as refused:
        return Told(file, code=refused.code, message=refused.message, line=refused.line)
    except Exception as error:  # noqa: BLE001 told for this file, and in the exit status
        return Told(file, code="error", message=f"{type(error).__name__}: {error}")


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """A seekable file; what can't be read twice, such as a pipe, is spooled first."""
    if file == STANDARD_INPUT:
        with _spooled(sys.stdin.buffer) as spool:
            yield spool
        return
    path = Path(file)
    if path.is_dir():
        raise NotAFile("This is a folder. Name the files in it.")
    try:
        source = path.open("rb")
    except OSError as error:
        raise NotAFile(f"{error.strerror}.") from error
    with source:
        if source.seekable():
            yield source
            return
        with _spooled(source) as spool:
            yield spool


@contextmanager
def _spooled(source: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as spool:
        shutil.copyfileobj(source, spool)
        spool.seek(0)
        yield spool
