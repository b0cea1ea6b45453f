"""Which letters a file's bytes stand for: imports.understanding.encodings."""

import codecs

import pytest

from imports.parsing.decoding import Unreadable
from imports.tests.inspecting import doubts, lines, table, understood
from imports.understanding.encodings import CODECS, find_encoding

NAMES = {
    "windows-1252": [
        "Gewürzmühle Buche",
        "Türgriff gebürstet",
        "Boîte à bijoux",
        "Écharpe côtelée",
    ],
    "windows-1250": ["Śruba z łbem", "Krzesło dębowe", "Żarówka ciepła", "Półka ścienna"],
    "windows-1251": ["Болт с головкой", "Стул складной", "Мельница для перца", "Полка настенная"],
    "windows-1253": ["Βίδα εξαγωνική", "Καρέκλα πτυσσόμενη", "Μύλος πιπεριού", "Ράφι τοίχου"],
    "windows-1254": ["Altı köşe cıvata", "Katlanır meşe sandalye", "Bahçe hortumu", "Ahşap kaşık"],
    "iso-8859-2": ["Šroub se šestihrannou hlavou", "Židle dubová", "Žárovka úsporná", "Šátek"],
    "macintosh": ["Gewürzmühle Buche", "Türgriff gebürstet", "Außenleuchte Grün", "Rührschüssel"],
    "cp852": ["Śruba z łbem", "Krzesło dębowe", "Żarówka ciepła", "Półka ścienna"],
    "koi8-r": ["Болт с головкой", "Стул складной", "Мельница для перца", "Полка настенная"],
    "cp866": ["Болт с головкой", "Стул складной", "Мельница для перца", "Полка настенная"],
    "shift_jis": ["六角ボルト ステンレス", "折りたたみ椅子", "胡椒挽き 木製", "壁掛け棚"],
    "euc-jp": ["六角ボルト ステンレス", "折りたたみ椅子", "胡椒挽き 木製", "壁掛け棚"],
    "iso-2022-jp": ["六角ボルト ステンレス", "折りたたみ椅子", "胡椒挽き 木製", "壁掛け棚"],
    "gb18030": ["六角螺栓 不锈钢", "折叠椅 橡木", "胡椒研磨器", "墙面搁板"],
    "big5": ["六角螺栓 不鏽鋼", "折疊椅 橡木", "胡椒研磨器", "牆面擱板"],
    "euc-kr": ["육각 볼트 스테인리스", "접이식 의자", "후추 그라인더", "유리 촛대"],
}


def listing(names: list[str]) -> str:
    return lines("sku;name;price", *[f"A{n};{name};{n},50" for n, name in enumerate(names)])


@pytest.mark.parametrize("encoding", NAMES)
def test_legacy_encodings_are_told_by_their_letters(encoding: str) -> None:
    found, rows = understood(listing(NAMES[encoding]), encoding)

    assert found.encoding == encoding
    assert [row[1] for row in rows[1:]] == NAMES[encoding]


@pytest.mark.parametrize(
    "name", ["Männer’s café – 5 €", "Prix 5 €", "Größe 5½", "20 °C", "10 µm", "10\u00a0XL"]
)
def test_a_single_letter_past_ascii_is_read_as_the_usual_encoding(name: str) -> None:
    assert table(listing([name, "Bolt"]), "windows-1252")[1][1] == name


@pytest.mark.parametrize(
    "names",
    [
        ["Ü1", "Ü2", "Ö3"],
        ["ü1"],
        ["Größe ü0", "ü1"],
        ["Größe", *(f"ü{each}" for each in range(20))],
        ["ø8", "ø10", "Blå skrue"],
        ["Ø8", "Ø10"],
        ["ñ1", "ñ2"],
        ["é"],
        ["M8×20", "ß"],
    ],
)
def test_a_few_letters_of_the_west_are_windows_1252(names: list[str]) -> None:
    found, rows = understood(listing(names), "windows-1252")

    assert found.encoding == "windows-1252"
    assert [row[1] for row in rows[1:]] == names


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("macintosh", "Größe"),
        ("cp850", "Größe"),
        ("windows-1250", "Łódź"),
        ("windows-1251", "№1"),
        ("cp866", "Болт"),
    ],
)
def test_a_few_letters_are_read_as_another_encoding_with_a_doubt(encoding: str, name: str) -> None:
    found, rows = understood(listing([name]), CODECS[encoding])

    assert (found.encoding, rows[1][1]) == (encoding, name)
    assert "encoding_close" in doubts(found)


