"""Packed files and workbooks, and the caps on them: imports.understanding.opening."""

import gzip
import io
import zipfile
from pathlib import Path
from unittest.mock import patch

import pytest

from imports.parsing.decoding import Unreadable
from imports.tests.inspecting import doubts, lines, products, understood
from imports.understanding import opening
from imports.understanding.inspection import inspect, read_rows

TEXT = lines(*products()).encode()
ROWS = [row.split(",") for row in products()]


def archive(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return packed.getvalue()


class Raw(str):
    """A cell as XML; {} is where it stands."""


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """A workbook with the parts that any reader asks for."""
    names = list(sheets)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
            f'ContentType="{kinds}.worksheet+xml"/>'
            for n, _ in enumerate(names, 1)
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="rId{n}" Type="{office}/worksheet" '
            f'Target="worksheets/sheet{n}.xml"/>'
            for n, _ in enumerate(names, 1)
        )
        + "</Relationships>",
    }
    for n, name in enumerate(names, 1):
        rows = "".join(
            f'<row r="{line}">'
            + "".join(
                cell.format(f"{chr(65 + column)}{line}")
                if isinstance(cell, Raw)
                else f'<c r="{chr(65 + column)}{line}"><v>{cell}</v></c>'
                if isinstance(cell, int | float)
                else f'<c r="{chr(65 + column)}{line}" t="inlineStr"><is><t>{cell}</t></is></c>'
                for column, cell in enumerate(row)
            )
            + "</row>"
            for line, row in enumerate(sheets[name], 1)
        )
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return archive({name: content.encode() for name, content in parts.items()})


def refusal(raw: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        understood(raw)
    return refused.value


def test_gzip_is_unpacked() -> None:
    found, rows = understood(gzip.compress(TEXT))

    assert (found.compression, rows) == ("gzip", ROWS)


def test_a_zip_archive_with_one_table_is_unpacked() -> None:
    found, rows = understood(
        archive({"export/products.csv": TEXT, "__MACOSX/._products.csv": b"x"})
    )

    assert (found.compression, rows) == ("zip", ROWS)


def test_a_readme_beside_the_table_does_no_harm() -> None:
    assert understood(archive({"products.csv": TEXT, "logo.png": b"x"}))[1] == ROWS


@pytest.mark.parametrize("beside", ["README.txt", "terms.pdf", "img/logo.png", "LICENSE"])
def test_the_one_table_among_other_files_is_read(beside: str) -> None:
    found, rows = understood(archive({beside: b"Read me, please.\nNow.\n", "a/b.tsv": TEXT}))

    assert rows == ROWS
    assert ("other_files" in doubts(found)) == beside.endswith(".txt")


def test_a_text_is_the_table_of_an_archive_that_has_no_other() -> None:
    found, rows = understood(archive({"terms.pdf": b"%PDF", "products.txt": TEXT}))

    assert (rows, "other_files" in doubts(found)) == (ROWS, False)


def test_a_workbook_within_an_archive_is_read() -> None:
    sheet: list[list[object]] = [["sku", "name"], ["A1", "Bolt"], ["A2", "Nut"]]
    book = workbook({"Products": sheet})
    found, rows = understood(archive({"README.txt": b"x", "products.xlsx": book}))

    assert (found.compression, "other_files" in doubts(found)) == ("xlsx", True)
    assert rows == sheet


def test_a_workbook_within_an_archive_that_is_none_is_refused() -> None:
    assert refusal(archive({"products.xlsx": b"x"})).code == "workbook_broken"
    assert refusal(archive({"products.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"})).code == "binary"


def test_a_workbook_and_a_table_in_one_archive_are_refused() -> None:
    refused = refusal(archive({"a.xlsx": workbook({"A": [["sku"]]}), "b.csv": TEXT}))

    assert (refused.code, "a.xlsx, b.csv" in refused.message) == ("archive_members", True)


def test_an_archive_with_several_tables_is_refused_by_their_names() -> None:
    refused = refusal(archive({"products.csv": TEXT, "prices.csv": TEXT}))

    assert refused.code == "archive_members"
    assert "products.csv, prices.csv" in refused.message


def test_the_first_sheet_with_a_table_is_read_and_the_others_named() -> None:
    sheet: list[list[object]] = [["sku", "name", "price"], ["A1", "Bolt", 12], ["A2", "Nut", 2.5]]
    found, rows = understood(workbook({"Cover": [], "Prices": sheet, "Notes": [["Hello"]]}))

    assert (found.compression, doubts(found)) == ("xlsx", ["other_sheets"])
    assert rows == [["sku", "name", "price"], ["A1", "Bolt", "12"], ["A2", "Nut", "2.5"]]


@pytest.mark.parametrize(
    "raw",
    [
        gzip.compress(TEXT)[:-9],
        b"\x1f\x8b" + b"noise" * 9,
        archive({"a.csv": TEXT})[:-30],
        b"PK\x03\x04" + b"x" * 50,
    ],
)
def test_damaged_archives_are_refused(raw: bytes) -> None:
    assert refusal(raw).code == "archive_broken"


def test_a_damaged_workbook_is_refused() -> None:
    assert (
        refusal(archive({"[Content_Types].xml": b"<x", "xl/workbook.xml": b"<y"})).code
        == "workbook_broken"
    )


def test_what_is_no_table_within_an_archive_is_refused() -> None:
    assert refusal(gzip.compress(bytes(range(256)) * 50)).code == "binary"
    assert refusal(archive({"a.csv": b"%PDF-1.7 ..."})).code == "binary"


@pytest.mark.parametrize("pack", [gzip.compress, lambda raw: archive({"a.csv": raw})])
def test_a_bomb_is_refused_before_it_unpacks(pack: object) -> None:
    raw = pack(b"a,b\n" * 60_000)  # type: ignore[operator]
    found = inspect(io.BytesIO(raw))
    with patch.object(opening, "SMALL", 1 << 16), pytest.raises(Unreadable) as refused:
        for _ in read_rows(io.BytesIO(raw), found):
            pass

    assert refused.value.code == "archive_too_large"


def test_a_workbook_past_the_cap_is_refused_unread() -> None:
    raw = workbook({"Prices": [["sku", "price"], ["A1", 1]]})
    for packed in (raw, archive({"a.xlsx": raw})):
        with patch.object(opening, "WORKBOOK", 100), pytest.raises(Unreadable) as refused:
            inspect(io.BytesIO(packed))

        assert refused.value.code == "workbook_too_large"


def test_files_on_disk_are_left_open_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(TEXT)
    with path.open("rb") as file:
        found = inspect(file, name=path.name)
        assert list(read_rows(file, found)) == ROWS
        assert not file.closed
