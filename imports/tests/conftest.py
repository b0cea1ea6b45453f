"""Fixtures for tests of imports."""

from collections.abc import Iterator

import pytest
from django.db import connection
from psycopg import sql

from imports.tests.importing import staging_tables


@pytest.fixture
def no_staging_left(transactional_db: None) -> Iterator[None]:
    """Drops the tables of imports that still wait for their review when a test ends."""
    yield
    with connection.cursor() as cursor:
        for name in staging_tables():
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
