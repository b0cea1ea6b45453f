"""What was found out about a file, as JSON: kept with its import, shown on its page."""

import base64
from dataclasses import asdict
from operator import itemgetter
from typing import Any, Protocol

from imports.parsing.dialect import Format


class Described(Protocol):
    """A Reader, or what a file was refused with after its header was read."""

    header_raw: bytes

    @property
    def format(self) -> Format:
        """The format as known by now."""
        ...


def describe(reader: Described) -> dict[str, Any]:
    """What was found out about a file, as JSON.

    `columns` are those that are imported, `mapping` all of them, in the file's order.
    """
    found = reader.format
    beside = found.amounts.beside
    return {
        "encoding": found.encoding,
        "bom": found.bom,
        "delimiter": found.delimiter,
        "quotechar": found.quotechar,
        "escapechar": found.escapechar,
        "compression": found.compression,
        "line_end": found.line_end,
        "comment": found.comment,
        "preamble_lines": found.preamble_lines,
        "header_line": found.header_line,
        "header_lines": found.header_lines,
        "footer_lines": found.footer_lines,
        "header": [_storable(name) for name in found.header],
        "header_raw": base64.b64encode(reader.header_raw).decode(),
        "decimal": found.amounts.decimal,
        "thousands": found.thousands,
        "confidence": found.confidence,
        # A list, in the header's order: jsonb sorts the keys of an object its own way.
        "columns": [
            {"header": _storable(found.header[index]), "field": field}
            for field, index in sorted(found.columns.items(), key=itemgetter(1))
        ],
        "mapping": [
            {
                "header": _storable(each.header),
                "field": each.field,
                "how": each.how,
                "filled": each.filled,
                "samples": list(each.samples),
            }
            for each in found.mapping
        ],
        "ignored": [_storable(name) for name in found.ignored],
        "warnings": [
            {**asdict(notice), "message": _storable(notice.message)}
            for notice in (*found.warnings, *(beside.notices() if beside else ()))
        ],
    }


def _storable(text: str) -> str:
    """Text as PostgreSQL takes it: without NUL and half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
