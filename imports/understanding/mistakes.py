"""What a text tells of a mistake before it came here: no table at all, or letters read wrongly."""

import re
from typing import Final

from imports.understanding.findings import Doubt

#: So many letters must look so before it is told.
SEVERAL: Final = 3
_KINDS: Final = (
    (
        re.compile(
            r"(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:!doctype\s+html|html|head|body|table)\b",
            re.IGNORECASE | re.DOTALL,
        ),
        "a web page (HTML)",
        "If it was fetched from an address, that may have answered with a page to log in. Else "
        "open it with a spreadsheet program",
    ),
    (re.compile(r"<\?xml\b"), "XML", "Export the table"),
    (re.compile(r'(?:\[\s*)?\{\s*"(?:[^"\\]|\\.){0,200}+"\s*:'), "JSON", "Export the table"),
)
_BEGINNING: Final = 4_096
#: What UTF-8's bytes past ASCII are in windows-1252, the first one of a letter and the others.
_FIRST: Final = "Â-ß"
_THREE: Final = "à-ï"
_FOUR: Final = "ð-ô"
_OTHERS: Final = re.escape(
    "".join(bytes((code,)).decode("cp1252", "replace") for code in range(0x80, 0xC0)).replace(
        "\ufffd", "\x81\x8d\x8f\x90\x9d"
    )
)
_TWICE = re.compile(f"[{_FIRST}][{_OTHERS}]|[{_THREE}][{_OTHERS}]{{2}}|[{_FOUR}][{_OTHERS}]{{3}}")
_PAST_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD = re.compile(r"[^\s,;|\"]+")
_EXAMPLE: Final = 30


def other_format(text: str) -> Doubt | None:
    """Whether a text is a web page, XML or JSON, and what to do then."""
    beginning = text[:_BEGINNING].lstrip("\ufeff \t\r\n")
    for pattern, what, remedy in _KINDS:
        if pattern.match(beginning):
            message = f"This is {what}, not a table. {remedy} and save it as CSV or .xlsx."
            return Doubt("other_format", message, 1)
    return None


def encoded_twice(text: str) -> Doubt | None:
    """Whether most letters past ASCII seem to be UTF-8 that was read as windows-1252 once."""
    if text.isascii() or len(found := _TWICE.findall(text)) < SEVERAL:
        return None
    rest = len(_PAST_ASCII.findall(text)) - sum(map(len, found))
    if len(found) <= rest:
        return None
    for word in _WORD.finditer(text):
        if not _TWICE.search(word[0]):
            continue
        meant = _TWICE.sub(_once, word[0])
        if meant != word[0]:
            line = text.count("\n", 0, word.start()) + 1
            message = (
                f"Letters look as if UTF-8 had been read as windows-1252 once: "
                f"“{word[0][:_EXAMPLE]}” would be “{meant[:_EXAMPLE]}”. Nothing was changed: "
                "export the file again, or choose UTF-8 if another encoding was chosen."
            )
            return Doubt("encoded_twice", message, line)
    return None


def _once(letters: re.Match[str]) -> str:
    raw = bytes(ord(each) if ord(each) < 0x100 else each.encode("cp1252")[0] for each in letters[0])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return letters[0]
