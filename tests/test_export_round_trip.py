"""An exported file, imported again, changes nothing: whatever a person or a file has stored."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from catalog import products, rules
from catalog.export import write_csv
from catalog.models import ChangeSet, Product
from imports.models import ImportJob
from imports.report import write_rejected
from imports.tests.importing import completed, counts, imported
from tests.test_oracle_property import SPELLINGS, empty_the_catalog

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ODDITIES = [
    "=1+1", "'=1+1", "''=x", "'x", "'", "''", "007", "-5", "+49", "@x", "＝1", "－", "＠x", "＋",
    "\t", "\t=", "\r", "\n", "\r\n", " ", "  =1", " '=1", "\v", "\f", "\x1c", "\x01", "\x7f",
    "\x85", '"', '""', '"""', '","', '";"', ", ", ', "', "x", "ü", "a;b;c", "a\tb", "a|b", "sep=;",
    "\\.", "\\N", "\\", "NULL", "null", "1e5", "1,5", "TRUE", "#N/A", "\u00a0", "\u2007",
    "\u200b", "\u200d", "\u200f", "\u202e", "\u2028", "\u2029", "\ufeff", "\u0301", "e\u0301",
    "\u0338", "👩\u200d🚀", "🇩🇪", "\U0010ffff", "\ufffd", "\ufffe", "ﬁ", "İ", "ß", "日本",
    "%s", "{0}",
]  # fmt: skip

texts = st.lists(
    st.sampled_from(ODDITIES) | st.text(st.characters(codec="utf-8"), max_size=4), max_size=4
).map("".join)
skus = st.sampled_from(SPELLINGS) | texts
prices = st.none() | st.decimals(0, Decimal("9999999999.99"), places=2)
tables = st.lists(st.tuples(skus, texts, texts, prices, st.booleans()), min_size=1, max_size=6)
clearing = st.sampled_from(["keep", "clear"])

rounds = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def stored(
    sku: str, name: str, description: str, price: Decimal | None, active: bool
) -> dict[str, Any] | None:
    """What a product with these values is stored as; None for one that is refused."""
    problems: list[rules.Problem] = []
    values = {
        "sku": rules.clean_sku(sku, problems),
        "name": rules.clean_name(name, problems),
        "description": rules.clean_description(description, problems) or "",
        "price": price,
        "active": active,
    }
    return None if problems else values


def create(**values: Any) -> None:
    if not products.with_sku(values["sku"]).exists():
        products.create(source=ChangeSet.Source.FORM, actor=None, **values)


def exported() -> bytes:
    file = io.BytesIO()
    write_csv(Product.objects.all(), file)
    return file.getvalue()


def rows() -> list[tuple[Any, ...]]:
    """Every product, with its times."""
    return list(Product.objects.order_by("id").values_list())


def assert_nothing_changes_by_importing_the_export(**how: str) -> ImportJob:
    before = rows()

    job = completed(exported(), **how)

    assert rows() == before
    assert counts(job) == {
        "read": len(before),
        "created": 0,
        "updated": 0,
        "unchanged": len(before),
        "duplicates": 0,
        "rejected": 0,
    }
    assert job.change_set is None
    assert (job.detected["encoding"], job.detected["delimiter"]) == ("utf-8-sig", ",")
    return job


@rounds
@given(tables, clearing)
@example([("=1+1", "=1+1", "=1+1", None, True)], "keep")
@example([("'=x", "'=x", "'=x", None, True), ("''=x", "''=x", "''=x", None, True)], "keep")
@example([("007", "007", "007", Decimal(0), False)], "clear")
@example([("'x", "'x", "'x", Decimal("0.10"), False)], "clear")
@example([("\\.", "\\.", "\\.", None, False)], "keep")
@example([('"', '"', '"', None, False)], "keep")
@example([("A", "A", '\n"', None, False), ("B", "B", ' "x"', None, False)], "keep")
def test_export_of_what_people_stored_changes_nothing(table: list[Any], empty: str) -> None:
    empty_the_catalog()
    for values in filter(None, (stored(*each) for each in table)):
        create(**values)
    assume(Product.objects.exists())

    assert_nothing_changes_by_importing_the_export(empty=empty)


