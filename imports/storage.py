"""Where an upload lives until it is imported.

Web and worker share no disk on most platforms, so a file that is saved beside the web process is
lost to the worker. The default keeps it in PostgreSQL, which both reach anyway; S3-compatible
object storage comes in by environment. Either is Django's storage under the alias `imports`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.db import connection
from django.utils.deconstruct import deconstructible
from psycopg import Cursor

from core.sql import statement
from imports.models import FilePart, StoredFile

SQL = Path(__file__).parent / "sql"
SLICE_BYTES = 1024**2


class PartCorrupt(Exception):
    """A stored part does not have the bytes it was given."""

    code = "upload_damaged"


def uploads() -> Storage:
    """The storage for uploads that the settings name."""
    return storages["imports"]


class _Parts(io.RawIOBase):
    """The parts of one file as one readable stream; holds one slice of a part in memory.

    Reads on a connection of its own: the import's is busy with COPY while it reads. A slice is cut
    out by PostgreSQL, which EXTERNAL storage makes cheap, and comes as bytes, not as hex digits:
    whole parts in hex took 70 MB of the worker's memory.
    """

    def __init__(self, file: StoredFile) -> None:
        self._file = file
        self._number = 0
        self._offset = 0
        self._read = 0
        self._digest = hashlib.sha256()
        self._slice = memoryview(b"")
        self._connection = connection.copy()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._slice:
            self._slice = memoryview(self._next())
        count = min(len(buffer), len(self._slice))
        buffer[:count] = self._slice[:count]
        self._slice = self._slice[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._connection.close()
        super().close()

    def _next(self) -> bytes:
        self._connection.ensure_connection()
        cursor = Cursor(self._connection.connection)
        cursor.execute(
            statement(SQL, "read_part"),
            {
                "file": self._file.pk,
                "number": self._number,
                "start": self._offset + 1,
                "length": SLICE_BYTES,
            },
            binary=True,
        )
        row = cursor.fetchone()
        if row is None:
            if self._read != self._file.size:
                raise PartCorrupt("A part of the upload is missing. Upload the file again.")
            return b""
        data, size, digest = row
        self._digest.update(data)
        self._offset += len(data)
        self._read += len(data)
        if self._offset == size:
            if self._digest.digest() != digest:
                raise PartCorrupt(
                    f"Part {self._number + 1} of the upload is damaged. Upload the file again."
                )
            self._number, self._offset, self._digest = self._number + 1, 0, hashlib.sha256()
        return bytes(data)


def read_parts(file: StoredFile) -> IO[bytes]:
    """A file's bytes from its first to its last; each part is held against its SHA-256.

    Reading raises PartCorrupt when they are not those, or not as many, as were written.
    """
    return io.BufferedReader(_Parts(file), buffer_size=SLICE_BYTES)


def write_part(file: StoredFile, number: int, data: bytes | memoryview) -> None:
    """Write a part of at most UPLOAD_PART_BYTES, or write it again while the file is not complete.

    The bytes go as bytes, not as hex digits.
    """
    values = {
        "file": file.pk,
        "number": number,
        "data": data,
        "sha256": hashlib.sha256(data).digest(),
    }
    connection.ensure_connection()
    with connection.wrap_database_errors:
        Cursor(connection.connection).execute(statement(SQL, "write_part"), values)


@deconstructible
class DatabaseStorage(Storage):
    """Files as rows of `bytea` parts, streamed both ways, never whole in memory.

    A file whose writer died before its last part can't be opened, and the reaper removes it.
    """

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        file = StoredFile.objects.filter(name=name, complete=True).first()
        if file is None:
            raise FileNotFoundError(name)
        return File(read_parts(file), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        file = StoredFile.objects.create(name=name)
        size = 0
        for number, data in enumerate(_cut(content)):
            write_part(file, number, data)
            size += len(data)
        StoredFile.objects.filter(pk=file.pk).update(size=size, complete=True)
        return name

    def delete(self, name: str) -> None:
        file = StoredFile.objects.filter(name=name).first()
        if file is not None:
            FilePart.objects.filter(file=file).delete()
            file.delete()

    def exists(self, name: str) -> bool:
        return StoredFile.objects.filter(name=name).exists()

    def size(self, name: str) -> int:
        return StoredFile.objects.values_list("size", flat=True).get(name=name, complete=True)


def _cut(content: File[bytes]) -> Iterator[bytes]:
    content.seek(0)
    while part := content.read(settings.UPLOAD_PART_BYTES):
        yield part
