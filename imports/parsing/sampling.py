"""The beginning of a file, looked at in both ways: as a plain file, and as a table in disguise."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imports.columns import Recall
from imports.parsing.decoding import MAX_RECORD, Lines
from imports.parsing.dialect import Format, find_format
from imports.parsing.plain import PlainReader
from imports.refusals import Unreadable
from imports.understanding.cutting import Record
from imports.understanding.findings import Inspection
from imports.understanding.fitting import Notes
from imports.understanding.inspection import inspect_text, records

#: Lines that are looked at: with more of them in so few bytes, the first ones tell enough.
LINES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of the reading; what is empty is found out."""

    name: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = None
    decimal: str = ""
    columns: Sequence[str] = ()
    recall: Recall | None = None
    max_record: int = MAX_RECORD


class Sample:
    """The beginning of a file; `complete` says that it is all of it."""

    def __init__(self, head: bytes, asked: Asked, *, complete: bool) -> None:
        first = _first_lines(head)
        self.complete = complete and len(first) == len(head)
        self.raw = head if self.complete else _whole_lines(first)
        self.asked = asked
        lines = self.lines()
        texts = []
        while block := lines.load():
            texts.append(block.text)
            lines.forget(lines.loaded)
        self.text = "".join(texts)
        self.encoding, self.bom = lines.encoding, lines.bom
        self.inspection = self._inspected()

    def lines(self) -> Lines:
        """The sample's lines, from the first."""
        asked = self.asked
        return Lines(io.BytesIO(self.raw), encoding=asked.encoding, max_record=asked.max_record)

    def _inspected(self) -> Inspection | None:
        asked = self.asked
        try:
            found = inspect_text(
                self.text,
                complete=self.complete,
                name=asked.name,
                delimiter=asked.delimiter or "",
            )
        except Unreadable:
            return None
        # A delimiter that was asked for is not overruled.
        return None if asked.delimiter and found.delimiter != asked.delimiter else found

    def table(self, found: Inspection) -> list[Record]:
        """The sample's rows as they were understood, header included."""
        return list(records(io.StringIO(self.text, newline=""), found, Notes()))

    def strictly(self, header_line: int | None, delimiter: str | None) -> tuple[Format, int]:
        """The format of the sample as a plain file."""
        return find_format(self.lines(), delimiter=delimiter, header_line=header_line)

    def tried(self, found: Format, first: int) -> list[tuple[int, list[str]]]:
        """The sample's rows by the strict way, without one that is cut off."""
        lines = self.lines()
        skip(lines, found.header_line, first)
        rows: list[tuple[int, list[str]]] = []
        try:
            rows += [(line, cells) for _, line, cells in PlainReader(lines, found, first)]
        except Unreadable:
            return rows
        return rows if self.complete else rows[:-1]


def skip(lines: Lines, header_line: int, first: int) -> None:
    """Load lines up to the header, which stays kept, and let go of those before it."""
    while lines.loaded < first - 1 and lines.load():
        lines.forget(header_line or first)
    lines.forget(header_line or first)


def _first_lines(head: bytes) -> bytes:
    """So many lines as are looked at."""
    for end in (b"\n", b"\r"):
        if head.count(end) > LINES:
            return head[: len(head) - len(head.split(end, LINES)[-1])]
    return head


def _whole_lines(head: bytes) -> bytes:
    """The sample without a line that is cut off; letters of several bytes stay whole."""
    cut = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1 or len(head)
    return head[: min(len(head), -(-cut // 4) * 4)] if b"\0" in head else head[:cut]
