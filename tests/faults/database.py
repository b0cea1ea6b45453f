"""One connection for all that a test asks: to open one takes longer than most answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

Parameters = Sequence[Any] | Mapping[str, Any]


class Database:
    """A database whose server may be killed and started again at the URL that `dsn` tells."""

    def __init__(self, dsn: Callable[[], str]) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def rows(self, query: str, parameters: Parameters = ()) -> list[dict[str, Any]]:
        """What a statement returns; asked again when the connection turns out to be lost."""
        try:
            return self._rows(query, parameters)
        except psycopg.OperationalError:
            if self._connection is None or not self._connection.broken:
                raise
            return self._rows(query, parameters)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _rows(self, query: str, parameters: Parameters) -> list[dict[str, Any]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn(), autocommit=True, row_factory=dict_row)
        cursor = self._connection.execute(query, parameters or None)
        return cursor.fetchall() if cursor.description else []
