"""Commas within numbers that cut the cells of a file whose delimiter is the comma."""

import re
from dataclasses import replace
from typing import Final

from imports.parsing.dialect import Format
from imports.refusals import Notice

#: What a comma within a price leaves of it in two cells: decimals, or the rest of thousands.
_BEFORE_COMMA = re.compile(r"[^0-9]{0,5}[0-9]{1,3}(?:[.' ]?[0-9]{3})*")
_BEHIND_COMMA = re.compile(r"(?:[0-9]{1,2}|[0-9]{3}\.[0-9]{2})[^0-9]{0,5}")
#: Of so many of the cells behind it in a hundred it must look so.
CUT: Final = 90


def without_cut_prices(found: Format, rows: list[list[str]]) -> Format:
    """The same so that rows wider than the header are refused, if commas of prices cut them."""
    last = len(found.header) - 1
    used = found.columns.values()
    if found.delimiter != "," or last < 1 or found.header[last] or last in used:
        return found
    doubtful = (
        at
        for at in range(last)
        if at == found.columns.get("price") or (at not in used and any(each > at for each in used))
        if _are_halves(rows, at)
    )
    at = next(doubtful, -1)
    if at < 0:
        return found
    cut = next(row for row in rows if last < len(row) and row[last].strip())
    message = (
        f"Rows have a cell more than the header has names, and “{cut[at].strip()}” and "
        f"“{cut[at + 1].strip()}” may be one number that its comma cut: such rows are refused. Put "
        "quotes around numbers with commas or cut the file with semicolons; if there is a further "
        "column, name it in the header."
    )
    told = [each for each in found.warnings if each.code != "short_header"]
    told.append(Notice("comma_cut", message, found.header_line))
    return replace(
        found,
        header=found.header[:last],
        mapping=found.mapping[:last],
        ignored=found.ignored[:-1],
        warnings=tuple(told),
    )


def _are_halves(rows: list[list[str]], at: int) -> bool:
    """Whether two columns look like the two sides of a comma in one."""
    pairs = [(row[at].strip(), row[at + 1].strip()) for row in rows if at + 1 < len(row)]
    behind = [(left, right) for left, right in pairs if right]
    halves = sum(
        bool(_BEFORE_COMMA.fullmatch(left) and _BEHIND_COMMA.fullmatch(right))
        for left, right in behind
    )
    return bool(halves) and halves * 100 >= CUT * len(behind)
