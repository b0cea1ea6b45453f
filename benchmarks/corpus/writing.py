"""A sheet and a style → the bytes of a file, and the truth about it."""

import gzip
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random
from xml.sax.saxutils import escape as xml

from benchmarks.corpus.content import Row, Sheet

#: Half a character: it becomes a byte that is none in UTF-8, nor in Windows-1252.
BROKEN = "\ufffd"
LONG_AGO = (2020, 1, 1, 0, 0, 0)
_BOMS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
_OPEN_XML = "http://schemas.openxmlformats.org"
_PACKAGE = f"{_OPEN_XML}/package/2006"
_OFFICE = f"{_OPEN_XML}/officeDocument/2006/relationships"
_SHEETS = f"{_OPEN_XML}/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-"
#: The least that a workbook of one sheet has to hold, the sheet apart.
_XLSX_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    f'ContentType="{_TYPES}package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    f'ContentType="{_TYPES}officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    f'ContentType="{_TYPES}officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>",
}


class Raw(str):
    """A cell that is written as it stands, whatever marks are in it."""

    __slots__ = ()


@dataclass(frozen=True)
class Style:
    """How a table is written. `quoting` is "needed", "all", "texts" or "never"; `wrapped` puts each
    row in quotes as a whole, `drawn` puts bars around its cells and a rule below its header.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    quoting: str = "needed"
    line_end: str = "\r\n"
    last_line_ends: int = 1
    encoding: str = "utf-8"
    bom: bool = False
    blank_after_delimiter: bool = False
    trailing: bool = False
    merged: bool = False
    padded: bool = False
    wrapped: bool = False
    drawn: bool = False
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    end_mark: str = ""
    comment: str = ""
    comments: tuple[str, ...] = ()
    compression: str = ""


@dataclass(frozen=True)
class Truth:
    """What is so about a file; "" stands for none, as with all of a file that is no table."""

    kind: str
    encoding: str = ""
    bom: bool = False
    line_end: str = ""
    delimiter: str = ""
    quotechar: str = ""
    escapechar: str = ""
    comment: str = ""
    preamble_lines: int = 0
    header_lines: int = 0
    footer_lines: int = 0
    decimal: str | None = None
    thousands: str | None = None
    compression: str = ""
    understood: bool = True


@dataclass(frozen=True)
class Made:
    """A file of the corpus: its bytes, the truth, and its table with the header first."""

    content: bytes
    truth: Truth
    table: tuple[Row, ...]


def made(rng: Random, kind: str, sheet: Sheet, style: Style) -> Made:
    """Write a sheet in a style."""
    if style.compression == "xlsx":
        return _workbook(kind, sheet, style)
    writer = _Writer(style)
    rows = [*sheet.header, *sheet.rows]
    if style.padded:
        rows = padded(rows)
    lines = [writer.line(row) for row in unmerged(rows, len(sheet.header), style)]
    if style.wrapped:
        lines = [writer.wrapped(line) for line in lines]
    if style.drawn:
        lines = _drawn(rows)
    for remark in style.comments:
        lines.insert(rng.randint(0, len(lines)), f"{style.comment}{remark}")
    text = _joined([*style.before, *lines, *style.after], style) + style.end_mark
    raw = text.encode(style.encoding).replace(BROKEN.encode("utf-8"), b"\x81")
    if style.bom:
        raw = _BOMS[style.encoding] + raw
    header, body = rows[: len(sheet.header)], rows[len(sheet.header) :]
    columns = [Sheet(tuple(header), ()).columns] if header else []
    truth = Truth(
        kind=kind,
        encoding=style.encoding,
        bom=style.bom,
        line_end=style.line_end,
        delimiter=style.delimiter if writer.delimited else "",
        quotechar=style.quote if writer.quoted else "",
        escapechar=style.escape if writer.escaped else "",
        comment=style.comment if style.comments else "",
        preamble_lines=len(style.before),
        header_lines=len(sheet.header),
        footer_lines=len(style.after),
        decimal=sheet.decimal,
        thousands=sheet.thousands,
        compression=style.compression,
    )
    return Made(compressed(raw, style.compression), truth, (*columns, *map(tuple, body)))


def compressed(raw: bytes, compression: str) -> bytes:
    """The same bytes in the same archive, whenever it is made."""
    if compression == "gzip":
        return gzip.compress(raw, mtime=0)
    if compression == "zip":
        return _zipped({"products.csv": raw})
    return raw


def unmerged(rows: Sequence[Row], header: int, style: Style) -> list[Row]:
    """A merged heading stands in its first cell, and the others are empty."""
    if not style.merged:
        return list(rows)
    written: list[Row] = []
    for row in rows[: header - 1]:
        before = ("", *row[:-1])
        written.append(
            tuple("" if this == last else this for this, last in zip(row, before, strict=True))
        )
    return [*written, *rows[header - 1 :]]


def padded(rows: Iterable[Sequence[str]]) -> list[Row]:
    """Cells of one width a column, as an old ERP writes them."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        tuple(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]


