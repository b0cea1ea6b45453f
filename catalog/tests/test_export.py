"""Products as a CSV: which ones, in which columns, made safe for spreadsheets; who may, who did."""

import asyncio
import codecs
import csv
import io
import itertools
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, User
from catalog.export import write_csv
from catalog.filters import filtered
from catalog.models import Product
from catalog.rules import escape_formula, has_escaped_formula, unescape_formula

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

URL = "/products/export.csv"
HEADER = "sku,name,description,price,active"
DANGEROUS = "=+-@\t\r\n\x01\x0b\x1f＝＋－＠"
CLOSE = "'\" =+-@\t\r\n\x01\x1f\x7f\u00a0＝＋－＠!#%&(.0:<>?A¬￼\ufeff\u200b"

close_texts = st.text(st.sampled_from(CLOSE), max_size=5)


def product(sku: str, name: str = "Name", **values: Any) -> Product:
    return Product.objects.create(sku=sku, name=name, **values)


def exported(products: QuerySet[Product] | None = None) -> str:
    file = io.BytesIO()
    write_csv(Product.objects.all() if products is None else products, file)
    content = file.getvalue()
    assert content.startswith(codecs.BOM_UTF8)
    return content.removeprefix(codecs.BOM_UTF8).decode()


def body(response: HttpResponseBase) -> str:
    """What a view sends, byte order mark off."""
    stream = cast("AsyncIterator[bytes]", cast(StreamingHttpResponse, response).streaming_content)

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in stream])

    return asyncio.run(whole()).decode("utf-8-sig")


