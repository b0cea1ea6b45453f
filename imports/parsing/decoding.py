"""Bytes → lines of text: byte order mark, encoding, binary content, line ends.

Lines come in blocks of about CHUNK bytes, cut at a line end, so that memory stays flat and the work
is done by C code. The blocks of the record that is being read are kept: a rejected row's own bytes
are made from them, and only when asked for.
"""

import codecs
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import AnyStr, Final, Protocol

from imports.refusals import Notice, Unreadable, refuse_binary
from imports.understanding.encodings import CODECS, find_encoding

__all__ = ["ENCODINGS", "Block", "Lines", "Notice", "Source", "Unreadable", "is_utf8"]

CHUNK: Final = 1 << 16
MAX_RECORD: Final = 1 << 20

#: What may be asked for by name. Latin-1 is read as Windows-1252, as browsers do.
ENCODINGS: Final = (*CODECS, "utf-16")

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Python's names of codecs → standard names, the extensions of old standards among them.
_STANDARD: Final = {codecs.lookup(codec).name: name for name, codec in CODECS.items()} | {
    "utf-8-sig": "utf-8",
    "ascii": "utf-8",
    "iso8859-1": "windows-1252",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "shift_jis": "shift_jis",
    "euc_kr": "euc-kr",
    "big5": "big5",
}
#: In these a line end is no byte of its own, or letters depend on what stands before them.
_WIDE: Final = frozenset({"utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "iso-2022-jp"})
#: In these several byte sequences are one letter, so that bytes can't be made from text again.
_SEVERAL_BYTES: Final = frozenset({"shift_jis", "euc-jp", "gb18030", "big5", "euc-kr"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_BYTE_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Source(Protocol):
    """A binary file: all that is asked of it is ``read(n)``, b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


class Block:
    """Whole lines of a file; ``first`` is the number of the first one, ``count`` how many.

    ``plain`` holds them without their line ends when no quote is among them, else None: such lines
    need no csv module. Cutting them by str.split is four times as fast. ``raw`` are their bytes
    where these can't be made from the text again.
    """

    def __init__(self, first: int, text: str, raw: bytes | None = None) -> None:
        self.first = first
        self.text = text
        self.raw = raw
        self.plain: list[str] | None = None
        self._lines: list[str] | None = None
        if '"' in text:
            self.count = len(self.lines)
            return
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.plain = text.split("\n")
        if not self.plain[-1]:
            self.plain.pop()
        self.count = len(self.plain)

    @property
    def lines(self) -> list[str]:
        """The lines with their line ends."""
        if self._lines is None:
            self._lines = list(io.StringIO(self.text, newline=""))
        return self._lines


class Lines:
    """The lines of a file, block by block; line numbers are 1-based and physical.

    ``suspects`` holds the numbers of loaded lines in which something is to be looked at: broken
    bytes, NUL, UTF-8 amid Windows-1252, an odd number of quotes, or the text given to ``watch``. It
    is one set for good, so a loop may hold on to it. Raises Unreadable for binary content and for
    a line of more than ``max_record`` characters.
    """

    def __init__(self, source: Source, *, encoding: str | None, max_record: int) -> None:
        self.bytes_read = 0
        self.loaded = 0
        self.finished = False
        self.suspects: set[int] = set()
        self.notices: list[Notice] = []
        self.max_record = max_record
        self._source = source
        self._kept: deque[Block] = deque()
        self._watched = ""
        self._block = b""
        head = self._read()
        self.bom = self._settle_encoding(head, standard_name(encoding))
        if self.bom:
            head = head[len(next(mark for mark, name in _BOMS if name == self.encoding)) :]
        self._texts = self._wide(head) if self.encoding in _WIDE else self._bytes(head)

    def load(self) -> Block | None:
        """Return the next block of lines, which stays kept, or None at the end of the file."""
        text = next(self._texts, None)
        if text is None:
            self.finished = True
            return None
        kept = self._block if self.encoding in _SEVERAL_BYTES else None
        block = Block(self.loaded + 1, text, kept)
        if len(text) > self.max_record:
            for number, line in enumerate(block.lines, block.first):
                if len(line) > self.max_record:
                    raise self.too_long(number)
        self.loaded += block.count
        self._kept.append(block)
        if block.plain is None:
            numbered = enumerate(block.lines, block.first)
            self.suspects.update([n for n, line in numbered if line.count('"') & 1])
        if "\0" in text:
            self._suspect(block, "\0")
        if self._watched and self._watched in text:
            self._suspect(block, self._watched)
        return block

    def watch(self, text: str) -> None:
        """Make a suspect of every line that holds ``text``, those kept and those to come."""
        self._watched = text
        for block in self._kept:
            if text in block.text:
                self._suspect(block, text)

    def at(self, line: int) -> Block | None:
        """Return the block of a line that is kept or the next to be loaded; None at the end."""
        for block in self._kept:
            if block.first <= line < block.first + block.count:
                return block
        return self.load()

    def after(self, line: int) -> Iterator[str]:
        """Yield the lines from ``line`` on that are kept by now."""
        for block in tuple(self._kept):
            for index in range(max(line - block.first, 0), block.count):
                yield block.lines[index]

    def between(self, first: int, last: int) -> list[str]:
        """Return kept lines, both ends included."""
        found: list[str] = []
        for block in self._kept:
            if block.first + block.count > first and block.first <= last:
                found += block.lines[max(first - block.first, 0) : last - block.first + 1]
        return found

    def raw(self, first: int, last: int) -> bytes:
        """Return the bytes of kept lines exactly as they stand in the file."""
        errors = "surrogatepass" if self._codec.startswith("utf-") else "surrogateescape"
        if self._codec == "utf-8":
            errors = "surrogateescape"
        parts = []
        for block in self._kept:
            if block.first + block.count > first and block.first <= last:
                cut = slice(max(first - block.first, 0), last - block.first + 1)
                if block.raw is None:
                    parts.append("".join(block.lines[cut]).encode(self._codec, errors))
                else:
                    parts += _BYTE_LINE.findall(block.raw)[cut]
        return b"".join(parts)

    def forget(self, before: int) -> None:
        """Let go of the blocks that end before line ``before``."""
        while self._kept and self._kept[0].first + self._kept[0].count <= before:
            self._kept.popleft()

    def too_long(self, line: int) -> Unreadable:
        """Return the refusal for a line or record past the cap."""
        message = (
            f"Line {line:,} is longer than {self.max_record:,} characters. "
            "Is this a CSV file with line breaks? Save it as CSV again."
        )
        return Unreadable("record_too_long", message, line)

    def _read(self) -> bytes:
        parts = []
        missing = CHUNK
        while missing > 0 and (part := self._source.read(missing)):
            parts.append(part)
            missing -= len(part)
        chunk = b"".join(parts)
        self.bytes_read += len(chunk)
        return chunk

    def _settle_encoding(self, head: bytes, forced: str | None) -> bool:
        """Set what the first bytes tell: encoding, codec, whether it may still be guessed."""
        self.guessing = self.guessed_letters = False
        bom = next((name for mark, name in _BOMS if head.startswith(mark)), None)
        if bom:
            self.encoding = bom
            if forced and bom.removesuffix("-sig")[:6] != forced[:6]:
                message = f"The file's byte order mark says {bom}; {forced} was asked for."
                self.notices.append(Notice("encoding_bom", message, 1))
        else:
            refuse_binary(head)
            wide = _wide_encoding(head) if forced in (None, "utf-16") else None
            if forced == "utf-16" and wide is None:
                raise Unreadable(
                    "utf16_no_bom",
                    "The file has no byte order mark to tell which UTF-16 it is. "
                    "Choose utf-16-le or utf-16-be, or save it as UTF-8.",
                )
            self.encoding = wide or forced or "utf-8"
            self.guessing = forced is None and wide is None
        self._codec = "utf-8" if self.encoding == "utf-8-sig" else CODECS[self.encoding]
        return bom is not None

    def _bytes(self, head: bytes) -> Iterator[str]:
        # No line of max_record characters has more bytes than four for each.
        for block in self._blocks(head, b"\n", b"\r", iter(self._read, b""), 4 * self.max_record):
            yield self._decode(block)

    def _decode(self, block: bytes) -> str:
        self._block = block
        if block.isascii():
            return block.decode("ascii")
        if self.guessing:
            self._guess(block)
        if self.guessed_letters and _UTF8_SEQUENCE.search(block):
            self._suspect_utf8(block)
        try:
            return block.decode(self._codec)
        except UnicodeDecodeError:
            text = block.decode(self._codec, "surrogateescape")
            self._suspect_surrogates(text)
            return text

    def _guess(self, block: bytes) -> None:
        """Choose between UTF-8 and other encodings by the first block that is not ASCII.

        A few broken bytes don't unmake UTF-8: runs of bytes past ASCII that are sound UTF-8 are
        counted against those that are not.
        """
        self.guessing = False
        sound = [is_utf8(run) for run in _HIGH_RUN.findall(block)]
        if sum(sound) * 2 >= len(sound):
            return
        doubts: tuple[Notice, ...] = ()
        self.encoding = "windows-1252"
        try:
            found = find_encoding(block, complete=True)
        except Unreadable:
            pass  # what is no text is refused by the line that shows it
        else:
            if found.name not in _WIDE and found.name != "utf-8":
                self.encoding = found.name
                close = (each for each in found.doubts if each.code == "encoding_close")
                doubts = tuple(Notice(each.code, each.message, each.line) for each in close)
        self._codec = CODECS[self.encoding]
        self.guessed_letters = self.encoding not in _SEVERAL_BYTES
        at = next(found.start() for found in _HIGH_RUN.finditer(block))
        line = self.loaded + len((block[:at] + b"x").splitlines())
        message = (
            f"The file is not UTF-8 (line {line:,} is the first that shows it): it was read as "
            f"{self.encoding}. If letters look wrong, save it as UTF-8 or choose its encoding."
        )
        self.notices += doubts or (Notice("encoding_guessed", message, line),)

    def _suspect(self, block: Block, text: str) -> None:
        self.suspects.update(n for n, line in enumerate(block.lines, block.first) if text in line)

    def _suspect_utf8(self, block: bytes) -> None:
        for number, line in enumerate(block.splitlines(), self.loaded + 1):
            if is_utf8(line):
                self.suspects.add(number)

    def _suspect_surrogates(self, text: str) -> None:
        for number, line in enumerate(io.StringIO(text, newline=""), self.loaded + 1):
            if _SURROGATE.search(line):
                self.suspects.add(number)

    def _wide(self, head: bytes) -> Iterator[str]:
        errors = "surrogatepass" if self._codec.startswith("utf-") else "surrogateescape"
        decoder = codecs.getincrementaldecoder(self._codec)(errors)

        def texts() -> Iterator[str]:
            try:
                yield decoder.decode(head)
                while chunk := self._read():
                    yield decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line = self.loaded + 1
                raise Unreadable(
                    "encoding",
                    f"Line {line:,} or one behind it is not {self.encoding}. "
                    "Save the file as UTF-8, or choose the encoding it has.",
                    line,
                ) from error
            try:
                yield decoder.decode(b"", True)
            except UnicodeDecodeError as error:
                raise Unreadable(
                    "cut_off",
                    "The file ends in the middle of a character: part of it is missing. "
                    "Save or upload it again.",
                ) from error

        chunks = texts()
        for text in self._blocks(next(chunks), "\n", "\r", chunks, self.max_record):
            if not text.isascii() and _SURROGATE.search(text):
                self._suspect_surrogates(text)
            yield text

    def _blocks(
        self, rest: AnyStr, lf: AnyStr, cr: AnyStr, chunks: Iterator[AnyStr], cap: int
    ) -> Iterator[AnyStr]:
        """Cut chunks after their last line end; a CR at the very end may be half of CR LF."""
        while True:
            cut = rest.rfind(lf)
            cut = max(cut, rest.rfind(cr, cut + 1, max(len(rest) - 1, 0))) + 1
            if cut:
                block, rest = rest[:cut], rest[cut:]
                yield block
            elif len(rest) > cap:
                raise self.too_long(self.loaded + 1)
            chunk = next(chunks, None)
            if chunk is None:
                break
            rest += chunk
        if rest:
            yield rest


def is_utf8(raw: bytes) -> bool:
    """Tell whether bytes are sound UTF-8 and not plain ASCII."""
    if raw.isascii():
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _wide_encoding(head: bytes) -> str | None:
    """Which encoding of several bytes a letter the zeros of a file without a mark tell of."""
    zeros = head.count(0)
    if zeros > 1 and zeros * 50 > len(head):
        try:
            found = find_encoding(head[: 1 << 14], complete=False).name
        except Unreadable:
            return None
        return found if found in _WIDE else None
    if not zeros and b"\x1b" in head and head.isascii():
        found = find_encoding(head, complete=False).name
        return found if found in _WIDE else None
    return None


def standard_name(encoding: str | None) -> str | None:
    """Return one of ENCODINGS for any spelling that Python knows; ValueError for another."""
    if encoding is None:
        return None
    name = encoding.lower()
    if name not in ENCODINGS:
        try:
            name = codecs.lookup(encoding).name
        except LookupError:
            name = ""
        name = _STANDARD.get(name, name)
    if name not in ENCODINGS:
        raise ValueError(f"Encoding {encoding!r} is not one of {', '.join(ENCODINGS)}.")
    return name