def _drawn(rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in padded(rows)]
    rule = "".join("|" if mark == "|" else "-" for mark in lines[0])
    return [lines[0], rule, *lines[1:]]


class _Writer:
    """Writes lines, and remembers which marks were needed."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.delimited = self.quoted = self.escaped = False

    def line(self, row: Sequence[str]) -> str:
        style = self.style
        between = style.delimiter + (" " if style.blank_after_delimiter else "")
        self.delimited |= len(row) > 1
        cells = between.join(map(self._cell, row))
        return cells + style.delimiter if style.trailing else cells

    def wrapped(self, line: str) -> str:
        self.quoted = True
        quote = self.style.quote
        return f"{quote}{line.replace(quote, quote * 2)}{quote}"

    def _cell(self, cell: str) -> str:
        style = self.style
        if isinstance(cell, Raw):
            return cell
        marks = (style.delimiter, style.quote, "\n", "\r")
        wants = {
            "needed": any(mark in cell for mark in marks),
            "all": True,
            "texts": any(mark in cell for mark in marks) or not cell[:1].isdigit(),
            "never": False,
        }[style.quoting]
        if not wants:
            if style.quoting == "never" and style.escape and style.delimiter in cell:
                self.escaped = True
                return cell.replace(style.delimiter, style.escape + style.delimiter)
            return cell
        self.quoted = True
        if style.escape and style.quote in cell:
            self.escaped = True
        inner = cell.replace(style.quote, (style.escape or style.quote) + style.quote)
        return f"{style.quote}{inner}{style.quote}"


def _joined(lines: Sequence[str], style: Style) -> str:
    ends = cycle(("\r\n", "\n")) if style.line_end == "mixed" else cycle((style.line_end,))
    text = "".join(f"{line}{end}" for line, end in zip(lines, ends, strict=False))
    if style.last_line_ends == 1:
        return text
    if style.last_line_ends == 0:
        return text.removesuffix("\n").removesuffix("\r")
    return text + next(ends) * (style.last_line_ends - 1)


def _workbook(kind: str, sheet: Sheet, style: Style) -> Made:
    rows = [*sheet.header, *sheet.rows]
    lines = [(text,) for text in style.before]
    body = "".join(
        f'<row r="{number}">{"".join(map(_xlsx_cell, row))}</row>'
        for number, row in enumerate([*lines, *rows], 1)
    )
    parts = dict(_XLSX_PARTS)
    parts["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{_SHEETS}"><sheetData>{body}</sheetData></worksheet>'
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    content = _zipped({name: (head + part).encode() for name, part in parts.items()})
    truth = Truth(
        kind=kind,
        preamble_lines=len(style.before),
        header_lines=len(sheet.header),
        compression="xlsx",
    )
    return Made(content, truth, (sheet.columns, *sheet.rows) if sheet.header else sheet.rows)


def _xlsx_cell(cell: str) -> str:
    if cell.replace(".", "", 1).isdigit() and not (cell.startswith("0") and cell.isdigit()):
        return f"<c><v>{cell}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{xml(cell)}</t></is></c>'


def _zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
