"""A column of currencies beside the prices: prices in several of them can't be told apart later."""

from collections.abc import Iterable, Sequence
from typing import Final

from imports.columns import Mapped
from imports.mapping import words_of
from imports.refusals import Notice


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAMES: Final = _words(
    "currency currencies wahrung waehrung whg devise devises moneda divisa valuta moeda waluta mena"
    " valuuta deviza валюта 通貨 货币 币种"
)
#: ISO 4217, without funds, metals and tests.
_CODES: Final = _words(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP"
    " BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP"
    " GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR"
    " KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK"
    " MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR"
    " SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS"
    " UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)
_SIGNS: Final = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "us$": "USD", "£": "GBP", "zł": "PLN",
    "kč": "CZK", "₽": "RUB", "₴": "UAH", "₹": "INR", "₺": "TRY", "₩": "KRW", "rmb": "CNY",
}  # fmt: skip
#: More cells than this that differ are no currencies.
_MANY: Final = 100
_LISTED: Final = 5


class Currencies:
    """Collects what a column of currencies names. `index` is where it stands.

    One that was known by its cells only counts while all of them are codes.
    """

    def __init__(self, index: int, header: str, *, named: bool) -> None:
        self.index = index
        self._header = header
        self._named = named
        self._seen: set[str] = set()

    def add(self, cells: Iterable[str]) -> None:
        """Take note of some cells."""
        if len(self._seen) <= _MANY:
            self._seen.update(cells)

    def notices(self) -> list[Notice]:
        """What is to be said if there were several."""
        cells = {cell.strip() for cell in self._seen} - {""}
        codes = sorted({_SIGNS.get(cell.lower(), cell.upper()) for cell in cells})
        if len(codes) < 2 or len(codes) > _MANY or not (self._named or _CODES.issuperset(codes)):
            return []
        listed = ", ".join(codes[:_LISTED]) + (", …" if codes[_LISTED:] else "")
        which = f'Column "{self._header}"' if self._header else f"Column {self.index + 1}"
        message = (
            f"{which} names several currencies ({listed}), and a product's price has none. Convert "
            "the prices to one currency, or leave out the rows of the others."
        )
        return [Notice("currencies", message)]


def find_currencies(mapping: Sequence[Mapped], rows: Sequence[Sequence[str]]) -> Currencies | None:
    """Find the column that says in which currency each price is, by its name or its cells."""
    fitting = []
    for index, column in enumerate(mapping):
        if column.field:
            continue
        filled = [row[index].strip() for row in rows if index < len(row) and row[index].strip()]
        named = not _NAMES.isdisjoint(words_of(column.header))
        if named and not any(any(map(str.isdigit, cell)) for cell in filled):
            return Currencies(index, column.header, named=True)
        if filled and _CODES.issuperset(filled):
            fitting.append(Currencies(index, column.header, named=False))
    return fitting[0] if fitting else None
