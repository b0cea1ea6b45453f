"""One way to narrow products, for the page, the bulk actions, the API and the export alike."""

import string
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.filters import InvalidFilter, ProductFilter, filtered, settled
from catalog.models import Product

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def some_products() -> None:
    Product.objects.bulk_create(
        [
            Product(sku="LAMP-1", name="Desk lamp", description="100 % brass", active=True),
            Product(sku="LAMP-2", name="Floor lamp", description="steel", active=False),
            Product(sku="CHAIR_1", name="Chair", description="goes with LAMP-1", active=True),
            Product(sku="É-1", name="Ölkanne", description="C:\\oil", active=False),
        ]
    )
    for at, (sku, price) in enumerate(
        [("LAMP-1", None), ("LAMP-2", "12.90"), ("CHAIR_1", "13"), ("É-1", "0")]
    ):
        Product.objects.filter(sku=sku).update(
            price=price, updated_at=MIDNIGHT + timedelta(days=at) - timedelta(microseconds=1)
        )


def skus(found: QuerySet[Product]) -> set[str]:
    return {product.sku for product in found}


def matching(asked: dict[str, str]) -> set[str]:
    query = QueryDict(mutable=True)
    query.update(asked)
    return skus(ProductFilter(query, queryset=Product.objects.all()).qs)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {"LAMP-1", "LAMP-2", "CHAIR_1", "É-1"}),
        ({"search": "lamp-1"}, {"LAMP-1", "CHAIR_1"}),
        ({"search": "  lamp-1 "}, {"LAMP-1", "CHAIR_1"}),
        ({"search": "ölk"}, {"É-1"}),
        ({"search": "ÖLK"}, {"É-1"}),
        ({"search": "Ölkunne"}, set()),
        ({"search": "Ü"}, set()),
        ({"search": "0 % b"}, {"LAMP-1"}),
        ({"search": "%"}, {"LAMP-1"}),
        ({"search": "R_1"}, {"CHAIR_1"}),
        ({"search": "P_1"}, set()),
        ({"search": "c:\\O"}, {"É-1"}),
        ({"search": "\\"}, {"É-1"}),
        ({"search": "nothing"}, set()),
        ({"sku": "lamp"}, {"LAMP-1", "LAMP-2"}),
        ({"sku": "é"}, {"É-1"}),
        ({"name": "LAMP"}, {"LAMP-1", "LAMP-2"}),
        ({"description": "lamp"}, {"CHAIR_1"}),
        ({"active": "true"}, {"LAMP-1", "CHAIR_1"}),
        ({"active": "False"}, {"LAMP-2", "É-1"}),
        ({"active": ""}, {"LAMP-1", "LAMP-2", "CHAIR_1", "É-1"}),
        ({"price_min": "12.90"}, {"LAMP-2", "CHAIR_1"}),
        ({"price_max": "12.9"}, {"LAMP-2", "É-1"}),
        ({"price_min": "0.01", "price_max": "12.99"}, {"LAMP-2"}),
        ({"updated_after": "2026-11-21"}, {"CHAIR_1", "É-1"}),
        ({"updated_before": "2026-11-19"}, {"LAMP-1"}),
        ({"updated_before": "2026-11-20"}, {"LAMP-1", "LAMP-2"}),
        ({"updated_after": "2026-11-20", "updated_before": "2026-11-21"}, {"LAMP-2", "CHAIR_1"}),
        ({"updated_after": "2026-11-22T23:59:59.999999Z"}, {"É-1"}),
        ({"updated_after": "2026-11-22T23:59:59.999999-00:01"}, set()),
        ({"sku": "lamp", "active": "false"}, {"LAMP-2"}),
        ({"search": "lamp", "name": "floor", "active": "true"}, set()),
    ],
)
def test_filters_find_parts_of_texts_in_any_case_and_all_hold(
    asked: dict[str, str], found: set[str]
) -> None:
    assert matching(asked) == found
    query = QueryDict(mutable=True)
    query.update(asked)
    assert skus(filtered(query.urlencode())) == found
    assert skus(filtered(settled(query))) == found