def test_capitals_of_an_old_system_are_no_chinese() -> None:
    names = ["MÜLLBEUTEL", "SÄGE", "KÜCHENMESSER", "SCHLÜSSEL"]

    assert [row[1] for row in table(listing(names), "windows-1252")[1:]] == names


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_decides_and_is_no_text(encoding: str) -> None:
    found, rows = understood(listing(["Größe"]), encoding)

    assert found.bom
    assert rows == [["sku", "name", "price"], ["A0", "Größe", "0,50"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["Größe", "Болт с головкой", "折りたたみ椅子"])
def test_wide_encodings_are_known_without_a_mark(encoding: str, name: str) -> None:
    found, rows = understood(listing([name]), encoding)

    assert (found.encoding, found.bom) == (encoding, False)
    assert rows[1][1] == name


def test_utf8_may_be_cut_in_a_letter_at_the_end_of_the_sample() -> None:
    found, _ = understood(lines("sku;name", *[f"A{n};{'ü' * (40 + n % 7)}" for n in range(3_000)]))

    assert (found.encoding, doubts(found)) == ("utf-8", [])


def test_a_few_broken_bytes_do_not_unmake_utf8() -> None:
    raw = listing(["Größe", "Tür", "Öse", "Bügel", "Käse", "Mühle"] * 3).encode()
    found, rows = understood(raw.replace("Käse".encode(), b"K\xe4se", 1))

    assert found.encoding == "utf-8"
    assert rows[5][1] == "K\ufffdse"
    assert [(each.code, each.line) for each in found.doubts] == [("broken_bytes", 6)]


def test_control_characters_are_the_letters_that_windows_meant() -> None:
    found, rows = understood(listing(["Men\x92s \x96 größe", "Bolt"]))

    assert rows[1][1] == "Men’s – größe"
    assert "control_characters" in doubts(found)


def test_two_encodings_that_do_equally_well_are_a_doubt_with_both_readings() -> None:
    found, _ = understood(listing(["garçon"]), "cp850")

    [doubt] = [each for each in found.doubts if each.code == "encoding_close"]
    assert "save the file as UTF-8" in doubt.message


@pytest.mark.parametrize("raw", [bytes(range(256)) * 40, b"\x00\x01\x02\x03" * 200])
def test_binary_content_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        understood(raw)

    assert refused.value.code == "binary"


@pytest.mark.parametrize("raw", [b"", b"\n\n\n", codecs.BOM_UTF8, b";;;\n;;;\n", b"   \n"])
def test_a_file_without_content_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        understood(raw)

    assert refused.value.code == "empty"


def test_letters_may_come_late() -> None:
    plain = [f"A{n};Bolt;{n},50" for n in range(20_000)]
    found, rows = understood(lines("sku;name;price", *plain, "B1;Gewürzmühle;1,50"), "windows-1252")

    assert found.encoding == "windows-1252"
    assert rows[-1] == ["B1", "Gewürzmühle", "1,50"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1252", "sku,name,price\nA1,small\u00a0XL,1.50\nA2,Nut,2.50\n"),
        ("windows-1252", "sku,name,price (£)\nA1,Bolt,1.50\n"),
        ("cp850", "sku,name,price (£)\nA1,Bolt,1.50\n"),
        ("cp850", "sku,name,price\nA1,Bolt,£1.50\nA2,Nut,£2.50\n"),
        ("cp850", "sku,name,price\nA1,90° bend,1.50\n"),
        ("iso-8859-15", "sku,name,price\nA1,Bolt,1.50€\nA2,Nut,2.50€\n"),
        ("windows-1254", "sku,name\n1,Ünal Çelik\n2,İğne şapka\n"),
        ("windows-1257", "sku,name\nA1,Skrūvgriezis\nA2,Āmurs\nA3,Šķēres\nA4,Urbis ķīmija\n"),
        ("windows-1257", "sku,name\nA1,Atsuktuvas mažas\nA2,Žirklės\nA3,Grąžtas šviesus\n"),
    ],
)
def test_few_letters_are_told_by_what_stands_beside_them(encoding: str, text: str) -> None:
    source = text.encode(CODECS[encoding])

    assert find_encoding(source, complete=True).decode(source) == text


def test_letters_of_icelandic_alone_are_icelandic() -> None:
    text = "sku,name\nA1,Skrúfjárn með þéttingu\nA2,Hamar, þungur og góður\n"

    assert find_encoding(text.encode("cp1252"), complete=True).decode(text.encode("cp1252")) == text


@pytest.mark.parametrize(
    "text", ["Müller", "“Ultra” lamp", "Don’t panic", "It’s “big”…", "Größe “L”"]
)
def test_a_mac_s_letters_and_quotes_are_told_by_a_few_of_them(text: str) -> None:
    assert table(f"id,name\n1,{text}\n", "mac_roman")[1:] == [["1", text]]


@pytest.mark.parametrize(
    "raw",
    [b"sku,name\nA1,Bo\x00lt\n", b"x=y\nsku name stock\nA1  Bolt  3\n\x00A2 Nut  4\n"],
)
def test_a_zero_in_a_short_file_makes_it_neither_wide_nor_binary(raw: bytes) -> None:
    assert find_encoding(raw, complete=True).name == "utf-8"
