"""What was found out about a file, in words for people."""

from typing import Final

from imports.understanding.inspection import Inspection

_NAMES: Final = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", ":": "colon", " ": "blank",
    "^": "caret", "~": "tilde", '"': "double quote", "'": "apostrophe", "`": "backtick",
    "\\": "backslash", ".": "point", "\n": "LF", "\r\n": "CR LF", "\r": "CR",
    "\x01": "U+0001", "\x1f": "U+001F (unit separator)", "\x1e": "U+001E (record separator)",
}  # fmt: skip
_KINDS: Final = {"xlsx": "Excel workbook"}


def in_words(found: Inspection) -> str:
    """One line: how the file is stored, how it is cut, where its table stands."""
    parts = [_KINDS.get(found.compression, found.compression), *_storage(found), *_cut(found)]
    parts += [_header(found), counted(found.width, "column")]
    if found.footer_lines:
        parts.append(f"{counted(found.footer_lines, 'line')} after the table")
    if found.decimal or found.thousands:
        parts.append(_numbers(found))
    return ", ".join(filter(None, parts))


def counted(number: int, noun: str) -> str:
    """`1 column`, `2,000 columns`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def named(mark: str) -> str:
    """A mark's name, or the mark itself if it can be seen."""
    if mark in _NAMES:
        return _NAMES[mark]
    return "".join(each if each.isprintable() else f"U+{ord(each):04X}" for each in mark)


def on_one_line(text: str) -> str:
    """A text as it can be shown: what moves a cursor, or is half a character, is spelt out."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def _storage(found: Inspection) -> list[str]:
    if found.compression == "xlsx":
        return []
    mark = " with byte order mark" if found.bom else ""
    ends = f"line ends {named(found.line_end)}" if found.line_end else "no line end"
    return [f"{found.encoding}{mark}", ends]


def _cut(found: Inspection) -> list[str]:
    if found.compression == "xlsx":
        return []
    delimiter = f"delimiter {named(found.delimiter)}" if found.delimiter else "no delimiter"
    if found.blanks_after_delimiter:
        delimiter += " and blank"
    if found.quotechar:
        quote = f"quote {named(found.quotechar)}"
        quote += f" escaped by {named(found.escapechar)}" if found.escapechar else ""
    else:
        quote = "no quotes"
        quote += f", escape {named(found.escapechar)}" if found.escapechar else ""
    ruled = "drawn with bars and rules" if found.ruled else ""
    comment = f"comments after {named(found.comment)}" if found.comment else ""
    return [delimiter, quote, comment, ruled]


def _header(found: Inspection) -> str:
    before = ""
    if found.preamble_lines:
        before = f"{counted(found.preamble_lines, 'line')} before the table, "
    if not found.header_lines:
        return f"{before}no header"
    return f"{before}header of {counted(found.header_lines, 'line')}"


def _numbers(found: Inspection) -> str:
    marks = [f"decimal {named(found.decimal)}"] if found.decimal else []
    marks += [f"thousands {named(found.thousands)}"] if found.thousands else []
    return " and ".join(marks)
