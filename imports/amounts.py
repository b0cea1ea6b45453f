# ruff: noqa: RUF001 — marks of other languages are meant as they stand
"""Prices as files write them → plain decimals, by the decimal mark that their column uses.

`1.234,56`, `1 234,56`, `1'234.50`, `€ 12`, `12,50 EUR`, `$1,234.5`, `2.79e+01`, `12,-`. Never a
guess: a figure with two readings, such as `1.234` where no other figure says which mark is the
decimal one, is refused, and so are another mark or currency than the column's.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from catalog.rules import (
    PLAIN_PRICE,
    PRICE_DECIMALS,
    PRICE_MAX_DIGITS,
    Problem,
    clean_price,
    shown,
    text_of_formula,
)
from imports.currencies import Currencies
from imports.understanding.numerals import find_numerals

POINT: Final = "."
COMMA: Final = ","

_BLANKS: Final = " \u00a0\u202f\u2009\u2007"
_CURRENCIES: Final = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "us$": "USD",
    "usd": "USD", "£": "GBP", "gbp": "GBP", "chf": "CHF", "fr": "CHF", "fr.": "CHF",
    "sfr.": "CHF", "¥": "JPY", "jpy": "JPY", "円": "JPY", "cny": "CNY", "rmb": "CNY", "元": "CNY",
    "₹": "INR", "inr": "INR", "rs": "INR", "rs.": "INR", "₽": "RUB", "rub": "RUB", "руб": "RUB",
    "руб.": "RUB", "р.": "RUB", "₩": "KRW", "krw": "KRW", "₺": "TRY", "try": "TRY", "tl": "TRY",
    "₴": "UAH", "uah": "UAH", "грн": "UAH", "грн.": "UAH", "zł": "PLN", "zl": "PLN", "pln": "PLN",
    "kč": "CZK", "czk": "CZK", "kr": "kr", "kr.": "kr", "sek": "SEK", "nok": "NOK", "dkk": "DKK",
    "ft": "HUF", "huf": "HUF", "lei": "RON", "ron": "RON", "лв": "BGN", "лв.": "BGN",
    "bgn": "BGN", "r$": "BRL", "brl": "BRL", "ca$": "CAD", "c$": "CAD", "cad": "CAD",
    "a$": "AUD", "au$": "AUD", "aud": "AUD", "nzd": "NZD", "hk$": "HKD", "hkd": "HKD",
    "sgd": "SGD", "s$": "SGD", "mxn": "MXN", "mx$": "MXN", "zar": "ZAR", "ils": "ILS", "₪": "ILS",
    "thb": "THB", "฿": "THB", "aed": "AED", "sar": "SAR",
}  # fmt: skip
_CURRENCY: Final = "|".join(map(re.escape, sorted(_CURRENCIES, key=len, reverse=True)))
_PRICE = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+−])?\s*(?:(?P<before>{_CURRENCY})\s*)?(?P<inner>[-+−])?"
    rf"(?P<figure>[0-9](?:[0-9.,'’{_BLANKS}]*[0-9])?|[.,][0-9]+)"
    r"(?:[eE](?P<exponent>[-+]?[0-9]{1,2})|[.,](?:[-–—]{1,2}|(?=$)))?"
    rf"\s*(?:(?P<after>{_CURRENCY})\s*)?(?P<trail>-)?\)?",
    re.IGNORECASE,
)
_GROUPED = re.compile(
    rf"[0-9]{{1,3}}(?:(?P<mark>[.,'’{_BLANKS}])[0-9]{{3}})(?:(?P=mark)[0-9]{{3}})*"
)
_TWO_READINGS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_BLANK = re.compile(f"[{_BLANKS}]+")
#: What stands unseen around a price that was copied from a page.
_UNSEEN: Final = f"{_BLANKS}\t\r\n\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_WITH_COMMA = re.compile(
    rf"[0-9]{{1,{PRICE_MAX_DIGITS - PRICE_DECIMALS}}}(?:,[0-9]{{1,{PRICE_DECIMALS}}})?"
)
_WHOLE = re.compile(rf"[0-9]{{1,{PRICE_MAX_DIGITS - PRICE_DECIMALS}}}")


class Amounts:
    """Reads the prices of one column. ``decimal`` is its mark, "" when its figures show none.

    A point is then read as the mark where that is the only reading. ``currency`` is the one that
    the column's prices name; until one does, any will do. ``thousands`` is the mark that was seen.
    """

    def __init__(self, decimal: str = "", currency: str = "", thousands: str = "") -> None:
        self.decimal = decimal
        self.thousands = thousands
        self.currency = currency
        #: The column that names a currency for each price, if there is one.
        self.beside: Currencies | None = None
        #: Matches a price that is a plain decimal just as it stands.
        self.plain: re.Pattern[str] = _WHOLE if decimal == COMMA else PLAIN_PRICE

    def read(self, text: str, problems: list[Problem]) -> str | None:
        """Return a price as plain decimal text, None when blank; append what is wrong with it."""
        price = _bare(text)
        if not price or self.plain.fullmatch(price):
            return price or None
        found = _PRICE.fullmatch(price)
        if found is None or (found["open"] is None) != (not price.endswith(")")):
            return _as_it_stands(price, text, problems)
        if fault := self._currency_fault(found):
            problems.append(Problem("price_currency", "price", shown(text), fault))
            return None
        plain, code, message = self._number(found["figure"])
        if code:
            problems.append(Problem(code, "price", shown(text), message))
            return None
        if found["exponent"]:
            plain = f"{Decimal(plain).scaleb(int(found['exponent'])):f}"
        signs = (found["open"], found["sign"], found["inner"], found["trail"])
        if any(sign and sign != "+" for sign in signs) and Decimal(plain):
            plain = f"-{plain}"
        return _as_it_stands(plain, text, problems)

    def all_of(self, texts: Sequence[str]) -> list[str | None] | None:
        """Read a whole column's cells at once; None when one of them is in doubt."""
        if all(map(self.plain.fullmatch, filter(None, texts))):
            return [text or None for text in texts]
        if self.decimal == COMMA and all(map(_WITH_COMMA.fullmatch, filter(None, texts))):
            return [text.replace(COMMA, POINT) or None for text in texts]
        problems: list[Problem] = []
        prices = []
        for text in texts:
            prices.append(self.read(text, problems))
            if problems:
                return None
        return prices

    def _currency_fault(self, found: re.Match[str]) -> str:
        named = {_CURRENCIES[found[side].lower()] for side in ("before", "after") if found[side]}
        if len(named) > 1:
            return "Price names two currencies. Write the number alone: 12.90."
        currency = named.pop() if named else ""
        if currency and self.currency and currency != self.currency:
            return f"Price is in {currency}, others in {self.currency}. Convert it."
        self.currency = self.currency or currency
        return ""

    def _number(self, figure: str) -> tuple[str, str, str]:
        """A figure as plain decimal text, or the code and message of what is wrong with it."""
        if not self.decimal and _TWO_READINGS.fullmatch(figure):
            whole, thousand = re.split("[.,]", figure)
            return (
                "",
                "price_ambiguous",
                (
                    f"Price may be {whole}{thousand} or {whole}.{thousand}: no other figure says "
                    "which mark is the decimal one. Choose the decimal mark of the file."
                ),
            )
        mark = self.decimal or POINT
        other = COMMA if mark == POINT else POINT
        whole, _, fraction = figure.partition(mark)
        if not (_WHOLE_OR_NOTHING.fullmatch(whole) or _GROUPED.fullmatch(whole)):
            if whole.count(other) == 1 and not fraction:
                return "", *_other_mark(mark, figure)
            return "", "price_thousands", _THOUSANDS
        if fraction and not fraction.isdigit():
            if other in fraction:
                return "", *_other_mark(mark, figure)
            return "", "price_thousands", _THOUSANDS
        digits = re.sub("[^0-9]", "", whole) or "0"
        return f"{digits}.{fraction}" if fraction else digits, "", ""