def test_a_day_is_that_of_whoever_looks_and_stays_so_in_settled_filters() -> None:
    query = "updated_after=2026-11-20&updated_before=2026-11-20"
    with timezone.override(ZoneInfo("America/New_York")):
        found = skus(filtered(query))
        kept = settled(query)

    assert found == {"LAMP-2"}
    assert QueryDict(kept).dict() == {
        "updated_after": "2026-11-20T05:00:00+00:00",
        "updated_before": "2026-11-21T04:59:59.999999+00:00",
    }
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert skus(filtered(kept)) == {"LAMP-2"}
        assert skus(filtered(query)) == {"LAMP-1"}
        assert skus(filtered("updated_before=2026-11-19")) == set()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("price_min=abc", "Price from: Write a price with a point, as in 12.90."),
        ("price_max=12,90", "Price to: Write it with a point: 12.90."),
        ("price_max=NaN", "Price to: Write a price with a point, as in 12.90."),
        ("price_max=1e99999", "Price to: Ensure that there are no more than 12 digits in total."),
        ("price_min=1.005", "Price from: Ensure that there are no more than 2 decimal places."),
        ("active=perhaps", "Active: Choose true or false."),
        ("updated_after=yesterday", "Updated from: Write a day as in 2026-11-22."),
        ("updated_after=2026-02-30", "Updated from: Write a day as in 2026-11-22."),
        ("updated_before=9999-12-31", "Updated to: Write a day as in 2026-11-22."),
        ("updated_before=0001-01-01", "Updated to: Write a day as in 2026-11-22."),
        ("search=%00", "SKU, name or description: Null characters are not allowed."),
        ("ordering=colour", "Order: Choose one of sku, -sku, name, -name, price, -price, active,"),
        ("serach=lamp", "There is no filter “serach”."),
    ],
)
def test_filter_that_can_not_be_read_is_refused_never_ignored(asked: str, problem: str) -> None:
    name = asked.partition("=")[0]

    for function in (filtered, settled):
        with pytest.raises(InvalidFilter) as refused:
            function(f"sku=lamp&{asked}")
        assert refused.value.problems[name].startswith(problem)
        assert str(refused.value) == refused.value.problems[name]


def test_filterset_with_an_unreadable_filter_finds_nothing() -> None:
    filterset = ProductFilter(QueryDict("price_min=abc"), queryset=Product.objects.all())

    assert not filterset.qs.exists()
    assert filterset.problems == {"price_min": "Write a price with a point, as in 12.90."}
    assert filterset.in_force == {}


def test_settled_filters_keep_what_narrows_and_nothing_else() -> None:
    query = "search=+lamp+&active=False&price_min=1.50&sku=&ordering=-price&page=3&size=50"

    assert QueryDict(settled(query)).dict() == {
        "search": "lamp",
        "active": "false",
        "price_min": "1.50",
    }
    assert settled("search=++&page=2") == ""


def test_ordering_sorts_by_the_columns_of_the_list() -> None:
    def ordered(name: str) -> list[str]:
        return [product.sku for product in filtered(f"ordering={name}")]

    assert ordered("sku") == ["CHAIR_1", "LAMP-1", "LAMP-2", "É-1"]
    assert ordered("-price") == ["CHAIR_1", "LAMP-2", "É-1", "LAMP-1"]
    assert ordered("price") == ["É-1", "LAMP-2", "CHAIR_1", "LAMP-1"]
    assert ordered("-updated") == ["É-1", "CHAIR_1", "LAMP-2", "LAMP-1"]


SPECIAL = "%_\\'\" -"
ASCII = st.text(st.sampled_from(string.ascii_letters + string.digits + SPECIAL), max_size=6)
LETTERS = st.sampled_from(string.ascii_letters + SPECIAL + "äÖéßñçøÅΩωЖж中日")
WORDS = st.text(LETTERS, max_size=12)


def agree(text: str, term: str) -> None:
    """The lookup and Django's own give one answer about this text."""
    product = Product.objects.alias(text=Cast(Value(text), CharField())).filter(sku="LAMP-1")

    quick = product.filter(text__has_text=term).exists()

    assert quick == product.filter(text__icontains=term).exists()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(start=WORDS, middle=WORDS, end=WORDS, swapped=st.booleans(), other=WORDS)
def test_lookup_finds_what_icontains_finds(
    start: str, middle: str, end: str, swapped: bool, other: str
) -> None:
    agree(start + middle + end, middle.swapcase() if swapped and "ß" not in middle else middle)
    agree(start + middle + end, other)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=ASCII, term=ASCII)
def test_lookup_finds_what_icontains_finds_in_ascii(text: str, term: str) -> None:
    agree(text, term)


@pytest.mark.parametrize("term", ["%", "_", "\\", "\\%", "100%", "a_b", "é%", "%é", "é_", "\\é"])
def test_wildcards_are_what_they_are(term: str) -> None:
    agree(f"x{term}x", term)
    agree("xéaab100x", term)


def test_kelvin_sign_is_no_k_as_for_icontains() -> None:
    agree("5 \N{KELVIN SIGN}", "k")
    agree("5 k", "\N{KELVIN SIGN}")


@pytest.mark.parametrize("letter", ["\N{LATIN SMALL LETTER LONG S}", "ı"])
def test_letters_that_become_ascii_only_in_upper_case_are_not_taken_for_it(letter: str) -> None:
    """The exception that the lookup names: icontains would find them."""
    plain = letter.upper()
    product = Product.objects.alias(text=Cast(Value(f"x{letter}x"), CharField()), one=F("id"))

    assert not product.filter(text__has_text=f"x{plain}x").exists()
    assert product.filter(text__has_text=f"x{letter}").exists()
