"""A record's bytes ↔ its cells, by what was found out about the file that it comes from.

Rejected rows are kept as the bytes that they came in. Here they become cells again, for whoever
wants to mend one, and cells become bytes that stand beside them.
"""

from __future__ import annotations

import base64
import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from catalog.rules import FIELDS

_CODECS: Final = {"utf-8-sig": "utf-8", "windows-1252": "cp1252"}
_BOMS: Final = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_ENDS: Final = ("\r", "\n")


@dataclass(frozen=True, slots=True)
class Writing:
    """How the records of a file are written.

    `header` has the names of its columns, `fields` what each holds, "" for a column that is not
    imported. `decimal` is "," where prices were read with a decimal comma, else ".".
    """

    header: tuple[str, ...]
    fields: tuple[str, ...]
    codec: str
    bom: bytes
    delimiter: str
    quotechar: str
    escapechar: str
    decimal: str
    header_raw: bytes

    @classmethod
    def of(cls, detected: dict[str, Any]) -> Writing:
        """The writing of the file of which `imports.detected` says this."""
        encoding = detected.get("encoding") or "utf-8"
        codec = _CODECS.get(encoding, encoding)
        header = tuple(detected.get("header", ()))
        raw = base64.b64decode(detected.get("header_raw", ""))
        quotechar = detected.get("quotechar", '"')
        writing = cls(
            header=header,
            fields=_fields(detected, header),
            codec=codec,
            bom=_BOMS.get(codec, codecs.BOM_UTF8) if detected.get("bom") else b"",
            delimiter=detected.get("delimiter") or ",",
            quotechar=quotechar,
            escapechar=detected.get("escapechar") or "",
            decimal="," if detected.get("decimal") == "," else ".",
            header_raw=raw,
        )
        # Of a header of several lines one is made, which needs no guess when it is read again.
        if raw and detected.get("header_lines", 1) == 1:
            return writing
        return replace(writing, header_raw=writing.record(header))

    def cells(self, raw: bytes) -> list[str]:
        """The cells of one record; bytes that are not of the encoding stand as surrogates."""
        errors = "surrogatepass" if self.codec.startswith("utf-16") else "surrogateescape"
        text = raw.decode(self.codec, errors)
        blanks = bool(self.quotechar) and f"{self.delimiter} {self.quotechar}" in text
        reader = csv.reader(
            io.StringIO(text, newline=""), skipinitialspace=blanks, **self._dialect()
        )
        try:
            return next(reader, [])
        except csv.Error:
            return []

    def record(self, cells: Sequence[str]) -> bytes:
        """Cells as a record with its line end; without quotes there are no delimiters in them."""
        if not self.quotechar:
            marks = str.maketrans(dict.fromkeys(f"{self.delimiter}\r\n", " "))
            cells = [cell.translate(marks) for cell in cells]
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="\r\n", **self._dialect()).writerow(cells)
        return line.getvalue().encode(self.codec, "replace")

    def with_cell(self, raw: bytes, text: str, *, missing: int = 0) -> bytes:
        """A record's bytes with one more cell; `missing` cells before it keep it in its column."""
        ends = tuple(end.encode(self.codec) for end in _ENDS)
        while raw.endswith(ends):
            raw = raw[: -len(ends[0])]
        separators = (self.delimiter * (missing + 1)).encode(self.codec, "replace")
        return raw + separators + self.record([text])

    def index_of(self, column: str) -> int | None:
        """Where the column is that a problem names: by its field, its header or its number."""
        if column in FIELDS:
            return self.fields.index(column) if column in self.fields else None
        if column in self.header:
            return self.header.index(column)
        number = column.removeprefix("column ")
        index = int(number) - 1 if number.isdecimal() else -1
        return index if 0 <= index < len(self.header) else None

    def _dialect(self) -> dict[str, Any]:
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quotechar or None,
            "quoting": csv.QUOTE_MINIMAL if self.quotechar else csv.QUOTE_NONE,
            "escapechar": self.escapechar or (None if self.quotechar else "\\"),
            "doublequote": not self.escapechar,
        }


def _fields(detected: dict[str, Any], header: tuple[str, ...]) -> tuple[str, ...]:
    mapping = detected.get("mapping")
    if mapping and len(mapping) == len(header):
        return tuple(column["field"] for column in mapping)
    fields = {column["header"]: column["field"] for column in detected.get("columns", ())}
    return tuple(fields.get(name, "") for name in header)
