"""What mends rejected cells for sure, by the code of the cause. No database, no Django.

A remedy changes a cell only where the outcome is beyond doubt, given what the rest of the file
says; a cell for which it is not stays as it is, and its row stays rejected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from catalog.rules import Problem
from imports.amounts import COMMA, POINT, Amounts

NO_WORDS: Final[Mapping[str, str]] = MappingProxyType({})

#: Thousands as India writes them: 1,23,456.50.
_LAKHS = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]*)?")
_BROKEN = re.compile("[\udc80-\udcff]+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the file says besides the cell.

    `decimal` is the mark of its prices; `words` says "yes" or "no" for words, lower case, that
    somebody chose a meaning for.
    """

    decimal: str = POINT
    words: Mapping[str, str] = field(default_factory=lambda: NO_WORDS)


Mend = Callable[[str, Evidence], str | None]


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way to mend all rows of one cause.

    `field` is the one whose cells it changes, "" if it is any. `mend` gives the new text of a cell,
    None where it is not sure. `chooses` tells that a person has to say what words mean.
    """

    code: str
    field: str
    verb: str
    one: str
    many: str
    behind: str
    mend: Mend
    chooses: bool = False

    def label(self, count: int) -> str:
        """What it does to so many rows: “Read 3,120 prices with a decimal comma”."""
        if self.chooses:
            return "Say what the words mean"
        return f"{self.verb} {count:,} {self.one if count == 1 else self.many} {self.behind}"


def remedy_for(code: str, codec: str) -> Remedy | None:
    """The sure remedy of a cause in files of this encoding, if there is one."""
    if code == "encoding":
        return _ENCODINGS.get(codec)
    return _REMEDIES.get(code)


def with_comma(text: str, evidence: Evidence) -> str | None:
    """A price with a decimal comma, in the file's own writing."""
    return _price(text, COMMA, evidence)


def with_point(text: str, evidence: Evidence) -> str | None:
    """A price with a decimal point, in the file's own writing."""
    return _price(text, POINT, evidence)


def with_file_mark(text: str, evidence: Evidence) -> str | None:
    """A price with the file's own decimal mark, whatever else keeps it from being one."""
    price = text.strip().replace("_", "")
    if evidence.decimal == POINT and _LAKHS.fullmatch(price):
        price = price.replace(COMMA, "")
    return _price("".join(map(_ascii_digit, price)), evidence.decimal, evidence)


def without_invisible(text: str, evidence: Evidence) -> str | None:
    """A SKU whose blanks are plain ones, and without control and zero-width characters.

    What else can't be printed may have been a letter that was read wrong.
    """
    chars = [
        " " if char.isspace() else "" if unicodedata.category(char) in ("Cc", "Cf") else char
        for char in text
    ]
    mended = "".join(chars).strip()
    return mended if mended.isprintable() and mended else None


def on_one_line(text: str, evidence: Evidence) -> str | None:
    """A name on one line: line breaks and tabs become a blank."""
    return re.sub("\\s*[\t\n\v\f\r\x1c-\x1f\u2028\u2029]+\\s*", " ", text).strip() or None


def truth(text: str, evidence: Evidence) -> str | None:
    """What somebody said that a word means."""
    return evidence.words.get(text.strip().lower()) or None


def read_as_1252(text: str, evidence: Evidence) -> str | None:
    """A cell whose broken bytes are read as Windows-1252, its sound characters kept."""
    try:
        return _BROKEN.sub(
            lambda found: found[0].encode("ascii", "surrogateescape").decode("cp1252"), text
        )
    except UnicodeDecodeError:
        return None


def read_as_utf8(text: str, evidence: Evidence) -> str | None:
    """A cell that was read as Windows-1252, read as the UTF-8 that its bytes are."""
    try:
        return text.encode("cp1252", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return None


_PRICES: Final = ("price", "Read", "price", "prices")
_REMEDIES: Final = {
    remedy.code: remedy
    for remedy in (
        Remedy("price_decimal_comma", *_PRICES, "with a decimal comma", with_comma),
        Remedy("price_decimal_point", *_PRICES, "with a decimal point", with_point),
        Remedy("price_thousands", *_PRICES, "without thousands marks", with_file_mark),
        Remedy("price_exponent", *_PRICES, "with all digits", with_file_mark),
        Remedy("price_digits", *_PRICES, "with the digits 0 to 9", with_file_mark),
        Remedy(
            "sku_unprintable",
            *("sku", "Read", "SKU", "SKUs", "without invisible characters"),
            without_invisible,
        ),
        Remedy("name_control", *("name", "Write", "name", "names", "on one line"), on_one_line),
        Remedy(
            "active_unknown",
            *("active", "", "", "", ""),
            truth,
            chooses=True,
        ),
    )
}
_ENCODINGS: Final = {
    "utf-8": Remedy("encoding", *("", "Read", "row", "rows", "as Windows-1252"), read_as_1252),
    "cp1252": Remedy("encoding", *("", "Read", "row", "rows", "as UTF-8"), read_as_utf8),
}


def _ascii_digit(char: str) -> str:
    return str(unicodedata.digit(char)) if char.isdecimal() else char


def _price(text: str, mark: str, evidence: Evidence) -> str | None:
    problems: list[Problem] = []
    price = Amounts(mark).read(text, problems)
    return price.replace(POINT, evidence.decimal) if price and not problems else None
