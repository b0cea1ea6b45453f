"""Where the table stands in a file: lines before it, its header, its rows, what follows it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from imports.understanding.cutting import Record
from imports.understanding.headers import (
    BODY,
    FIGURES,
    HEADER_ROWS,
    Column,
    class_of,
    columns_of,
    joined,
    names_columns,
    names_more,
    votes,
)
from imports.understanding.margins import (
    NOTES_ABOVE,
    filled,
    footer_rows,
    gap_between,
    is_label,
    total_line,
)

#: A first table with this share of the largest one's cells is the one that is meant.
FIRST_TABLE: Final = 0.25

#: Notes above a header are looked for in so many rows.
NOTES: Final = 60


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines are 1-based. ``first_line`` is that of the header, or of the first row;
    ``header_lines`` counts the blank rows within the header as well; ``end_line`` is the first
    line past the table, None for the file's end; ``repeats`` is True when the header stands again
    within the rows, as on each page of a printed list. A short header has a cell fewer than the
    rows.
    """

    width: int
    first_line: int
    header_rows: int
    header_lines: int
    header: tuple[str, ...]
    sure_header: bool
    end_line: int | None = None
    footer_rows: int = 0
    second_table: int | None = None
    smaller_table: int | None = None
    repeats: bool = False
    short_header: bool = False
    total: int | None = None


def width_of(records: Sequence[Record]) -> int:
    """How many cells the table's rows have."""
    lengths = [len(each.cells) for each in records]
    counts = Counter(lengths)
    area = {each: count * (each - 1) for each, count in counts.items()}
    width = max(area, key=lambda each: (area[each], -lengths.index(each)))
    runs: list[tuple[int, int]] = []
    for length in lengths:
        if runs and runs[-1][0] == length:
            runs[-1] = (length, runs[-1][1] + 1)
        else:
            runs.append((length, 1))
    longest = _largest_block(records, width)
    for length, count in runs:
        if length == width:
            break
        if count >= 3 and count * (length - 1) >= FIRST_TABLE * longest * (width - 1):
            width = length
            break
    first = next((index for index, each in enumerate(lengths) if each >= width), 0)
    if width < lengths[first] == max(lengths) and first + 2 < len(records):
        cells = records[first].cells
        at = next(index for index in range(first, len(lengths)) if lengths[index] <= width)
        if gap_between(records[at - 1], records[at]) or lengths[first + 1] * 2 < width:
            return width
        named = filled(cells) == len(cells) > 2 and names_columns(
            cells,
            columns_of([each.cells for each in records[first + 1 :]], len(cells)),
            rows_below=len(records) - first - 1,
        )
        often = counts[len(cells)] * 20 >= len(lengths) and counts[width] < 0.8 * len(lengths)
        if often or (named and not _better_header_below(records, first, width)):
            return len(cells)
    return width


def _largest_block(records: Sequence[Record], width: int) -> int:
    """The most rows of a width that stand together without blank lines between them."""
    largest = count = 0
    for index, record in enumerate(records):
        if index and gap_between(records[index - 1], record):
            count = 0
        count += len(record.cells) == width
        largest = max(largest, count)
    return largest


def lay_out(records: Sequence[Record], *, complete: bool) -> Layout:
    """Find the table among records that are not blank; ``complete``: they are the whole file."""
    rows = [each for each in records if filled(each.cells)]
    if not rows:
        return Layout(0, 1, 0, 0, (), True)
    width = width_of(rows)
    start = _start(rows, width)
    end, second, repeats = _end(rows, start, width)
    smaller = None
    while second is not None and _is_small(rows, start, end, second):
        smaller = smaller or rows[start].line
        rows = rows[second:]
        width = width_of(rows)
        start = _start(rows, width)
        end, second, repeats = _end(rows, start, width)
    cells = rows[start].cells
    body = [each.cells for each in rows[start + 1 : end] if each.cells != cells]
    near = columns_of(
        [each.cells for each in _first_block(rows, start, end) if each.cells != cells], width
    )
    header_rows = 0
    sure = True
    if names_columns(cells, near, rows_below=len(body)):
        sure = votes(cells, near)[0] > 0 or not body
        header_rows = _header(rows, start, end, width)
    footers = 0
    if end < len(rows) or complete:
        footers = footer_rows(rows[start + max(header_rows, 1) : end], width)
    header_cells = [each.cells for each in rows[start : start + header_rows]]
    short = bool(header_cells) and len(header_cells[-1]) == width - 1 and width > 2
    if short and all(not cells[-1].strip() for cells in body if len(cells) == width):
        width, short = width - 1, False
    header_cells = [_withoutgap_between(each, width) for each in header_cells]
    return Layout(
        width=width,
        first_line=rows[start].line,
        header_rows=header_rows,
        header_lines=_span(records, rows[start : start + header_rows]),
        header=joined(header_cells, width) if header_rows else (),
        sure_header=sure,
        end_line=rows[end - footers].line if end - footers < len(rows) else None,
        footer_rows=footers,
        second_table=rows[second].line if second is not None else None,
        smaller_table=smaller,
        repeats=repeats is not None and header_rows == 1,
        short_header=short,
        total=total_line(rows[start + max(header_rows, 1) : end]),
    )


