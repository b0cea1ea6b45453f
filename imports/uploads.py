"""The one door in: bytes become a stored upload and a queued job."""

from __future__ import annotations

import hashlib
import uuid
from functools import partial
from pathlib import PurePosixPath

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import File
from django.db import transaction
from django.db.models import Sum

from core.leases import ClockTimestamp
from core.limits import Limit, spend
from core.wakeups import wake_worker
from imports.models import ImportJob, Source
from imports.options import Options
from imports.storage import uploads


class UploadRefused(Exception):
    """The file can't be taken; the text says why and what helps."""


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
    """
    size = content.size
    _check_room(size, user)
    job = ImportJob.objects.create(
        file_name=PurePosixPath(file_name).name[:255] or "upload.csv",
        size=size,
        created_by_id=user.pk if user else None,
        repairs=repairs,
        source=source,
        **options.as_json(),
    )
    content.seek(0)
    sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    stored = uploads().save(f"imports/{job.pk}-{uuid.uuid4().hex}", content)
    with transaction.atomic():
        ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.RECEIVING).update(
            upload=stored,
            sha256=sha256,
            state=ImportJob.State.QUEUED,
            accepted_at=ClockTimestamp(),
        )
        if wake:
            transaction.on_commit(partial(wake_worker, ImportJob))
    job.refresh_from_db()
    return job


def _check_room(size: int, user: AbstractBaseUser | None) -> None:
    if user is None:
        return
    kept = ImportJob.objects.filter(created_by_id=user.pk).exclude(upload="")
    used = kept.aggregate(bytes=Sum("size"))["bytes"] or 0
    if used + size > settings.UPLOAD_QUOTA_BYTES:
        room = settings.UPLOAD_QUOTA_BYTES
        raise UploadRefused(
            f"Your uploads fill {used / 1024**3:,.1f} of {room / 1024**3:,.1f} GiB. They are"
            f" removed {settings.UPLOAD_RETENTION_DAYS} days after their import ended; a manager"
            " can raise UPLOAD_QUOTA_BYTES."
        )
