"""Records that can't be trusted, and what is wrong with their bytes."""

import re
from collections.abc import Sequence
from typing import Final

from catalog.rules import Problem, shown
from imports.parsing.decoding import Lines, is_utf8

_SURROGATE = re.compile("[\ud800-\udfff]")
_SAVE_AS_UTF8: Final = "Save the file as UTF-8, or choose the encoding it has."


class Broken(list[str]):
    """A record that can't be trusted: ``problems`` says why.

    The list itself is empty, so that a row check finds a wrong width and looks closer; ``cells``
    holds what was made out, or nothing when even the cells are in doubt.
    """

    def __init__(self, problems: list[Problem], cells: list[str]) -> None:
        super().__init__()
        self.problems = problems
        self.cells = cells


def byte_problems(
    lines: Lines, hits: Sequence[int], cells: Sequence[str], names: Sequence[str]
) -> list[Problem]:
    """Say which cells hold broken bytes or NUL, or that a line is in another encoding.

    ``hits`` are the record's lines in which something is to be looked at, ``names`` the columns'.
    """
    encoding, where = lines.encoding, f"Line {hits[0]:,}"
    problems = []
    for index, cell in enumerate(cells):
        column = names[index] if index < len(names) else f"column {index + 1}"
        if found := _SURROGATE.search(cell):
            code = ord(found[0])
            what = f"U+{code:04X}" if encoding.startswith("utf-16") else f"0x{code & 0xFF:02X}"
            message = f"{where}: the byte {what} is not {encoding}. {_SAVE_AS_UTF8}"
            problems.append(Problem("encoding", column, shown(cell), message))
        elif "\0" in cell:
            message = f"{where}: a NUL character in the text. Remove it."
            problems.append(Problem("nul", column, shown(cell), message))
    if problems or not lines.guessed_letters:
        return problems
    for line in hits:
        raw = lines.raw(line, line)
        if is_utf8(raw):
            message = f"Line {line:,} is UTF-8, amid {encoding}. {_SAVE_AS_UTF8}"
            text = shown(raw.decode("utf-8").strip())
            problems.append(Problem("encoding", "", text, message))
    return problems
