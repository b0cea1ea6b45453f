"""What a file is refused for as a whole, and what somebody should know of one that is read."""

from dataclasses import dataclass
from typing import Final

_SAVE: Final = "Save the sheet as CSV (UTF-8) and drop that file."
_UNPACK: Final = "Unpack it and drop the CSV inside."
_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (b"PK\x05\x06", "an empty ZIP archive", "Drop the CSV itself."),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh91AY&SY", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", _SAVE),
    (b"%PDF-", "a PDF document", _SAVE),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _SAVE),
    (b"\xff\xd8\xff", "a JPEG picture", _SAVE),
    (b"PAR1", "a Parquet file", _SAVE),
    (b"SQLite format 3\x00", "an SQLite database", _SAVE),
)


class Unreadable(Exception):
    """The whole file is refused. ``line`` is None when no one line is to blame."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was guessed or passed over, which the person should hear of."""

    code: str
    message: str
    line: int | None = None


def refuse_binary(head: bytes) -> None:
    """Raise Unreadable when the first bytes are those of a file that is no text."""
    for magic, what, remedy in _MAGIC:
        if head.startswith(magic):
            if magic == b"PK\x03\x04" and _is_workbook(head):
                what, remedy = "an Excel workbook", "Save it as CSV and drop it again."
            raise Unreadable("binary", f"This is {what}, not a CSV file. {remedy}")


def _is_workbook(head: bytes) -> bool:
    return any(part in head[:8192] for part in (b"xl/", b"[Content_Types].xml", b"spreadsheet"))
