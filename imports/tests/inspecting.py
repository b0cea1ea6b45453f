"""Files made on the spot, as the tests of imports.understanding want them."""

import io
from collections.abc import Sequence

from imports.understanding.inspection import Inspection, inspect, read_rows


def understood(content: str | bytes, encoding: str = "utf-8") -> tuple[Inspection, list[list[str]]]:
    """What is found out about a file, and its table."""
    raw = content.encode(encoding) if isinstance(content, str) else content
    found = inspect(io.BytesIO(raw))
    return found, list(read_rows(io.BytesIO(raw), found))


def table(content: str | bytes, encoding: str = "utf-8") -> list[list[str]]:
    """A file's table: header first."""
    return understood(content, encoding)[1]


def doubts(found: Inspection) -> list[str]:
    """The codes of what is doubtful."""
    return [each.code for each in found.doubts]


def lines(*rows: str, end: str = "\n") -> str:
    """Rows as they stand in a file."""
    return "".join(row + end for row in rows)


def products(
    delimiter: str = ",", count: int = 6, names: Sequence[str] = ("Bolt", "Nut")
) -> list[str]:
    """Rows of a plain list of products, header first."""
    rows = [
        f"HX-{100 + each}{delimiter}{names[each % len(names)]}{delimiter}{each + 1}.50"
        for each in range(count)
    ]
    return [delimiter.join(("sku", "name", "price")), *rows]
