"""An import that waits for its review, for programs."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from catalog import products
from conftest import ApiClient
from imports.api.progress import events
from imports.models import Decision, ImportJob
from imports.tests.importing import catalog, completed, csv_of, product, run_next, woken
from imports.tests.waiting import in_review

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_staging_left"),
]


def path(job: ImportJob, name: str) -> str:
    return f"/api/imports/{job.pk}/{name}"


def problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["type"].partition("#")[2]


def test_job_that_waits_says_what_to_do(viewer_api: ApiClient) -> None:
    job = in_review()

    body = viewer_api.get(f"/api/imports/{job.pk}").json()

    assert (body["status"], body["state"], body["total"]) == ("pending", "review", 6)
    assert body["message"] == (
        f"Waits for a review: look at /imports/{job.pk}/, or POST /api/imports/{job.pk}/commit."
    )
    assert body["options"]["review"] == "always"
    assert body["links"]["review"] == path(job, "review")
    listed = viewer_api.get("/api/imports?state=review").json()
    assert [item["id"] for item in listed["items"]] == [job.pk]


def test_stream_of_a_job_that_waits_says_so_and_ends() -> None:
    job = in_review()

    started, waits = events(job)

    assert json.loads(started.data)["status"] == "started"
    body = json.loads(waits.data)
    assert (body["status"], body["total"]) == ("processing", 6)
    assert body["message"].startswith("Waits for a review: ")
    # Without the id of an end, so that whoever comes back hears how it goes on.
    assert (waits.last, waits.id, waits.retry) == (True, "", 10_000)
    assert b"retry: 10000\n" in waits.encode()


def test_preview_of_a_review_has_counts_risks_and_the_outcome(editor_api: ApiClient) -> None:
    job = in_review(empty="clear", missing="deactivate")

    body = editor_api.get(path(job, "preview")).json()

    assert body["counts"] == {
        "read": 6, "created": 1, "updated": 3, "unchanged": 1, "duplicates": 0, "rejected": 1,
    }  # fmt: skip
    assert [row["line"] for row in body["rejected_rows"]] == [7]
    assert body["refused"] is None
    review = body["review"]
    assert review["counts"]["missing"] == 1
    assert review["fields_changed"] == {"name": 0, "description": 2, "price": 2, "active": 1}
    assert {"code": "price_moved", "count": 1, "message": "1 price moves by more than 50 %."} in (
        review["risks"]
    )
    assert review["outcome"] == {
        "created": 1, "updated": 3, "unchanged": 1, "skipped": 0, "left_out": 0, "conflicts": 0,
        "deactivated": 1, "deleted": 0, "missing_left_out": 0, "missing_conflicts": 0,
    }  # fmt: skip
    assert review["missing_to_agree"] is None


def test_rows_are_listed_with_values_before_and_after(viewer_api: ApiClient) -> None:
    job = in_review(empty="clear")

    response = viewer_api.get(path(job, "review") + "?limit=2")

    body = response.json()
    assert (body["total"], body["page"], body["pages"]) == (3, 1, 2)
    assert 'rel="next"' in response["Link"]
    first = body["items"][0]
    assert first == {
        "line": 3, "product": product("A-2").pk, "sku": "A-2", "kind": "changed",
        "left_out": False, "risks": ["price_moved"],
        "before": {"name": "Nut", "description": "", "price": "20.00", "active": True},
        "after": {"name": "Nut", "description": "", "price": "2.00", "active": True},
        "now": None,
    }  # fmt: skip


def test_rows_are_narrowed(viewer_api: ApiClient) -> None:
    job = in_review(empty="clear", missing="delete")

    def skus(query: str) -> list[str]:
        return [row["sku"] for row in viewer_api.get(path(job, f"review?{query}")).json()["items"]]

    assert skus("class=new") == ["B-1"]
    assert skus("class=missing") == ["A-5"]
    assert skus("field=description") == ["A-3", "A-1"]
    assert skus("risk=deactivates") == ["A-3"]
    assert skus("search=bolt") == ["A-1"]
    products.update(product("A-1").pk, source="form", actor=None, price=Decimal("11.00"))
    (row,) = viewer_api.get(path(job, "review?class=conflicts")).json()["items"]
    prices = [row[name]["price"] for name in ("before", "now", "after")]
    assert prices == ["10.00", "11.00", "10.50"]
    assert problem(viewer_api.get(path(job, "review?class=odd"))) == (400, "invalid")


def test_decisions_are_kept_and_answered_with_the_outcome(editor_api: ApiClient) -> None:
    job = in_review(empty="clear", missing="delete")
    decision = {
        "lines": [3, 99], "products": [product("A-5").pk], "classes": ["new"], "include": False,
    }  # fmt: skip

    response = editor_api.send("PATCH", path(job, "review"), decision)

    assert response.status_code == 200
    outcome = response.json()["outcome"]
    assert (outcome["created"], outcome["updated"]) == (0, 2)
    assert (outcome["left_out"], outcome["missing_left_out"]) == (2, 1)
    assert response.json()["left_out_classes"] == ["new"]
    taken = editor_api.send("PATCH", path(job, "review"), {"lines": [3], "include": True}).json()
    assert taken["outcome"]["updated"] == 3


def test_decision_that_is_not_understood_decides_nothing(editor_api: ApiClient) -> None:
    job = in_review()

    for body in ({"lines": [3]}, {"lines": "3", "include": False}, {"rows": [3], "include": False}):
        assert problem(editor_api.send("PATCH", path(job, "review"), body)) == (400, "invalid")

    # There are no missing products where they are kept.
    body = {"products": [product("A-5").pk], "include": False}
    assert editor_api.send("PATCH", path(job, "review"), body).status_code == 200
    assert not Decision.objects.exists()


def test_commit_applies_what_was_announced(editor_api: ApiClient) -> None:
    job = in_review(empty="clear")
    editor_api.send("PATCH", path(job, "review"), {"lines": [3], "include": False})
    announced = editor_api.get(path(job, "preview")).json()["review"]["outcome"]

    response = editor_api.send("POST", path(job, "commit"))

    assert (response.status_code, response.json()["state"]) == (202, "queued")
    assert woken() == 1
    run_next()
    body = editor_api.get(f"/api/imports/{job.pk}").json()
    names = ("created", "updated", "unchanged", "skipped", "left_out", "conflicts", "deactivated")
    assert {name: body[name] for name in names} == {name: announced[name] for name in names}
    assert body["message"].endswith("1 left out, 1 rejected.")


@pytest.mark.parametrize(("answer", "price"), [("leave", "11.00"), ("overwrite", "10.50")])
def test_commit_says_what_becomes_of_conflicts(
    editor_api: ApiClient, answer: str, price: str
) -> None:
    job = in_review()
    products.update(product("A-1").pk, source="form", actor=None, price=Decimal("11.00"))

    assert editor_api.send("POST", path(job, "commit"), {"on_conflict": answer}).status_code == 202
    done = run_next()

    assert product("A-1").price == Decimal(price)
    assert done.conflicts == (1 if answer == "leave" else 0)


def test_many_missing_products_need_their_number(editor_api: ApiClient) -> None:
    job, before = in_review(csv_of("A-1,Bolt,short,10.00,yes"), missing="delete"), catalog()
    assert editor_api.get(path(job, "preview")).json()["review"]["missing_to_agree"] == 4

    for body in ({}, {"missing_agreed": 3}):
        response = editor_api.send("POST", path(job, "commit"), body)
        assert problem(response) == (400, "confirmation-missing")
        assert response.json()["missing"] == 4
    assert (catalog(), woken()) == (before, 0)
    assert editor_api.send("POST", path(job, "commit"), {"missing_agreed": 4}).status_code == 202

    assert run_next().deleted == 4


def test_import_that_does_not_wait_is_neither_shown_nor_decided(editor_api: ApiClient) -> None:
    job = completed(csv_of("A-1,Bolt,,,"))

    for response in (
        editor_api.get(path(job, "review")),
        editor_api.send("PATCH", path(job, "review"), {"lines": [2], "include": False}),
        editor_api.send("POST", path(job, "commit")),
    ):
        assert problem(response) == (409, "wrong-state")
    assert not Decision.objects.exists()


def test_review_that_is_gone_is_made_anew(editor_api: ApiClient) -> None:
    job = in_review()
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {job.staging}, {job.staging}_r")

    response = editor_api.send("POST", path(job, "commit"))

    assert problem(response) == (409, "wrong-state")
    assert "The file is read once more" in response.json()["detail"]
    assert run_next().state == "review"
    assert editor_api.send("POST", path(job, "commit")).status_code == 202


def test_viewer_reads_a_review_and_decides_nothing(viewer_api: ApiClient) -> None:
    job = in_review()

    assert viewer_api.get(path(job, "review")).status_code == 200
    for method, name in (("PATCH", "review"), ("POST", "commit")):
        body = {"lines": [2], "include": False} if method == "PATCH" else None
        assert viewer_api.send(method, path(job, name), body).status_code == 403
    assert not Decision.objects.exists()
