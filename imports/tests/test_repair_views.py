"""The pages on which rejected rows are repaired."""

from typing import cast

import pytest
from django.http import HttpResponse
from django.test import Client

from catalog.models import Product
from imports.models import ImportJob, RejectedRow
from imports.repairs import repairing
from imports.tests.importing import catalog, completed, csv_of, run_next

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

HTMX = {"HX-Request": "true"}
COMMAS = 'sku;name;price\nA-1;One;1,5\nA-2;"Two\nlines";2,50\nA-3;;3\n'


def text_of(response: object) -> str:
    return cast("HttpResponse", response).content.decode()


def page(job: ImportJob) -> str:
    return f"/imports/{job.pk}/"


def commas() -> ImportJob:
    return completed(COMMAS, decimal=".")


def cell(job: ImportJob, line: int, index: int) -> str:
    return f"cell-{RejectedRow.objects.get(job=job, line=line).pk}-{index}"


def test_cause_with_a_sure_remedy_offers_it(editor_client: Client, viewer_client: Client) -> None:
    job = commas()

    shown, to_viewers = (text_of(each.get(page(job))) for each in (editor_client, viewer_client))

    assert "Read 2 prices with a decimal comma" in shown
    assert f'href="{page(job)}repair/?code=price_decimal_comma"' in shown
    assert "Fix in the rows or the CSV" in shown
    assert "Read 2 prices" not in to_viewers
    assert "<input" not in to_viewers.partition('id="h-rows"')[2].partition("</table>")[0]


def test_remedy_is_shown_before_it_is_used(editor_client: Client) -> None:
    job = commas()

    shown = text_of(editor_client.get(f"{page(job)}repair/?code=price_decimal_comma"))

    assert "1 of 2 rows" in shown
    assert "<del>1,5</del>" in shown
    assert "<ins>1.5</ins>" in shown
    assert "1 row with this cause stays rejected: 1 × Name has a control character" in shown
    assert "Remedy in the same rows too: Name has a control character or line break" in shown
    assert ImportJob.objects.count() == 1


def test_choices_are_counted_before_they_are_used(editor_client: Client) -> None:
    job = commas()
    asked = {"code": "price_decimal_comma", "also": "name_control"}

    shown = text_of(editor_client.post(f"{page(job)}repair/", asked | {"count": "1"}))

    assert "2 of 2 rows" in shown
    assert ImportJob.objects.count() == 1

    response = editor_client.post(f"{page(job)}repair/", asked)
    made = run_next()
    assert (response.status_code, response["Location"]) == (302, page(made))
    assert [(sku, name) for sku, name, *_ in catalog()] == [("A-1", "One"), ("A-2", "Two lines")]


def test_repair_and_original_name_each_other(editor_client: Client) -> None:
    job = commas()
    editor_client.post(f"{page(job)}repair/", {"code": "price_decimal_comma"}, headers=HTMX)
    made = run_next()

    original, repair = (text_of(editor_client.get(page(each))) for each in (job, made))

    assert f'1 of 3 rows taken by <a href="{page(made)}">#{made.pk:,}</a>.' in original
    assert "Download 2 rows as CSV" in original
    assert f"Taken by import #{made.pk:,}" in original
    assert f'<a href="{page(job)}#rejected">import #{job.pk:,}</a>' in repair


def test_htmx_is_led_to_the_repair(editor_client: Client) -> None:
    job = commas()

    response = editor_client.post(
        f"{page(job)}repair/", {"code": "price_decimal_comma"}, headers=HTMX
    )

    made = ImportJob.objects.get(repairs=job)
    assert (response.status_code, response["HX-Redirect"]) == (200, page(made))


def test_cause_without_a_remedy_leads_back(editor_client: Client) -> None:
    job = commas()

    response = editor_client.get(f"{page(job)}repair/?code=name_empty", follow=True)

    assert response.redirect_chain == [(f"{page(job)}#rejected", 302)]
    assert "There is no sure remedy for “Name is empty”." in text_of(response)


