"""Rejected rows: grouped by cause, and handed back as a CSV that imports clean once it is fixed."""

import codecs
import io

import pytest

from imports.models import ImportJob
from imports.report import Cause, causes, rejected_rows, write_rejected
from imports.tests.importing import catalog, completed, csv_of
from imports.tests.test_understanding_opening import workbook

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NAME = "Name is empty. Every product needs one."
PRICE = "Price is not a number. Write digits and a point: 12.90."


def handed_back(job: ImportJob) -> bytes:
    file = io.BytesIO()
    write_rejected(job, file)
    return file.getvalue()


def marked(job: ImportJob, line: int, reasons: str) -> str:
    """What the column `error` says of a row: which it was, and why it was left aside."""
    return f"Line {line} of import {job.pk} ({job.sha256[:8]}): {reasons}"


def test_causes_are_grouped_most_frequent_first() -> None:
    job = completed(csv_of("A-1,,,,", "A-2,Two,,a lot,", "A-3,,,plenty,", "A-4,Four,,,"))

    assert causes(job) == [
        Cause("name_empty", "Name is empty", 2, 2, ""),
        Cause("price_not_a_number", "Price is not a number", 2, 3, "a lot"),
    ]


def test_cause_with_a_sure_remedy_names_it() -> None:
    job = completed("sku;name;price\nA-1;One;1,5\nA-2;Two;2,5\nA-3;;3\n", decimal=".")

    assert [(each.code, each.remedy) for each in causes(job)] == [
        ("price_decimal_comma", "Read 2 prices with a decimal comma"),
        ("name_empty", ""),
    ]


def test_causes_are_those_of_this_import_alone() -> None:
    completed(csv_of("A-1,,,,"))
    job = completed(csv_of("A-1,One,,,"))

    assert causes(job) == []


def test_rows_can_be_listed_by_cause() -> None:
    job = completed(csv_of("A-1,,,,", "A-2,Two,,a lot,", "A-3,,,plenty,"))

    assert [row.line for row in rejected_rows(job)] == [2, 3, 4]
    assert [row.line for row in rejected_rows(job, cause="price_not_a_number")] == [3, 4]
    assert [row.line for row in rejected_rows(job, cause="no_such_cause")] == []


def test_rows_come_back_as_they_stood_with_their_reasons_behind_them() -> None:
    job = completed(
        b'sku,Stock,name,price\nA-1,7,One,1\nA-2, 7 ,,a lot\n"A-3","two\r\nlines",,"1"\n'
    )

    assert handed_back(job) == (
        b"sku,Stock,name,price,error\r\n"
        b"A-2, 7 ,,a lot," + marked(job, 3, f"{NAME} {PRICE}").encode() + b"\r\n"
        b'"A-3","two\r\nlines",,"1",' + marked(job, 4, NAME).encode() + b"\r\n"
    )


def test_reason_that_holds_the_delimiter_is_quoted() -> None:
    job = completed(b'sku;name;active\nA-1;;"yes; no"\n')

    reason = marked(job, 2, f'{NAME} Active is "yes; no". Write yes or no, true or false, 1 or 0.')
    quoted = reason.replace('"', '""')
    assert handed_back(job).decode().splitlines()[1] == f'A-1;;"yes; no";"{quoted}"'


def test_row_with_too_few_cells_is_filled_up_so_that_the_reason_stands_in_its_column() -> None:
    job = completed(b"sku,name,price,active\nA-1,One\n")

    header, row = handed_back(job).decode().splitlines()
    assert header == "sku,name,price,active,error"
    assert row.startswith(f'A-1,One,,,"{marked(job, 2, "Row has 2 columns, the header has 4.")}')


@pytest.mark.parametrize(
    ("encoding", "asked", "bom"),
    [
        ("utf-8", "", b""),
        ("utf-8-sig", "", codecs.BOM_UTF8),
        ("utf-16-le", "", codecs.BOM_UTF16_LE),
        ("utf-16-be", "", codecs.BOM_UTF16_BE),
        ("cp1252", "windows-1252", b""),
    ],
)
def test_encoding_and_byte_order_mark_are_those_of_the_file(
    encoding: str, asked: str, bom: bytes
) -> None:
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    text = "sku;name;price\nÄ-1;Größe;a lot\n"
    job = completed(bom + text.encode(plain), encoding=asked)

    expected = f"sku;name;price;error\r\nÄ-1;Größe;a lot;{marked(job, 2, PRICE)}\r\n"
    assert handed_back(job) == bom + expected.encode(plain)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_fixed_file_imports_clean(encoding: str) -> None:
    asked = "windows-1252" if encoding == "cp1252" else ""
    text = 'sku;name;Bestand;price\nÄ-1;Größe;"7\n";much\nÄ-2;;8;2.5\nÄ-3;Drei;9;3\n'
    job = completed(text.encode(encoding), encoding=asked)
    assert (job.created, job.rejected) == (1, 2)

    codec = "utf-8-sig" if encoding == "utf-8-sig" else encoding
    returned = handed_back(job).decode(codec)
    fixed = returned.replace(";much;", ";1.5;").replace("Ä-2;;", "Ä-2;Zwei;")
    again = completed(fixed.encode(codec), encoding=asked)

    assert (again.read, again.created, again.rejected) == (2, 2, 0)
    assert again.repairs == job
    assert again.detected["ignored"] == ["Bestand", "error"]
    assert [(sku, name, str(price)) for sku, name, _, price, _ in catalog()] == [
        ("Ä-3", "Drei", "3.00"),
        ("Ä-1", "Größe", "1.50"),
        ("Ä-2", "Zwei", "2.50"),
    ]


def test_rows_of_a_workbook_come_back_as_csv_that_is_known_again() -> None:
    rows: list[list[object]] = [
        ["sku", "name", "price"],
        ["A-1", "One; two", "much"],
        ["A-2", "B", 2],
    ]
    job = completed(workbook({"Prices": rows}), name="prices.xlsx")

    again = completed(handed_back(job).replace(b",much,", b",2.5,"))

    assert (again.read, again.created, again.rejected) == (1, 1, 0)
    assert again.repairs == job


def test_file_that_was_handed_back_and_not_fixed_is_rejected_again_and_stays_readable() -> None:
    job = completed(csv_of("A-1,,,,", "A-2,Two,,a lot,"))

    again = completed(handed_back(job))

    assert (again.read, again.rejected) == (2, 2)
    assert handed_back(again).count(b"error") == 2


def test_more_rows_than_one_page_come_back_in_the_files_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("imports.report.PAGE_ROWS", 3)
    job = completed(csv_of(*(f"A-{at},,,," for at in range(10))))

    lines = handed_back(job).decode().splitlines()

    assert [line.split(",")[0] for line in lines[1:]] == [f"A-{at}" for at in range(10)]
