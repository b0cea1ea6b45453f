"""What is known of a file once it has been looked at."""

from dataclasses import asdict, dataclass
from typing import Any

from imports.understanding.cutting import Dialect


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something guessed on thin evidence, or mended: for people, with the remedy."""

    code: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a file is written and where its table stands; "" stands for none.

    ``compression`` is "", gzip, zip or xlsx; ``encoding`` a codec by its standard name;
    ``line_end`` is "mixed" when there are several. ``escapechar`` is "" where quotes are doubled.
    ``preamble_lines`` come before the header, comments among them; ``header_lines`` counts its
    rows, 0 for none; several are joined in ``header``. ``footer_lines`` counts the rows of totals
    and notes behind the table; ``end_line`` is the first line past it, None for the file's end.
    ``header_repeats`` says that the header stands again within the rows, ``quotes_are_letters``
    that quotes were seen, but none that quotes anything, ``ruled`` that the table is drawn with
    bars and rules, as in Markdown. ``decimal`` and ``thousands`` are the
    marks in its figures. ``confidence`` goes from 0 to 1.
    """

    compression: str = ""
    encoding: str = "utf-8"
    bom: bool = False
    line_end: str = ""
    delimiter: str = ""
    quotechar: str = ""
    escapechar: str = ""
    blanks_after_delimiter: bool = False
    comment: str = ""
    preamble_lines: int = 0
    header_lines: int = 0
    header: tuple[str, ...] = ()
    width: int = 0
    footer_lines: int = 0
    decimal: str = ""
    thousands: str = ""
    doubts: tuple[Doubt, ...] = ()
    confidence: float = 0.0
    end_line: int | None = None
    header_repeats: bool = False
    quotes_are_letters: bool = False
    ruled: bool = False

    @property
    def dialect(self) -> Dialect:
        """How its lines are cut. Quotes may first stand behind what was looked at."""
        unseen = "" if self.quotes_are_letters else '"'
        quote = self.quotechar or unseen
        return Dialect(self.delimiter, quote, self.escapechar, self.blanks_after_delimiter)

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)
