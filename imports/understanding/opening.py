"""A file, packed or not → a stream of text bytes, never more of them than the caps allow.

What can't be a table is refused with a message for people: other formats, archives with several
files, archives that unpack to more than anyone would send.
"""

import csv
import gzip
import io
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, BinaryIO, Final

from python_calamine import CalamineError, CalamineWorkbook

from imports.refusals import Unreadable, refuse_binary
from imports.understanding.findings import Doubt

#: The largest text that is read out of an archive: ten times the largest upload that makes sense.
UNPACKED: Final = 2 << 30
#: Text shrinks to a twentieth, rows that are all alike to a hundredth; a thousandth is a bomb.
RATIO: Final = 300
#: Below this, the ratio says nothing: a few rows of zeros reach any.
SMALL: Final = 16 << 20
#: A workbook is loaded whole by its reader, at about five times its XML's size.
WORKBOOK: Final = 256 << 20
#: Excel's own limit is 1,048,576 rows by 16,384 columns; no product list comes near this product.
CELLS: Final = 50_000_000
#: A table kept in memory up to this size, in a temporary file past it.
IN_MEMORY: Final = 8 << 20

_TABLES: Final = (".csv", ".tsv", ".tab", ".txt", ".psv", ".dat")
_SHEETS: Final = "xl/"


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a text file and what they were taken out of; how many they are, if known."""

    stream: io.BufferedReader
    compression: str = ""
    doubts: tuple[Doubt, ...] = ()
    size: int | None = None


class _Watched(io.RawIOBase):
    """A stream that refuses to give more than the caps, and hides the packer's own errors."""

    def __init__(self, owned: IO[bytes] | gzip.GzipFile, *, packed: int | None, ours: bool) -> None:
        self._owned = owned
        self._ours = ours
        self._given = 0
        self._cap = UNPACKED if packed is None else max(SMALL, min(UNPACKED, packed * RATIO))
        self._packed = packed is not None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        try:
            data = self._owned.read(len(buffer))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
            if not self._packed:
                raise
            raise Unreadable(
                "archive_broken",
                "The archive is damaged: part of it can't be unpacked. Pack or upload it again.",
            ) from error
        self._given += len(data)
        if self._packed and self._given > self._cap:
            raise Unreadable(
                "archive_too_large",
                f"The archive unpacks to more than {self._cap >> 20:,} MB, far more than a table "
                "of its size holds. Upload the CSV itself.",
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close what was opened here; the file itself is its owner's."""
        if self._ours and not self.closed:
            self._owned.close()
        super().close()


def open_content(source: BinaryIO, *, name: str = "") -> Content:
    """Open what a seekable binary file holds; raise Unreadable when it is no text or table."""
    source.seek(0)
    head = source.read(1 << 14)
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return Content(_buffered(gzip.open(source), packed=size), "gzip")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_archive(source, size)
    refuse_binary(head)
    return Content(_buffered(source, ours=False))


def _buffered(
    owned: IO[bytes] | gzip.GzipFile, *, packed: int | None = None, ours: bool = True
) -> io.BufferedReader:
    return io.BufferedReader(_Watched(owned, packed=packed, ours=ours), buffer_size=1 << 16)


def _open_archive(source: BinaryIO, size: int) -> Content:
    try:
        archive = zipfile.ZipFile(source)
        members = [each for each in archive.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unreadable(
            "archive_broken", "The ZIP archive is damaged. Pack or upload it again."
        ) from error
    names = [each.filename for each in members]
    if "[Content_Types].xml" in names and any(each.startswith(_SHEETS) for each in names):
        if sum(each.file_size for each in members) > WORKBOOK:
            raise Unreadable(
                "workbook_too_large",
                f"The workbook unpacks to more than {WORKBOOK >> 20:,} MB. Save it as CSV.",
            )
        return _open_workbook(source)
    members = [
        each
        for each in members
        if not each.filename.startswith(("__MACOSX/", ".")) and "/." not in each.filename
    ]
    tables = [each for each in members if each.filename.lower().endswith(_TABLES)] or members
    if len(tables) != 1:
        listed = ", ".join(each.filename for each in tables[:5]) + (", …" if tables[5:] else "")
        what = f"{len(tables)} files ({listed})" if tables else "no file"
        raise Unreadable(
            "archive_members", f"The ZIP archive holds {what}. Upload one CSV at a time."
        )
    member = tables[0]
    if member.flag_bits & 1:
        raise Unreadable(
            "archive_locked", "The ZIP archive needs a password. Upload the CSV itself."
        )
    try:
        unpacked = archive.open(member)
        refuse_binary(unpacked.read(1 << 14))
        unpacked.seek(0)
    except (zipfile.BadZipFile, OSError, RuntimeError, zlib.error, EOFError, ValueError) as error:
        raise Unreadable(
            "archive_broken", "The ZIP archive is damaged. Pack or upload it again."
        ) from error
    return Content(_buffered(unpacked, packed=member.compress_size or size), "zip")


def _open_workbook(source: BinaryIO) -> Content:
    """The first sheet with a table, written as CSV."""
    source.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(source)
        names = list(book.sheet_names)
        found = ""
        for name in names:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height * sheet.total_width > CELLS:
                raise Unreadable(
                    "workbook_too_large",
                    f"The sheet {name} has more than {CELLS:,} cells. Save it as CSV.",
                )
            if sheet.height:
                found = name
                break
        rows = book.get_sheet_by_name(found).to_python() if found else []
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable(
            "workbook_broken",
            "The Excel workbook can't be read. Open it, save it again or save the sheet as CSV.",
        ) from error
    if not rows:
        raise Unreadable("empty", "The workbook has no rows. Save it again with its table.")
    spooled = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — closed with it
    text = io.TextIOWrapper(spooled, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([as_text(cell) for cell in row])
    text.detach()
    size = spooled.tell()
    spooled.seek(0)
    others = [name for name in names if name != found]
    doubts: tuple[Doubt, ...] = ()
    if others:
        message = (
            f"The sheet {found} was read; the workbook also has {', '.join(others[:5])}. "
            "Move the sheet that you mean to the front."
        )
        doubts = (Doubt("other_sheets", message),)
    return Content(_buffered(spooled), "xlsx", doubts, size)


def as_text(cell: object) -> str:
    """A workbook's cell as a person would have typed it: whole numbers without a point."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell)