_WHOLE_OR_NOTHING = re.compile("[0-9]*")
_THOUSANDS: Final = "Price has thousands marks where no thousands are. Write it without: 1234.50."


def _other_mark(mark: str, figure: str) -> tuple[str, str]:
    """What is wrong with a figure whose decimal mark is not that of its column."""
    plain = re.sub("[^0-9]", "", figure[: max(figure.rfind(POINT), figure.rfind(COMMA))])
    fraction = re.split("[.,]", figure)[-1]
    if mark == POINT:
        return (
            "price_decimal_comma",
            f"Price has a decimal comma. Write it with a point: {plain}.{fraction}.",
        )
    return (
        "price_decimal_point",
        "Price has a decimal point, the others have a comma. "
        f"Write it with a comma: {plain},{fraction}.",
    )


def _as_it_stands(price: str, text: str, problems: list[Problem]) -> str | None:
    """A price by the rules of the catalog; problems show the cell as it was written."""
    found: list[Problem] = []
    clean = clean_price(price, found)
    problems += [replace(problem, value=shown(text)) for problem in found]
    return clean


def find_amounts(
    cells: Sequence[tuple[int, str]], *, decimal: str, note: Callable[[str, str, int], None]
) -> Amounts:
    """Find the marks of a column by its first cells, each with its line.

    ``decimal`` is the mark that was asked for, or "". ``note`` is told of what is doubtful.
    """
    filled = [(line, bare) for line, text in cells if (bare := text_of_formula(text).strip())]
    found = find_numerals([(_without_sign(text),) for _, text in filled], 1)
    mark = decimal or found.decimal or {COMMA: POINT, POINT: COMMA}.get(found.thousands, "")
    if found.example and not mark:
        index, cell = found.example
        note(
            "figures_ambiguous",
            f"“{cell}” may have thousands or decimals, and no other price says which: such rows "
            "were left aside. Choose the decimal mark.",
            filled[index][0],
        )
    if found.mixed and not decimal:
        index, cell = found.mixed
        note(
            "figures_mixed",
            f"“{cell}” has another decimal mark than other prices (“{mark}”): such rows were left "
            "aside. Correct them.",
            filled[index][0],
        )
    thousands = found.thousands if found.thousands != mark else ""
    return Amounts(mark, _currency_of([text for _, text in filled]), thousands)


def _bare(text: str) -> str:
    return _BLANK.sub(" ", text.strip(_UNSEEN)).strip()


def _without_sign(text: str) -> str:
    """A cell's figure alone."""
    found = _PRICE.fullmatch(_bare(text))
    return (
        found["figure"] + (f"e{found['exponent']}" if found["exponent"] else "") if found else text
    )


def _currency_of(cells: Sequence[str]) -> str:
    """The currency that most cells name, "" if none does."""
    named: Counter[str] = Counter()
    for cell in cells:
        found = _PRICE.fullmatch(_bare(cell))
        if found and (name := found["before"] or found["after"]):
            named[_CURRENCIES[name.lower()]] += 1
    return max(named, key=lambda each: named[each], default="")
