"""Files by who sends them, and by what is in their cells."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from random import Random

from benchmarks.corpus import shops
from benchmarks.corpus.content import (
    ACTIVE,
    NAME,
    PRICE,
    SKU,
    STOCK,
    UPDATED,
    Sheet,
    languages,
    products,
)
from benchmarks.corpus.shapes import with_inches
from benchmarks.corpus.usual import DELIMITERS, LATIN, WESTERN, of, size, usual
from benchmarks.corpus.writing import Style

MONEY = ("€ {}", "{} €", "{} EUR", "EUR {}", "${}", "£{}", "{} Kč", "CHF {}", "{}")
TRUTH_WORDS = (
    ("yes", "no"), ("Y", "N"), ("true", "false"), ("TRUE", "FALSE"), ("1", "0"), ("ja", "nein"),
    ("WAHR", "FALSCH"), ("oui", "non"), ("VRAI", "FAUX"), ("sí", "no"), ("VERDADERO", "FALSO"),
    ("x", ""), ("on", "off"), ("active", "inactive"), ("J", "N"), ("да", "нет"),
)  # fmt: skip


def money(rng: Random, index: int) -> tuple[Sheet, Style]:
    language = of(*LATIN)(index)
    sheet = products(
        rng, language, 10 + size(rng), columns=(SKU, NAME, PRICE, STOCK, UPDATED),
        grouped=bool(index % 2), price=MONEY[index % len(MONEY)],
    )  # fmt: skip
    return sheet, usual(rng, language)


def truth_words(rng: Random, index: int) -> tuple[Sheet, Style]:
    language = of(*WESTERN)(index)
    words = TRUTH_WORDS[index % len(TRUTH_WORDS)]
    sheet = products(
        rng, replace(language, truth=words), size(rng), columns=(SKU, NAME, PRICE, ACTIVE)
    )
    return sheet, usual(rng, language)


def invisible(rng: Random, index: int) -> tuple[Sheet, Style]:
    """What is not seen on a screen stays in the cells, to be told and cleaned where it is meant."""
    language = of("de", "fr", "es", "sv")(index)
    sheet = products(rng, language, size(rng))
    dress: Callable[[str], str] = (
        lambda text: f"'{text}",
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: f"\u200b{text}",
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: f"{text}\u00ad\ufeff",
        lambda text: f" {text} ",
    )[index % 6]
    column = SKU if index % 6 == 0 else NAME
    rows = [(*row[:column], dress(row[column]), *row[column + 1 :]) for row in sheet.rows]
    return replace(sheet, rows=tuple(rows)), usual(rng, language)


def archives(rng: Random, index: int) -> tuple[Sheet, Style]:
    language = of(*LATIN)(index)
    encoding = ("utf-8", language.encodings[0])[index // 2 % 2]
    style = replace(usual(rng, language), compression=("gzip", "zip")[index % 2], encoding=encoding)
    return products(rng, language, size(rng)), style


def workbooks(rng: Random, index: int) -> tuple[Sheet, Style]:
    language = of("en", "ja", "de")(index)
    sheet = products(
        rng, language, size(rng), decimal=".", columns=(SKU, NAME, STOCK, PRICE, ACTIVE)
    )
    rows = [(*row[:3], f"{float(row[3]):g}", row[4]) for row in sheet.rows]
    before = (language.title,) if index % 4 == 3 else ()
    return replace(sheet, rows=tuple(rows)), Style(compression="xlsx", before=before)


def shop(rng: Random, index: int) -> tuple[Sheet, Style]:
    makers = (
        shops.shopify,
        shops.woocommerce,
        shops.magento,
        shops.medusa,
        shops.amazon,
        shops.ebay,
    )
    which = index % len(makers)
    language = of("en", "de", "fr")(index // len(makers))
    sheet = makers[which](rng, language, size(rng))
    style = Style(line_end="\n")
    if makers[which] is shops.amazon:
        return sheet, Style(delimiter="\t", quoting="never", line_end="\r\n")
    if makers[which] is shops.ebay:
        return sheet, Style(quoting="all", bom=True)
    if makers[which] is shops.medusa and index // len(makers) % 2:
        style = replace(style, delimiter=";")
    return sheet, replace(style, bom=makers[which] is shops.woocommerce)


def erp(rng: Random, index: int) -> tuple[Sheet, Style]:
    style = Style(
        delimiter=";",
        quoting="never",
        padded=True,
        encoding=("cp850", "windows-1252")[index % 2],
        end_mark="\x1a" if index % 5 == 0 else "",
    )
    sheet = shops.erp(rng, languages()["de"], size(rng))
    return (replace(sheet, header=()) if index % 4 == 3 else sheet), style


def scraper(rng: Random, index: int) -> tuple[Sheet, Style]:
    sheet = shops.scraped(rng, of(*WESTERN, "ru", "ja")(index), rng.choice((5, 15, 40)))
    return sheet, Style(
        delimiter=(",", ",", "\t")[index % 3], quoting=("needed", "all")[index % 2], line_end="\n"
    )


def excel(rng: Random, index: int) -> tuple[Sheet, Style]:
    """German, French and Spanish Excel: CSV, CSV for MS-DOS, Unicode text, CSV UTF-8, Macintosh."""
    language = of("de", "fr", "es")(index)
    sheet = products(rng, language, size(rng), grouped=index % 2 == 0)
    if index % 4 == 3:
        sheet = replace(sheet, header=(tuple(f"{name}\n(neu)" for name in sheet.header[0]),))
    style = (
        Style(delimiter=";", encoding="windows-1252"),
        Style(delimiter=";", encoding="cp850"),
        Style(delimiter="\t", encoding="utf-16-le", bom=True),
        Style(delimiter=";", encoding="utf-8", bom=True),
        Style(delimiter=";", encoding="mac_roman", line_end="\r"),
    )[index // 3 % 5]
    return sheet, style


def texts(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Long cells full of the marks that elsewhere cut cells."""
    language = of(*WESTERN)(index)
    other = {",": ";", ";": ",", "\t": ",", "|": ";"}
    style = Style(delimiter=DELIMITERS[index % 4])
    mark = other[style.delimiter]
    sheet = products(rng, language, size(rng), columns=(SKU, NAME, PRICE, STOCK))
    rows = [
        (*row, f"{mark} ".join(rng.choice(language.adjectives) for _ in range(rng.randint(3, 12))))
        for row in sheet.rows
    ]
    (names,) = sheet.header
    return replace(sheet, header=((*names, "Tags"),), rows=tuple(rows)), style


def dump(rng: Random, index: int) -> tuple[Sheet, Style]:
    r"""Exports of databases: NULL as \N or NULL, numbered rows, quotes escaped by a backslash."""
    language = of(*WESTERN)(index)
    null = ("\\N", "NULL", "NULL", "")[index % 4]
    sheet = with_inches(rng, products(rng, language, size(rng), decimal=".", columns=range(6)))
    rows = [
        (str(number), *row[:STOCK], null, *row[STOCK:]) for number, row in enumerate(sheet.rows)
    ]
    (names,) = sheet.header
    header = (("" if index % 2 else "id"), *names[:STOCK], "parent", *names[STOCK:])
    sheet = replace(sheet, header=(header,), rows=tuple(rows))
    style = (
        Style(delimiter="\t", quoting="never", line_end="\n"),
        Style(quoting="texts", escape="\\", line_end="\n"),
        Style(delimiter=";", quoting="all", escape="\\", line_end="\n"),
        Style(line_end="\n"),
    )[index % 4]
    return sheet, style
