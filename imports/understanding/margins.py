"""Rows around a table that are no part of it: labels above, totals and notes below."""

import re
from collections.abc import Sequence
from statistics import median
from typing import Final

from imports.understanding.cutting import Record
from imports.understanding.headers import BODY, FIGURES, class_of
from imports.understanding.values import EMPTY

#: So many rows of a name and a value each may stand right above a header.
NOTES_ABOVE: Final = 12
#: So many cells are usual in a row of which a note fills but the first.
SEVERAL: Final = 3

_TOTAL = re.compile(
    r"(?:grand |sub)?totals?\b|sum\b|summen?\b|gesamt\w*|zwischensumme|somme\b|totaux\b|totale\b|"
    r"suma\b|razem\b|итого\b|合計|总计",
    re.IGNORECASE,
)

#: What a line of one text that stands right below the rows begins with, if it is none of them.
_NOTE = re.compile(
    r"[*†‡©]|\(c\)|"
    r"\W*\d[\d,.]* (?:rows?|records?|lines?|items?|zeilen|datens\w+|artikel|lignes|filas)\b|"
    r"(?:data source|sources?|quellen?|fuentes?|notes?|nb|n\.b\.|remarks?|hinweise?|anmerkung\w*|"
    r"stand|end of|ende|page|seite)\b(?=.*[: ])|"
    r"(?:generated|created|exported|printed|erstellt|gedruckt|exportiert|généré|generado)\b",
    re.IGNORECASE,
)
#: What is no note.
_NO_NOTE: Final = FIGURES | {EMPTY}
#: A name with its value, or with the value in the next cell.
_LABEL = re.compile(r"[^\W\d][^:]{0,40}:(?:\s.*)?")


def filled(cells: Sequence[str]) -> int:
    """How many cells hold something."""
    return sum(1 for cell in cells if cell.strip())


def gap_between(above: Record, below: Record) -> bool:
    """Whether blank lines stand between two records."""
    between = below.line - above.line - 1
    return between > 0 and between > sum(len(re.findall("\r\n?|\n", cell)) for cell in above.cells)


def is_label(rows: Sequence[Record], index: int) -> bool:
    """Whether a row begins with a label, unlike most, and fuller rows stand below."""
    cells = rows[index].cells
    if not _labelled(cells):
        return False
    near = rows[index + 1 : index + 1 + NOTES_ABOVE]
    below = rows[index + 1 : index + 1 + BODY]
    fuller = any(filled(each.cells) > filled(cells) for each in near)
    return fuller and sum(_labelled(each.cells) for each in below) * 2 < len(below)


def _labelled(cells: Sequence[str]) -> bool:
    return bool(_LABEL.fullmatch(cells[0].strip()))


def is_total(cells: Sequence[str]) -> bool:
    """Whether a row is named as a total."""
    return bool(_TOTAL.match(next((cell.strip() for cell in cells if cell.strip()), "")))


def total_line(rows: Sequence[Record]) -> int | None:
    """The line of the last row if it is named as a total, and is the only one that is."""
    named = [each.line for each in rows if is_total(each.cells)]
    return named[0] if len(named) == 1 and named[0] == rows[-1].line else None


def footer_rows(rows: Sequence[Record], width: int) -> int:
    """How many rows at the end are totals or notes."""
    if width < 2 or len(rows) < 3:
        return 0
    typical = median(filled(each.cells) for each in rows)
    count = 0
    for place in range(1, len(rows) - 1):
        cells = rows[-place].cells
        if filled(cells) > 1 or typical < 2 or class_of(cells[0]) in _NO_NOTE:
            break
        if _begins_notes(cells, typical, gap=gap_between(rows[-place - 1], rows[-place])):
            count = place
    return count


def _begins_notes(cells: Sequence[str], typical: float, *, gap: bool) -> bool:
    """Whether a row of one text is a note: all below it are notes then."""
    first = cells[0].strip()
    noted = bool(_NOTE.match(first))
    if len(cells) == 1:
        return gap or noted
    return (gap and " " in first) or (noted and typical >= SEVERAL)