# --- What a spreadsheet must not take for a formula -------------------------------------------


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("''=1+1", "'''=1+1"),
        ("-5", "'-5"),
        ("+49 30", "'+49 30"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("007", "007"),
        ("'x", "'x"),
        ("'", "'"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_formula_gets_an_apostrophe_and_loses_it_again(text: str, cell: str) -> None:
    assert escape_formula(text) == cell
    assert unescape_formula(cell) == text


@given(st.text() | close_texts)
def test_every_text_comes_back_from_its_escape(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


@given(close_texts, close_texts)
def test_no_two_texts_have_the_same_escape(one: str, other: str) -> None:
    assert (escape_formula(one) == escape_formula(other)) == (one == other)


@given(st.text() | close_texts)
def test_nothing_that_begins_like_a_formula_is_left_after_the_escape(text: str) -> None:
    assert not escape_formula(text).lstrip(" ").startswith(tuple(DANGEROUS))


@given(st.lists(close_texts))
def test_escapes_are_found_where_there_are_any(texts: list[str]) -> None:
    assert has_escaped_formula(texts) == any(unescape_formula(text) != text for text in texts)


def test_database_escapes_as_the_rules_do() -> None:
    starts = ["".join(each) for size in (1, 2) for each in itertools.product(CLOSE, repeat=size)]
    texts = [f"{start}{rest}" for start in starts for rest in ("", "x", "=1")]
    Product.objects.bulk_create(
        Product(sku=f"{text}{at}", name=text, description=text) for at, text in enumerate(texts)
    )

    rows = list(csv.reader(io.StringIO(exported(), newline="")))[1:]

    assert [row[0] for row in rows] == [escape_formula(f"{t}{at}") for at, t in enumerate(texts)]
    assert [row[1] for row in rows] == [escape_formula(text) for text in texts]
    assert [row[2] for row in rows] == [escape_formula(text) for text in texts]


# --- The file ---------------------------------------------------------------------------------


def test_file_has_the_columns_of_an_import_in_the_order_of_ids() -> None:
    product("B-2", "Two", description='5" pipe, "long"', price=Decimal("12.90"))
    product("A-1", "One", active=False)

    assert exported() == (f'{HEADER}\nB-2,Two,"5"" pipe, ""long""",12.90,true\nA-1,One,,,false\n')


def test_number_of_products_is_given_back() -> None:
    for number in range(3):
        product(f"A-{number}")

    assert write_csv(Product.objects.all(), io.BytesIO()) == 3
    assert write_csv(Product.objects.filter(sku="A-1"), io.BytesIO()) == 1


def test_no_products_are_a_file_with_a_header() -> None:
    product("A-1")

    assert exported(Product.objects.none()) == f"{HEADER}\n"
    assert exported(Product.objects.filter(pk__in=[])) == f"{HEADER}\n"
    assert exported(Product.objects.filter(sku="A-2")) == f"{HEADER}\n"


@pytest.mark.parametrize("text", ["100 %", "%s", "%(sku)s", "'; --", "{query}", '"', "\\", "$1"])
def test_values_of_a_filter_are_bound_and_never_part_of_the_statement(text: str) -> None:
    product("A-1", f"<{text}>")
    product("A-2", "Other")

    found = csv.reader(io.StringIO(exported(Product.objects.filter(name__icontains=text))))

    assert [row[0] for row in found] == ["sku", "A-1"]


def test_order_of_the_list_does_not_matter() -> None:
    product("A-1", "Z")
    product("A-2", "A")

    assert exported(filtered("ordering=name")) == exported()


def test_statement_timeout_is_as_before_after_an_export(transactional_db: None) -> None:
    product("A-1")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()
        cursor.execute("SET statement_timeout = '7s'")
        exported()
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("7s",)
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", before)


def test_export_outlasts_the_statement_timeout(transactional_db: None) -> None:
    for number in range(20):
        product(f"A-{number}")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '50ms'")
        slow = Product.objects.extra(where=["pg_sleep(0.005) IS NOT NULL"])
        try:
            assert write_csv(slow, io.BytesIO()) == 20
        finally:
            cursor.execute("RESET statement_timeout")


def test_memory_stays_flat() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_product (sku, name, description) "
            "SELECT 'A-' || n, 'Name', repeat(md5(n::text), 100) FROM generate_series(1, 15000) n"
        )
    process = psutil.Process()
    with tempfile.TemporaryFile() as file:
        write_csv(Product.objects.filter(sku="A-1"), file)
        before = process.memory_info().rss
        write_csv(Product.objects.all(), file)
        grown = process.memory_info().rss - before

        assert file.tell() > 48_000_000
        assert grown < 8_000_000


# --- The page -----------------------------------------------------------------------------------


def test_export_is_a_download_named_for_the_day_of_who_looks(
    viewer: User, viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.time_zone = "Pacific/Kiritimati"
    viewer.save()
    product("A-1", "One")
    late = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: late)

    response = viewer_client.get(URL)

    assert reverse("catalog:export") == URL
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="products-2026-11-22.csv"'
    assert body(response) == f"{HEADER}\nA-1,One,,,true\n"


def test_filters_are_those_of_the_list(viewer_client: Client) -> None:
    product("A-1", "Red bolt")
    product("A-2", "Red nut", active=False)
    product("A-3", "Blue bolt")

    found = body(viewer_client.get(URL, {"name": "red", "active": "true", "page": "7"}))

    assert found == f"{HEADER}\nA-1,Red bolt,,,true\n"


@pytest.mark.parametrize("query", [{"active": "perhaps"}, {"price_min": "1,5"}, {"colour": "red"}])
def test_filter_that_can_not_be_read_is_refused_and_exports_nothing(
    viewer_client: Client, query: dict[str, str]
) -> None:
    product("A-1")

    response = viewer_client.get(URL, query)

    assert response.status_code == 400
    assert "Nothing was exported" in response.text
    assert "A-1" not in response.text
    assert not AuditEntry.objects.filter(action="exported").exists()
    assert viewer_client.head(URL, query).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_export_is_audited(viewer: User, viewer_client: Client) -> None:
    for number in range(3):
        product(f"A-{number}")

    body(viewer_client.get(URL, {"sku": "a-", "size": "50", "active": "true"}))
    body(viewer_client.get(URL, {"sku": "A-1"}))

    few, many = AuditEntry.objects.filter(action="exported")
    assert (many.actor, many.actor_name, many.target) == (viewer, "viewer", "3 products")
    assert many.details == {"rows": 3, "query": "sku=a-&active=true"}
    assert (few.target, few.details) == ("1 product", {"rows": 1, "query": "sku=A-1"})


@pytest.mark.django_db(transaction=True)
def test_head_names_the_file_without_making_it(viewer_client: Client) -> None:
    product("A-1")

    with connection.execute_wrapper(_refuse_copy):
        response = viewer_client.head(URL)

    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="products-')
    assert not AuditEntry.objects.filter(action="exported").exists()


def _refuse_copy(execute: Any, statement: Any, *rest: Any) -> Any:
    assert "statement_timeout" not in str(statement)
    return execute(statement, *rest)


def test_only_who_may_see_products_may_export_them(client: Client) -> None:
    product("A-1")
    client.force_login(User.objects.create_user(username="nobody"))

    assert client.get(URL).status_code == 403
    assert client.post(URL).status_code in (403, 405)
    assert not AuditEntry.objects.filter(action="exported").exists()


def test_who_is_not_signed_in_is_sent_to_sign_in(client: Client) -> None:
    response = client.get(URL)

    assert response.status_code == 302
    assert response["Location"].startswith("/account/")


# --- Slow readers and full disks ----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_no_database_connection_is_held_while_the_file_is_sent(viewer_client: Client) -> None:
    for number in range(3):
        product(f"A-{number}")

    response = viewer_client.get(URL)

    assert connection.connection is None
    assert body(response).count("\n") == 4
    assert connection.connection is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is Linux's")
def test_full_disk_is_said_and_nothing_is_sent(
    viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    product("A-1", description="x" * 100_000)
    opened: list[io.BufferedRandom] = []

    def on_the_full_disk() -> io.BufferedRandom:
        opened.append(Path("/dev/full").open("w+b"))  # noqa: SIM115
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", on_the_full_disk)

    response = viewer_client.get(URL, {"sku": "A-1"})

    assert response.status_code == 507
    assert "The web server has no room left to write the file." in response.text
    assert "/products/?sku=A-1" in response.text
    assert not response.has_header("Content-Disposition")
    assert [file.closed for file in opened] == [True]
    assert not AuditEntry.objects.filter(action="exported").exists()
