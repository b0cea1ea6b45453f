"""A file, packed or not → a stream of text bytes, never more of them than the caps allow.

What can't be a table is refused with a message for people: other formats, archives with several
files, archives that unpack to more than anyone would send.
"""

import csv
import gzip
import io
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, replace
from typing import IO, BinaryIO, Final, cast

from imports.refusals import Unreadable, refuse_binary
from imports.understanding.findings import Doubt
from imports.understanding.workbooks import Finds, read_sheet

#: The largest text that is read out of an archive: ten times the largest upload that makes sense.
UNPACKED: Final = 2 << 30
#: Text shrinks to a twentieth, rows that are all alike to a hundredth; a thousandth is a bomb.
RATIO: Final = 300
#: Below this, the ratio says nothing: a few rows of zeros reach any.
SMALL: Final = 16 << 20
#: A workbook is loaded whole by its reader, at about five times its XML's size.
WORKBOOK: Final = 256 << 20
#: A table kept in memory up to this size, in a temporary file past it.
IN_MEMORY: Final = 8 << 20

#: What a member of an archive that is a table is called; a .txt is one only where none of these is.
_TABLES: Final = (".csv", ".tsv", ".tab", ".psv", ".dat", ".xlsx", ".xlsm", ".xls")
_TEXTS: Final = (".txt",)
_WORKBOOKS: Final = (".xlsx", ".xlsm")
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


def open_content(source: BinaryIO, *, name: str = "", finds: Finds | None = None) -> Content:
    """Open what a seekable binary file holds; raise Unreadable when it is no text or table.

    ``finds`` says which of a workbook's sheets has the table.
    """
    source.seek(0)
    head = source.read(1 << 14)
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return Content(_buffered(gzip.open(source), packed=size), "gzip")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_archive(source, size, finds)
    refuse_binary(head)
    return Content(_buffered(source, ours=False))


def _buffered(
    owned: IO[bytes] | gzip.GzipFile, *, packed: int | None = None, ours: bool = True
) -> io.BufferedReader:
    return io.BufferedReader(_Watched(owned, packed=packed, ours=ours), buffer_size=1 << 16)


def _open_archive(source: BinaryIO, size: int, finds: Finds | None) -> Content:
    try:
        archive = zipfile.ZipFile(source)
        members = [each for each in archive.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unreadable(
            "archive_broken", "The ZIP archive is damaged. Pack or upload it again."
        ) from error
    names = [each.filename for each in members]
    if "[Content_Types].xml" in names and any(each.startswith(_SHEETS) for each in names):
        _refuse_large(members)
        return _open_workbook(source, finds)
    members = [
        each
        for each in members
        if not each.filename.startswith(("__MACOSX/", ".")) and "/." not in each.filename
    ]
    tables, texts = (
        [each for each in members if each.filename.lower().endswith(ends)]
        for ends in (_TABLES, _TEXTS)
    )
    tables = tables or texts or members
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
        if not member.filename.lower().endswith(_WORKBOOKS):
            refuse_binary(unpacked.read(1 << 14))
        unpacked.seek(0)
    except (zipfile.BadZipFile, OSError, RuntimeError, zlib.error, EOFError, ValueError) as error:
        raise Unreadable(
            "archive_broken", "The ZIP archive is damaged. Pack or upload it again."
        ) from error
    packed = member.compress_size or size
    told = _left_out(member, [each for each in texts if each is not member])
    if member.filename.lower().endswith(_WORKBOOKS):
        with (
            _buffered(unpacked, packed=packed) as stream,
            tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as book,
        ):
            shutil.copyfileobj(stream, book)
            _refuse_large(_members(cast("BinaryIO", book)))
            content = _open_workbook(cast("BinaryIO", book), finds)
        return replace(content, doubts=(*told, *content.doubts))
    return Content(_buffered(unpacked, packed=packed), "zip", told)


def _members(book: BinaryIO) -> list[zipfile.ZipInfo]:
    """What a workbook is packed of; nothing where it is none, as its reader will say."""
    try:
        return zipfile.ZipFile(book).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def _refuse_large(members: list[zipfile.ZipInfo]) -> None:
    if sum(each.file_size for each in members) > WORKBOOK:
        raise Unreadable(
            "workbook_too_large",
            f"The workbook unpacks to more than {WORKBOOK >> 20:,} MB. Save it as CSV.",
        )


def _left_out(read: zipfile.ZipInfo, texts: list[zipfile.ZipInfo]) -> tuple[Doubt, ...]:
    """What texts beside the table were not read: they may be tables as well."""
    if not texts:
        return ()
    message = (
        f"{read.filename} was read; the archive also has "
        f"{', '.join(each.filename for each in texts[:5])}. Upload such a file by itself if it is "
        "the table that you mean."
    )
    return (Doubt("other_files", message),)


def _open_workbook(source: BinaryIO, finds: Finds | None) -> Content:
    """The sheet with the table, written as CSV."""
    sheet = read_sheet(source, finds=finds)
    spooled = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — closed with it
    text = io.TextIOWrapper(spooled, encoding="utf-8", newline="", write_through=True)
    csv.writer(text).writerows(sheet.rows)
    text.detach()
    size = spooled.tell()
    spooled.seek(0)
    return Content(_buffered(spooled), "xlsx", sheet.doubts, size)
