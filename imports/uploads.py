"""The one door in: bytes become a stored upload and a queued job."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import File
from django.db import OperationalError, transaction
from django.db.models import Sum
from psycopg import errors

from core.leases import ClockTimestamp
from core.limits import Limit, spend
from core.wakeups import wake_worker
from imports.models import ImportJob, Mapping, ResumableUpload, Source
from imports.options import Options
from imports.storage import uploads

NO_ROOM = "The server has no room for the file: a disk is full. Nothing was kept; try again later."


class UploadRefused(Exception):
    """The file can't be taken; the text says why and what helps."""


class NoRoom(UploadRefused):
    """A disk is full, here or at the database."""


class TooManyUploads(UploadRefused):
    """Somebody uploads more often than a person or a sane program would; `seconds` to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many uploads. Try again in {seconds} s.")
        self.seconds = seconds


def count_upload(user: AbstractBaseUser) -> None:
    """Count an upload that comes by the web; the command has no limit.

    Raises:
        TooManyUploads: UPLOADS_A_MINUTE are reached.
    """
    wait = spend([Limit("upload", (str(user.pk),), settings.UPLOADS_A_MINUTE, 60)])
    if wait:
        raise TooManyUploads(wait)


def accept_upload(
    content: File[bytes],
    *,
    file_name: str,
    user: AbstractBaseUser | None,
    options: Options,
    repairs: ImportJob | None = None,
    source: Source | None = None,
    wake: bool = True,
) -> ImportJob:
    """Keep the bytes where every worker reaches them and queue the job, in this order.

    The job is committed before a worker hears of it, and a broker that is away changes nothing:
    the reaper finds what waits. Without `wake` the caller runs the job itself.

    Raises:
        UploadRefused: too large, or the user's uploads fill their quota.
        NoRoom: a disk is full; nothing of the upload remains.
    """
    size = content.size
    check_room(size, user)
    job = _received(
        file_name=file_name,
        size=size,
        created_by_id=user.pk if user else None,
        repairs=repairs,
        source=source,
        **options.as_json(),
    )
    content.seek(0)
    sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    name = f"imports/{job.pk}-{uuid.uuid4().hex}"
    try:
        with says_no_room():
            stored = uploads().save(name, content)
            with transaction.atomic():
                _queue(job, stored=stored, sha256=sha256, wake=wake)
    except NoRoom:
        uploads().delete(name)
        job.delete()
        raise
    return job


def accept_stored(
    stored: str, *, size: int, sha256: str, file_name: str, user_id: int, options: Options
) -> ImportJob:
    """Queue a job for a file that is in the storage of uploads, in the caller's transaction."""
    job = _received(file_name=file_name, size=size, created_by_id=user_id, **options.as_json())
    _queue(job, stored=stored, sha256=sha256, wake=True)
    return job


def check_room(size: int, user: AbstractBaseUser | None) -> None:
    """Whether a user may store that many bytes more; those of unfinished uploads are promised.

    Raises:
        UploadRefused: they would not fit into UPLOAD_QUOTA_BYTES.
    """
    if user is None:
        return
    kept = ImportJob.objects.filter(created_by_id=user.pk).exclude(upload="")
    promised = ResumableUpload.objects.filter(created_by_id=user.pk, job=None)
    used: int = kept.aggregate(bytes=Sum("size"))["bytes"] or 0
    used += promised.aggregate(bytes=Sum("length"))["bytes"] or 0
    if used + size > settings.UPLOAD_QUOTA_BYTES:
        room = settings.UPLOAD_QUOTA_BYTES
        raise UploadRefused(
            f"Your uploads fill {used / 1024**3:,.1f} of {room / 1024**3:,.1f} GiB. They are"
            f" removed {settings.UPLOAD_RETENTION_DAYS} days after their import ended; a manager"
            " can raise UPLOAD_QUOTA_BYTES."
        )


@contextlib.contextmanager
def says_no_room() -> Iterator[None]:
    """Turn a full disk, PostgreSQL's or this machine's, into NoRoom."""
    try:
        yield
    except OperationalError as error:
        if isinstance(error.__cause__, errors.DiskFull | errors.ConfigurationLimitExceeded):
            raise NoRoom(NO_ROOM) from error
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom(NO_ROOM) from error
        raise


def shown_name(file_name: str) -> str:
    """A file's name without its folders, as long as it may be kept."""
    return PurePosixPath(file_name).name[:255] or "upload.csv"


def _received(*, file_name: str, **fields: Any) -> ImportJob:
    chosen = fields.get("mapping_id")
    if chosen and not Mapping.objects.filter(pk=chosen).exists():
        fields["mapping_id"] = None  # deleted since it was chosen
    return ImportJob.objects.create(file_name=shown_name(file_name), **fields)


def _queue(job: ImportJob, *, stored: str, sha256: str, wake: bool) -> None:
    ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.RECEIVING).update(
        upload=stored,
        sha256=sha256,
        state=ImportJob.State.QUEUED,
        accepted_at=ClockTimestamp(),
    )
    if wake:
        transaction.on_commit(partial(wake_worker, ImportJob))
    job.refresh_from_db()
