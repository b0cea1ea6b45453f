"""One statement a file; identifiers are composed, values never."""

from pathlib import Path

import pytest
from psycopg import sql

from core.sql import statement


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "count.sql").write_text("SELECT count(*) FROM {table} WHERE a = %(a)s", "utf-8")
    return tmp_path


def test_strings_become_quoted_identifiers(folder: Path) -> None:
    composed = statement(folder, "count", table='a"; DROP TABLE b')

    assert composed.as_string(None) == 'SELECT count(*) FROM "a""; DROP TABLE b" WHERE a = %(a)s'


def test_composed_parts_stay_as_they_are(folder: Path) -> None:
    composed = statement(folder, "count", table=sql.Identifier("public", "a"))

    assert composed.as_string(None) == 'SELECT count(*) FROM "public"."a" WHERE a = %(a)s'


def test_placeholder_without_an_identifier_is_an_error(folder: Path) -> None:
    with pytest.raises(KeyError, match="table"):
        statement(folder, "count")


def test_file_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"sums\.sql"):
        statement(folder, "sums")
