"""Trying an address out: what stands there, without an import."""

import io
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from core.downloads import Download, DownloadFailed, beginning
from core.limits import Limit, spend
from imports.detected import describe
from imports.fetches.sources import Access
from imports.options import Options
from imports.reading import Unreadable, read

#: As much of the file as is asked for: its header stands there.
SIZE: Final = 64 * 1024
TRIES_A_MINUTE: Final = 10
#: How a file begins whose columns can't be told from its first bytes: zip, gzip.
PACKED: Final = (b"PK", b"\x1f\x8b")


@dataclass(frozen=True)
class Trial:
    """What stands at an address, or why nothing does; `columns` with the field each fills."""

    found: Download | None = None
    error: str = ""
    columns: list[tuple[str, str]] = field(default_factory=list)
    packed: bool = False
    doubt: str = ""


def try_address(access: Access, *, user: AbstractBaseUser, options: Options) -> Trial:
    """Ask for the first bytes of a file, within OUTBOUND_DEADLINE_SECONDS."""
    wait = spend([Limit("try", (str(user.pk),), TRIES_A_MINUTE, 60)])
    if wait:
        return Trial(error=f"Tried too often. Try again in {wait} s.")
    try:
        found, first = beginning(
            access.asked(), size=SIZE, seconds=settings.OUTBOUND_DEADLINE_SECONDS
        )
    except DownloadFailed as failed:
        return Trial(error=str(failed))
    if not first:
        return Trial(found=found, doubt="The file is empty: 0 bytes.")
    if first.startswith(PACKED):
        return Trial(found=found, packed=True)
    try:
        columns = _columns(first, options)
    except Unreadable as unreadable:
        return Trial(found=found, doubt=str(unreadable))
    return Trial(found=found, columns=columns)


def _columns(first: bytes, options: Options) -> list[tuple[str, str]]:
    if len(first) == SIZE:
        # The last line is cut off somewhere.
        first = first[: first.rfind(b"\n") + 1] or first
    reader = read(
        io.BytesIO(first),
        encoding=options.encoding or None,
        delimiter=options.delimiter or None,
    )
    detected = describe(reader)
    fields = {each["header"]: each["field"] for each in detected["columns"]}
    return [(header, fields.get(header, "")) for header in detected["header"]]