def test_words_are_given_a_meaning(editor_client: Client) -> None:
    job = completed("sku,name,active\nA-1,One,on sale\nA-2,Two,gone\n")
    shown = text_of(editor_client.get(f"{page(job)}repair/?code=active_unknown"))
    assert "“on sale” means" in shown
    assert '<button class="btn btn-primary" disabled>' in shown
    assert "No word has a meaning by which a row could be taken." in shown

    words = {"word": ["on sale", "gone"], "means": ["yes", ""]}
    counted = {"code": "active_unknown", "count": "1"} | words
    shown = text_of(editor_client.post(f"{page(job)}repair/", counted))
    assert "1 of 2 rows" in shown
    assert '<button class="btn btn-primary">' in shown
    editor_client.post(f"{page(job)}repair/", {"code": "active_unknown"} | words)
    run_next()

    assert [(sku, active) for sku, *_, active in catalog()] == [("A-1", True)]


def test_products_that_were_changed_since_are_told_of(editor_client: Client) -> None:
    job = commas()
    Product.objects.create(sku="A-1", name="Mine")

    shown = text_of(editor_client.get(f"{page(job)}repair/?code=price_decimal_comma"))

    assert f"1 of these products was changed since import #{job.pk:,}." in shown
    assert "the import waits for your review" in shown


def test_cells_are_written_in_the_page(editor_client: Client) -> None:
    job = completed(csv_of("A-1,,,1,", "A-2,,,much,"))
    shown = text_of(editor_client.get(page(job)))
    first, second = cell(job, 2, 1), cell(job, 3, 1)
    assert f'name="{first}"' in shown
    assert f'name="{cell(job, 3, 3)}" id="{cell(job, 3, 3)}" value="much"' in shown

    sent = {first: "One", second: "", cell(job, 3, 3): "much"}
    response = editor_client.post(f"{page(job)}correct/", sent)
    made = run_next()

    assert (response.status_code, response["Location"]) == (302, page(made))
    assert (made.read, made.created) == (1, 1)
    assert [(sku, name) for sku, name, *_ in catalog()] == [("A-1", "One")]


def test_cell_that_is_still_wrong_says_so_beside_it(editor_client: Client) -> None:
    job = completed(csv_of("A-1,One,,much,", "A-2,Two,,more,"))
    first, second = cell(job, 2, 3), cell(job, 3, 3)

    response = editor_client.post(
        f"{page(job)}correct/?cause=price_not_a_number", {first: "2.5", second: "a <lot>"}
    )

    shown = text_of(response)
    assert response.status_code == 422
    assert "1 row is not right yet. Nothing was imported." in shown
    assert f'name="{first}" id="{first}" value="2.5"' in shown
    assert f'name="{second}" id="{second}" value="a &lt;lot&gt;"' in shown
    assert f'id="error-{second}">Price is not a number.' in shown
    assert f"error-{first}" not in shown
    assert ImportJob.objects.count() == 1


def test_text_with_line_breaks_is_not_taken_for_changed(editor_client: Client) -> None:
    job = completed('sku,name\nA-1,"One\ntwo"\n')
    name = cell(job, 2, 1)
    assert "<textarea" in text_of(editor_client.get(page(job)))

    response = editor_client.post(f"{page(job)}correct/", {name: "One\r\ntwo"})

    assert response.status_code == 422
    assert "No cell was changed." in text_of(response)


def test_row_of_another_import_is_not_touched(editor_client: Client) -> None:
    other = completed(csv_of("B-1,,,,"))
    job = completed(csv_of("A-1,,,,"))

    response = editor_client.post(f"{page(job)}correct/", {cell(other, 2, 1): "Bee"})

    assert response.status_code == 422
    assert ImportJob.objects.count() == 2
    assert catalog() == []


def test_many_rows_are_said_to_be_looked_at_by_the_import(
    editor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairing, "LARGE", 1)
    job = commas()

    shown = text_of(editor_client.get(f"{page(job)}repair/?code=price_decimal_comma"))

    assert "Read 2 prices with a decimal comma?" in shown
    assert "1 of the first 1 row<" in shown
    assert "The first 1 of 2 rows were looked at." in shown
    answer = editor_client.post(f"{page(job)}repair/", {"code": "price_decimal_comma"})
    made = ImportJob.objects.latest("pk")
    assert answer["Location"] == page(made)
    assert editor_client.get(page(made)).status_code == 200
