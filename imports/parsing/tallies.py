"""What was done to many rows alike, as one notice each: how often, and where first."""

from typing import Final

from imports.refusals import Notice
from imports.understanding.fitting import LINE_CODES

_SKUS: Final = "Check that they are the SKUs that you mean."
#: What is said of one row, and of several, {0} being how many; and what to do.
_MESSAGES: Final = {
    "sku_invisible": (
        "A SKU had invisible characters or non-breaking blanks, which were taken off",
        "{0:,} SKUs had invisible characters or non-breaking blanks, which were taken off",
        _SKUS,
    ),
    "sku_apostrophe": (
        "A SKU had a spreadsheet's apostrophe before its digits, which was taken off",
        "{0:,} SKUs had a spreadsheet's apostrophe before their digits, which was taken off",
        _SKUS,
    ),
    "name_invisible": (
        "A name had zero-width characters, which were taken off",
        "{0:,} names had zero-width characters, which were taken off",
        "",
    ),
    "text_formula": (
        "A cell was a formula of nothing but a text, which was taken for it",
        "{0:,} cells were formulas of nothing but a text, which was taken for them",
        "",
    ),
}
_SHOWN: Final = 60


class Tally:
    """Counts by code; keeps the first example of each."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, tuple[int, str]] = {}

    def add(self, code: str, example: str, line: int) -> None:
        """Count one more; the first example is shown. For a code that is known here, it is the
        cell; else it is the whole message."""
        self._counts[code] = self._counts.get(code, 0) + 1
        self._first.setdefault(code, (line, example))

    def notices(self) -> list[Notice]:
        """What is to be said, in the order in which it was first met."""
        return [
            Notice(code, self._message(code, count), self._first[code][0])
            for code, count in self._counts.items()
        ]

    def _message(self, code: str, count: int) -> str:
        line, example = self._first[code]
        if code not in _MESSAGES:
            noun = "line" if code in LINE_CODES else "row"
            return f"{count:,} {noun}{'s' if count > 1 else ''}: {example}"
        one, several, remedy = _MESSAGES[code]
        cell = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in example[:_SHOWN])
        told = one if count == 1 else several.format(count)
        return f"{told} (line {line:,}: {cell}). {remedy}".rstrip()
