"""SQL kept as SQL: one statement a file under an app's `sql/` folder."""

from functools import cache
from pathlib import Path

from psycopg import sql


@cache
def _text(folder: Path, name: str) -> str:
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def statement(folder: Path, name: str, **identifiers: str | sql.Composable) -> sql.Composed:
    """Load `folder/name.sql` and put identifiers into its `{placeholders}`.

    Values are never composed: they stand in the file as `%(name)s` and are bound when it runs.
    Strings become quoted identifiers.
    """
    composed = {
        key: sql.Identifier(value) if isinstance(value, str) else value
        for key, value in identifiers.items()
    }
    # The text comes from this project's own files, which is what LiteralString stands for.
    return sql.SQL(_text(folder, name)).format(**composed)
