"""The classes of files that suppliers and shops send, and how many there are of each."""

from random import Random
from typing import Final

from benchmarks.corpus import oddities, senders, shapes, troubles
from benchmarks.corpus.usual import LATIN, OTHERS, Maker
from benchmarks.corpus.writing import Made, Truth, compressed, made


def refused(rng: Random, index: int) -> Made:
    """What is no table at all."""
    noise = rng.randbytes(3000)
    content = (
        b"", b"\n\n \r\n", b"\xef\xbb\xbf", b"%PDF-1.7\n" + noise, b"\x89PNG\r\n\x1a\n" + noise,
        b"\xff\xd8\xff\xe0" + noise, b"PAR1" + noise, b"SQLite format 3\x00" + noise,
        compressed(noise, "gzip"), compressed(b"", "zip"), b"PK\x03\x04" + noise, b"\0" * 3000,
    )[index % 12]  # fmt: skip
    return Made(content, Truth("no table: refused", understood=False), ())


#: Class → its maker, and how many files of it a corpus of a thousand has, about.
CLASSES: Final[dict[str, tuple[Maker, int]]] = {
    "encodings: Latin letters": (shapes.encodings(LATIN), 64),
    "encodings: other scripts": (shapes.encodings(OTHERS), 60),
    "encodings: Unicode": (shapes.unicode, 56),
    "delimiters": (shapes.delimiters, 51),
    "quotes and escapes": (shapes.quotes, 48),
    "line ends": (shapes.line_ends, 24),
    "line sep=": (shapes.sep_line, 20),
    "lines before the header": (shapes.preamble, 40),
    "header of several rows": (shapes.many_headers, 30),
    "comments": (shapes.comments, 30),
    "trailing delimiters": (shapes.trailing, 20),
    "short and long rows": (shapes.ragged, 30),
    "stray quotes": (shapes.stray_quotes, 32),
    "lines after the table": (shapes.footers, 30),
    "prices, decimal comma, currency": (senders.money, 54),
    "words for true and false": (senders.truth_words, 32),
    "invisible characters": (senders.invisible, 30),
    "no header": (shapes.no_header, 30),
    "one column": (shapes.one_column, 24),
    "header alone, one row, two": (shapes.tiny, 24),
    "gzip and zip": (senders.archives, 20),
    "Excel workbooks": (senders.workbooks, 16),
    "shop systems": (senders.shop, 60),
    "old ERP": (senders.erp, 24),
    "scraper": (senders.scraper, 30),
    "Excel, German, French, Spanish": (senders.excel, 45),
    "long texts": (senders.texts, 32),
    "one mark past ASCII": (oddities.lonely_letters, 32),
    "two columns": (oddities.two_columns, 48),
    "numbers as header": (oddities.numbers_as_header, 24),
    "sparse": (oddities.sparse, 18),
    "hundreds of columns": (oddities.wide, 8),
    "merged headings": (oddities.merged_headings, 18),
    "bare lines": (oddities.bare_lines, 24),
    "most rows short": (oddities.mostly_short, 24),
    "lists in cells": (oddities.lists, 24),
    "dumps of databases": (senders.dump, 24),
    "measurements": (troubles.measurements, 24),
    "broken bytes": (troubles.broken_bytes, 12),
    "several at once": (troubles.several, 60),
    "trouble far behind the beginning": (troubles.late, 6),
    "row names without a name": (oddities.row_names, 18),
    "blanks after delimiters": (oddities.blanks, 18),
    "rows quoted as a whole": (oddities.wrapped, 16),
    "drawn with bars and rules": (oddities.drawn, 16),
}


def make(rng: Random, kind: str, index: int) -> Made:
    """The n-th file of a class."""
    if kind not in CLASSES:
        return refused(rng, index)
    maker, _ = CLASSES[kind]
    sheet, style = maker(rng, index)
    return made(rng, kind, sheet, style)
