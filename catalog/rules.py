"""The rules of a product's fields as data: lengths, a SKU's normal form, money, truth words.

Model, form, API and import all stand on this module, so that a value is judged alike wherever it
comes in. Nothing here knows Django or the database.

Two SKUs are the same product when PostgreSQL's ``lower()`` of them is equal under C.UTF-8. Python
never folds a SKU: ``İ``, ``ß`` and ``K`` (the Kelvin sign) fold differently in the two.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FIELDS: Final = ("sku", "name", "description", "price", "active")
REQUIRED: Final = ("sku", "name")

SKU_MAX: Final = 255
NAME_MAX: Final = 500
#: An export doubles quotes, and an import takes rows of at most 1 MiB.
DESCRIPTION_MAX: Final = 500_000
PRICE_MAX_DIGITS: Final = 12
PRICE_DECIMALS: Final = 2
VALUE_SHOWN_MAX: Final = 200

TRUE_WORDS: Final = frozenset({"true", "1", "yes", "y", "t", "on", "active"})
FALSE_WORDS: Final = frozenset({"false", "0", "no", "n", "f", "off", "inactive"})

#: Every code that a row or a field can be refused with, and its title where rows are grouped by it.
CAUSES: Final[dict[str, str]] = {
    "sku_empty": "SKU is empty",
    "sku_too_long": "SKU is too long",
    "sku_unprintable": "SKU has an invisible character",
    "sku_exponent": "SKU was shortened by a spreadsheet",
    "name_empty": "Name is empty",
    "name_too_long": "Name is too long",
    "name_control": "Name has a control character or line break",
    "description_too_long": "Description is too long",
    "description_nul": "Description has a NUL character",
    "description_surrogate": "Description has half a character",
    "price_not_a_number": "Price is not a number",
    "price_negative": "Price is negative",
    "price_decimals": "Price has too many decimals",
    "price_too_large": "Price is too large",
    "price_decimal_comma": "Price has a decimal comma",
    "price_decimal_point": "Price has a decimal point, others a comma",
    "price_ambiguous": "Price has two readings",
    "price_thousands": "Price has thousands marks",
    "price_currency": "Price has a currency",
    "price_exponent": "Price has an exponent",
    "price_digits": "Price has digits of another script",
    "active_unknown": "Active is neither yes nor no",
    "columns": "Row has too few or too many columns",
    "quote": "Row has a misplaced quote",
    "encoding": "Row has broken characters",
    "nul": "Row has a NUL character",
}

#: What nearly every price looks like: the import's fast path asks nothing else.
PLAIN_PRICE: Final = re.compile(
    rf"[0-9]{{1,{PRICE_MAX_DIGITS - PRICE_DECIMALS}}}(?:\.[0-9]{{1,{PRICE_DECIMALS}}})?"
)

#: Starts a text that a spreadsheet may take for a formula, with the apostrophes before it that an
#: export has put there; or one with an apostrophe that an import would take for a spreadsheet's
#: mark of text ('00123). Python and PostgreSQL read it alike.
FORMULA: Final = r"(?:'* *[\u0001-\u001f=+@\uff0b\uff0d\uff1d\uff20-]|'+[0-9])"

#: What can't be seen and joins nothing: zero-width space, word joiner, byte order mark. The joiners
#: U+200C and U+200D stay, which scripts and emoji need.
ZERO_WIDTH: Final = "\u200b\u2060\ufeff"

_FORMULA = re.compile(FORMULA)
_TEXT_FORMULA = re.compile(r'\s*="((?:[^"]|"")*)"\s*')
_ZERO_WIDTH = re.compile(f"[{ZERO_WIDTH}]")
_ESCAPED_FORMULA = re.compile(f"'{FORMULA}")
_NAME_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DECIMAL = re.compile(r"([0-9]*)(?:\.([0-9]*))?")
_EXPONENT = re.compile(r"[+-]?[0-9]*\.?[0-9]+[eE][+-]?[0-9]+")
_POINT_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,}")
_MARKED_THOUSANDS = re.compile(
    "[0-9]{1,3}(?:[,'\u2019\u00a0\u202f\u2009 _][0-9]{3})+(?:\\.[0-9]*)?"
)
_DECIMAL_COMMA = re.compile(
    "(?:[0-9]+|[0-9]{1,3}(?:[.'\u2019\u00a0\u202f\u2009 ][0-9]{3})+),[0-9]+"
)
_CODE = r"(?:[A-Z]{3}|(?i:euros?|eur|usd|us|gbp|chf|s?fr|rs|kr|zl|kc|ft|tl|pln|czk|sek|nok|dkk))\.?"
_CURRENCY_CODE = re.compile(rf"(?:{_CODE})?[-+]?\s*+[0-9][0-9.,'\u2019\s-]*+(?:{_CODE})?\s*+")
_NOT_IN_NUMBER = re.compile("[^0-9.]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse a value or a row.

    ``code`` is a key of CAUSES; ``column`` a field's name, a header as written, or "" when the
    whole row is meant; ``value`` at most VALUE_SHOWN_MAX characters, without NUL or surrogates
    (PostgreSQL's jsonb takes neither); ``message`` says the reason and the remedy.
    """

    code: str
    column: str
    value: str
    message: str


