"""`manage.py import_products`: the same pipeline inline, for scripts and terminals."""

import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from catalog.models import ChangeSet, Product
from core.leases import request_cancel
from imports.models import ImportJob, RejectedRow
from imports.tests.importing import accepted, catalog, completed, csv_of, staging_tables

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

KEYS = [
    "state", "read", "created", "updated", "unchanged", "duplicates", "rejected", "skipped",
    "deactivated", "deleted", "risks", "seconds", "phases", "job", "change_set",
]  # fmt: skip
TEXT = csv_of("A-1,One,,1,", "A-1,Last,,,", "A-2,Two,,a lot,", "A-3,Three,,,")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "products.csv"
    path.write_text(TEXT, "utf-8")
    return path


def command(*arguments: str | Path) -> str:
    out = io.StringIO()
    call_command("import_products", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def as_json(*arguments: str | Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(command(*arguments, "--json"))
    return result


def program(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own, on the database of the tests."""
    database = connection.settings_dict
    before, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    query = os.environ["DATABASE_URL"].partition("?")[2]
    url = f"{before}/{database['NAME']}" + (f"?{query}" if query else "")
    return subprocess.run(
        [sys.executable, "manage.py", "import_products", *map(str, arguments)],
        cwd=configured.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "DEBUG": "1"},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def sizes_of_all_tables() -> dict[str, int]:
    return {model.__name__: model._base_manager.count() for model in apps.get_models()}


def test_file_is_imported_and_the_result_is_printed(file: Path) -> None:
    printed = command(file)

    job = ImportJob.objects.get()
    assert [(sku, name) for sku, name, *_ in catalog()] == [("A-1", "Last"), ("A-3", "Three")]
    words = [line.split() for line in printed.splitlines()[:6]]
    assert words == [
        ["read", "4"], ["created", "2"], ["updated", "0"], ["unchanged", "0"],
        ["duplicates", "1"], ["rejected", "1"],
    ]  # fmt: skip
    assert f"import #{job.pk} took " in printed
    assert "Price is not a number, for instance line 4" in printed


def test_json_has_exactly_these_keys(file: Path) -> None:
    result = as_json(file)

    job = ImportJob.objects.get()
    assert list(result) == KEYS
    assert result["state"] == "completed"
    assert {name: result[name] for name in KEYS[1:7]} == {
        "read": 4, "created": 2, "updated": 0, "unchanged": 0, "duplicates": 1, "rejected": 1,
    }  # fmt: skip
    assert set(result["phases"]) == {"read", "merge"}
    assert result["seconds"] == pytest.approx(sum(result["phases"].values()), abs=0.002)
    assert (result["job"], result["change_set"]) == (job.pk, job.change_set_id)


def test_json_of_an_unchanged_file_has_no_change_set(file: Path) -> None:
    command(file)

    result = as_json(file)

    assert (result["unchanged"], result["change_set"]) == (2, None)


def test_dry_run_writes_nothing_at_all(file: Path) -> None:
    completed(csv_of("A-3,Old,,,"))
    before = sizes_of_all_tables()
    product = Product.objects.values().get()

    command(file, "--dry-run")

    assert sizes_of_all_tables() == before
    assert Product.objects.values().get() == product
    assert staging_tables() == []


def test_dry_run_counts_exactly_what_the_import_then_does(file: Path) -> None:
    completed(csv_of("A-3,Old,,,", "a-1,Last,,,"))

    foretold = as_json(file, "--dry-run")
    done = as_json(file)

    assert foretold["state"] == "dry-run"
    assert {name: foretold[name] for name in KEYS[1:7]} == {name: done[name] for name in KEYS[1:7]}
    assert (done["updated"], done["unchanged"], done["duplicates"]) == (1, 1, 1)


def test_dry_run_names_lines_and_reasons(file: Path) -> None:
    printed = command(file, "--dry-run")

    assert printed.startswith("Nothing was written.")
    assert "line 4: Price is not a number. Write digits and a point: 12.90." in printed


def test_dry_run_respects_what_empty_cells_are_to_do(tmp_path: Path) -> None:
    completed(csv_of("A-1,One,Text,,"))
    path = tmp_path / "empty.csv"
    path.write_text(csv_of("A-1,One,,,"), "utf-8")

    assert as_json(path, "--dry-run")["unchanged"] == 1
    assert as_json(path, "--dry-run", "--empty", "clear")["updated"] == 1
    assert as_json(path, "--empty", "clear")["updated"] == 1


def test_changes_are_made_in_the_name_of_the_user(file: Path, editor: User) -> None:
    command(file, "--user", "editor")

    assert ChangeSet.objects.get().actor == editor
    assert ImportJob.objects.get().created_by == editor


@pytest.mark.parametrize("name", ["tab", r"\t", "\t"])
def test_delimiter_goes_by_name_or_by_itself(tmp_path: Path, name: str) -> None:
    path = tmp_path / "products.csv"
    path.write_text("sku\tname\nA-1\tOne, two; three\n", "utf-8")

    assert as_json(path, "--delimiter", name)["created"] == 1
    assert ImportJob.objects.get().delimiter == "\t"


def test_unknown_user_is_a_wrong_usage_and_imports_nothing(file: Path) -> None:
    with pytest.raises(CommandError, match="There is no user 'nobody'") as caught:
        command(file, "--user", "nobody")

    assert caught.value.returncode == 2
    assert not ImportJob.objects.exists()


def test_missing_file_is_a_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file or directory") as caught:
        command(tmp_path / "none.csv")

    assert caught.value.returncode == 2


def test_refused_file_is_a_failed_import(tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("a,b\n1,2\n", "utf-8")

    with pytest.raises(CommandError) as caught:
        command(path)
    with pytest.raises(CommandError) as caught_dry:
        command(path, "--dry-run")

    assert caught.value.returncode == caught_dry.value.returncode == 1
    assert str(caught.value) == str(caught_dry.value) == ImportJob.objects.get().error_message
    assert catalog() == []


def test_import_that_was_accepted_earlier_runs_first(file: Path) -> None:
    earlier = accepted(csv_of("A-1,Earlier,,,"))

    command(file)

    earlier.refresh_from_db()
    assert earlier.state == ImportJob.State.COMPLETED
    assert Product.objects.get(sku="A-1").name == "Last"


def test_import_that_was_cancelled_earlier_is_no_obstacle(file: Path) -> None:
    assert request_cancel(accepted(csv_of("A-9,Nine,,,")))

    command(file)

    assert not Product.objects.filter(sku="A-9").exists()


def test_process_ends_with_status_0_when_the_import_completed(file: Path) -> None:
    done = program("-", "--json", stdin=file.read_bytes())

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["created"] == 2
    assert ImportJob.objects.get().file_name == "standard-input.csv"
    assert RejectedRow.objects.count() == 1


def test_process_ends_with_status_1_when_the_import_failed() -> None:
    done = program("-", stdin=b"a,b\n1,2\n")

    assert done.returncode == 1
    assert b"the header has no columns" in done.stderr
    assert catalog() == []


def test_process_ends_with_status_2_on_a_wrong_usage(file: Path) -> None:
    done = program(file, "--delimiter", "x")

    assert done.returncode == 2
    assert b"'x' is none of comma, semicolon, tab, pipe, colon, blank, " in done.stderr
    assert not ImportJob.objects.exists()


def test_import_that_waits_for_a_review_says_where_and_why(tmp_path: Path) -> None:
    completed(csv_of("A-1,One,,1.00,"))
    file = tmp_path / "products.csv"
    file.write_text(csv_of("A-1,One,,9.00,"), "utf-8")

    with pytest.raises(CommandError, match=r"waits for somebody .*/imports/\d+/") as waits:
        command(file, "--review", "risks")

    job = ImportJob.objects.latest("id")
    assert (waits.value.returncode, job.state) == (3, ImportJob.State.REVIEW)
    assert " 1 price moves by more than 50 %." in str(waits.value)
    assert catalog() == [("A-1", "One", "", Decimal("1.00"), True)]


def test_options_of_the_command_are_those_of_the_job(file: Path) -> None:
    command(file, "--mode", "create", "--missing", "deactivate", "--empty", "clear",
            "--review", "never", "--agree-missing", "7", "--decimal", ".")  # fmt: skip

    job = ImportJob.objects.get()
    assert (job.mode, job.missing, job.empty, job.review) == (
        "create", "deactivate", "clear", "never",
    )  # fmt: skip
    assert (job.missing_agreed, job.decimal) == (7, ".")


def test_what_is_not_chosen_is_as_the_settings_say(file: Path, settings: Settings) -> None:
    settings.IMPORT_MODE, settings.IMPORT_EMPTY = "update", "clear"

    result = as_json(file)

    job = ImportJob.objects.get()
    assert (job.mode, job.missing, job.empty) == ("update", "keep", "clear")
    assert (result["created"], result["skipped"]) == (0, 2)


def test_dry_run_counts_what_is_skipped_and_missing(tmp_path: Path) -> None:
    completed(csv_of("A-1,One,,1.00,", "A-2,Two,,,"))
    file = tmp_path / "products.csv"
    file.write_text(csv_of("A-1,Other,,,", "A-3,Three,,,", "a-2,,,,"), "utf-8")

    told = as_json(file, "--dry-run", "--mode", "create", "--missing", "delete")

    assert (told["created"], told["updated"], told["skipped"], told["missing"]) == (1, 0, 1, 0)
    assert Product.objects.count() == 2
