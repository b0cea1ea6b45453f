"""How a text is cut into cells: delimiter, quote, escape. Found by trying, judged by the result.

Each dialect that the text could have is tried on its beginning. A good one gives rows of one width
whose cells are whole values, and columns whose cells are alike. Sources of the idea: G. van den
Burg and others, "Wrangling messy CSV files by detecting row and type patterns" (2019); the measure
here differs: it looks at the table's own rows and lets notes stand before and behind them.
"""

import io
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imports.understanding.cutting import Cutter, Dialect
from imports.understanding.values import EMPTY, ODD, TEXT, WORDS, kind_of

#: Characters and rows that are judged: more change no verdict and cost a tenth of a second.
SAMPLE: Final = 1 << 16
ROWS: Final = 300
#: A first look at each dialect; those far behind the best are not looked at again.
FIRST_ROWS: Final = 60
FAR_BEHIND: Final = 0.5
#: What may stand between cells, the usual first: of two that do as well, the first is taken. With
#: each, how far it may be believed: a blank or a hyphen stands in every text.
_TRUST: Final = {
    ",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0, "^": 0.95, "~": 0.95, "\x1f": 1.0, "\x01": 1.0,
    "\x1e": 1.0, "\x07": 0.95, "\x14": 1.0, "¦": 0.95, "§": 0.9, "¬": 0.95, "þ": 0.9, "\uff0c": 0.9,
    "\uff1b": 0.9, "\u3001": 0.6, ":": 0.55, "#": 0.8, "*": 0.7, "&": 0.7, "!": 0.7, "=": 0.5,
    " ": 0.5, "/": 0.25, "@": 0.5, "%": 0.5, "$": 0.5, "_": 0.3, "\\": 0.6, "+": 0.4, "-": 0.2,
}  # fmt: skip
#: Delimiters that are trusted so far are usual.
USUAL: Final = 0.95
#: Kinds of cells that no delimiter cuts.
_WHOLE: Final = frozenset({"number", "date", "time", "percent", "money", "unit", "address"})
_SEVERAL_TRUST: Final = 0.95
_SEVERAL = re.compile(
    r"(?<![^\w\s\"'])(([|;,~^#*&!:=§¦¬@%$])(?:\2{1,2}|[|;,~^#*&!:=§¦¬]\2))(?![^\w\s\"'])"
)
QUOTES: Final = ('"', "'", "`", "|", "~")
_WEIGHT: Final = {EMPTY: 0.5, ODD: 0.0, TEXT: 0.45, WORDS: 0.8}
#: What a table of one column is worth: less than one of two that are as good.
_ONE_COLUMN: Final = 0.3
#: Rows that are so even are no accident.
EVEN: Final = 0.98
#: Quotes that are all sound make a reading so much better than the same without them.
SOUND: Final = 1.01
#: So much of a cell is enough.
LONG_CELL: Final = 1 << 12
_LONG_CELL = re.compile(r'(?<![^,;\t|\n])"((?:[^"]++|"")*+)"(?=[,;\t|\r\n]|\Z)')
TWO_QUOTES: Final = '""'
_WRAPPED = re.compile(r'"(?:[^"]++|"")*+"')
#: What a line of remarks begins with.
COMMENTS: Final = ("#", "//")


@dataclass(frozen=True, slots=True)
class Judged:
    """A dialect and how well the text goes with it, from 0 to 1; width is the table's."""

    dialect: Dialect
    score: float
    width: int
    share: float
    kinds: float
    odd: float = 0.0


def find_dialect(text: str, *, delimiter: str | None = None) -> list[Judged]:
    """The dialects that a text could have, the best first; a known delimiter rules out others."""
    if len(text) > SAMPLE:
        text = _LONG_CELL.sub(_shortened, text)
    lines = io.StringIO(text[:SAMPLE], newline="").readlines()
    if len(text) > SAMPLE and len(lines) > 1:
        lines.pop()
    found = _judged(lines, delimiter)
    for mark in COMMENTS:
        kept = [line for line in lines if not line.lstrip().startswith(mark)]
        if len(kept) < len(lines) and any(map(str.strip, kept)):
            found += _judged(kept, delimiter)
    if wrapped := _unwrapped(lines):
        found += [each for each in _judged(wrapped, delimiter) if _was_wrapped(each, wrapped)]
    return sorted(found, key=lambda each: -each.score)


