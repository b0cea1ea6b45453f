"""Tables drawn with lines, as Markdown, MySQL and PostgreSQL print them → the same without.

| sku | name |        +-----+------+         sku | name
|-----|-----:|        | sku | name |        -----+------
| A1  | Lamp |        +-----+------+         A1  | Lamp
"""

import re
from collections.abc import Sequence
from typing import Final

#: The first rule stands near the top.
WITHIN: Final = 40

_DASHES: Final = r"[ \t]*:?(?:-{2,}|={2,}|-(?=[ \t]*\|)):?[ \t]*"
_RULE = re.compile(rf"[ \t]*(?:[|+]{_DASHES}(?:[|+]{_DASHES})*[|+]|{_DASHES}(?:[|+]{_DASHES})+)\s*")
_BAR = re.compile(r"[ \t]*(?<!\\)\|[ \t]*")


def is_ruled(lines: Sequence[str]) -> bool:
    """Whether a rule stands right below a line with bars, or above one."""
    for index, line in enumerate(lines[:WITHIN]):
        if _RULE.fullmatch(line):
            near = (lines[index - 1] if index else "", *lines[index + 1 : index + 2])
            if any("|" in each and not _RULE.fullmatch(each) for each in near):
                return True
    return False


def without_rules(line: str) -> str:
    """A line without the bars at its ends and the blanks around others; a rule is a blank line."""
    text = line.rstrip("\r\n")
    end = line[len(text) :]
    if _RULE.fullmatch(line):
        return end
    if "|" not in text:
        return line
    text = text.strip(" \t")
    if len(text) > 1 and text[0] == text[-1] == "|" and text[-2] != "\\":
        text = text[1:-1].strip(" \t")
    return _BAR.sub("|", text) + end
