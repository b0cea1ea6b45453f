"""Files as suppliers send them, from the door to the catalog."""

import csv
import gzip
import io
import os
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from imports.models import ImportJob, RejectedRow
from imports.tests.importing import catalog, completed, counts, imported, product

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

GERMAN = (
    "Artikelnummer;Bezeichnung;Preis;Aktiv\r\n"
    "A-1;Schlüssel, groß;1.234,50;ja\r\n"
    "A-2;Möbelgriff;€ 7,90;nein\r\n"
    "'00123;Dübel;12,-;x\r\n"
)
#: New products are numbered in the order of their SKUs.
GERMAN_CATALOG = [
    ("00123", "Dübel", "", Decimal("12.00"), True),
    ("A-1", "Schlüssel, groß", "", Decimal("1234.50"), True),
    ("A-2", "Möbelgriff", "", Decimal("7.90"), False),
]


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


def workbook(*rows: tuple[object, ...]) -> bytes:
    """The smallest workbook that has these rows; texts stand in the cells themselves."""

    def cell(value: object) -> str:
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Products" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData>'
        "</worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return out.getvalue()


def warnings(job: ImportJob) -> dict[str, int | None]:
    return {each["code"]: each["line"] for each in job.detected["warnings"]}


def test_german_excel_with_decimal_commas() -> None:
    job = completed(GERMAN.encode("cp1252"))

    assert catalog() == GERMAN_CATALOG
    found = job.detected
    assert (found["encoding"], found["delimiter"], found["decimal"]) == ("windows-1252", ";", ",")
    assert found["mapping"][0] == {
        "header": "Artikelnummer",
        "field": "sku",
        "how": "synonym",
        "filled": 1.0,
        "samples": ["A-1", "A-2", "'00123"],
    }
    assert warnings(job) == {"encoding_guessed": 2, "sku_apostrophe": 4}


@pytest.mark.parametrize(
    ("content", "compression"),
    [
        (gzip.compress(GERMAN.encode()), "gzip"),
        (zipped(list_csv=GERMAN.encode()), "zip"),
        (
            workbook(
                ("Artikelnummer", "Bezeichnung", "Preis", "Aktiv"),
                ("A-1", "Schlüssel, groß", 1234.5, True),
                ("A-2", "Möbelgriff", 7.9, False),
                ("00123", "Dübel", 12, "x"),
            ),
            "xlsx",
        ),
    ],
    ids=["gzip", "zip", "xlsx"],
)
def test_packed_file_is_unpacked(content: bytes, compression: str) -> None:
    job = completed(content)

    assert catalog() == GERMAN_CATALOG
    assert job.detected["compression"] == compression


def test_number_of_a_workbook_is_a_sku_without_a_point() -> None:
    completed(workbook(("sku", "name"), (4006381333931, "Pen"), (123.0, "Cap")))

    assert [each[0] for each in catalog()] == ["123", "4006381333931"]


def test_rejected_row_of_a_workbook_is_kept_as_csv() -> None:
    job = completed(workbook(("sku", "name", "price"), ("A-1", "One, two", "much")))

    row = RejectedRow.objects.get(job=job)
    assert (row.line, row.sku, bytes(row.raw)) == (2, "A-1", b'A-1,"One, two",much\r\n')


def test_shift_jis() -> None:
    rows = "".join(
        f"SK-{number},六角ボルト 表示 {number},1{number}0,はい\r\n" for number in range(9)
    )
    job = completed(f"商品コード,商品名,価格,有効\r\n{rows}".encode("cp932"))

    assert job.detected["encoding"] == "shift_jis"
    assert catalog()[3] == ("SK-3", "六角ボルト 表示 3", "", Decimal("130.00"), True)


def test_lines_above_the_header_and_totals_below_the_table() -> None:
    rows = "".join(f"A-{number};Bolt {number};{number},50\n" for number in range(1, 20))
    job = completed(f"Price list Acme GmbH\nAs of May\n\nsku;name;price\n{rows}\nTotal: 19 items\n")

    assert counts(job)["read"] == counts(job)["created"] == 19
    assert job.detected["header_line"] == 4
    assert warnings(job) == {"preamble": 1, "footer": 25}


def test_footer_at_the_end_of_a_long_file() -> None:
    rows = "".join(f"A-{number},'Bolt, {number}',9.50\n" for number in range(20_000))
    job = completed(f"# exported\n'sku','name','price'\n{rows}\nEnd of list\n")

    assert (job.read, job.created) == (20_000, 20_000)
    assert product("A-19999").name == "Bolt, 19999"
    assert "footer" in warnings(job)


def test_sep_line_of_excel() -> None:
    completed("sep=;\r\nsku;name;price\r\nA-1;One;1,50\r\n")

    assert catalog() == [("A-1", "One", "", Decimal("1.50"), True)]


def test_backslashes_before_quotes() -> None:
    rows = "".join(f'"A-{number}","Pipe {number}\\" long",1.50\n' for number in range(9))
    completed(f"sku,name,price\n{rows}")

    assert catalog()[3][1] == 'Pipe 3" long'