def _is_small(rows: Sequence[Record], start: int, end: int, second: int) -> bool:
    """Whether a table is so small beside the next that the next is the one that is meant."""
    next_end, _, _ = _end(rows[second:], 0, len(rows[second].cells))
    mine = sum(filled(each.cells) for each in rows[start:end])
    theirs = sum(filled(each.cells) for each in rows[second : second + next_end])
    return mine < FIRST_TABLE * theirs


def _first_block(rows: Sequence[Record], start: int, end: int) -> Sequence[Record]:
    """The rows below a header up to the first blank line, if these are some."""
    for index in range(start + 4, end):
        if gap_between(rows[index - 1], rows[index]):
            return rows[start + 1 : index]
    return rows[start + 1 : end]


def _withoutgap_between(names: Sequence[str], width: int) -> list[str]:
    """A row of names without the one empty cell that makes it a cell too long for the table."""
    empty = [index for index, each in enumerate(names) if not each.strip()]
    if len(names) == width + 1 and len(empty) == 1:
        return [each for index, each in enumerate(names) if index != empty[0]]
    return list(names)


def _span(records: Sequence[Record], header: Sequence[Record]) -> int:
    """How many records a header takes, those without text between its rows included."""
    if not header:
        return 0
    first, last = header[0].line, header[-1].line
    return sum(first <= each.line <= last for each in records)


def _start(rows: Sequence[Record], width: int) -> int:
    """The index of the first row that is part of the table, its header included."""
    if width < 2:
        return 0
    body = [filled(each.cells) for each in rows if len(each.cells) == width]
    typical = median(body) if body else width
    least = max(2.0, typical / 2)
    columns: list[Column] | None = None
    for index, record in enumerate(rows):
        cells = record.cells
        near = len(cells) == width or (abs(len(cells) - width) == 1 and filled(cells) > width * 0.6)
        if not near or filled(cells) < min(least, width) or is_label(rows, index):
            continue
        if len(cells) != width and index < NOTES and _better_header_below(rows, index, width):
            continue
        below = rows[index + 1].cells if index + 1 < len(rows) else []
        if (
            filled(cells) * 3 <= typical * 2
            and (_is_prefix(cells) or (cells[0].strip() and _has_figures(cells)))
            and _names_follow(rows, index, width)
        ):
            continue
        if filled(cells) < width and filled(below) > filled(cells) and _is_prefix(cells):
            columns = columns or columns_of([each.cells for each in rows[index + 2 :]], width)
            if names_more(below, cells, columns) and filled(cells) * 2 <= filled(below):
                continue
        while index and _is_group(rows[index - 1], record, width):
            index, record = index - 1, rows[index - 1]
        return index
    return next((index for index, each in enumerate(rows) if len(each.cells) == width), 0)


def _names_follow(rows: Sequence[Record], index: int, width: int) -> bool:
    """Whether a whole header stands a few rows below a row that is filled by half: it is a note."""
    for place in range(index + 1, min(index + NOTES_ABOVE, len(rows) - 2)):
        cells = rows[place].cells
        if filled(cells) * 10 >= width * 9:
            columns = columns_of([each.cells for each in rows[place + 1 :]], width)
            _, texts, same = votes(cells, columns)
            return texts > 0 and not same
    return False


def _better_header_below(rows: Sequence[Record], index: int, width: int) -> bool:
    """Whether the next row has the table's width and is a header: this one is a note then."""
    if index + 2 >= len(rows) or len(rows[index + 1].cells) != width:
        return False
    columns = columns_of([each.cells for each in rows[index + 2 :]], width)
    score, texts, _ = votes(rows[index + 1].cells, columns)
    return score > 0 and texts > 0


