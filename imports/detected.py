"""What was found out about a file, as JSON: kept with its import, shown on its page."""

import base64
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from imports.reading import Reader


def describe(reader: Reader) -> dict[str, Any]:
    """What was found out about a file, as JSON."""
    found = reader.format
    return {
        "encoding": found.encoding,
        "bom": found.bom,
        "delimiter": found.delimiter,
        "header_line": found.header_line,
        "header": list(found.header),
        "header_raw": base64.b64encode(reader.header_raw).decode(),
        # A list, in the header's order: jsonb sorts the keys of an object its own way.
        "columns": [
            {"header": found.header[index], "field": field}
            for field, index in sorted(found.columns.items(), key=itemgetter(1))
        ],
        "ignored": list(found.ignored),
        "warnings": [asdict(notice) for notice in found.warnings],
    }
