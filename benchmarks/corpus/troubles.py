"""Files with several troubles at once, or with one where nobody looks: far behind the beginning."""

from dataclasses import replace
from random import Random

from benchmarks.corpus.content import (
    NAME,
    SKU,
    Row,
    Sheet,
    languages,
    number,
    products,
)
from benchmarks.corpus.shapes import FOOTERS, PREAMBLES, ragged, stray_quotes
from benchmarks.corpus.usual import WESTERN, of, size, usual
from benchmarks.corpus.writing import BROKEN, Style

#: About 300 KB: more than anybody reads to tell a file's shape.
LATE_ROWS = 4_000


def measurements(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Numbers of all kinds: 2.79e+01, (12.50), 12 %, 1'234.50, -3,5."""
    decimal, thousands = ((".", ","), (",", "."), (".", "'"), (",", " "))[index % 4]

    def written(value: float, *, grouped: bool = True) -> str:
        return number(value, decimal=decimal, thousands=thousands if grouped else "")

    rows: list[Row] = [
        (
            f"S{at:04d}",
            written(rng.uniform(1000, 90_000)),
            f"{rng.uniform(0.001, 900):.2e}".replace(".", decimal),
            f"({written(rng.uniform(1, 900))})" if rng.randrange(3) == 0 else written(12.5),
            f"{written(rng.uniform(0, 100))} %",
            written(-rng.uniform(0, 40), grouped=False),
            f"{rng.randint(2019, 2025)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T10:00:00Z",
        )
        for at in range(size(rng))
    ]
    header = ("Sample", "Volume", "Error", "Balance", "Share", "Temp", "Time")
    style = Style(delimiter=";" if decimal == "," else (",", "\t")[index // 4 % 2])
    return Sheet((header,), tuple(rows), decimal, thousands), style


def broken_bytes(rng: Random, index: int) -> tuple[Sheet, Style]:
    """One character of a sound UTF-8 file was lost on the way."""
    language = of("de", "fr", "es", "pl", "ru")(index)
    sheet = products(rng, language, 20 + size(rng))
    rows = list(sheet.rows)
    row = rows[rng.randrange(len(rows))]
    at = rows.index(row)
    rows[at] = (row[SKU], f"{row[NAME][:3]}{BROKEN}{row[NAME][3:]}", *row[2:])
    return replace(sheet, rows=tuple(rows)), usual(rng, language)


def several(rng: Random, index: int) -> tuple[Sheet, Style]:
    """An old encoding, lines before and after, and rows that are not as the rest."""
    make = (ragged, stray_quotes)[index % 2]
    sheet, style = make(rng, index)
    language = of(*WESTERN)(index)
    title = {"title": language.title, "d": style.delimiter}
    before = tuple(line.format(**title) for line in PREAMBLES[index % len(PREAMBLES)])
    if index % 3 == 0:
        style = replace(style, before=before)
    if index % 4 == 1:
        after = FOOTERS[index // 4 % len(FOOTERS)]
        style = replace(style, after=tuple(each.format(count=len(sheet.rows)) for each in after))
    encodings = ("utf-8", *language.encodings)
    return sheet, replace(style, encoding=encodings[index // 2 % len(encodings)])


def late(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Nothing is wrong for 300 KB; then a letter, a line break, a short row or a footer is."""
    plain = replace(languages()["en"], nouns=("drill", "hammer", "ladder"))
    sheet = products(rng, plain, LATE_ROWS, columns=range(6))
    style = Style(delimiter=(",", ";")[index % 2])
    rows = list(sheet.rows)
    at = LATE_ROWS - 5
    (sku, name, *rest) = rows[at]
    match index % 6:
        case 0:
            rows[at] = (sku, f"{name} für Café", *rest)
            style = replace(style, encoding="windows-1252")
        case 1:
            rows[at] = (sku, f"{name} für Café", *rest)
        case 2:
            rows[at] = (sku, f'{name}\nwith "case"; red, blue', *rest)
        case 3:
            style = replace(style, after=FOOTERS[1])
        case 4:
            rows[at] = (sku, name)
        case _:
            rows[at] = (sku, f"{name} für Café", *rest)
            style = replace(style, encoding="utf-16-le", bom=True)
    return replace(sheet, rows=tuple(rows)), style
