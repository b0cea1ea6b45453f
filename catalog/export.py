"""Products as a CSV in the columns that an import takes; importing it again changes nothing.

One COPY into a temporary file, and from there to whoever asked, at their pace: a COPY fed to a slow
reader holds its transaction open for as long as the reader likes, and is cut off in the middle of
an answer with status 200. Memory is flat, and no database connection is held while the file is
sent.

The file lies on the web process's disk, in the folder of TMPDIR, without a name: it is gone when
the answer ends, even by a crash. When the disk has no room, nothing has been sent yet: `NoRoom`.
"""

import codecs
import errno
import gzip
import io
import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from psycopg import errors, sql

from accounts.audit import record
from accounts.models import AuditEntry, User
from catalog.models import Product
from catalog.rules import FIELDS, FORMULA
from core.sql import statement
from core.streams import file_stream
from core.templatetags.figures import count

logger = logging.getLogger(__name__)

SQL = Path(__file__).parent / "sql"
CONTENT_TYPE = "text/csv; charset=utf-8"
ZIP_LEVEL = 4
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoom(Exception):
    """A disk is full, the web process's or the database's; the text says which."""


def write_csv(queryset: QuerySet[Product], file: IO[bytes]) -> int:
    """Write products by their ids, in UTF-8 with a byte order mark; returns how many.

    Spreadsheets take UTF-8 without that mark for the encoding of their country.

    Raises:
        OSError: the file's disk is full; it holds a part of them.
    """
    chosen, parameters = (
        queryset.order_by()
        .values_list("id", *FIELDS)
        .query.get_compiler(connection=connection, elide_empty=False)
        .as_sql()
    )
    copy_sql = statement(
        SQL,
        "export",
        query=sql.SQL(chosen),  # Django's own text; its values are bound when it runs
        formula=sql.Literal(f"^{FORMULA}"),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        file.write(codecs.BOM_UTF8)
        with connection.wrap_database_errors, cursor.copy(copy_sql, parameters) as copy:
            for block in copy:
                file.write(block)
        file.flush()
        return int(cursor.rowcount)


def export_csv(
    queryset: QuerySet[Product], *, actor: User, query: str = "", zipped: bool = False
) -> StreamingHttpResponse:
    """Answer with products as a download, and keep in the audit that `actor` took them.

    `query` says in the audit how they were chosen, as the list's filters in a URL. `zipped` sends
    it as one gzip stream: some clients read no further than the first of several.

    Raises:
        NoRoom: a disk is full; nothing is sent or kept.
    """
    with _room(), ExitStack() as undone:
        file = tempfile.TemporaryFile()  # noqa: SIM115
        undone.callback(_discard, file)
        if zipped:
            with gzip.GzipFile("", "wb", ZIP_LEVEL, file, mtime=0) as zip_file:
                rows = write_csv(queryset, cast("IO[bytes]", zip_file))
        else:
            rows = write_csv(queryset, file)
        file.seek(0)
        record(
            AuditEntry.Action.EXPORTED,
            actor=actor,
            target=f"{count(rows)} product{'' if rows == 1 else 's'}",
            rows=rows,
            query=query,
        )
        undone.pop_all()
    response = file_stream(file, file_name=file_name(), content_type=CONTENT_TYPE)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


def headers_alone() -> StreamingHttpResponse:
    """What a HEAD is answered: the download's name, without making it."""
    return file_stream(io.BytesIO(), file_name=file_name(), content_type=CONTENT_TYPE)


def file_name() -> str:
    """The download's name, with the day in the zone of whoever looks."""
    return f"products-{timezone.localdate():%Y-%m-%d}.csv"


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        logger.warning("an export found no room in %s: %s", tempfile.gettempdir(), error)
        raise NoRoom("The web server has no room left to write the file.") from error
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.DiskFull | errors.ConfigurationLimitExceeded):
            raise
        logger.warning("an export found no room in the database: %s", error)
        raise NoRoom("The database has no room left to put the products in order.") from error


def _discard(file: IO[bytes]) -> None:
    # What is still in its buffer finds as little room as the rest.
    with suppress(OSError):
        file.close()
