"""What an import would do, found out without writing anything."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from django.core.files.base import File
from django.db import connection, transaction

from imports import staging
from imports.merge import Rules, compare
from imports.missing import find_missing
from imports.models import ImportJob
from imports.options import Options
from imports.reading import read
from imports.remembered import recaller
from imports.staging import STAGING_PREFIX, Stager
from imports.storage import uploads


class PreviewRefused(Exception):
    """There is nothing to preview; the text says why."""


@dataclass(frozen=True)
class Preview:
    """Exact counts of what a merge would do now, and the first refused rows.

    `skipped` are rows that the mode passes over, `missing` products that would be deactivated or
    deleted since the file does not have them.
    """

    read: int
    created: int
    updated: int
    unchanged: int
    duplicates: int
    rejected: int
    skipped: int
    missing: int
    examples: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def preview_file(content: File[bytes], options: Options, *, name: str = "") -> Preview:
    """Read, check and compare a file with the catalog in a transaction that is rolled back.

    Raises:
        Unreadable: the file has to be refused as a whole.
    """
    source: BinaryIO = content  # type: ignore[assignment]
    table = f"{STAGING_PREFIX}preview_{uuid.uuid4().hex[:12]}"
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        staging.create(table)
        reader = read(source, name=name, recall=recaller(options), **options.reading())
        stager = Stager(table)
        stager.run(reader, lambda **figures: None)
        counts = compare(table, Rules.of(options, reader.format.columns))
        missing = 0
        if options.missing != ImportJob.Missing.KEEP:
            missing = find_missing(table, wanted=options.missing, rejected=stager.rejected_skus)
        transaction.set_rollback(True)
    return Preview(
        read=stager.read,
        created=counts.created,
        updated=counts.updated,
        unchanged=counts.unchanged,
        duplicates=counts.duplicates,
        rejected=stager.rejected,
        skipped=counts.skipped,
        missing=missing,
        examples=stager.examples,
    )


def preview_upload(job: ImportJob) -> Preview:
    """What an import of a job's stored upload would do now, with the options that it came with.

    Raises:
        PreviewRefused: it is imported already, or its upload is not there.
        Unreadable: the file has to be refused as a whole.
        PartCorrupt: so has the upload.
    """
    if job.state == ImportJob.State.COMPLETED:
        raise PreviewRefused(
            f"The file is imported: /api/imports/{job.pk}/changes has what it changed."
        )
    if job.state == ImportJob.State.RECEIVING:
        raise PreviewRefused("The file is still being received.")
    try:
        stored = uploads().open(job.upload) if job.upload else None
    except FileNotFoundError:
        stored = None
    if stored is None:
        raise PreviewRefused("The upload has been removed. Upload the file again.")
    with stored:
        return preview_file(stored, Options.of(job), name=job.file_name)
