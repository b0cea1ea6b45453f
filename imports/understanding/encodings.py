# ruff: noqa: RUF001 — letters of other scripts are what this is about
"""Bytes → the encoding they are in.

What proves itself comes first: a byte order mark, sound UTF-8, the zeros of UTF-16, the escapes of
ISO-2022-JP. The rest is told by letters, and by chardet: of four detectors it was right most often
on short lists of names in 24 encodings (0.95 of files with 2 rows, 0.98 with 10; cchardet 0.79 and
0.81, chardetng 0.75 and 0.75, charset-normalizer 0.62 and 0.76). Its candidates are weighed here by
how usual they are and by whether their letters could stand together, which settles the short ones.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import chardet

from imports.refusals import Unreadable
from imports.understanding.findings import Doubt

#: Bytes of lines with letters past ASCII that are judged: more changes nothing.
JUDGED: Final = 8_192
#: Broken bytes don't unmake UTF-8 as long as this many sequences are sound for each.
SOUND: Final = 8
#: A file of ASCII in which fewer bytes than one of so many are zeros has them by accident.
STRAY: Final = 8
#: So few zeros make no file a binary one, however short it is.
ZEROS: Final = 2
#: So few letters tell little: the usual encodings are then more likely still.
FEW: Final = 8
#: So few different letters past ASCII tell little as well, however often they stand there: what
#: is sound as Windows-1252 gives way to words alone, not to signs and single letters.
FEW_KINDS: Final = 4
#: Some files use a control character or two as marks; one that has so many is no text.
NOISE: Final = 9
#: How far Western letters are believed that are of no Western language.
HALF_ICELANDIC: Final = 0.4
#: A second candidate with this share of the first one's weight is named as a doubt.
CLOSE: Final = 0.75

#: Standard names → Python's codecs. Where files claim an old standard but hold its extension, as
#: browsers know, the extension reads them.
CODECS: Final = {
    "utf-8": "utf-8", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be",
    "utf-32-le": "utf-32-le", "utf-32-be": "utf-32-be", "iso-2022-jp": "iso2022_jp_ext",
    "windows-1250": "cp1250", "windows-1251": "cp1251", "windows-1252": "cp1252",
    "windows-1253": "cp1253", "windows-1254": "cp1254", "windows-1255": "cp1255",
    "windows-1256": "cp1256", "windows-1257": "cp1257", "windows-1258": "cp1258",
    "windows-874": "cp874", "iso-8859-2": "iso8859_2", "iso-8859-5": "iso8859_5",
    "iso-8859-7": "iso8859_7", "iso-8859-9": "iso8859_9", "iso-8859-15": "iso8859_15",
    "macintosh": "mac_roman", "cp437": "cp437", "cp850": "cp850", "cp852": "cp852",
    "cp866": "cp866", "koi8-r": "koi8_r", "koi8-u": "koi8_u", "shift_jis": "cp932",
    "euc-jp": "euc_jp", "gb18030": "gb18030", "big5": "cp950", "euc-kr": "cp949",
}  # fmt: skip
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: What the detector is asked about, and how usual each is: of two that fit, the usual one is meant.
_USUAL: Final = {
    "windows-1252": 1.3, "windows-1250": 1.05, "windows-1251": 1.15, "windows-1253": 1.15,
    "windows-1254": 1.1, "windows-1255": 1.0, "windows-1256": 1.0, "windows-1257": 0.9,
    "windows-1258": 0.7, "windows-874": 1.0, "iso-8859-2": 1.0, "iso-8859-5": 0.8,
    "iso-8859-7": 0.9, "iso-8859-9": 0.9, "iso-8859-15": 1.0, "macintosh": 1.0, "cp437": 0.9,
    "cp850": 1.0, "cp852": 0.9, "cp866": 0.95, "koi8-r": 1.0, "koi8-u": 0.9, "shift_jis": 1.1,
    "euc-jp": 1.0, "gb18030": 1.1, "big5": 1.0, "euc-kr": 1.0,
}  # fmt: skip
_NAMES: Final = {codecs.lookup(codec).name: name for name, codec in CODECS.items()} | {
    "iso8859-1": "windows-1252", "cp858": "cp850", "gbk": "gb18030", "gb2312": "gb18030",
    "shift_jis": "shift_jis", "shift_jis_2004": "shift_jis", "euc_jis_2004": "euc-jp",
    "euc_kr": "euc-kr", "johab": "euc-kr", "big5": "big5", "big5hkscs": "big5",
}  # fmt: skip
#: C1 control characters stand in no table: they are Windows-1252 that was saved as Latin-1.
_CONTROLS: Final = {
    code: bytes((code,)).decode("cp1252") for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}  # fmt: skip
_HAS_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")
_ESCAPES = re.compile(rb"\x1b(?:\$[@B]|\([BJI]|\$\([CDOPQ])")
#: Signs of trade and measure: a file that holds no other byte past ASCII is from Windows.
_SIGNS: Final = frozenset("€£¥§©®™°±²³µ·×÷¼½¾‰–—‘’“”„‚«»…•\u00a0")
#: Letters that are a word by themselves, or a sign.
_WORDS: Final = frozenset("àáâäåæçèéêìíîòóôöøùúûüÀÁÂÄÅÆÈÉÊÌÍÓÔÖØÚÜªºµßñÑ")
#: Small letters past ASCII of the languages that Windows-1252 is mostly used for.
_WESTERN: Final = tuple(
    map(
        frozenset,
        (
            "äöüßé",
            "åäöé",
            "æøåéö",
            "àâæçéèêëîïôùûü",
            "áéíóúüñ",
            "àèéìíòóùú",
            "áâãàçéêíóôõú",
            "äëïöüéèáóí",
        ),
    )
)
_ONLY_ICELANDIC: Final = frozenset("ðþ")
_ICELANDIC: Final = frozenset("áéíóúýþæöðåäøü")
_ASCII: Final = frozenset(map(chr, range(128)))
_NO_TEXT = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_PAST_ASCII = re.compile(rb"[^\x00-\x7f]")
#: In these a letter past ASCII is several bytes.
_SEVERAL_BYTES: Final = frozenset({"shift_jis", "euc-jp", "gb18030", "big5", "euc-kr"})
_ALPHABETS: Final = frozenset({"GREEK", "CYRILLIC", "HEBREW", "ARABIC", "THAI", "HALFWIDTH"})


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding by its standard name, and how sure that is."""

    name: str
    bom: bool = False
    confidence: float = 1.0
    doubts: tuple[Doubt, ...] = ()

    def decode(self, raw: bytes) -> str:
        """The text of a sample, which may be cut within a character; broken bytes as U+FFFD."""
        decoder = codecs.getincrementaldecoder(CODECS[self.name])("replace")
        return mended(decoder.decode(raw).removeprefix("\ufeff"))


