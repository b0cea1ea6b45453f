"""What files of one language usually are: its delimiter, its size."""

from collections.abc import Callable
from random import Random

from benchmarks.corpus.content import Language, Sheet, languages
from benchmarks.corpus.writing import Style

Maker = Callable[[Random, int], tuple[Sheet, Style]]

LATIN = ("en", "de", "fr", "es", "it", "sv", "pl", "cs", "lt", "tr")
OTHERS = ("el", "ru", "he", "ar", "ja", "zh", "zht", "ko")
WESTERN = ("en", "de", "fr", "es", "it", "sv")
DELIMITERS = (",", ";", "\t", "|")


def of(*codes: str) -> Callable[[int], Language]:
    """The language of the n-th file: each in turn."""
    return lambda index: languages()[codes[index % len(codes)]]


def size(rng: Random) -> int:
    return rng.choice((8, 15, 30, 60, 120))


def usual(rng: Random, language: Language) -> Style:
    """A delimiter that goes with the language's decimal mark; one time in eight a comma anyway."""
    if language.decimal == "," and rng.randrange(8):
        return Style(delimiter=rng.choice((";", ";", "\t", "|")))
    return Style(delimiter=rng.choice(DELIMITERS), line_end=rng.choice(("\r\n", "\n")))
