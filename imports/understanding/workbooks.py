"""An Excel workbook → the rows of one of its sheets, as text.

The library that reads workbooks gives an empty cell for an error, and for a formula that was never
calculated. What stands there is read from the sheet itself, so that nobody takes it for nothing.
"""

import html
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from imports.refusals import Unreadable
from imports.understanding.findings import Doubt

#: Excel's own limit is 1,048,576 rows by 16,384 columns; no product list comes near this product.
CELLS: Final = 50_000_000
#: So many rows of a sheet are looked at for its header.
FIRST: Final = 50
_LISTED: Final = 5
_CHUNK: Final = 4 << 20

_TAG: Final = rb"<(?:\w+:)?"
_END: Final = rb"</(?:\w+:)?"
_CELL_END = re.compile(_END + rb"c>")
#: Tried once for each cell, and without ways back: a sheet can be made to have millions of them.
_REF: Final = rb'(?>[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})")[^>]*+>'
_ERROR = re.compile(
    rb'c\b(?=[^>]*\bt="e")' + _REF + rb"(?<!/>).*?" + _TAG + rb"v>([^<]*)<", re.DOTALL
)
_UNCALCULATED = re.compile(
    rb'c\b(?![^>]*\bt="(?:str|e)")' + _REF + rb"\s*+" + _TAG + rb"f\b(?:[^>]*/>|[^>]*>([^<]*)"
    + _END + rb"f>)\s*+(?:" + _TAG + rb"v\s*(?:/>|>\s*" + _END + rb"v>))?\s*\Z"
)  # fmt: skip
_F = re.compile(rb"[<:]f[ >/]")
_ATTRIBUTE = re.compile(r'([\w:]+)\s*=\s*"([^"]*)"')
_SHEET = re.compile(r"<(?:\w+:)?sheet\s([^>]*)>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s([^>]*)>")