def shown(text: str) -> str:
    """Return text fit to show and to store: shortened, unstorable characters as escapes."""
    cut = text[: VALUE_SHOWN_MAX + 1]
    safe = _UNSHOWABLE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", cut)
    return safe if len(safe) <= VALUE_SHOWN_MAX else f"{safe[: VALUE_SHOWN_MAX - 1]}…"


def escape_formula(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe goes before one.

    One more goes before a text that would look like it, so that `unescape_formula` always gives
    back what was there: ``=1`` is written ``'=1``, and ``'=1`` is written ``''=1``.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(text: str) -> str:
    """Return a cell without the apostrophe that `escape_formula` put before it."""
    return text[1:] if _ESCAPED_FORMULA.match(text) else text


def has_escaped_formula(texts: Iterable[str]) -> bool:
    """Tell whether `unescape_formula` would change any of these."""
    return any(map(_ESCAPED_FORMULA.match, texts))


def text_of_formula(text: str) -> str:
    """The text of a cell that is ``="…"`` as a whole, as spreadsheets are told that 0012 is no
    number; any other cell as it is."""
    found = _TEXT_FORMULA.fullmatch(text) if '="' in text else None
    return found[1].replace('""', '"') if found else text


def normal_sku(text: str) -> str:
    """Return a SKU's one spelling: whitespace trimmed (NBSP too), Unicode form NFC, case kept."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def clean_sku(text: str, problems: list[Problem]) -> str:
    """Return the normal form of a SKU; append what is wrong with it to ``problems``."""
    sku = normal_sku(text)
    if not sku:
        problems.append(
            Problem("sku_empty", "sku", shown(text), "SKU is empty. Every product needs one.")
        )
    if len(sku) > SKU_MAX:
        problems.append(
            Problem(
                "sku_too_long",
                "sku",
                shown(text),
                f"SKU has {len(sku):,} characters. Shorten it to {SKU_MAX} at most.",
            )
        )
    if not sku.isprintable():
        at, char = next((n, c) for n, c in enumerate(sku, 1) if not c.isprintable())
        message = f"SKU has an invisible character: {_named(char)} at position {at:,}. Remove it."
        problems.append(Problem("sku_unprintable", "sku", shown(text), message))
    return sku


def clean_name(text: str, problems: list[Problem]) -> str:
    """Return a name trimmed; append what is wrong with it to ``problems``. A name is one line.

    Zero-width characters are taken off; a name of which nothing is to be seen is empty.
    """
    name = _ZERO_WIDTH.sub("", text).strip()
    if not name or not (name.isprintable() or any(map(_is_seen, name))):
        problems.append(
            Problem("name_empty", "name", shown(text), "Name is empty. Every product needs one.")
        )
    if len(name) > NAME_MAX:
        problems.append(
            Problem(
                "name_too_long",
                "name",
                shown(text),
                f"Name has {len(name):,} characters. Shorten it to {NAME_MAX} at most.",
            )
        )
    if found := _NAME_CONTROL.search(name):
        message = (
            f"Name has a control character: {_named(found[0])} at position {found.start() + 1:,}. "
            "Write the name on one line, without it."
        )
        problems.append(Problem("name_control", "name", shown(text), message))
    return name


def _is_seen(char: str) -> bool:
    return not char.isspace() and unicodedata.category(char) != "Cf"


def clean_description(text: str, problems: list[Problem]) -> str | None:
    """Return a description just as it is, or None when it is blank; append what is wrong."""
    if len(text) > DESCRIPTION_MAX:
        message = (
            f"Description has {len(text):,} characters. Shorten it to {DESCRIPTION_MAX:,} at most."
        )
        problems.append(Problem("description_too_long", "description", shown(text), message))
    if "\0" in text:
        message = (
            f"Description has a NUL character at position {text.index(chr(0)) + 1:,}. Remove it."
        )
        problems.append(Problem("description_nul", "description", shown(text), message))
    if found := _SURROGATE.search(text):
        message = (
            f"Description has half a character: {_named(found[0])} at position "
            f"{found.start() + 1:,}. Write it again."
        )
        problems.append(Problem("description_surrogate", "description", shown(text), message))
    return text if text.strip() else None


def clean_price(text: str, problems: list[Problem]) -> str | None:
    """Return a price as plain decimal text, or None when it is blank; append what is wrong.

    A plain decimal with a point: at least 0, at most 10 digits before the point and 2 after it;
    zeros beyond are dropped (12.500 is 12.50). Never a guess: 1,234 is refused, not read.
    """
    price = text.strip()
    if not price:
        return None
    if PLAIN_PRICE.fullmatch(price):
        return price
    decimal = _DECIMAL.fullmatch(price)
    if not decimal or price == ".":
        problems.append(_price_problem(text, price))
        return None
    whole, fraction = decimal[1].lstrip("0") or "0", (decimal[2] or "").rstrip("0")
    fine = True
    if len(whole) > PRICE_MAX_DIGITS - PRICE_DECIMALS:
        message = (
            f"Price has {len(whole):,} digits before the point. "
            f"At most {PRICE_MAX_DIGITS - PRICE_DECIMALS} fit: 9999999999.99 is the highest."
        )
        problems.append(Problem("price_too_large", "price", shown(text), message))
        fine = False
    if len(fraction) > PRICE_DECIMALS:
        message = (
            f"Price has {len(fraction):,} decimals. Round it to {PRICE_DECIMALS}; "
            "thousands are written without a mark."
        )
        problems.append(Problem("price_decimals", "price", shown(text), message))
        fine = False
    if not fine:
        return None
    return f"{whole}.{fraction.ljust(PRICE_DECIMALS, '0')}" if fraction else whole


def clean_active(text: str, problems: list[Problem]) -> bool | None:
    """Return True or False for a truth word in any case, or None when blank; append a problem."""
    word = text.strip().lower()
    if not word:
        return None
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    message = f'Active is "{shown(text.strip())}". Write yes or no, true or false, 1 or 0.'
    problems.append(Problem("active_unknown", "active", shown(text), message))
    return None


def _price_problem(text: str, price: str) -> Problem:
    code, message = _price_fault(price)
    return Problem(code, "price", shown(text), message)


def _price_fault(price: str) -> tuple[str, str]:
    """Name what keeps a text that is no plain decimal from being a price: (code, message)."""
    digits = any("0" <= c <= "9" for c in price)
    if digits and price[0] in "-\u2212" and _DECIMAL.fullmatch(price[1:].strip()):
        return "price_negative", "Price is negative. Write 0 or more."
    if any(c.isdigit() and not "0" <= c <= "9" for c in price):
        return "price_digits", "Price has digits of another script. Write it with 0 to 9."
    if _EXPONENT.fullmatch(price):
        return "price_exponent", "Price has an exponent. Write all its digits: 1200.00, not 1.2e3."
    bare = "".join(c for c in price if unicodedata.category(c) != "Sc").strip()
    letters = any(c.isalpha() for c in bare)
    if (letters and _CURRENCY_CODE.fullmatch(bare)) or (bare != price and not letters):
        return "price_currency", "Price has a currency. Write the number alone: 12.90."
    if digits and letters:
        message = "Price has text beside the number. Write the number alone: 12.90."
        return "price_not_a_number", message
    if _MARKED_THOUSANDS.fullmatch(price):
        plain = _NOT_IN_NUMBER.sub("", price)
        return "price_thousands", f"Price has thousands marks. Write it without: {plain}."
    if _POINT_THOUSANDS.fullmatch(price):
        plain = price.replace(".", "")
        return "price_thousands", f"Price has thousands marks. Write it without: {plain}."
    if _DECIMAL_COMMA.fullmatch(price):
        whole, _, fraction = price.rpartition(",")
        plain = f"{re.sub('[^0-9]', '', whole)}.{fraction}"
        return "price_decimal_comma", f"Price has a decimal comma. Write it with a point: {plain}."
    return "price_not_a_number", "Price is not a number. Write digits and a point: 12.90."


def _named(char: str) -> str:
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X} {name}".rstrip()
