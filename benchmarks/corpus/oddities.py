"""Files that are sound, but give little evidence, or evidence that misleads."""

from dataclasses import replace
from random import Random

from benchmarks.corpus.content import (
    DESCRIPTION,
    NAME,
    PRICE,
    SKU,
    STOCK,
    Row,
    Sheet,
    languages,
    name_of,
    number,
    products,
)
from benchmarks.corpus.usual import DELIMITERS, WESTERN, of, size, usual
from benchmarks.corpus.writing import Style

#: Marks of Windows-1252 that stand alone in files of plain English, as they are met in cells.
LONELY = (
    "{} £5", "{} (£)", "{} 20 °C", "10 µm {}", "{} 3 m²", "½ {}", "{} \u2013 new", "“{}”",
    "men\u2019s {}", "{}…", "{}®", "€ {}", "café {}", "{}\u00a0XL", "{} 4 \xd7 6", "Ø 12 {}",
)  # fmt: skip
LISTS = ("[{}]", "{{{}}}", "({})", "{}")


def lonely_letters(rng: Random, index: int) -> tuple[Sheet, Style]:
    """One mark past ASCII, in the header or in some rows."""
    plain = replace(languages()["en"], nouns=("drill", "hammer", "ladder", "work lamp", "toner"))
    sheet = products(rng, plain, size(rng), columns=(SKU, NAME, PRICE, STOCK))
    mark = LONELY[index % len(LONELY)]
    rows = list(sheet.rows)
    for at in rng.sample(range(len(rows)), (1, 3)[index // len(LONELY) % 2]):
        row = rows[at]
        rows[at] = (row[SKU], mark.format(row[NAME]), *row[NAME + 1 :])
    return replace(sheet, rows=tuple(rows)), Style(
        delimiter=(",", "\t")[index % 2], encoding="windows-1252"
    )


def two_columns(rng: Random, index: int) -> tuple[Sheet, Style]:
    """A price list of two columns whose decimal comma cuts as evenly as the delimiter."""
    language = of("de", "fr", "es", "pl")(index)
    columns = ((SKU, PRICE), (NAME, PRICE), (SKU, NAME), (SKU, STOCK))[index // 4 % 4]
    sheet = products(rng, language, size(rng), columns=range(STOCK + 1))
    rows = tuple(tuple(row[column].replace(", ", " ") for column in columns) for row in sheet.rows)
    header = (tuple(sheet.header[0][column] for column in columns),)
    told = sheet.decimal if PRICE in columns else ""
    return Sheet(header, rows, told), Style(delimiter=(";", "\t", "|")[index % 3])


def numbers_as_header(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Years or months over columns of numbers."""
    language = of(*WESTERN)(index)
    years = (
        tuple(str(year) for year in range(2019, 2025)),
        tuple(f"{month:02d}.2024" for month in range(1, 9)),
        tuple(f"Q{quarter} 2024" for quarter in range(1, 5)),
    )[index % 3]
    rows = tuple(
        (
            name_of(rng, language).replace(", ", " "),
            *(number(rng.uniform(1, 900), decimal=language.decimal) for _ in years),
        )
        for _ in range(size(rng))
    )
    header = (language.columns[NAME], *years)
    return Sheet((header,), rows, language.decimal), usual(rng, language)


def sparse(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Of many columns most cells are empty."""
    language = of(*WESTERN)(index)
    columns = tuple(f"{language.columns[NAME]} {at}" for at in range(1, rng.randint(12, 40)))
    rows = tuple(
        (
            f"A-{at:04d}",
            *(name_of(rng, language) if rng.randrange(12) == 0 else "" for _ in columns),
        )
        for at in range(size(rng))
    )
    return Sheet(((language.columns[SKU], *columns),), rows), usual(rng, language)


def wide(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Hundreds of columns."""
    columns = tuple(f"attribute:{at}" for at in range(rng.choice((150, 400, 900))))
    rows = tuple(
        (f"A-{at:04d}", *(str(rng.choice(("", 1, 2.5, "x"))) for _ in columns)) for at in range(9)
    )
    return Sheet((("sku", *columns),), rows, "."), Style(delimiter=DELIMITERS[index % 4])


def merged_headings(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Merged cells of a sheet: the heading stands over the first of its columns."""
    language = of(*WESTERN)(index)
    sheet = products(rng, language, size(rng), columns=(SKU, NAME, STOCK, PRICE))
    headings = ("", "", "Shop", "Shop", "Depot", "Depot")
    names = (*sheet.header[0], *sheet.header[0][STOCK - 2 :][:2])
    rows = tuple((*row, *rng.choice(sheet.rows)[2:]) for row in sheet.rows)
    header = (headings, (*names[:4], names[2], names[3]))
    return replace(sheet, header=header, rows=rows), replace(usual(rng, language), merged=True)


def bare_lines(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Lines of nothing but delimiters, or blank ones, before, in and after the table."""
    language = of(*WESTERN)(index)
    sheet = products(rng, language, size(rng), columns=(SKU, NAME, PRICE, STOCK))
    style = usual(rng, language)
    bare = ("", style.delimiter * 3)[index % 2]
    return sheet, replace(
        style, before=(bare,) * (index // 2 % 4), after=(bare,) * (index // 8 % 3)
    )


def mostly_short(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Empty cells at the end of rows were left away, delimiters and all."""
    language = of(*WESTERN)(index)
    sheet = products(rng, language, 12 + size(rng), columns=(SKU, NAME, PRICE, STOCK, DESCRIPTION))
    rows = []
    for row in sheet.rows:
        cells: Row = row if rng.randrange(3) == 0 else (*row[:-1], "")
        while cells and not cells[-1]:
            cells = cells[:-1]
        rows.append(cells)
    return replace(sheet, rows=tuple(rows)), usual(rng, language)


def lists(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Lists in cells, cut by the mark that elsewhere cuts cells."""
    language = of(*WESTERN)(index)
    style = Style(delimiter=DELIMITERS[index % 4], line_end="\n")
    inner = (", ", "; ", "|")[index // 4 % 3]
    around = LISTS[index % len(LISTS)]
    sheet = products(rng, language, size(rng), columns=(SKU, NAME, PRICE, STOCK))
    rows = tuple(
        (*row, around.format(inner.join(f"'{each}'" for each in rng.sample(("S", "M", "L"), 2))))
        for row in sheet.rows
    )
    return replace(sheet, header=((*sheet.header[0], "sizes"),), rows=rows), style


def row_names(rng: Random, index: int) -> tuple[Sheet, Style]:
    """The column of row names has no name: the header has a cell fewer than the rows."""
    language = of(*WESTERN)(index)
    sheet = products(rng, language, size(rng), columns=(SKU, NAME, PRICE, STOCK))
    names, *_ = sheet.header
    style = replace(usual(rng, language), quoting=("all", "needed")[index % 2])
    return replace(sheet, header=(names[1:],)), style


def blanks(rng: Random, index: int) -> tuple[Sheet, Style]:
    """A blank after each delimiter, and no quotes that would make it one between cells."""
    language = of("en", "de", "fr")(index)
    sheet = products(rng, language, size(rng), columns=(SKU, PRICE, STOCK))

    def written(row: Row) -> Row:
        return (row[0], *(f" {cell}" for cell in row[1:]))

    header = tuple(written(row) for row in sheet.header)
    style = Style(delimiter=";|\t"[index % 3], line_end=("\n", "\r\n")[index % 2])
    return replace(sheet, header=header, rows=tuple(map(written, sheet.rows))), style


def wrapped(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Rows that are quoted as a whole: a table that was opened as one column and saved again."""
    language = of(*WESTERN)(index)
    sheet = products(rng, language, size(rng), columns=(SKU, NAME, PRICE, STOCK))
    return sheet, Style(delimiter=",;"[index % 2], wrapped=True)


def drawn(rng: Random, index: int) -> tuple[Sheet, Style]:
    """Bars and rules, as Markdown and the prompts of databases write them."""
    language = of(*WESTERN)(index)
    sheet = products(rng, language, size(rng), columns=(SKU, NAME, PRICE, STOCK))
    return sheet, Style(delimiter="|", quoting="never", line_end="\n", drawn=True)
