"""Rejected rows repaired by programs."""

from typing import Any

import pytest

from conftest import ApiClient
from imports.models import ImportJob, RejectedRow
from imports.tests.importing import catalog, completed, csv_of, run_next

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def path(job: ImportJob) -> str:
    return f"/api/imports/{job.pk}"


def refused(response: Any) -> tuple[int, dict[str, str]]:
    errors = response.json().get("errors", [])
    return response.status_code, {each["field"]: each["message"] for each in errors}


def test_rows_are_imported_by_a_remedy(editor_api: ApiClient) -> None:
    job = completed("sku;name;price\nA-1;One;1,5\nA-2;Two;2,5\nA-3;;3\n", decimal=".")
    causes = editor_api.get(f"{path(job)}/rejected").json()["causes"]
    assert {each["code"]: each["remedy"] for each in causes} == {
        "price_decimal_comma": "Read 2 prices with a decimal comma",
        "name_empty": "",
    }

    response = editor_api.send("POST", f"{path(job)}/repair", {"code": "price_decimal_comma"})
    made = run_next()

    assert response.status_code == 202
    assert response.json() == {
        "task_id": f"import-{made.pk}", "job_id": made.pk, "message": "Processing started",
    }  # fmt: skip
    assert response["Location"] == path(made)
    assert editor_api.get(path(made)).json()["repairs"] == job.pk
    rows = editor_api.get(f"{path(job)}/rejected").json()["items"]
    assert [(row["line"], row["sku"], row["repaired_by"]) for row in rows] == [
        (2, "A-1", made.pk), (3, "A-2", made.pk), (4, "A-3", None),
    ]  # fmt: skip


def test_words_are_given_a_meaning(editor_api: ApiClient) -> None:
    job = completed("sku,name,active\nA-1,One,On sale\nA-2,Two,gone\n")

    body = {"code": "active_unknown", "words": {"On Sale": "no"}}
    assert editor_api.send("POST", f"{path(job)}/repair", body).status_code == 202
    run_next()

    assert [(sku, active) for sku, *_, active in catalog()] == [("A-1", False)]


def test_cells_are_put_right(editor_api: ApiClient) -> None:
    job = completed("sku,Stock,name,price\nA-1,7,,1\nA-2,8,,much\n")
    cells = [
        {"row": 1, "column": "name", "value": "One"},
        {"row": 1, "column": "Stock", "value": "9"},
    ]

    assert editor_api.send("POST", f"{path(job)}/repair", {"cells": cells}).status_code == 202
    run_next()

    assert [(sku, name) for sku, name, *_ in catalog()] == [("A-1", "One")]


def test_cells_that_are_still_wrong_are_named(editor_api: ApiClient) -> None:
    job = completed(csv_of("A-1,,,1,", "A-2,,,much,"))
    cells = [
        {"row": 1, "column": "name", "value": " "},
        {"row": 2, "column": "name", "value": "Two"},
    ]

    response = editor_api.send("POST", f"{path(job)}/repair", {"cells": cells})

    assert refused(response) == (
        400,
        {
            "cells.0.value": "Name is empty. Every product needs one.",
            "cells.1.value": "Price is not a number. Write digits and a point: 12.90.",
        },
    )
    assert ImportJob.objects.count() == 1
    assert not RejectedRow.objects.exclude(repaired_by=None).exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "code"),
        ({"code": "name_empty", "cells": []}, "code"),
        ({"code": "no_such_cause"}, "code"),
        ({"cells": [{"row": 9, "column": "name", "value": "x"}]}, "cells.0.row"),
        ({"cells": [{"row": 1, "column": "colour", "value": "x"}]}, "cells.0.column"),
    ],
)
def test_call_that_asks_for_nothing_possible_is_refused(
    body: dict[str, Any], field: str, editor_api: ApiClient
) -> None:
    job = completed(csv_of("A-1,,,,"))

    assert refused(editor_api.send("POST", f"{path(job)}/repair", body))[0] == 400
    assert field in refused(editor_api.send("POST", f"{path(job)}/repair", body))[1]
    assert ImportJob.objects.count() == 1


def test_cause_without_a_sure_remedy_is_refused(editor_api: ApiClient) -> None:
    job = completed(csv_of("A-1,,,,"))

    response = editor_api.send("POST", f"{path(job)}/repair", {"code": "name_empty"})

    assert response.status_code == 409
    assert response.json()["detail"] == "There is no sure remedy for “Name is empty”."
    assert ImportJob.objects.count() == 1
