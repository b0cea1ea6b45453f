"""The chips on an import's page, mappings that have a name, and the options of an upload."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from imports.mapping import header_digest
from imports.models import ImportJob, Mapping
from imports.remembered import remember, save_as
from imports.tests.importing import accepted

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HEADER = ["Artikelnummer", "Bezeichnung", "Preis", "EAN"]
FOUND: dict[str, Any] = {
    "encoding": "windows-1252",
    "bom": False,
    "delimiter": ";",
    "decimal": ",",
    "header_line": 2,
    "header": HEADER,
    "columns": [{"header": "Artikelnummer", "field": "sku"}],
    "ignored": ["EAN"],
    "warnings": [],
    "mapping": [
        {"header": "Artikelnummer", "field": "sku", "how": "synonym", "filled": 1.0,
         "samples": ["A-1", "A-2", "A-3"]},
        {"header": "Bezeichnung", "field": "name", "how": "content", "filled": 0.998,
         "samples": ["Schraube <M8>"]},
        {"header": "Preis", "field": "price", "how": "remembered", "filled": 0.5,
         "samples": ["12,50"]},
        {"header": "EAN", "field": "", "how": "", "filled": 0.0, "samples": []},
    ],
}  # fmt: skip


def waiting(state: str = ImportJob.State.QUEUED) -> ImportJob:
    """An import that rests in a state, its file looked at."""
    job = accepted("Artikelnummer;Bezeichnung;Preis;EAN\nA-1;One;12,50;\n")
    ImportJob.objects.filter(pk=job.pk).update(
        detected=FOUND, state=state, phases={"read": 0.1, "merge": 0.1}
    )
    job.refresh_from_db()
    return job


def chips(**changed: str) -> dict[str, str]:
    """What the form of FOUND sends, but for what is changed."""
    fields = ("sku", "name", "price", "")
    sent = {f"column-{index}": field for index, field in enumerate(fields)}
    formats = dict.fromkeys(("encoding", "delimiter", "header_line", "decimal"), "")
    return {**formats, **sent, "header": header_digest(HEADER), **changed}


def column(index: int, field: str) -> dict[str, str]:
    return {f"column-{index}": field}


def post(client: Client, job: ImportJob, action: str = "read-again", **sent: str) -> str:
    """Send a form of the page; return what the page says then."""
    response = client.post(f"/imports/{job.pk}/{action}/", sent, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def chosen(page: str, name: str) -> str:
    """The label of the option that a chip shows."""
    select = re.search(rf'<select name="{name}".*?</select>', page, re.DOTALL)
    assert select is not None, name
    options = re.findall(r"<option value=\"([^\"]*)\"( selected)?>([^<]*)</option>", select[0])
    marked = [label for _, selected, label in options if selected]
    return str((marked or [options[0][2]])[0])


def test_page_shows_what_was_found_as_chips(editor_client: Client) -> None:
    page = editor_client.get(f"/imports/{waiting(ImportJob.State.REVIEW).pk}/").content.decode()

    assert chosen(page, "encoding") == "Windows-1252, Latin-1 (western Europe)"
    assert chosen(page, "delimiter") == "Semicolon"
    assert chosen(page, "header_line") == "line 2"
    assert chosen(page, "decimal") == "Comma"
    assert [chosen(page, f"column-{index}") for index in range(4)] == [
        "SKU", "Name", "Price", "not imported",
    ]  # fmt: skip
    for words in ("A-1, A-2, A-3", "Schraube &lt;M8&gt;", "99.8 % filled", "0 % filled",
                  "known header", "guessed from its cells", "remembered"):  # fmt: skip
        assert words in page


def test_header_row_is_offered_as_far_down_as_it_may_stand(editor_client: Client) -> None:
    job = waiting()
    found = {**job.detected}

    for line, last in ((2, 30), (41, 43)):
        ImportJob.objects.filter(pk=job.pk).update(detected={**found, "header_line": line})
        page = editor_client.get(f"/imports/{job.pk}/").content.decode()
        offered = page.partition('name="header_line"')[2].partition("</select>")[0]
        assert chosen(page, "header_line") == f"line {line}"
        assert f">line {last}</option>" in offered
        assert f">line {last + 1}</option>" not in offered


def test_workbook_has_no_chips_that_it_has_no_use_for(editor_client: Client) -> None:
    job = waiting()
    ImportJob.objects.filter(pk=job.pk).update(detected={**job.detected, "compression": "xlsx"})

    page = editor_client.get(f"/imports/{job.pk}/").content.decode()
    assert [name in page for name in ('name="encoding"', 'name="delimiter"')] == [False, False]
    assert "<dt>Encoding</dt>" not in page
    assert (chosen(page, "header_line"), chosen(page, "decimal")) == ("line 2", "Comma")

    post(editor_client, job, **{**chips(), "header_line": "1", "encoding": "utf-8"})
    job.refresh_from_db()
    assert (job.encoding, job.delimiter, job.header_line) == ("", "", 1)


def test_what_was_asked_for_stands_in_its_chip(editor_client: Client) -> None:
    job = waiting()
    ImportJob.objects.filter(pk=job.pk).update(encoding="utf-8", header_line=0)

    page = editor_client.get(f"/imports/{job.pk}/").content.decode()

    assert (chosen(page, "encoding"), chosen(page, "header_line")) == ("UTF-8", "none")


def test_viewer_sees_the_chips_and_can_not_change_them(viewer_client: Client) -> None:
    job = waiting()

    page = viewer_client.get(f"/imports/{job.pk}/").content.decode()
    refused = viewer_client.post(f"/imports/{job.pk}/read-again/", chips())

    assert refused.status_code == 403
    assert "<select" not in page
    assert "read-again" not in page
    for words in ("Windows-1252", "line 2", "Artikelnummer", "99.8 % filled", "not imported"):
        assert words in page


def test_changed_chip_has_the_file_read_again(editor_client: Client) -> None:
    job = waiting(ImportJob.State.FAILED)

    post(editor_client, job, **chips(encoding="utf-8", decimal="."))

    job.refresh_from_db()
    assert (job.state, job.encoding, job.decimal) == ("queued", "utf-8", ".")
    assert (job.columns, job.detected) == ([], {})
    assert Mapping.objects.count() == 0


def test_decimal_mark_is_kept_with_columns_that_are_remembered(editor_client: Client) -> None:
    remember(HEADER, ("sku", "name", "price", ""), user=None)
    job = waiting()

    post(editor_client, job, **chips(decimal="."))

    kept = Mapping.objects.get()
    assert kept.decimal == "."
    assert [each["field"] for each in kept.columns] == ["sku", "name", "price", ""]


def test_changed_column_is_asked_for_and_remembered(editor_client: Client) -> None:
    job = waiting()

    post(editor_client, job, **chips(**column(2, ""), **column(3, "description")))

    job.refresh_from_db()
    assert job.columns == ["sku", "name", "", "description"]
    kept = Mapping.objects.get()
    assert kept.header_digest == header_digest(HEADER)
    assert [each["field"] for each in kept.columns] == job.columns


def test_column_that_takes_a_field_changes_places(editor_client: Client) -> None:
    job = waiting()

    post(editor_client, job, **chips(**column(0, "name")))

    job.refresh_from_db()
    assert job.columns == ["name", "sku", "price", ""]


def test_columns_that_make_no_import_are_refused(editor_client: Client) -> None:
    job = waiting()

    page = post(editor_client, job, **chips(**column(0, "")))

    assert "No column is to hold the SKU, which every product must have. Choose one." in page
    job.refresh_from_db()
    assert (job.columns, job.detected) == ([], FOUND)
    assert Mapping.objects.count() == 0


def test_columns_of_another_reading_are_refused(editor_client: Client) -> None:
    job = waiting()

    page = post(editor_client, job, **chips(**column(2, ""), header=header_digest(["a", "b"])))

    assert "The file was read in another way meanwhile." in page
    job.refresh_from_db()
    assert job.columns == []


def test_chosen_columns_last_until_the_file_is_cut_in_another_way(editor_client: Client) -> None:
    job = waiting()
    columns = ["sku", "name", "price", ""]
    ImportJob.objects.filter(pk=job.pk).update(columns=columns)

    post(editor_client, job, **chips(encoding="utf-8"))
    job.refresh_from_db()
    assert job.columns == columns

    ImportJob.objects.filter(pk=job.pk).update(detected=FOUND)
    post(editor_client, job, **chips(encoding="utf-8", delimiter=","))
    job.refresh_from_db()
    assert (job.columns, job.delimiter) == ([], ",")


@pytest.mark.django_db(transaction=True)
def test_completed_import_is_read_again_as_a_new_one(editor_client: Client) -> None:
    job = waiting(ImportJob.State.COMPLETED)

    before = editor_client.get(f"/imports/{job.pk}/").content.decode()
    page = post(editor_client, job, **chips(encoding="utf-8"))

    assert "it is a new import; this one stays unless you undo it" in before
    assert "data-at-once" not in before
    new = ImportJob.objects.exclude(pk=job.pk).get()
    assert f"The file is read again as this import. #{job.pk:,} stays as it is" in page
    assert (new.encoding, new.sha256) == ("utf-8", job.sha256)
    job.refresh_from_db()
    assert (job.state, job.encoding) == ("completed", "")


def test_upload_that_is_gone_leaves_the_chips_as_words(editor_client: Client) -> None:
    job = waiting(ImportJob.State.FAILED)
    ImportJob.objects.update(upload="")

    page = editor_client.get(f"/imports/{job.pk}/").content.decode()
    said = post(editor_client, job, **chips(encoding="utf-8"))

    assert "<select" not in page.split('id="found"')[1]
    assert "The upload has been removed. Upload the file again." in said


def test_columns_are_kept_under_a_name_and_used_for_another_import(editor_client: Client) -> None:
    page = post(editor_client, waiting(ImportJob.State.COMPLETED), "save-mapping", name="Müller")

    assert "The columns are kept as “Müller”." in page
    mapping = Mapping.objects.get()
    assert [each["field"] for each in mapping.columns] == ["sku", "name", "price", ""]
    other = waiting(ImportJob.State.FAILED)
    assert "Müller" in editor_client.get(f"/imports/{other.pk}/").content.decode()

    post(editor_client, other, "use-mapping", mapping="Müller")

    other.refresh_from_db()
    assert (other.state, other.mapping, other.columns) == ("queued", mapping, [])


def test_mapping_that_does_not_fit_is_refused(editor_client: Client) -> None:
    save_as("Other", ["a", "b"], ("sku", "name"), user=None)
    job = waiting()

    page = post(editor_client, job, "use-mapping", mapping="Other")

    assert "“Other” needs columns that this file does not have." in page
    job.refresh_from_db()
    assert job.mapping is None


@pytest.mark.parametrize(
    ("action", "sent", "why"),
    [
        ("save-mapping", {"name": " "}, "Give the mapping a name."),
        ("save-mapping", {"name": "Taken"}, "There is a mapping “Taken” for other columns."),
        ("use-mapping", {"mapping": "gone"}, "It is gone by now."),
    ],
)
def test_mapping_is_refused_in_words(
    editor_client: Client, action: str, sent: dict[str, str], why: str
) -> None:
    save_as("Taken", ["a", "b"], ("sku", "name"), user=None)

    assert why in post(editor_client, waiting(), action, **sent)
    assert Mapping.objects.count() == 1


def test_mapping_that_a_file_does_not_fit_is_said_on_its_page(editor_client: Client) -> None:
    job = waiting()
    job.mapping = save_as("Other", ["a", "b"], ("sku", "name"), user=None)
    job.save()

    page = editor_client.get(f"/imports/{job.pk}/").content.decode()

    assert "needs columns that this file does not have" in page


def test_named_mappings_are_listed_and_deleted(
    editor_client: Client, viewer_client: Client
) -> None:
    mapping = save_as("Supplier", ["Nr", "Text", "x"], ("sku", "name", ""), user=None)
    job = accepted("sku,name\nA-1,One\n")
    ImportJob.objects.filter(pk=job.pk).update(mapping=mapping)

    shown = viewer_client.get("/imports/mappings/").content.decode()
    refused = viewer_client.post(f"/imports/mappings/{mapping.pk}/delete/")
    assert (refused.status_code, Mapping.objects.count()) == (403, 1)
    assert "Supplier" in shown
    assert "Delete" not in shown
    page = editor_client.post(f"/imports/mappings/{mapping.pk}/delete/", follow=True)

    assert "The mapping “Supplier” is deleted." in page.content.decode()
    assert "No mapping has a name yet" in page.content.decode()
    job.refresh_from_db()
    assert (job.state, job.mapping) == ("queued", None)


def test_options_of_an_upload_stand_beside_its_import(editor_client: Client) -> None:
    mapping = save_as("Supplier", ["Nr", "Text"], ("sku", "name"), decimal=",", user=None)
    listed = editor_client.get("/imports/").content.decode()
    for name in ("review", "mode", "missing", "empty", "encoding", "delimiter", "decimal",
                 "mapping"):  # fmt: skip
        assert f'form="drop" name="{name}"' in listed
    assert re.findall(r'name="(\w+)" value="(\w+)" id="[\w-]+" checked', listed) == [
        ("review", "never"), ("mode", "both"), ("missing", "keep"), ("empty", "keep"),
    ]  # fmt: skip

    sent = {
        "file": SimpleUploadedFile("a.csv", b"Nr;Text\nA-1;One\n"),
        "review": "always",
        "mode": "update",
        "missing": "deactivate",
        "empty": "clear",
        "mapping": "Supplier",
    }
    page = editor_client.post("/imports/upload/", sent, follow=True).content.decode()

    job = ImportJob.objects.get()
    assert (job.review, job.mode, job.missing, job.empty) == (
        "always", "update", "deactivate", "clear",
    )  # fmt: skip
    assert (job.mapping, job.decimal) == (mapping, ",")
    for words in ("Always", "Only update", "Deactivate them", "Clear it", "Supplier"):
        assert f"<dd>{words}</dd>" in page


def test_unknown_mapping_of_an_upload_is_refused(editor_client: Client) -> None:
    sent = {"file": SimpleUploadedFile("a.csv", b"sku,name\n"), "mapping": "gone"}

    response = editor_client.post("/imports/upload/", sent)

    assert response.status_code == 400
    assert "There is no mapping of this name." in response.content.decode()
    assert ImportJob.objects.count() == 0