def mended(text: str) -> str:
    """A text without C1 control characters, which stand for Windows-1252's letters."""
    if text.isascii() or not _HAS_CONTROLS.search(text):
        return text
    return text.translate(_CONTROLS)


def find_encoding(raw: bytes, *, complete: bool) -> Encoding:
    """Find the encoding of a file by its beginning; ``complete``: that is all of it.

    Raises Unreadable for what is no text.
    """
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return Encoding(name, bom=True)
    if b"\0" in raw:
        return _with_zeros(raw)
    if raw.isascii():
        if _ESCAPES.search(raw):
            return Encoding("iso-2022-jp")
        return Encoding("utf-8")
    if len(set(_NO_TEXT.findall(raw))) >= NOISE:
        raise _no_text()
    return _utf8(raw, complete=complete) or _by_letters(raw)


def _with_zeros(raw: bytes) -> Encoding:
    """UTF-16 or UTF-32 without a mark, text with a few stray NULs, or no text at all."""
    whole = raw[: len(raw) // 4 * 4]
    for name in ("utf-32-le", "utf-32-be"):
        if _reads(whole, name):
            return Encoding(name, confidence=0.98)
    whole = raw[: len(raw) // 2 * 2]
    stray = raw.count(0) * STRAY < len(raw) and raw.isascii()
    even, odd = whole[0::2].count(0), whole[1::2].count(0)
    names = ("utf-16-le", "utf-16-be") if odd >= even else ("utf-16-be", "utf-16-le")
    if not stray and max(even, odd) > 8 * min(even, odd) and _reads(whole, names[0]):
        return Encoding(names[0], confidence=0.95)
    if raw.count(0) > max(ZEROS, len(raw) // 50) or len(set(_NO_TEXT.findall(raw))) >= NOISE:
        raise _no_text()
    rest = raw.replace(b"\0", b"")
    return _utf8(rest, complete=False) or _by_letters(rest)


def _no_text() -> Unreadable:
    return Unreadable(
        "binary", "This is not a text file, so no CSV. Save the sheet as CSV (UTF-8)."
    )


def _reads(raw: bytes, name: str) -> bool:
    """Whether bytes are text in a wide encoding: whole, with line ends, of assigned letters."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(raw)
    except UnicodeDecodeError:
        return False
    text = text[:4_000]
    odd = sum(unicodedata.category(each) in ("Cn", "Co", "Cc", "Cs") for each in text)
    marks = sum(text.count(each) for each in "\r\n\t,;|0123456789")
    controls = sum(text.count(each) for each in "\r\n\t")
    delimiters = max(text.count(each) for each in "\x01\x1f\x1e\x07\x14")
    return marks * 100 >= len(text) > 0 and (odd - controls - delimiters) * 100 <= len(text)


def _utf8(raw: bytes, *, complete: bool) -> Encoding | None:
    """UTF-8 with at most a few broken bytes."""
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(raw, complete)
    broken = text.count("\ufffd") - raw.count("\ufffd".encode())
    sound = sum(1 for each in text if each > "\x7f" and each != "\ufffd")
    if broken * SOUND > sound:
        return None
    doubts = []
    if broken:
        line = text[: text.index("\ufffd")].count("\n") + 1
        message = (
            f"{broken:,} byte{' is' if broken == 1 else 's are'} no UTF-8, the first on line "
            f"{line:,}: shown as �. Correct the text in the file, or save it as UTF-8 again."
        )
        doubts.append(Doubt("broken_bytes", message, line))
    if found := _HAS_CONTROLS.search(text):
        line = text[: found.start()].count("\n") + 1
        message = (
            f"Control characters on line {line:,} were read as the letters or quotes that they "
            "are in windows-1252. Check them."
        )
        doubts.append(Doubt("control_characters", message, line))
    return Encoding("utf-8", confidence=0.9 if broken else 1.0, doubts=tuple(doubts))


def _by_letters(raw: bytes) -> Encoding:
    """One of the encodings that tell only by their letters."""
    sample = _telling(raw)
    signs = _decoded(sample, "windows-1252")
    if set(signs) <= _ASCII | _SIGNS and plausible(signs) == 1.0:
        return Encoding("windows-1252", confidence=0.85, doubts=(_guessed("windows-1252"),))
    weighed = sorted(_weighed(sample), reverse=True)
    if not weighed:
        return Encoding("windows-1252", confidence=0.3)
    best, name = weighed[0]
    few = len(set(_PAST_ASCII.findall(sample))) <= FEW_KINDS
    text = _decoded(sample, name)
    sound = few and name != "windows-1252" and _is_western(signs)
    if sound and (text == signs or not _is_words(text)):
        return Encoding("windows-1252", confidence=0.85, doubts=(_guessed("windows-1252"),))
    for weight, other in weighed[1:]:
        theirs = _decoded(sample, other)
        if weight >= CLOSE * best and theirs != text:
            return Encoding(name, confidence=0.6, doubts=(_close(name, text, other, theirs),))
    if few and name != "windows-1252" and name not in _SEVERAL_BYTES and text != signs:
        doubt = _close(name, text, "windows-1252", signs)
        return Encoding(name, confidence=0.6, doubts=(doubt,))
    return Encoding(name, confidence=0.85, doubts=(_guessed(name),))


def _close(name: str, text: str, other: str, theirs: str) -> Doubt:
    pairs = zip(text.split(), theirs.split(), strict=False)
    mine, yours = next(((a, b) for a, b in pairs if a != b), (text, theirs))
    message = (
        f"The encoding seems to be {name}, but {other} would do nearly as well: "
        f"“{mine[:30]}” or “{yours[:30]}”. Choose the other one if letters look wrong, "
        "or save the file as UTF-8."
    )
    return Doubt("encoding_close", message)


def _is_western(text: str) -> bool:
    """Whether all letters past ASCII are of one Western language and could stand where they do."""
    letters = {each for each in text.lower() if each > "\x7f"} - _SIGNS
    if not any(letters <= language for language in _WESTERN):
        return False
    for index, letter in enumerate(text):
        if letter < "\x80":
            continue
        before = text[index - 1] if index else " "
        after = text[index + 1] if index + 1 < len(text) else " "
        numbers = letter.isalpha() and not before.isalnum() and after.isdigit()
        if letter.islower() and not before.isalpha() and after.isupper():
            return False  # a degree sign of DOS
        if not numbers and _fits(letter, before, after) < 1.0:
            return False
    return True


def _is_words(text: str) -> bool:
    """Whether all letters past ASCII could stand where they do, and stand beside others."""
    beside = any(
        letter > "\x7f" and letter.isalpha() and (before.isalpha() or after.isalpha())
        for before, letter, after in zip(f" {text}", text, f"{text[1:]} ", strict=False)
    )
    return beside and plausible(text) == 1.0


def _guessed(name: str) -> Doubt:
    return Doubt(
        "encoding_guessed",
        f"The file is not UTF-8: it was read as {name}. If letters look wrong, choose its "
        "encoding or save it as UTF-8.",
    )


def _telling(raw: bytes) -> bytes:
    """The lines that hold bytes past ASCII, up to a bound."""
    lines = []
    length = 0
    for line in raw.splitlines():
        if _PAST_ASCII.search(line):
            lines.append(line[:2_000])
            length += len(lines[-1])
            if length > JUDGED:
                break
    return b"\n".join(lines)


def _weighed(sample: bytes) -> Iterator[tuple[float, str]]:
    seen = set()
    few = len(_PAST_ASCII.findall(sample)) <= FEW
    for found in chardet.detect_all(sample, ignore_threshold=True):
        try:
            codec = codecs.lookup(found["encoding"] or "").name
        except LookupError:
            continue
        name = _NAMES.get(codec, "")
        if name not in _USUAL or name in seen:
            continue
        seen.add(name)
        try:
            text = codecs.getincrementaldecoder(CODECS[name])().decode(sample)
        except UnicodeDecodeError:
            text = _decoded(sample, name)
            if text.count("\ufffd") * 50 > len(text):
                continue
        usual = _USUAL[name] ** 3 if few else _USUAL[name]
        if name in ("windows-1252", "iso-8859-15") and _half_icelandic(text):
            usual *= HALF_ICELANDIC
        yield found["confidence"] * usual * plausible(text) ** (3 if few else 2), name


def _half_icelandic(text: str) -> bool:
    """Whether letters of Icelandic stand beside those of other languages: it is neither then."""
    letters = {each for each in text.lower() if each > "\x7f" and each.isalpha()}
    return bool(letters & _ONLY_ICELANDIC) and not letters <= _ICELANDIC


def _decoded(sample: bytes, name: str) -> str:
    return codecs.getincrementaldecoder(CODECS[name])("replace").decode(sample)


def plausible(text: str) -> float:
    """The share of letters past ASCII that could stand where they do.

    No capital follows a small letter, none small stands amid capitals, no sign between letters, no
    Greek or Cyrillic letter next to a Latin one: of wrong readings of a short text, nearly all do
    one of these.
    """
    good = 0.0
    total = 0
    for index, letter in enumerate(text):
        if letter < "\x80":
            continue
        total += 1
        before = text[index - 1] if index else " "
        after = text[index + 1] if index + 1 < len(text) else " "
        good += _fits(letter, before, after)
    return good / total if total else 1.0


def _fits(letter: str, before: str, after: str) -> float:
    """How well a letter past ASCII goes with its neighbours, from 0 to 1."""
    category = unicodedata.category(letter)
    if category[0] == "C" or letter == "\ufffd" or "\u2500" <= letter <= "\u259f":
        return 0.0
    if category[0] == "L":
        script = unicodedata.name(letter, "").split(" ")[0]
        if script == "LATIN" or letter in "ªºµ":
            within = before.isupper() and after.isupper() if category == "Ll" else before.islower()
            if within and category in ("Lu", "Ll"):
                return 0.0
            if category == "Lu" and before.isupper() and after.islower():
                return 0.3
            alone = not before.isalpha() and not after.isalpha()
            figures = before.isdigit() or after.isdigit() or (before == "(" and after == ")")
            if alone and figures and letter not in "ªºµ":
                return 0.1
            return 0.3 if alone and letter not in _WORDS else 1.0
        alone = not any(each > "\x7f" and each.isalpha() for each in (before, after))
        if script in _ALPHABETS:
            latin = any(each < "\x80" and each.isalpha() for each in (before, after))
            return 0.0 if latin or alone else 1.0
        beside = any(each < "\x80" and each.isalpha() for each in (before, after))
        return (0.1 if beside else 0.5) if alone else 1.0
    if before.isalpha() and after.isalpha() and letter not in "’·\u00a0":
        return 0.0
    if letter == "¤" or (letter in "¡¿" and not after.isalpha()):
        return 0.1
    if category == "No" or letter in "¶†‡©®":
        return 0.0 if after.isalpha() else 1.0
    strange = after.islower() if category == "So" else category == "Sk" and letter not in "´¨"
    return 0.0 if strange else 1.0