def test_rows_that_lack_their_empty_cells() -> None:
    rows = "".join(f"A-{number},Bolt {number}\n" for number in range(9))
    job = completed(f"sku,name,description,price\n{rows}A-9,Nut,Steel,2.50\n")

    assert (job.created, job.rejected) == (10, 0)
    assert catalog()[9] == ("A-9", "Nut", "Steel", Decimal("2.50"), True)


def test_headers_repeated_on_each_page() -> None:
    page = "sku,name,price\n" + "A-{0}1,Bolt,1.50\nA-{0}2,Nut,2.50\nA-{0}3,Cap,3.50\n"
    job = completed("".join(page.format(number) for number in range(6)))

    assert (job.read, job.created) == (18, 18)
    assert "header_again" in warnings(job)


def test_file_without_a_header_is_refused_and_read_once_its_columns_are_told() -> None:
    content = "A-1,Bolt,1.50\nA-2,Nut,2.50\nA-3,Cap,3.50\n"
    job = imported(content)

    assert (job.state, job.error_code, catalog()) == ("failed", "header_missing", [])
    assert [each["samples"][0] for each in job.detected["mapping"]]

    completed(content, columns=("sku", "name", "price"))
    assert [each[0] for each in catalog()] == ["A-1", "A-2", "A-3"]


def test_prices_with_two_readings_are_set_aside_until_somebody_says_which() -> None:
    content = "sku,name,price\nA-1,One,1.234\nA-2,Two,2.500\n"
    job = completed(content)
    assert (job.rejected, catalog()) == (2, [])
    assert warnings(job) == {"figures_ambiguous": 2}
    problems = RejectedRow.objects.filter(job=job).values_list("problems", flat=True)
    assert {each["code"] for row in problems for each in row} == {"price_ambiguous"}

    completed(content, decimal=",")
    assert [each[3] for each in catalog()] == [Decimal("1234.00"), Decimal("2500.00")]


def test_what_was_asked_for_overrules() -> None:
    content = "sku;name\nA;B\nartikel|text\nA-1|Größe\n".encode("cp850")
    job = completed(
        content,
        encoding="cp850",
        delimiter="|",
        header_line=3,
        columns=("sku", "name"),
    )

    assert catalog() == [("A-1", "Größe", "", None, True)]
    assert [each["how"] for each in job.detected["mapping"]] == ["chosen", "chosen"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (
            gzip.compress(b"sku,name\n" + b"A-1,Bolt of steel and its nut\n" * 650_000),
            "archive_too_large",
        ),
        (gzip.compress(b"sku,name\nA-1,One\n")[:-9], "archive_broken"),
        (zipped(a_csv=b"sku,name\n", b_csv=b"sku,name\n"), "archive_members"),
        (b"PK\x03\x04anything", "archive_broken"),
    ],
    ids=["bomb", "cut off", "two files", "no archive"],
)
def test_archive_that_does_not_do_is_refused(content: bytes, code: str) -> None:
    job = imported(content)

    assert (job.state, job.error_code, catalog()) == ("failed", code, [])
    assert job.error_message.endswith(".")


def test_bomb_is_refused_in_flat_memory() -> None:
    script = """
import gzip, io, resource
from imports.reading import Unreadable, read
bomb = io.BytesIO()
with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as packed:
    packed.write(b"sku,name\\n")
    for _ in range(100):
        packed.write(b"A-1,Bolt of steel and its nut\\n" * 30_000)
list(read(io.BytesIO(b"sku,name\\nA,B\\n")))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000,) * 2)
try:
    for _ in read(io.BytesIO(bomb.getvalue())):
        pass
except Unreadable as error:
    print(error.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env=dict(os.environ),
    )
    assert (done.stdout.strip(), done.stderr) == ("archive_too_large", "")


def test_table_and_plain_reader_agree_about_a_plain_file() -> None:
    rows: list[list[Any]] = [
        [f"A-{number}", f'{number}" pipe, long', f"{number}.50"] for number in range(200)
    ]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["sku", "name", "price"], *rows])
    plain = completed(out.getvalue())
    before = catalog()
    out = io.StringIO(newline="")
    csv.writer(out, quotechar="'", quoting=csv.QUOTE_ALL).writerows(
        [["sku", "name", "price"], *rows]
    )
    job = completed(out.getvalue())

    assert plain.detected["quotechar"] == '"'
    assert job.detected["quotechar"] == "'"
    assert (job.unchanged, catalog()) == (200, before)


def test_prices_in_several_currencies_wait_for_a_person() -> None:
    content = "sku,name,price,Currency\nA-1,One,1.50,EUR\nA-2,Two,2.50,USD\n"
    job = imported(content, review="risks")

    assert (job.state, catalog()) == ("review", [])
    assert [each["code"] for each in job.reviewed["risks"]] == ["currencies"]
    assert imported(content.replace("USD", "EUR"), review="risks").state == "completed"
