"""One line whose quotes are not sound, read in the way that gives it the table's width.

A quote may be a letter (5" pipe), may open a cell or close one. Each reading has a cost, by how
many quotes it must take for letters where quotes are wont to stand; the cheapest one that has as
many cells as the table is taken. Where none has, there is no answer: a guess would be a lie.
"""

import re
from bisect import bisect_right
from typing import Final

#: Past these a line is not worth the time: the work grows with their product.
LENGTH: Final = 1 << 16
DELIMITERS: Final = 4_000
#: Delimiters times the width of the table: a tenth of a second.
WORK: Final = 100_000
CLOSINGS: Final = 48
STRAY: Final = 6

_OPENING_LETTER: Final = 1.2
_INNER_LETTER: Final = 0.2
_CLOSING_LETTER: Final = 0.6
_LETTERS_IN_QUOTES: Final = 0.5


def reread(
    line: str, *, delimiter: str, quote: str, escape: str, blanks: bool, width: int
) -> list[str] | None:
    """The line's cells, exactly ``width`` of them, or None."""
    delimiters = line.count(delimiter)
    if not quote or len(line) > LENGTH or delimiters > DELIMITERS or delimiters * width > WORK:
        return None
    q, d = re.escape(quote), re.escape(delimiter)
    closings = [
        (found.start(), found.end() if found.group(1) else len(line) + 1)
        for found in re.finditer(rf"{q}[ ]*(?:({d})|$)", line)
    ]
    # For each place where a cell may start: cells before it → (cost, where the last one starts).
    best: dict[int, dict[int, tuple[float, int, str]]] = {0: {0: (0.0, -1, "")}}
    starts = [0, *(found.end() for found in re.finditer(d, line))]
    for start in starts:
        ways = best.get(start)
        if not ways:
            continue
        for cost, following, cell in _cells(line, start, delimiter, quote, blanks, closings):
            after = best.setdefault(following, {})
            for count, (so_far, _, _) in ways.items():
                known = after.get(count + 1)
                if count < width and (known is None or so_far + cost < known[0]):
                    after[count + 1] = (so_far + cost, start, cell)
    if width not in best.get(len(line) + 1, {}):
        return None
    cells: list[str] = []
    place = len(line) + 1
    for count in range(width, 0, -1):
        _, before, cell = best[place][count]
        cells.append(_unescaped(cell, quote, escape))
        place = before
    return cells[::-1]


def _cells(
    line: str, start: int, delimiter: str, quote: str, blanks: bool, closings: list[tuple[int, int]]
) -> list[tuple[float, int, str]]:
    """The cells that may start at a place: cost, where the next one starts, text."""
    end = line.find(delimiter, start)
    end = len(line) if end < 0 else end
    bare = line[start:end].lstrip(" ") if blanks else line[start:end]
    cost = _INNER_LETTER * bare.count(quote)
    if bare.startswith(quote):
        cost += _OPENING_LETTER
    elif bare.endswith(quote):
        cost += _CLOSING_LETTER
    following = end + len(delimiter) if end < len(line) else len(line) + 1
    found = [(cost, following, bare)]
    if bare.startswith(quote):
        opening = line.index(quote, start)
        behind = bisect_right(closings, (opening, len(line) + 1))
        for closing, following in closings[behind : behind + CLOSINGS]:
            inner = line[opening + 1 : closing]
            stray = inner.replace(quote * 2, "").count(quote)
            if stray > STRAY:
                break
            cost = stray + _LETTERS_IN_QUOTES if stray else 0.0
            found.append((cost, following, inner.replace(quote * 2, quote)))
    return found


def _unescaped(cell: str, quote: str, escape: str) -> str:
    return cell.replace(escape + quote, quote) if escape else cell
