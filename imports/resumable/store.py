"""Uploads in parts as rows: the bytes so far, and who may write the next ones.

Part `n` of the file holds the bytes from `n * PIECE_BYTES` on, and only those before `offset`
count: whatever stands behind it is written again by whoever goes on. So a process may die at any
moment, and a checksum that does not match takes nothing back.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, Final

from django.conf import settings
from django.core.files.base import File
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.models import User
from core.leases import ClockTimestamp, Hold, LeaseLost
from imports.models import FilePart, ImportJob, ResumableUpload, StoredFile
from imports.options import Options
from imports.resumable.protocol import Checksum
from imports.storage import DatabaseStorage, PartCorrupt, read_parts, uploads, write_part
from imports.uploads import accept_stored, check_room, says_no_room, shown_name

#: What a process that writes an upload holds in memory, and may lose when it is killed.
PIECE_BYTES: Final = 1024**2
#: A writer that heard nothing from its client for so long may be taken over, or sooner if leases
#: are shorter.
SILENCE_SECONDS: Final = 10.0
REMOVED_AT_ONCE: Final = 100


class Locked(Exception):
    """Another request is writing the upload."""


class WrongOffset(Exception):
    """The upload goes on elsewhere than was said."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The right to write an upload's next bytes.

    `tail` is what the piece that comes next holds already; `checksum` what the bytes must come to.
    """

    hold: Hold[ResumableUpload]
    tail: bytes
    checksum: Checksum | None


def create(
    *, user: User, length: int, file_name: str, metadata: str, options: Options
) -> ResumableUpload:
    """Begin an upload; room for all of its bytes is promised to it.

    Raises:
        UploadRefused: the promise can't be given.
        NoRoom: a disk is full.
    """
    with says_no_room(), transaction.atomic():
        # Of two that are begun at once, the second sees what was promised to the first.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        check_room(length, user)
        file = StoredFile.objects.create(name=f"imports/upload-{uuid.uuid4().hex}", size=length)
        upload = ResumableUpload.objects.create(
            created_by=user,
            file_name=shown_name(file_name),
            length=length,
            metadata=metadata,
            options=options.as_json(),
            file=file,
            expires_at=_expiry(),
        )
        upload.refresh_from_db()
        return upload


def find(pk: uuid.UUID, user: User) -> ResumableUpload:
    """A user's upload.

    Raises:
        Http404: there is none, it has expired, or it is somebody else's.
    """
    found = _alive().filter(pk=pk, created_by=user).select_related("file").first()
    if found is None:
        raise Http404
    return found


def unfinished(user: User) -> QuerySet[ResumableUpload]:
    """Uploads of a user that can go on, the newest first."""
    return _alive().filter(created_by=user, job=None)


def begin(upload: ResumableUpload, *, offset: int, checksum: Checksum | None) -> Writer:
    """Take the right to write from `offset` on.

    Raises:
        WrongOffset: the upload goes on elsewhere.
        Locked: somebody else has the right, and was heard of a moment ago.
        Http404: the upload was removed.
    """
    token = uuid.uuid4()
    free = Q(lease_token=None) | Q(leased_until__lt=ClockTimestamp())
    taken = ResumableUpload.objects.filter(free, pk=upload.pk, offset=offset, job=None).update(
        lease_token=token, leased_until=_lease_end()
    )
    if not taken:
        now = ResumableUpload.objects.filter(pk=upload.pk).values_list("offset", flat=True).first()
        if now is None:
            raise Http404
        raise WrongOffset if now != offset else Locked
    hold = Hold(row=upload, token=token)
    return Writer(hold, tail=_tail(upload, offset), checksum=checksum)


def keep(
    hold: Hold[ResumableUpload], *, number: int, data: bytes, offset: int | None = None
) -> None:
    """Keep a piece; with `offset` the upload's bytes before it count from now on.

    Raises:
        LeaseLost: somebody else writes by now, or the upload was removed; nothing was kept.
        NoRoom: a disk is full; nothing was kept.
    """
    counts = {} if offset is None else {"offset": offset}
    with says_no_room(), transaction.atomic():
        hold.update(leased_until=_lease_end(), expires_at=_expiry(), **counts)
        if data:
            write_part(_file_of(hold), number, data)


def renew(hold: Hold[ResumableUpload]) -> None:
    """Stay the writer for a while longer; whoever has lost the right stays without it."""
    hold.held().update(leased_until=_lease_end())


def release(hold: Hold[ResumableUpload]) -> None:
    """Let somebody else write."""
    hold.held().update(lease_token=None, leased_until=None)


def finish(hold: Hold[ResumableUpload], *, number: int, data: bytes) -> ImportJob:
    """Keep the last piece, hold all parts against their digests, and hand the file over.

    The last bytes count when the import is queued, in one transaction: whoever asks for the offset
    and is told that all is there can rely on the import.

    Raises:
        LeaseLost: somebody else writes by now, or the upload was removed.
        NoRoom: a disk is full; the last piece has to be sent again.
        PartCorrupt: what was kept is not what came; the upload is removed.
    """
    keep(hold, number=number, data=data)
    upload, file = hold.row, _file_of(hold)
    try:
        with says_no_room():
            stored, sha256 = _stored(file)
    except PartCorrupt:
        remove(upload)
        raise
    with says_no_room(), transaction.atomic():
        hold.lock()
        StoredFile.objects.filter(pk=file.pk).update(complete=True)
        job = accept_stored(
            stored,
            size=upload.length,
            sha256=sha256,
            file_name=upload.file_name,
            user_id=upload.created_by_id,
            options=Options.from_json(upload.options),
        )
        hold.update(offset=upload.length, job=job, file=None, expires_at=_expiry())
        release(hold)
    if not isinstance(uploads(), DatabaseStorage):
        DatabaseStorage().delete(file.name)
    return job


def remove(upload: ResumableUpload) -> None:
    """Remove an upload, and its bytes unless an import has them by now."""
    with transaction.atomic():
        row = ResumableUpload.objects.select_for_update().filter(pk=upload.pk).first()
        if row is None:
            return
        if row.file_id is not None:
            DatabaseStorage().delete(_file_of(row).name)
        row.delete()


def remove_expired() -> None:
    """Remove uploads that were left alone for RESUMABLE_HOURS."""
    expired = ResumableUpload.objects.filter(expires_at__lt=ClockTimestamp())
    for upload in expired[:REMOVED_AT_ONCE]:
        remove(upload)


def unfinished_files() -> QuerySet[StoredFile]:
    """Files that are not complete since they are still coming in."""
    going_on = ResumableUpload.objects.exclude(file=None).values("file")
    return StoredFile.objects.filter(pk__in=going_on)


def _stored(file: StoredFile) -> tuple[str, str]:
    """The name of the file where imports look for it, and its SHA-256."""
    # The parts are read on another connection; a pool that is short gets this one's back.
    connection.close()
    storage = uploads()
    with read_parts(file) as parts:
        if isinstance(storage, DatabaseStorage):
            return file.name, hashlib.file_digest(parts, "sha256").hexdigest()  # type: ignore[arg-type]
        with tempfile.TemporaryFile() as whole:
            sha256 = _copy(parts, whole)
            return storage.save(file.name, File(whole, file.name)), sha256


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while data := source.read(PIECE_BYTES):
        digest.update(data)
        target.write(data)
    target.seek(0)
    return digest.hexdigest()


def _tail(upload: ResumableUpload, offset: int) -> bytes:
    number, size = divmod(offset, PIECE_BYTES)
    if not size:
        return b""
    return bytes(FilePart.objects.get(file_id=upload.file_id, number=number).data)[:size]


def _file_of(held: Hold[ResumableUpload] | ResumableUpload) -> StoredFile:
    upload = held.row if isinstance(held, Hold) else held
    if upload.file is None:
        raise LeaseLost
    return upload.file


def _alive() -> QuerySet[ResumableUpload]:
    return ResumableUpload.objects.filter(expires_at__gt=ClockTimestamp())


def silence_seconds() -> float:
    """For how long a writer may keep nothing before another one may take its place."""
    return min(SILENCE_SECONDS, settings.LEASE_SECONDS)


def expires_from_now() -> datetime:
    """When an upload whose last byte has just come will be removed."""
    return timezone.now() + timedelta(hours=settings.RESUMABLE_HOURS)


def _lease_end() -> Any:
    return ClockTimestamp() + timedelta(seconds=silence_seconds())


def _expiry() -> Any:
    return ClockTimestamp() + timedelta(hours=settings.RESUMABLE_HOURS)
