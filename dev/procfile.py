"""The Procfile, the single list of what the product consists of when it runs."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True)
class Entry:
    """One process: its words and the variables that its line sets in front of them."""

    name: str
    command: list[str]
    variables: dict[str, str]


def read(path: Path) -> list[Entry]:
    """The entries in their order; raises ValueError for a line that is none.

    A line is `name: NAME=value … command …` with shell quoting, but without a shell's expansion.
    """
    entries = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, rest = line.partition(":")
        words = shlex.split(rest)
        variables = {}
        while words and _ASSIGNMENT.match(words[0]):
            variable, _, value = words.pop(0).partition("=")
            variables[variable] = value
        if not colon or not words:
            message = f"{path}, line {number}: not `name: command`: {line!r}"
            raise ValueError(message)
        entries.append(Entry(name=name.strip(), command=words, variables=variables))
    return entries