Row = list[str]
#: Finds the table that is wanted among a sheet's first rows: its header's row and a column whose
#: numbers are names, both from 0; None if it is not there.
Finds = Callable[[Sequence[Sequence[str]]], "tuple[int, int] | None"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet, and what is doubtful about it."""

    rows: list[Row]
    doubts: tuple[Doubt, ...]


def read_sheet(source: BinaryIO, *, finds: Finds | None = None) -> Sheet:
    """Read the first sheet with a table; the only one that ``finds`` finds one in, if there is one
    and the first has none.

    Raises Unreadable.
    """
    source.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(source)
        name, alone = _chosen(book, finds)
        sheet = book.get_sheet_by_name(name) if name else None
        cells = sheet.to_python() if sheet else []
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable(
            "workbook_broken",
            "The Excel workbook can't be read. Open it, save it again or save the sheet as CSV.",
        ) from error
    if sheet is None or not cells:
        raise Unreadable("empty", "The workbook has no rows. Save it again with its table.")
    top, left = sheet.start or (0, 0)
    doubts = [*_of_sheets(list(book.sheet_names), name, alone=alone)]
    if finds and (place := finds(_texts(cells[:FIRST]))):
        header, at = place
        doubts += _numbers([row[at] for row in cells[header + 1 :]], top + header + 1, left + at)
    rows = _texts(cells)
    del cells, sheet, book
    doubts += _filled_in(source, name, rows, top, left)
    return Sheet(rows, tuple(doubts))


def as_text(cell: object) -> str:
    """A workbook's cell as a person would have typed it: whole numbers without a point."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell)


def _chosen(book: CalamineWorkbook, finds: Finds | None) -> tuple[str, bool]:
    """The sheet to read, "" for none, and whether it is so as the only one with a table."""
    first, found = "", []
    for name in book.sheet_names:
        try:
            sheet = book.get_sheet_by_name(name)
        except CalamineError:
            if first:
                continue  # a chart, perhaps
            raise
        if not sheet.height:
            continue
        if sheet.total_height * sheet.total_width > CELLS:
            if first:
                continue
            raise _too_large(name)
        here = finds is None or _has_table(sheet, finds)
        if not first and here:
            return name, False
        first = first or name
        if here:
            found.append(name)
    return (found[0], True) if len(found) == 1 else (first, False)


def _too_large(name: str) -> Unreadable:
    return Unreadable(
        "workbook_too_large", f"The sheet {name} has more than {CELLS:,} cells. Save it as CSV."
    )


def _has_table(sheet: CalamineSheet, finds: Finds) -> bool:
    return finds(_texts(sheet.to_python(nrows=FIRST))) is not None


def _texts(cells: Sequence[Sequence[object]]) -> list[Row]:
    return [[as_text(cell) for cell in row] for row in cells]


def _of_sheets(names: list[str], found: str, *, alone: bool) -> Iterator[Doubt]:
    """That a workbook has other sheets, too."""
    others = [name for name in names if name != found]
    listed = ", ".join(others[:_LISTED]) + (", …" if others[_LISTED:] else "")
    if alone:
        yield Doubt(
            "sheet_found",
            f"The sheet {found} was read, the only one with columns for SKU and name; the workbook "
            f"also has {listed}. If another one is meant, save it as CSV.",
        )
    elif others:
        yield Doubt(
            "other_sheets",
            f"The sheet {found} was read; the workbook also has {listed}. "
            "Move the sheet that you mean to the front.",
        )


def _numbers(cells: Sequence[object], row: int, column: int) -> Iterator[Doubt]:
    """That names are stored as numbers, which have no leading zeros."""
    stored = [at for at, cell in enumerate(cells) if type(cell) in (int, float)]
    if stored:
        at = stored[0]
        yield Doubt(
            "sku_numbers",
            f"{_counted(len(stored), 'SKU is', 'SKUs are')} stored as a number "
            f"({_named(row + at, column)}: {as_text(cells[at])}): leading zeros that the sheet "
            "only shows are not in the file. If there are any, format the column as text and type "
            "those SKUs again.",
        )


def _filled_in(
    source: BinaryIO, name: str, rows: list[Row], top: int, left: int
) -> Iterator[Doubt]:
    """Write errors and formulas without a value where they stand; say so."""
    errors: list[str] = []
    formulas: list[str] = []
    room = CELLS
    for row, column, text, told in _unread(source, name, errors, formulas):
        if row < top or column < left:
            continue
        width = max(len(rows[0]), column - left + 1)
        missing = max(0, row - top + 1 - len(rows))
        short = 0 if missing else max(0, column - left + 1 - len(rows[row - top]))
        room -= missing * width + short
        if room < 0:
            raise _too_large(name)
        rows += [[""] * width for _ in range(missing)]
        cells = rows[row - top]
        cells += [""] * short
        if not cells[column - left]:
            cells[column - left] = text
            told.append(f"{_named(row, column)}: {text[:40]}")
    if errors:
        yield Doubt(
            "error_cells",
            f"{_counted(len(errors), 'cell holds', 'cells hold')} the error of a formula "
            f"({errors[0]}), which was read as it stands. Correct the formula and save again.",
        )
    if formulas:
        yield Doubt(
            "formula_cells",
            f"{_counted(len(formulas), 'formula has', 'formulas have')} no value ({formulas[0]}), "
            "so the formula itself was read. Open the workbook in a spreadsheet and save it again.",
        )


def _unread(
    source: BinaryIO, name: str, errors: list[str], formulas: list[str]
) -> Iterator[tuple[int, int, str, list[str]]]:
    """Row, column and text of errors and formulas without a value, and the list they belong to."""
    try:
        with zipfile.ZipFile(source) as archive:
            path = _path_of(archive, name)
            if not path.endswith(".xml"):
                return
            with archive.open(path) as sheet:
                rest = b""
                while chunk := sheet.read(_CHUNK):
                    text = rest + chunk
                    cut = text.rfind(b"c>") + 2
                    rest = text[cut:] if cut > 1 else b""
                    text = text[:cut] if cut > 1 else text
                    errs, counts = b't="e"' in text, bool(_F.search(text))
                    for cell in _CELL_END.split(text) if errs or counts else ():
                        at = max(cell.rfind(b"<c "), cell.rfind(b":c ")) + 1
                        told, mark = errors, ""
                        found = _ERROR.match(cell, at) if errs and at else None
                        if found is None and counts and at:
                            told, mark = formulas, "="
                            found = _UNCALCULATED.match(cell, at)
                        if found:
                            held = (found[3] or b"").decode("utf-8", "replace")
                            row, column = int(found[2]) - 1, _number(found[1].decode())
                            yield row, column, mark + html.unescape(held).strip(), told
    except (KeyError, OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return  # an oddly made workbook, which the library could read all the same


def _path_of(archive: zipfile.ZipFile, name: str) -> str:
    """Where in the workbook a sheet stands, "" if that can't be told."""
    book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
    relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    targets = {}
    for tag in _RELATION.findall(relations):
        given = dict(_ATTRIBUTE.findall(tag))
        targets[given.get("Id", "")] = given.get("Target", "")
    for tag in _SHEET.findall(book):
        given = dict(_ATTRIBUTE.findall(tag))
        if html.unescape(given.get("name", "")) == name:
            key = next((value for each, value in given.items() if each.endswith(":id")), "")
            return posixpath.normpath(posixpath.join("/xl", targets.get(key, "")))[1:]
    return ""


def _number(letters: str) -> int:
    """The column of Excel's letters, from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _named(row: int, column: int) -> str:
    """A cell as Excel names it."""
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
