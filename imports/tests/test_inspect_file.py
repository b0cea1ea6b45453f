"""`manage.py inspect_file`: what is understood of files, without a database."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from imports.management.commands import inspect_file
from imports.parsing.decoding import Unreadable
from imports.understanding.inspection import inspect

PRICES = "Artikel;Bezeichnung;Preis\r\nA-1;Säge;12,50\r\nA-2;Dübel, grün;1,90\r\nA-3;Tür;7,00\r\n"
TABLE = [
    ["Artikel", "Bezeichnung", "Preis"],
    ["A-1", "Säge", "12,50"],
    ["A-2", "Dübel, grün", "1,90"],
    ["A-3", "Tür", "7,00"],
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "preise.csv"
    path.write_bytes(PRICES.encode("windows-1252"))
    return path


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "leaflet.csv"
    path.write_bytes(b"%PDF-1.7\n")
    return path


def command(*arguments: str | Path) -> str:
    out = io.StringIO()
    call_command("inspect_file", *map(str, arguments), stdout=out)
    return out.getvalue()


def failing(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and output of a call that fails."""
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("inspect_file", *map(str, arguments), stdout=out)
    return caught.value.returncode, out.getvalue()


def objects(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text))


def program(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own, with nothing that the other commands need."""
    return subprocess.run(
        [sys.executable, "manage.py", "inspect_file", *map(str, arguments)],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"]},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_one_line_tells_what_was_guessed(file: Path) -> None:
    line = command(file).splitlines()[0]

    assert line.startswith(f"{file}: windows-1252, line ends CR LF, delimiter semicolon, ")
    assert "header of 1 line, 3 columns" in line


def test_doubts_stand_beneath_their_file(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text(PRICES + "A-4\r\n", "utf-8", newline="")

    printed = command(path, path).splitlines()

    (found,) = objects(command(path, "--json"))
    doubts = [doubt["message"] for doubt in found["doubts"]]
    beneath = printed[1 : len(printed) // 2]
    assert doubts
    assert [
        line.removeprefix("  ").partition(doubt)[1]
        for line, doubt in zip(beneath, doubts, strict=True)
    ] == doubts
    assert printed == [printed[0], *beneath] * 2


def test_json_is_one_object_a_line_with_all_that_was_found(file: Path, pdf: Path) -> None:
    status, printed = failing(file, pdf, "--json")

    understood, refused = objects(printed)
    assert status == 1
    assert understood["file"] == str(file)
    assert understood["understood"] is True
    assert {
        key: understood[key]
        for key in ("encoding", "bom", "line_end", "delimiter", "header", "header_lines", "width")
    } == {
        "encoding": "windows-1252",
        "bom": False,
        "line_end": "\r\n",
        "delimiter": ";",
        "header": TABLE[0],
        "header_lines": 1,
        "width": 3,
    }
    assert refused == {
        "file": str(pdf),
        "understood": False,
        "code": "binary",
        "message": "This is a PDF document, not a CSV file. "
        "Save the sheet as CSV (UTF-8) and drop that file.",
        "line": None,
    }


def test_rows_are_written_as_plain_csv_under_the_same_name(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "tables"

    printed = command(file, "--rows", folder)

    assert [path.name for path in folder.iterdir()] == ["preise.csv"]
    assert (folder / "preise.csv").read_bytes() == (
        "Artikel,Bezeichnung,Preis\r\n"
        'A-1,Säge,"12,50"\r\nA-2,"Dübel, grün","1,90"\r\nA-3,Tür,"7,00"\r\n'
    ).encode()
    assert printed.splitlines()[-1] == f"  4 rows written to {folder / 'preise.csv'}"


def test_json_tells_where_the_table_is(file: Path, tmp_path: Path) -> None:
    (found,) = objects(command(file, "--json", "--rows", tmp_path / "tables"))

    assert found["table"] == str(tmp_path / "tables" / "preise.csv")
    assert found["rows_written"] == 4


def test_archive_keeps_its_own_name_and_becomes_plain_csv(tmp_path: Path) -> None:
    path = tmp_path / "preise.csv.gz"
    path.write_bytes(gzip.compress(PRICES.encode()))

    command(path, "--rows", tmp_path / "tables")

    assert rows_of(tmp_path / "tables" / "preise.csv.gz") == TABLE


def test_name_that_comes_twice_gets_a_number_that_no_other_file_has(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/p.csv", "b/p.csv", "c/p-2.csv", "d/p.csv")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        path.write_text(f"sku,name\n{number},One\n{number},Two\n")

    printed = command(*paths, "--rows", tmp_path / "tables")

    assert {path.name: rows_of(path)[1][0] for path in (tmp_path / "tables").iterdir()} == {
        "p.csv": "0",
        "p-3.csv": "1",
        "p-2.csv": "2",
        "p-4.csv": "3",
    }
    assert f"written to {tmp_path / 'tables' / 'p-3.csv'}" in printed


def test_refused_file_leaves_no_table(file: Path, pdf: Path, tmp_path: Path) -> None:
    status, _ = failing(pdf, file, "--rows", tmp_path / "tables")

    assert status == 1
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["preise.csv"]


def test_file_that_breaks_off_leaves_no_half_a_table(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking_off(*_: Any, **__: Any) -> Any:
        yield ["sku"]
        raise Unreadable("cut_off", "The file ends too early.", 2)

    monkeypatch.setattr(inspect_file, "read_rows", breaking_off)

    status, printed = failing(file, "--rows", tmp_path / "tables", "--json")

    assert (status, objects(printed)[0]["code"], objects(printed)[0]["line"]) == (1, "cut_off", 2)
    assert list((tmp_path / "tables").iterdir()) == []


def test_file_is_never_overwritten_by_its_own_table(file: Path) -> None:
    status, printed = failing(file, "--rows", file.parent)

    assert (status, printed) == (2, "")
    assert file.read_bytes() == PRICES.encode("windows-1252")


def test_unexpected_error_is_told_for_its_file_and_ends_nothing_else(
    file: Path, pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing_once(source: Any, *, name: str) -> Any:
        if name == pdf.name:
            raise ZeroDivisionError("by nought")
        return inspect(source, name=name)

    monkeypatch.setattr(inspect_file, "inspect", failing_once)

    status, printed = failing(pdf, file, "--json")

    broken, understood = objects(printed)
    assert status == 1
    assert (broken["code"], broken["message"]) == ("error", "ZeroDivisionError: by nought")
    assert understood["understood"] is True


def test_folder_and_missing_file_are_a_wrong_usage_and_end_nothing_else(
    file: Path, tmp_path: Path
) -> None:
    status, printed = failing(tmp_path, tmp_path / "none.csv", file, "--json")

    folder, missing, understood = objects(printed)
    assert status == 2
    assert (folder["code"], folder["message"]) == (
        "usage",
        "This is a folder. Name the files in it.",
    )
    assert (missing["code"], missing["message"]) == ("usage", "No such file or directory.")
    assert understood["understood"] is True


def test_what_cannot_be_shown_of_a_name_is_spelt_out(tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[2J.csv"
    path.write_text("sku,name\n1,One\n2,Two\n")

    printed = command(path)

    assert "a\\nb\\x1b[2J.csv: " in printed.splitlines()[0]


def test_hundreds_of_files_leave_no_file_open(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(200)]
    for path in paths:
        path.write_text("sku,name\n1,One\n2,Two\n")
    before = open_files()

    printed = command(*paths, "--json")

    assert len(objects(printed)) == 200
    assert open_files() == before


def test_process_needs_no_database_and_reads_standard_input(pdf: Path, tmp_path: Path) -> None:
    done = program("-", pdf, "--json", "--rows", tmp_path / "tables", stdin=PRICES.encode())

    understood, refused = objects(done.stdout.decode())
    assert done.returncode == 1
    assert done.stderr == b"CommandError: 1 of 2 files could not be understood.\n"
    assert (understood["file"], refused["file"]) == ("-", str(pdf))
    assert rows_of(tmp_path / "tables" / "standard-input.csv") == TABLE


def test_standard_input_can_be_named_only_once() -> None:
    assert failing("-", "-") == (2, "")


def test_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    with subprocess.Popen(["sh", "-c", f"cat > '{path}'"], stdin=subprocess.PIPE) as feeding:
        assert feeding.stdin
        feeding.stdin.write(PRICES.encode())
        feeding.stdin.close()
        (found,) = objects(command(path, "--json"))

    assert found["header"] == TABLE[0]
