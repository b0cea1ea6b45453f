"""Any table that Python's csv module writes ends in the catalog as the reference says."""

import csv
import io
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Product
from imports.tests.importing import completed
from tests import oracle
from tests.oracle import Row

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
SPELLINGS = [
    "A-1", "a-1", "A-2", " a-2 ", "b 1", "B 1", "É", "é", "e\u0301", "ß", "ẞ", "İ", "i", "I", "ı",
    "ſ", "s", "S", "\u212a", "k", "K", "Ж", "ж", "0", "00", '"', "a;b", "A|B", "a,b", "x\ty",
]  # fmt: skip
TRUTH = {None: ("", "  "), True: ("yes", "TRUE", "1"), False: ("no", "False", "0")}
BAD = {
    "price": ("a lot", "-1", "1,5", "1.234", "1e-3"),
    "active": ("maybe", "2"),
    "name": ("", "   "),
    "sku": ("", "  "),
}


@dataclass(frozen=True)
class Line:
    """One line of a file: its cells, and what they mean; None for one that has to be refused."""

    cells: tuple[str, str, str, str, str]
    row: Row | None


@dataclass(frozen=True)
class Table:
    """A file: its bytes, and its lines as the reference takes them."""

    content: bytes
    encoding: str
    lines: list[Line]


@st.composite
def line(draw: st.DrawFn, encoding: str) -> Line:
    characters = st.characters(
        codec="utf-8" if encoding != "cp1252" else encoding, categories=["L", "N", "P", "S", "Zs"]
    )
    sku = draw(st.sampled_from([text for text in SPELLINGS if fits(text, encoding)]))
    name = draw(st.text(characters, min_size=1, max_size=8).filter(str.strip))
    breaks = st.sampled_from(["\n", "\r\n", "\t", '"', ";"])
    description = "".join(draw(st.lists(st.one_of(st.text(characters, max_size=5), breaks))))
    price = draw(st.one_of(st.none(), st.decimals(0, 9_999_999_999, places=2)))
    active = draw(st.sampled_from([None, True, False]))
    cells = {
        "sku": sku,
        "name": draw(st.sampled_from([name, f" {name}"])),
        "description": description,
        "price": "" if price is None else draw(st.sampled_from([str(price), f" {price}0 "])),
        "active": draw(st.sampled_from(TRUTH[active])),
    }
    row: Row | None = Row(
        sku=unicodedata.normalize("NFC", sku.strip()),
        name=name.strip(),
        description=description if description.strip() else None,
        price=price,
        active=active,
    )
    if not row.sku.isprintable():  # type: ignore[union-attr]
        row = None
    bad = draw(st.sampled_from([None, None, None, None, *BAD]))
    if bad is not None:
        cells[bad] = draw(st.sampled_from(BAD[bad]))
        row = None
    return Line((*cells.values(),), row)  # type: ignore[arg-type]


def fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@st.composite
def table(draw: st.DrawFn) -> Table:
    encoding = draw(st.sampled_from(ENCODINGS))
    lines = draw(st.lists(line(encoding), max_size=8).filter(lambda found: any_kept(found)))
    columns = draw(st.permutations(range(5)))
    names = ("sku", "name", "description", "price", "active")
    file = io.StringIO(newline="")
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]
    # Before Python 3.13, csv leaves a line break bare unless it is the file's own line end.
    if not any(set("\r\n") & set(cell) - set(line_end) for each in lines for cell in each.cells):
        quoting.append(csv.QUOTE_MINIMAL)
    writer = csv.writer(
        file,
        delimiter=draw(st.sampled_from(",;\t|")),
        quoting=draw(st.sampled_from(quoting)),
        lineterminator=line_end,
    )
    writer.writerow([names[at] for at in columns])
    writer.writerows([each.cells[at] for at in columns] for each in lines)
    return Table(file.getvalue().encode(encoding), encoding, lines)


def any_kept(lines: list[Line]) -> bool:
    """A row of blank cells is no row at all, which is another test's subject."""
    return all(any(cell.strip() for cell in each.cells) for each in lines)


@cache
def fold(text: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT lower(%s)", [text])
        folded: str = cursor.fetchone()[0]
        return folded


def catalog_of_the_database() -> dict[str, Row]:
    return {
        fold(each.sku): Row(each.sku, each.name, each.description, each.price, each.active)
        for each in Product.objects.all()
    }


@cache
def emptying() -> str:
    apps = ("catalog_", "imports_", "webhooks_")
    tables = connection.introspection.django_table_names(only_existing=True)
    return "; ".join(f'DELETE FROM "{table}"' for table in tables if table.startswith(apps))


def empty_the_catalog() -> None:
    """By DELETE: TRUNCATE makes every file of every table anew, and takes ten times as long."""
    with connection.cursor() as cursor:
        cursor.execute(emptying())


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(table(), min_size=1, max_size=2))
def test_a_table_ends_in_the_catalog_and_in_the_counts_as_the_reference_says(
    tables: list[Table],
) -> None:
    empty_the_catalog()
    expected: dict[str, Row] = {}
    for each in tables:
        kept = [line.row for line in each.lines if line.row is not None]
        counts = oracle.apply(expected, kept, fold)

        encoding = "windows-1252" if each.encoding == "cp1252" else ""
        job = completed(each.content, encoding=encoding, decimal=".")

        assert catalog_of_the_database() == expected
        assert oracle.Counts(job.created, job.updated, job.unchanged, job.duplicates) == counts
        assert (job.read, job.rejected) == (len(each.lines), len(each.lines) - len(kept))


def test_the_reference_itself_follows_its_rules() -> None:
    catalog = {"a": Row("a", "Old", "Text", Decimal("1.00"), False)}

    counts = oracle.apply(
        catalog,
        [Row("b", "First", "Gone"), Row("A", "New"), Row("B", "Last"), Row("A", "New")],
        str.lower,
    )

    assert catalog == {
        "a": Row("a", "New", "Text", Decimal("1.00"), False),
        "b": Row("B", "Last", "", None, True),
    }
    assert counts == oracle.Counts(created=1, updated=1, unchanged=0, duplicates=2)