def _shortened(found: re.Match[str]) -> str:
    """A quoted cell of many lines without most of them: it must not be all that is judged."""
    cell = found.group(1)
    if len(cell) <= LONG_CELL or "\n" not in cell:
        return found.group()
    return f'"{cell[:LONG_CELL].rstrip(QUOTES[0])}"'


def _unwrapped(lines: list[str]) -> list[str]:
    """The lines without the quotes around each of them as a whole; none if they have no such."""
    filled = [line.rstrip("\r\n") for line in lines if line.strip()]
    if len(filled) < 2 or not all(map(_WRAPPED.fullmatch, filled)):
        return []
    return [f"{line[1:-1].replace(TWO_QUOTES, QUOTES[0])}\n" for line in filled]


def _was_wrapped(judged: Judged, lines: list[str]) -> bool:
    """Whether whole rows were quoted, and not cells, such as "Miller, Anna"."""
    mark = judged.dialect.delimiter
    if judged.share < EVEN or not mark:
        return False
    if any(QUOTES[0] in line for line in lines):
        return judged.dialect.quote == QUOTES[0] and not judged.odd
    return judged.width > 2 and not any(f"{mark} " in line for line in lines)


def _judged(lines: list[str], delimiter: str | None) -> list[Judged]:
    best = 0.0
    found = []
    for dialect in candidates("".join(lines), delimiter):
        first = judge(lines, dialect, FIRST_ROWS)
        if first is None or first.score < best * FAR_BEHIND:
            continue
        judged = judge(lines, dialect, ROWS) if len(lines) > FIRST_ROWS else first
        if judged is not None:
            best = max(best, judged.score)
            found.append(judged)
    return [_with_sound_quotes(each, found) for each in found]


def _with_sound_quotes(judged: Judged, found: list[Judged]) -> Judged:
    """The same, no worse than without its quotes if these are all sound and give even rows.

    Long texts within quotes look less like values than what they fall into without them.
    """
    if judged.odd or judged.dialect.quote != '"' or judged.share < EVEN:
        return judged
    mark = judged.dialect.delimiter
    without = max(
        (each.score for each in found if each.dialect.delimiter == mark and not each.dialect.quote),
        default=0.0,
    )
    return replace(judged, score=max(judged.score, without * SOUND))


def candidates(text: str, known: str | None = None) -> Iterator[Dialect]:
    """Every dialect worth a look, the usual first."""
    counts = Counter(text)
    if known is not None:
        delimiters = [known]
    else:
        delimiters = [each for each in _TRUST if counts[each]]
        several = Counter(each.group(1) for each in _SEVERAL.finditer(text))
        delimiters += [each for each, count in several.most_common(2) if count > 1]
        delimiters.append("")
    for delimiter in delimiters:
        yield Dialect(delimiter)
        if delimiter == " " and "  " in text:
            yield Dialect(delimiter, blanks=True)
        for quote in QUOTES:
            if counts[quote] < 2 or quote in delimiter or not _may_quote(text, delimiter, quote):
                continue
            yield Dialect(delimiter, quote)
            if delimiter == " " and f"  {quote}" in text:
                yield Dialect(delimiter, quote, blanks=True)
            if "\\" + quote in text and delimiter != "\\":
                yield Dialect(delimiter, quote, "\\")
        if delimiter and "\\" + delimiter in text and delimiter != "\\":
            yield Dialect(delimiter, "", "\\")


def _may_quote(text: str, delimiter: str, quote: str) -> bool:
    """A quote opens at the start of a cell and closes at the end of one."""
    q, edge = re.escape(quote), rf"{re.escape(delimiter)}|" if delimiter else ""
    empty = "" if quote == '"' else f"(?!{q})"
    opens = re.search(rf"(?:{edge}^)[ ]*{q}{empty}", text, re.MULTILINE)
    return bool(opens and re.search(rf"{q}[ ]*(?:{edge}\r|$)", text, re.MULTILINE))


def judge(lines: Sequence[str], dialect: Dialect, limit: int) -> Judged | None:
    """Cut lines and score the result; None when the delimiter cuts nothing."""
    rows, odd = _rows(lines, dialect, limit, 0)
    if not rows:
        return None
    if odd > 0 and _TRUST.get(dialect.delimiter, 0.0) >= USUAL:
        usual = Counter(map(len, rows)).most_common(1)[0][0]
        rows, odd = _rows(lines, dialect, limit, usual)
        odd /= 2
    widths = Counter(map(len, rows))
    if dialect.delimiter and max(widths) < 2:
        return None
    width = max(widths, key=lambda each: (widths[each] * (1 - 1 / (each + 1)), each))
    if dialect.delimiter and width < 2:
        width = max((each for each in widths if each > 1), key=lambda each: widths[each])
    share = _evenness(rows, widths[width] / len(rows), dialect)
    kinds = _kinds(rows, width, dialect) * (1 - 0.5 * odd / len(rows))
    breadth = 1 - 1 / (width + 1) if dialect.delimiter else _ONE_COLUMN
    trust = _trust(dialect.delimiter, rows)
    return Judged(dialect, share * kinds * breadth * trust, width, share, kinds, odd)


