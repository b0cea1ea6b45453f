"""How people read the columns of earlier files, used again."""

import pytest
from django.utils import timezone

from accounts.models import User
from imports.columns import Recalled
from imports.models import Mapping
from imports.options import Options
from imports.remembered import (
    NameTaken,
    apply,
    is_whole,
    named,
    recall,
    recaller,
    remember,
    save_as,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HEADER = ["Nummer", "Text", "Betrag"]
FIELDS = ("sku", "name", "price")


def fields_of(recalled: Recalled | None) -> tuple[str, ...]:
    assert recalled
    return tuple(recalled.fields)


def test_what_was_said_about_a_header_is_recalled(editor: User) -> None:
    remember(HEADER, FIELDS, user=editor)

    assert fields_of(recall(HEADER)) == FIELDS
    assert fields_of(recall(["\ufeffNUMMER ", "text", "betrag"])) == FIELDS
    assert Mapping.objects.get().created_by == editor


@pytest.mark.parametrize(
    "header", [["Text", "Nummer", "Betrag"], [*HEADER, "EAN"], HEADER[:2], ["Other"]]
)
def test_other_headers_recall_nothing(header: list[str]) -> None:
    remember(HEADER, FIELDS, user=None)

    assert recall(header) is None


def test_columns_without_names_say_nothing_of_a_file() -> None:
    remember(["", " "], ("sku", "name"), user=None)

    assert recall(["", " "]) is None


def test_what_was_said_last_counts_and_stands_in_one_row() -> None:
    remember(HEADER, FIELDS, user=None)
    remember(HEADER, ("name", "sku", ""), decimal=",", user=None)

    assert fields_of(recall(HEADER)) == ("name", "sku", "")
    kept = Mapping.objects.get()
    assert (kept.name, kept.decimal) == ("", ",")
    assert kept.columns == [
        {"header": "Nummer", "field": "name"},
        {"header": "Text", "field": "sku"},
        {"header": "Betrag", "field": ""},
    ]


def test_decimal_mark_is_recalled_with_its_columns() -> None:
    remember(HEADER, FIELDS, decimal=",", user=None)
    mapping = save_as("Supplier", HEADER, FIELDS, decimal=".", user=None)
    remember(HEADER, FIELDS, decimal=",", user=None)

    assert recall(HEADER) == Recalled(FIELDS, ",")
    assert recaller(Options(mapping_id=mapping.pk))(HEADER) == Recalled(FIELDS, ".")


def test_newest_of_a_named_and_a_nameless_mapping_counts() -> None:
    save_as("Supplier", HEADER, FIELDS, user=None)
    assert fields_of(recall(HEADER)) == FIELDS

    remember(HEADER, ("name", "sku", "price"), user=None)

    assert fields_of(recall(HEADER)) == ("name", "sku", "price")


def test_two_columns_of_one_name_are_told_apart_by_their_order() -> None:
    header = ["Text", "Text", "Nummer"]
    remember(header, ("name", "description", "sku"), user=None)

    assert fields_of(recall(header)) == ("name", "description", "sku")


def test_named_mapping_serves_files_with_other_headers_by_the_names_in_them() -> None:
    mapping = save_as("Supplier", HEADER, FIELDS, user=None)

    assert apply(mapping, ["EAN", "betrag", "Text", "NUMMER"]) == ("", "price", "name", "sku")
    assert apply(mapping, ["Nummer", "Text"]) == ("sku", "name")


def test_named_mapping_does_not_fit_a_file_without_its_required_columns() -> None:
    mapping = save_as("Supplier", HEADER, FIELDS, user=None)

    assert apply(mapping, ["Nummer", "Betrag"]) is None


def test_chosen_mapping_comes_before_what_is_remembered() -> None:
    remember(HEADER, ("name", "sku", ""), user=None)
    mapping = save_as("Supplier", ["Text", "Nummer"], ("name", "sku"), user=None)

    assert fields_of(recaller(Options(mapping_id=mapping.pk))(HEADER)) == ("sku", "name", "")
    assert fields_of(recaller(Options())(HEADER)) == ("name", "sku", "")


def test_chosen_mapping_that_does_not_fit_leaves_it_to_what_is_remembered() -> None:
    remember(HEADER, FIELDS, user=None)
    mapping = save_as("Other", ["a", "b"], ("sku", "name"), user=None)

    assert fields_of(recaller(Options(mapping_id=mapping.pk))(HEADER)) == FIELDS
    mapping.delete()
    assert fields_of(recaller(Options(mapping_id=mapping.pk))(HEADER)) == FIELDS


def test_name_can_be_used_again_for_the_same_header_only(editor: User) -> None:
    save_as("Supplier", HEADER, FIELDS, user=None)
    save_as("Supplier", HEADER, ("sku", "name", ""), user=editor)

    with pytest.raises(NameTaken, match="There is a mapping “Supplier” for other columns"):
        save_as("Supplier", ["a", "b"], ("sku", "name"), user=editor)

    kept = Mapping.objects.get()
    assert [column["field"] for column in kept.columns] == ["sku", "name", ""]
    assert kept.created_by == editor


def test_named_ones_are_listed_by_name() -> None:
    remember(HEADER, FIELDS, user=None)
    for name in ("beta", "alpha"):
        save_as(name, [name, "b"], ("sku", "name"), user=None)

    assert [mapping.name for mapping in named()] == ["alpha", "beta"]


def test_newer_of_two_is_told_by_when_they_were_kept() -> None:
    older = save_as("older", HEADER, ("name", "sku", ""), user=None)
    save_as("newer", HEADER, FIELDS, user=None)
    Mapping.objects.filter(pk=older.pk).update(updated_at=timezone.now())

    assert fields_of(recall(HEADER)) == ("name", "sku", "")


@pytest.mark.parametrize(
    ("fields", "whole"),
    [
        (("sku", "name"), True),
        (("", "name", "sku", "active"), True),
        (("sku", ""), False),
        (("sku", "name", "sku"), False),
        (("sku", "name", "colour"), False),
        ((), False),
    ],
)
def test_columns_make_an_import_if_the_required_fields_are_there_once(
    fields: tuple[str, ...], whole: bool
) -> None:
    assert is_whole(fields) is whole
