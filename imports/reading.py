"""A file's bytes → its rows, with the line, the number and, when asked for, the bytes of each.

Whatever a supplier sends goes in here: packed or not, in any encoding, with lines before its
header. Plain files are read strictly and fast (`imports.parsing.plain`), all others as they were
understood (`imports.parsing.understood`).
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from imports.columns import Recall
from imports.parsing.broken import Broken
from imports.parsing.decoding import MAX_RECORD, Lines, Notice, Source, Unreadable
from imports.parsing.dialect import Format, find_format
from imports.parsing.plain import Batch, PlainReader, Record
from imports.parsing.recognition import HeaderMissing, Plan, recognise, to_its_end, without_sample
from imports.parsing.sampling import Asked, skip
from imports.parsing.understood import TableReader
from imports.parsing.unpacking import Opened, open_file

__all__ = [
    "Batch",
    "Broken",
    "Format",
    "HeaderMissing",
    "Notice",
    "Reader",
    "Record",
    "Unreadable",
    "read",
]


#: Refusals of a beginning that what follows may overrule.
_AHEAD: Final = frozenset({"empty", "header_too_long", "unclosed_quote"})


class Reader(Protocol):
    """What both readers offer. To be iterated once, by records or by batches.

    Iterating raises Unreadable when the file has to be refused on the way.
    """

    rows: int
    header_raw: bytes

    @property
    def format(self) -> Format:
        """The format as known by now."""
        ...

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file were taken, packed as it came."""
        ...

    def raw(self) -> bytes:
        """Return the bytes of the record last given out, as in the file."""
        ...

    def note(self, code: str, cell: str) -> None:
        """Count what was taken off a cell of the record last given out."""
        ...

    def __iter__(self) -> Iterator[Record]: ...

    def batches(self) -> Iterator[Batch | Iterator[Record]]:
        """Iterate by batches where possible; each part has to be used up before the next."""
        ...

    def each(self, batch: Batch) -> Iterator[Record]:
        """Yield the records of the Batch that was given out last, one at a time."""
        ...


def read(
    source: Source,
    *,
    name: str = "",
    encoding: str | None = None,
    delimiter: str | None = None,
    header_line: int | None = None,
    decimal: str | None = None,
    columns: Sequence[str] = (),
    recall: Recall | None = None,
    max_record: int = MAX_RECORD,
) -> Reader:
    """Open a file for reading, its header read already.

    What is not given is found out: ``encoding`` (a byte order mark always wins), ``delimiter`` (any
    one character), ``header_line`` (1-based, 0 for none), ``decimal`` (the mark in prices) and
    ``columns`` (a field or "" for each, in order), for which ``recall`` is asked first. ``name`` is
    the file's; ``max_record`` the cap of a line and of a record, in characters. Raises Unreadable
    when the file is refused, ValueError for an encoding or delimiter that there is not.
    """
    if csv.field_size_limit() < 4 * max_record:  # the csv module's own cap is one for the process
        csv.field_size_limit(4 * max_record)
    asked = Asked(
        name, encoding, delimiter, header_line, decimal or "", columns, recall, max_record
    )
    opened = open_file(source, name=name)
    try:
        plan, lines = _planned(opened, asked)
    except HeaderMissing as refused:
        raise _with_sheets(refused, opened) from None
    if plan.table is not None and not opened.stream.complete and not opened.compression:
        whole = opened.spooled()
        plan = to_its_end(plan, whole)
        whole.seek(len(opened.stream.head))
    found = replace(
        plan.format,
        compression=opened.compression,
        warnings=(*opened.notices, *plan.format.warnings),
    )
    lines = lines or Lines(opened.stream, encoding=encoding, max_record=max_record)
    if plan.table is not None:
        return TableReader(lines, found, plan.table, packed=opened.packed)
    skip(lines, found.header_line, plan.first)
    return PlainReader(lines, found, plan.first, packed=opened.packed)


def _with_sheets(refused: HeaderMissing, opened: Opened) -> HeaderMissing:
    """The same, saying which sheet of a workbook was looked at."""
    found = replace(
        refused.format,
        compression=opened.compression,
        warnings=(*opened.notices, *refused.format.warnings),
    )
    sheets = [each.message for each in opened.notices if each.code == "other_sheets"]
    message = " ".join([refused.message, *sheets])
    return HeaderMissing(message, refused.line, found, refused.header_raw)


def _planned(opened: Opened, asked: Asked) -> tuple[Plan, Lines | None]:
    """How to read a file. One whose beginning says nothing is read on to its header; the lines are
    given back in which that was done."""
    stream = opened.stream
    try:
        return recognise(stream.head, asked, complete=stream.complete), None
    except Unreadable as refused:
        if stream.complete or refused.code not in _AHEAD:
            raise
    lines = Lines(stream, encoding=asked.encoding, max_record=asked.max_record)
    found, first = find_format(lines, delimiter=asked.delimiter, header_line=asked.header_line)
    return Plan(without_sample(found, asked), first), lines