@rounds
@given(tables, st.sampled_from(",;\t|"), clearing)
def test_export_of_what_a_hostile_file_stored_changes_nothing(
    table: list[Any], delimiter: str, empty: str
) -> None:
    empty_the_catalog()
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(rules.FIELDS)
    writer.writerows(
        (*texts, "" if price is None else price, active) for *texts, price, active in table
    )
    imported(file.getvalue().encode())
    assume(Product.objects.exists())

    assert_nothing_changes_by_importing_the_export(empty=empty)


@rounds
@given(tables)
def test_export_moves_a_catalog_to_an_empty_one(table: list[Any]) -> None:
    empty_the_catalog()
    for values in filter(None, (stored(*each) for each in table)):
        create(**values)
    assume(Product.objects.exists())
    columns = ("sku", "name", "description", "price", "active")
    before = list(Product.objects.order_by("id").values(*columns))
    file = exported()

    empty_the_catalog()
    job = completed(file)

    found = list(Product.objects.order_by("id").values(*columns))
    assert sorted(found, key=str) == sorted(before, key=str)
    assert (job.created, job.rejected) == (len(before), 0)


def test_every_oddity_alone_in_every_column_changes_nothing() -> None:
    for number, text in enumerate(ODDITIES):
        for values in (
            stored(text, "Name", "", None, True),
            stored(f"N-{number}", text, "", None, True),
            stored(f"D-{number}", "Name", text, None, True),
            stored(f"E-{number}", "Name", f"a{text}b", None, True),
        ):
            if values is not None:
                create(**values)
    assert Product.objects.count() > 150

    assert_nothing_changes_by_importing_the_export()


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_cells_full_of_another_delimiter_do_not_mislead(delimiter: str) -> None:
    text = delimiter.join(["sku", "name", "description", "price", "active"])
    for number in range(60):
        values = {"name": text.replace("\t", " "), "description": text, "price": None}
        create(sku=f"A;{number}|sku", active=True, **values)

    assert_nothing_changes_by_importing_the_export()


def test_longest_values_change_nothing() -> None:
    create(sku="=" * rules.SKU_MAX, name="＝" * rules.NAME_MAX, description="=" * 500_000)
    create(
        sku="'" * (rules.SKU_MAX - 1) + "=", name="-" * rules.NAME_MAX, description='"' * 400_000
    )

    assert_nothing_changes_by_importing_the_export()


@pytest.mark.parametrize("field", ["sku", "name", "description"])
def test_blocks_that_are_checked_by_columns_lose_their_escapes_too(field: str) -> None:
    """So many rows that the import reads some as whole blocks, with one to unescape among them."""
    rest = {"name": "Men's " + "x" * 60, "description": "y"}
    Product.objects.bulk_create(
        Product(**{"sku": f"A-{number}", **rest, **({field: "=1"} if number == 1500 else {})})
        for number in range(2000)
    )

    assert_nothing_changes_by_importing_the_export()


def test_rejected_row_of_an_export_imports_once_it_is_repaired() -> None:
    create(sku="=1+1", name="=2", description="'=3\n-", price=Decimal("1.50"))
    before = rows()
    spoiled = exported().replace(b"1.50", b"a lot")
    job = completed(spoiled)
    assert (job.read, job.rejected) == (1, 1)

    returned = io.BytesIO()
    write_rejected(job, returned)
    assert b"'=1+1,'=2,\"''=3\n-\",a lot,true," in returned.getvalue()
    again = completed(returned.getvalue().replace(b"a lot", b"1.50"))

    assert (again.unchanged, again.rejected, again.change_set) == (1, 0, None)
    assert rows() == before
