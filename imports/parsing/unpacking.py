"""A file as it was handed in, packed or not → a stream of text bytes whose beginning is known.

Uploads are streams that may not be seekable. Plain files stay streams: their first bytes are kept
and given out again. What has to be looked at from both ends is copied to a temporary file first.
"""

import io
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, Final, cast

from catalog.rules import REQUIRED
from imports.mapping import find_columns
from imports.parsing.decoding import Source
from imports.refusals import Notice, Unreadable
from imports.understanding.opening import IN_MEMORY, open_content

#: How much of a file is looked at before it is read.
HEAD: Final = 1 << 17
#: The largest file that is copied aside.
SPOOLED: Final = 4 << 30

_PACKED: Final = (b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06")


class Peeked:
    """A stream whose first HEAD bytes were taken and are given out again.

    Files that are ``owned`` are closed when nobody reads from it any more.
    """

    def __init__(self, source: Source, *owned: IO[bytes]) -> None:
        for file in owned:
            weakref.finalize(self, file.close)
        parts = []
        missing = HEAD
        while missing > 0 and (part := source.read(missing)):
            parts.append(part)
            missing -= len(part)
        self.head = b"".join(parts)
        self.complete = missing > 0
        self._source = source
        self._given = 0

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, b"" at the end."""
        if self._given < len(self.head):
            part = self.head[self._given : self._given + size]
            self._given += len(part)
            return part
        return b"" if self.complete else self._source.read(size)


@dataclass(slots=True)
class Opened:
    """The text bytes of a file; ``compression`` is "", gzip, zip or xlsx.

    ``packed`` tells how many bytes of the packed file stand for so many of the text, None for a
    file that is not packed.
    """

    stream: Peeked
    compression: str = ""
    notices: list[Notice] = field(default_factory=list)
    packed: Callable[[int], int] | None = None

    def spooled(self) -> BinaryIO:
        """The whole text as a file that can be read from both ends.

        To be rewound after use: it is the stream from then on.
        """
        spool = _copied(self.stream)
        self.stream = Peeked(spool, spool)
        return spool


def open_file(source: Source, *, name: str = "") -> Opened:
    """Open a file, unpacking it if it is packed.

    Raises Unreadable for an archive that can't be unpacked, or would unpack to more than the caps.
    """
    stream = Peeked(source)
    if not stream.head.startswith(_PACKED):
        return Opened(stream)
    packed = _copied(stream)
    size = packed.seek(0, io.SEEK_END)
    try:
        content = open_content(packed, name=name, finds=_products)
    except Unreadable:
        packed.close()
        raise
    text_size = content.size

    def taken(text_bytes: int) -> int:
        if text_size is None:
            return packed.tell()
        return size * text_bytes // text_size if text_size else size

    doubts = [Notice(each.code, each.message, each.line) for each in content.doubts]
    text = Peeked(cast("Any", content.stream), packed, content.stream)
    return Opened(text, content.compression, doubts, taken)


def _products(rows: Sequence[Sequence[str]]) -> tuple[int, int] | None:
    """The row of a sheet whose names tell the columns of products, and that of their SKUs."""
    for row, names in enumerate(rows):
        found = {column.field: at for at, column in enumerate(find_columns(names)) if column.field}
        if found.keys() >= set(REQUIRED):
            return row, found["sku"]
    return None


def _copied(source: Source) -> BinaryIO:
    spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
    copied = 0
    while part := source.read(1 << 20):
        copied += len(part)
        if copied > SPOOLED:
            raise Unreadable(
                "file_too_large",
                f"The file has more than {SPOOLED >> 30} GiB. Split it into smaller ones.",
            )
        spool.write(part)
    spool.seek(0)
    return spool
