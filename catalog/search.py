"""Finding part of a text in any case, quicker than Django's `icontains`.

At 510,000 products `UPPER(column) LIKE` takes 120 to 210 ms a column, `column COLLATE "C" ILIKE`
77 to 139 ms, three columns 234 instead of 431 ms: under "C" PostgreSQL folds the case of ASCII
letters alone, byte by byte. For an ASCII term that is the whole answer.
"""

import re
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import IContains

_FOREIGN = re.compile(r"[^\x00-\x7f]+")


class HasText(IContains):
    """`column__has_text=term`: what `icontains` finds, wildcards taken as they are.

    A term with other than ASCII characters is looked for twice: its ASCII parts by ILIKE, which
    leaves few rows, and the whole by `icontains`, which has the last word.

    The one difference: a letter outside ASCII that PostgreSQL's upper() makes an ASCII one (the
    dotless i, the long s; under some collations the sharp s, which becomes two) is not found by
    the ASCII part of a term, as it is by `icontains`.
    """

    lookup_name = "has_text"

    def as_sql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        column, params = self.process_lhs(compiler, connection)
        # Whatever stands between the ASCII parts, or nothing: upper() may change a text's length.
        parts = [str(connection.ops.prep_for_like_query(part)) for part in _FOREIGN.split(self.rhs)]
        quick = f'({column} COLLATE "C") ILIKE %s'
        quick_params = (*params, f"%{'%'.join(parts)}%")
        if self.rhs.isascii():
            return quick, quick_params
        exact, exact_params = IContains(self.lhs, self.rhs).as_sql(compiler, connection)
        if not any(parts):
            return exact, tuple(exact_params)
        return f"({quick} AND {exact})", (*quick_params, *exact_params)


for _text in (models.CharField, models.TextField):
    _text.register_lookup(HasText)
