# ruff: noqa: RUF001 — marks of other languages are meant as they stand
"""What kind of value a cell holds, by its look: evidence that a file was cut at the right marks.

A file cut by the wrong delimiter gives cells that are nothing: halves of numbers, texts that begin
or end with a quote. The kinds are those of spreadsheets and exports in the usual languages; nothing
is parsed here, and no kind says what a column means.
"""

import re
from functools import lru_cache
from typing import Final

EMPTY: Final = "empty"
TEXT: Final = "text"
WORDS: Final = "words"
ODD: Final = "odd"

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:[,.' \u00a0\u202f\u2009][0-9]{3})+)?(?:[.,][0-9]*)?"
    r"(?:[eE][+-]?[0-9]{1,4})?-?"
)
_CURRENCIES: Final = "$€£¥₹₽₩₺₴"
_CURRENCY = re.compile(
    r"(?:[-+(]?\s*(?:[$€£¥₹₽₩₺₴]|[A-Z]{2,3}\$?|kr\.?|zł|Kč|Fr\.)\s?"
    r"-?[0-9][0-9.,' \u00a0\u202f]*\)?)"
    r"|(?:[-+]?[0-9][0-9.,' \u00a0\u202f]*\s?(?:[$€£¥₹₽₩₺₴]|[A-Z]{3}|kr\.?|zł|Kč|Fr\.|Euro?))"
)
_PERCENT = re.compile(r"[-+<>~]?\s?[0-9]+(?:[.,][0-9]+)?\s?[%‰]")
_DATE = re.compile(
    r"(?:[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}"
    r"|[0-9]{1,2}([-/.])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})"
    r"|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日"
    r"|[0-9]{1,2}[-/. ](?:[A-Za-zäéû]{3,9}\.?)[-/. ](?:[0-9]{4}|[0-9]{2})"
    r"|(?:[A-Za-z]{3,9}\.?)[-/. ][0-9]{1,2},?[-/. ][0-9]{4}"
    r"|(?:[A-Za-z]{3,9})[-/ ][0-9]{2,4})"
    r"(?:[T ,]+[0-9]{1,2}[:.h][0-9]{2}(?:[:.][0-9]{2}(?:[.,][0-9]+)?)?\s?(?:[AaPp]\.?[Mm]\.?)?"
    r"\s?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_TIME = re.compile(
    r"-?[0-9]{1,3}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]+)?\s?(?:[AaPp]\.?[Mm]\.?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_URL = re.compile(r"(?:(?:https?|ftp|file|s3)://|www\.)[^\s\"<>]+", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_NETWORK = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5}|/[0-9]{1,2})?")
_UNIT = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?\s?[A-Za-zµ°Ω\"'′″²³/]{1,7}")
_TRUTH = frozenset(
    [
        "true",
        "false",
        "yes",
        "no",
        "y",
        "n",
        "t",
        "f",
        "ja",
        "nein",
        "oui",
        "non",
        "si",
        "sí",
        "sì",
        "vrai",
        "faux",
        "wahr",
        "falsch",
        "on",
        "off",
        "x",
    ]
)
_NOTHING = frozenset(
    [
        "-",
        "--",
        "---",
        "n/a",
        "na",
        "nan",
        "null",
        "none",
        "nil",
        "n.a.",
        "n.v.",
        "k.a.",
        "s/d",
        "#n/a",
        "#ref!",
        "?",
        ".",
        "..",
        "...",
        "*",
        ":",
    ]
)
#: An identifier: letters and digits with marks inside, without white space.
_CODE = re.compile(r"[\w$@#]++(?:[-./:+&%][\w$@#]++)*+[-.:+%*]?")
#: Words with the marks that stand in names and short texts, but none that often cuts cells.
_WORDS = re.compile(r"[^\W_](?:[\w .'’&/()\-–+°%!?#*@·®™€$]*[\w.)!?%*'’®™°+])?")
_OPENED = re.compile(r"(?:^|[\s(])'\w")
_CLOSED = re.compile(r"\w[.!?]?'(?!\w)")
_SENTENCE = re.compile(r"[\w\"'“‘«(¿¡\[*•–-].*", re.DOTALL)


@lru_cache(maxsize=65_536)
def kind_of(cell: str) -> str:
    """Name the kind of a cell's text, white space around it apart."""
    text = cell.strip(" \t\r\n\u00a0\ufeff")
    if not text:
        return EMPTY
    first = text[0]
    if first.isdigit() or first in "+-.,(<~":
        if any(map(str.isdigit, text)) and _NUMBER.fullmatch(text):
            return "number"
        if _DATE.fullmatch(text):
            return "date"
        if _TIME.fullmatch(text):
            return "time"
        if _PERCENT.fullmatch(text):
            return "percent"
        if _NETWORK.fullmatch(text):
            return "code"
        if _CURRENCY.fullmatch(text):
            return "money"
        if _UNIT.fullmatch(text):
            return "unit"
    if first in _CURRENCIES and _CURRENCY.fullmatch(text):
        return "money"
    lower = text.lower()
    if lower in _TRUTH:
        return "truth"
    if lower in _NOTHING:
        return "nothing"
    if _CODE.fullmatch(text):
        return "code"
    if _CURRENCY.fullmatch(text):
        return "money"
    if _DATE.fullmatch(text):
        return "date"
    if _URL.fullmatch(text) or _EMAIL.fullmatch(text):
        return "address"
    if _WORDS.fullmatch(text):
        torn = "'" in text and len(_OPENED.findall(text)) > len(_CLOSED.findall(text))
        return ODD if torn else WORDS
    if text[0] in "{[" and text[-1] in "}]":
        return TEXT
    if _SENTENCE.fullmatch(text) and not _torn(text):
        return TEXT
    return ODD


def _torn(text: str) -> bool:
    """Whether a text looks cut out of a longer one: a quote opened or closed, but not both."""
    return any(text.count(quote) & 1 and quote in (text[0], text[-1]) for quote in "\"'")
