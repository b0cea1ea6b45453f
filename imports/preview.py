"""What an import would do, found out without writing anything."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from django.core.files.base import File

from imports import merge, staging
from imports.merge import clearing
from imports.reading import read
from imports.staging import Stager
from imports.uploads import Options

TABLE = "imports_preview"


@dataclass(frozen=True)
class Preview:
    """Exact counts of what a merge would do now, and the first refused rows."""

    read: int
    created: int
    updated: int
    unchanged: int
    duplicates: int
    rejected: int
    examples: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def preview_file(content: File[bytes], options: Options) -> Preview:
    """Read, check and compare a file with the catalog by way of a temporary table.

    Raises:
        Unreadable: the file has to be refused as a whole.
    """
    source: BinaryIO = content  # type: ignore[assignment]
    staging.drop(TABLE)
    staging.create(TABLE, temporary=True)
    try:
        reader = read(
            source, encoding=options.encoding or None, delimiter=options.delimiter or None
        )
        stager = Stager(TABLE, job_pk=None)
        stager.run(reader, lambda **figures: None)
        clear = clearing(options.empty, reader.format.columns)
        counts = merge.preview(TABLE, clear=clear)
    finally:
        staging.drop(TABLE)
    return Preview(
        read=stager.read,
        created=counts.created,
        updated=counts.updated,
        unchanged=counts.unchanged,
        duplicates=counts.duplicates,
        rejected=stager.rejected,
        examples=stager.examples,
    )