def _rows(
    lines: Sequence[str], dialect: Dialect, limit: int, width: int
) -> tuple[list[list[str]], float]:
    """The first rows that are not blank, and how many of them had odd quotes."""
    rows: list[list[str]] = []
    starts: list[int] = []
    odd: list[bool] = []
    cutter = Cutter(dialect, width=width)
    for record in cutter.records(lines):
        if any(record.cells):
            rows.append(record.cells)
            starts.append(record.line)
            odd.append(record.repair != "")
            if len(rows) >= limit:
                break
    if cutter.unfinished:
        kept = finished(starts, list(map(len, rows)), cutter.unfinished, len(lines))
        rows, odd = rows[:kept], odd[:kept]
    return rows, sum(odd)


def finished(starts: Sequence[int], lengths: Sequence[int], unfinished: int, count: int) -> int:
    """How many records stand before one that the end of a sample cuts off within its quotes.

    All of them, if records are seldom of several lines and what follows looks like rows: the quote
    that seems to be open is a letter then.
    """
    before = bisect_left(starts, unfinished)
    if before < 2 or (unfinished - 1) * 2 < count:
        return len(lengths)
    if unfinished > 2 * before + 1:
        return before
    width = Counter(lengths[:before]).most_common(1)[0][0]
    alike = lengths[before:].count(width)
    return len(lengths) if width < 2 or alike * 2 >= len(lengths) - before else before


def _trust(delimiter: str, rows: Sequence[Sequence[str]]) -> float:
    """How far a delimiter may be believed, with what the rows say against it."""
    if not delimiter:
        if any("\n" in row[0] for row in rows):  # quotes held its lines together
            return 2.0
        typed = sum(kind_of(row[0]) in _WHOLE for row in rows)
        return 2.0 if typed * 2 >= len(rows) else 1.0
    trust = _TRUST.get(delimiter, _SEVERAL_TRUST)
    if trust >= USUAL:
        return trust
    if len(rows) < 2:
        trust *= 0.5
    if delimiter in ("/", ":"):
        torn = any(
            cell.endswith(("http", "https", "http:", "https:")) for row in rows for cell in row
        )
        return trust * 0.2 if torn else trust
    if delimiter in "$%":
        sums = sum(cell[:1].isdigit() for row in rows for cell in row[1:])
        return trust * 0.2 if sums >= len(rows) / 2 else trust
    return trust


def _evenness(rows: Sequence[Sequence[str]], modal: float, dialect: Dialect) -> float:
    """How far rows are as wide as the table, or at least as their neighbours: of several tables."""
    if not dialect.delimiter:
        return 1.0
    lengths = list(map(len, rows))
    alike = sum(
        1
        for before, this, after in zip([0, *lengths], lengths, [*lengths[1:], 0], strict=False)
        if this > 1 and this in (before, after)
    )
    return max(modal * modal, 0.85 * (alike / len(lengths)) ** 2)


def _kinds(rows: Sequence[Sequence[str]], width: int, dialect: Dialect) -> float:
    """How much the cells are values, and those of a column alike, from 0 to 1."""
    sample = rows if len(rows) <= 160 else [*rows[:80], *rows[80 :: max(1, (len(rows) - 80) // 80)]]
    columns: list[Counter[str]] = [Counter() for _ in range(width)]
    weight = cells = 0.0
    for row in sample:
        for index, cell in enumerate(row):
            kind = kind_of(cell)
            if kind in (TEXT, WORDS) and dialect.quote != '"' and '"' in cell:
                kind = ODD
            weight += _WEIGHT.get(kind, 1.0)
            cells += 1
            if index < width and kind != EMPTY:
                columns[index][kind] += 1
    alike = [max(each.values()) / each.total() for each in columns if each]
    return weight / cells * (0.75 + 0.25 * (sum(alike) / len(alike) if alike else 0.5))