def _is_prefix(cells: Sequence[str]) -> bool:
    """Whether a row is filled from the left without a gap."""
    return all(cell.strip() for cell in cells[: filled(cells)])


def _has_figures(cells: Sequence[str]) -> bool:
    return any(class_of(cell) in FIGURES for cell in cells)


def _is_group(above: Record, below: Record, width: int) -> bool:
    """Whether a row right above the header names groups of its columns."""
    if gap_between(above, below) or len(above.cells) != width or filled(above.cells) < 2:
        return False
    if above.cells[0].strip() and _has_figures(above.cells):
        return False
    if not below.cells[0].strip() and above.cells[0].strip():  # what is not grouped is named above
        return True
    if _is_prefix(above.cells):
        return False
    pairs = zip(above.cells, below.cells, strict=False)
    return all(under.strip() for over, under in pairs if over.strip())


def _header(rows: Sequence[Record], start: int, end: int, width: int) -> int:
    """How many rows the header has."""
    count = 1
    while count < HEADER_ROWS and start + count + 1 < end:
        below = [each.cells for each in rows[start + count + 1 : min(end, start + count + BODY)]]
        row, above = rows[start + count].cells, rows[start + count - 1].cells
        near = width - 1 <= len(row) <= width
        if not near or not names_more(row, above, columns_of(below, width)):
            break
        count += 1
    return count


def _end(rows: Sequence[Record], start: int, width: int) -> tuple[int, int | None, int | None]:
    """The index past the table's last row; that of a second table; that of the header again."""
    header = [cell.strip() for cell in rows[start].cells]
    again = [
        index
        for index in range(start + 2, len(rows))
        if [cell.strip() for cell in rows[index].cells] == header and filled(header) > 1
    ]
    limit = len(rows)
    if len(again) > 1 and again[0] > start + 3:
        return limit, None, again[0]
    if again and again[0] + 1 < limit:
        columns = columns_of([each.cells for each in rows[start + 1 : again[0]]], width)
        if names_columns(rows[start].cells, columns, rows_below=again[0] - start - 1):
            return limit, None, again[0]
    columns = []
    names = frozenset(header) - {""}
    for index in range(start + 2, limit):
        record, before = rows[index], rows[index - 1]
        gap = gap_between(before, record)
        if not gap and len(record.cells) in (width, len(before.cells)):
            continue
        columns = columns or columns_of([each.cells for each in rows[start + 1 : index]], width)
        second = _second_table(rows, index, width, columns, names, gap=gap)
        if second is not None:
            return index, second, None
    return limit, None, None


def _second_table(
    rows: Sequence[Record],
    index: int,
    width: int,
    columns: Sequence[Column],
    names: frozenset[str],
    *,
    gap: bool,
) -> int | None:
    """The index of the header of another table that starts here, after a title or at once."""
    for title in (0, 1) if gap else (0,):
        head = index + title
        if title and filled(rows[index].cells) > 1:
            return None
        below = rows[head + 1 : head + 40]
        if len(below) < 2 or filled(rows[head].cells) < 2:
            continue
        cells = rows[head].cells
        length = Counter(len(each.cells) for each in below).most_common(1)[0][0]
        if length != len(cells) + 1:  # a delimiter may end the rows and not their header
            length = len(cells)
        alike = sum(len(each.cells) == length for each in below) >= 0.8 * len(below)
        if not alike or length < 2:
            continue
        score, texts, same = votes(cells, columns_of([each.cells for each in below], length))
        _, strange, fitting = votes(cells, columns)
        if length != width:
            lasting = sum(len(each.cells) != width for each in below) >= 0.8 * len(below)
            named = score > 0 and texts and (gap or texts >= 2)
            if lasting and (named or (gap and strange and not fitting and not same)):
                return head
        elif gap and not same:
            other = strange >= 2 and not fitting and (texts >= 2 or title)
            if other or _shares(cells, names):
                return head
    return None


def _shares(cells: Sequence[str], names: frozenset[str]) -> bool:
    """Whether at least half of a row's texts are names of the first table's columns."""
    texts = {cell.strip() for cell in cells if cell.strip()}
    return len(texts & names) * 2 >= len(texts) > 1
