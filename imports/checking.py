"""Rows → clean rows or problems. No database; every problem of a row is found, not the first only.

Nearly every row of a real file is fine, so one function call decides for it by cheap questions to
str; only a row that fails one of them is looked at field by field.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from catalog.rules import (
    DESCRIPTION_MAX,
    FIELDS,
    NAME_MAX,
    SKU_MAX,
    ZERO_WIDTH,
    Problem,
    clean_active,
    clean_description,
    clean_name,
    clean_sku,
    has_escaped_formula,
    shown,
    text_of_formula,
    unescape_formula,
)
from imports.amounts import Amounts
from imports.currencies import Currencies
from imports.parsing.broken import Broken
from imports.parsing.dialect import Format
from imports.truths import WORDS, truth_of

#: A row as COPY takes it: sku, name, description, price, active. None where the file has no such
#: column or an empty cell. The price is decimal text, "12.90".
Clean = tuple[str, str, str | None, str | None, bool | None]
Check = Callable[[list[str]], Clean | list[Problem]]

#: Told of what was taken off a cell: a code, and the cell as it stood.
Note = Callable[[str, str], None]

#: Truth words as files mostly spell them; any other spelling goes the slow way.
_TRUTH: Final[dict[str, bool | None]] = {"": None} | {
    spelling: truth
    for word, truth in WORDS.items()
    for spelling in (word, word.upper(), word.capitalize())
}
#: What can't be seen, and stands in no SKU: soft hyphen, zero-width characters, marks of direction.
_INVISIBLE: Final = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
_ODD_BLANK = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_ZERO_WIDTH = re.compile(f"[{ZERO_WIDTH}]")
#: A spreadsheet's mark that digits are text, not a number.
_TEXT_MARK = re.compile(r"'[0-9]")
#: How a spreadsheet writes a long number: its last digits are lost, and other numbers look alike.
_EXPONENT = re.compile(r"\s*[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}\s*")
_PLUS: Final = "+"
#: Begins a cell that is ="0012", a formula of nothing but a text; sorts after all such cells.
_TEXT_FORMULA: Final = '="'
_AFTER_TEXT_FORMULA: Final = "=#"
_QUOTE: Final = '"'
#: Sorts after a blank start of a cell and before every printable character but the space.
_BLANK: Final = "!"
#: Begins a cell from which an export's escape may have to be taken off; the next character after.
_APOSTROPHE: Final = "'"
_AFTER_APOSTROPHE: Final = "("


def checker(found: Format, note: Note | None = None) -> Check:
    """Return the check for rows of a format: a row to its Clean tuple, or to all its problems.

    The rows are those of a Reader: it has already answered for NUL and broken characters, in a
    Broken. Trailing empty cells beyond the header are let pass.
    """
    note = note or _unheard
    amounts = found.amounts
    width = len(found.header)
    sku_at, name_at, description_at, price_at, active_at = (
        found.columns.get(field, -1) for field in FIELDS
    )
    partial = len(found.columns) < len(FIELDS)
    plain_price = amounts.plain.fullmatch
    truth = _TRUTH

    def check(cells: list[str]) -> Clean | list[Problem]:
        if len(cells) == width:
            if partial:
                cells = [*cells, ""]
            sku = cells[sku_at].strip()
            name = cells[name_at].strip()
            description = cells[description_at]
            price = cells[price_at]
            active = cells[active_at]
            if (
                sku.isascii()
                and sku.isprintable()
                and (sku >= _AFTER_APOSTROPHE or _BLANK <= sku < _APOSTROPHE)
                and len(sku) <= SKU_MAX
                and _PLUS not in sku
                and name.isprintable()
                and (name >= _AFTER_APOSTROPHE or _BLANK <= name < _APOSTROPHE)
                and len(name) <= NAME_MAX
                and (not price or plain_price(price))
                and len(description) <= DESCRIPTION_MAX
                and (
                    not description
                    or description >= _AFTER_APOSTROPHE
                    or _BLANK <= description < _APOSTROPHE
                )
                and active in truth
                and not _AFTER_TEXT_FORMULA > sku >= _TEXT_FORMULA
                and not _AFTER_TEXT_FORMULA > name >= _TEXT_FORMULA
                and not _AFTER_TEXT_FORMULA > description >= _TEXT_FORMULA
            ):
                return sku, name, description or None, price or None, truth[active]
        return _check_closely(cells, found, amounts, note)

    return check if amounts.beside is None else _watched(check, amounts.beside)


def _watched(check: Check, currencies: Currencies) -> Check:
    """The same check, noting the currencies of good rows."""

    def watch(cells: list[str]) -> Clean | list[Problem]:
        clean = check(cells)
        if type(clean) is tuple:
            currencies.add((cells[currencies.index],))
        return clean

    return watch


def _unheard(code: str, cell: str) -> None:
    """Nobody wants to be told."""


#: Columns of clean rows: SKUs, names, descriptions, prices, truths, each as long as the batch.
Columns = tuple[Sequence[Any], ...]


def batch_checker(found: Format) -> Callable[[list[list[str]]], Columns | None]:
    """Return the check of a Reader's Batch: its clean columns, or None if any row is in doubt.

    Asks what `checker` asks at first, but of whole columns, which halves the time; a batch in doubt
    is left to `checker`.
    """
    at = {field: found.columns.get(field) for field in FIELDS}
    amounts = found.amounts

    def check(records: list[list[str]]) -> Columns | None:
        cells = list(zip(*records, strict=True))
        empty = [""] * len(records)
        columns = (empty if index is None else cells[index] for index in at.values())
        skus, names, descriptions, prices, actives = columns
        skus, names = list(map(str.strip, skus)), list(map(str.strip, names))
        all_skus, all_names = "".join(skus), "".join(names)
        first_description = min(filter(None, descriptions), default=_AFTER_APOSTROPHE)
        if (
            all_skus.isascii()
            and all_skus.isprintable()
            and all_names.isprintable()
            and all(skus)
            and all(names)
            and max(map(len, skus)) <= SKU_MAX
            and max(map(len, names)) <= NAME_MAX
            and first_description >= _BLANK
            and (_PLUS not in all_skus or not any(map(_EXPONENT.fullmatch, skus)))
            and (_APOSTROPHE not in all_skus or not _any_marked(skus))
            and (_APOSTROPHE not in all_names or not _any_escaped(names))
            and (_QUOTE not in all_skus or _TEXT_FORMULA not in all_skus)
            and (_QUOTE not in all_names or _TEXT_FORMULA not in all_names)
            and not (_QUOTE in "".join(descriptions) and any(map(_is_formula, descriptions)))
            and (first_description >= _AFTER_APOSTROPHE or not has_escaped_formula(descriptions))
            and (clean_prices := amounts.all_of(prices)) is not None
            and _TRUTH.keys() >= set(actives)
        ):
            if amounts.beside is not None:
                amounts.beside.add(cells[amounts.beside.index])
            return (
                skus,
                names,
                [text or None for text in descriptions],
                clean_prices,
                [_TRUTH[text] for text in actives],
            )
        return None

    return check


def _is_formula(text: str) -> bool:
    return text.startswith(_TEXT_FORMULA)


def _any_escaped(texts: list[str]) -> bool:
    return min(texts) < _AFTER_APOSTROPHE and has_escaped_formula(texts)


def _any_marked(skus: list[str]) -> bool:
    return min(skus) < _AFTER_APOSTROPHE and (
        has_escaped_formula(skus) or any(map(_TEXT_MARK.match, skus))
    )


def _check_closely(
    cells: list[str], found: Format, amounts: Amounts, note: Note
) -> Clean | list[Problem]:
    problems: list[Problem] = []
    if isinstance(cells, Broken):
        problems += cells.problems
        cells = cells.cells
        if not cells:
            return problems
    width = len(found.header)
    if len(cells) < width or any(cell.strip() for cell in cells[width:]):
        problems.append(_columns_problem(cells, width))
        return problems
    broken = {problem.column for problem in problems}

    def cell(field: str) -> str | None:
        index = found.columns.get(field)
        if index is None or field in broken:
            return None
        text = text_of_formula(cells[index])
        if text is not cells[index]:
            note("text_formula", cells[index])
        return text

    sku = name = ""
    description = price = None
    active = None
    if (text := cell("sku")) is not None:
        sku = clean_sku(_bare_sku(text, note), problems)
        if _EXPONENT.fullmatch(sku):
            problems.append(_exponent_problem(text))
    if (text := cell("name")) is not None:
        if not text.isascii() and _ZERO_WIDTH.search(text.strip()):
            note("name_invisible", text)
        name = clean_name(_without_escape(text), problems)
    if text := cell("description"):
        description = clean_description(unescape_formula(text), problems)
    if text := cell("price"):
        price = amounts.read(text, problems)
    if text := cell("active"):
        active = truth_of(text)
        if active is None:
            active = clean_active(text, problems)
    return problems or (sku, name, description, price, active)


def _bare_sku(text: str, note: Note) -> str:
    """A SKU without what spreadsheets and web pages leave in it; the escape of an export too."""
    seen = text
    if not text.isascii():
        seen = _ODD_BLANK.sub(" ", _UNSEEN.sub("", text))
        if seen.strip() != text.strip():
            note("sku_invisible", text)
    bare = _without_escape(seen)
    if bare == seen and _TEXT_MARK.match(bare.lstrip()):
        note("sku_apostrophe", text)
        return bare.lstrip()[1:]
    return bare


def known_sku(cells: list[str], found: Format) -> str:
    """The SKU of a refused row in its normal form, "" when it could not be made out.

    In a row that is too short or too long only the first cell is surely in its place.
    """
    if isinstance(cells, Broken):
        cells = cells.cells
    at = found.columns["sku"]
    if at >= len(cells) or (at and len(cells) != len(found.header)):
        return ""
    problems: list[Problem] = []
    sku = clean_sku(_bare_sku(text_of_formula(cells[at]), _unheard), problems)
    return "" if problems or _EXPONENT.fullmatch(sku) else sku


def _without_escape(text: str) -> str:
    """The text of a cell whose blanks don't count; with them, if no escape stands before it."""
    trimmed = text.strip()
    found = unescape_formula(trimmed)
    return text if found == trimmed else found


def _exponent_problem(text: str) -> Problem:
    message = (
        "SKU is a long number of which a spreadsheet kept only the first digits. Format the column "
        "as text in the sheet, fill the numbers in again, and save it as CSV."
    )
    return Problem("sku_exponent", "sku", shown(text), message)


def _columns_problem(cells: list[str], width: int) -> Problem:
    count = len(cells)
    message = (
        f"Row has {count:,} column{'' if count == 1 else 's'}, the header has {width:,}. "
        "Put quotes around a cell that holds the delimiter, and leave no cell out."
    )
    return Problem("columns", "", shown(" | ".join(cells[: width + 1])), message)
