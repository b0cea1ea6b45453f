"""One FilterSet for every way to look at products: page, export, bulk actions and API."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from catalog import search  # noqa: F401  the lookup has_text
from catalog.listing import ORDERS, in_order
from catalog.models import Product
from catalog.rules import PRICE_DECIMALS, PRICE_MAX_DIGITS

# What the list's address holds beside filters.
NOT_FILTERS = frozenset({"ordering", "page", "size"})

YES_NO = {"true": True, "1": True, "false": False, "0": False}
ONE_TICK = timedelta(microseconds=1)


class InvalidFilter(Exception):
    """A filter can't be read. Nothing was filtered: ignoring it would mean more than was asked.

    `problems` are sentences for people, by the filter's name.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


class YesNoField(forms.Field):
    """true or false, nothing for either; anything else is an error."""

    def to_python(self, value: Any) -> bool | None:
        text = str(value or "").strip().lower()
        if text and text not in YES_NO:
            raise ValidationError("Choose true or false.")
        return YES_NO.get(text)


class PriceField(forms.DecimalField):
    """A bound for prices, written as prices are."""

    default_error_messages: ClassVar = {"invalid": "Write a price with a point, as in 12.90."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=PRICE_MAX_DIGITS, decimal_places=PRICE_DECIMALS, **kwargs)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        try:
            return super().to_python(value)
        except ValidationError:
            pointed = str(value).strip().replace(",", ".")
            try:
                Decimal(pointed)
            except ArithmeticError:
                raise ValidationError(self.error_messages["invalid"], code="invalid") from None
            raise ValidationError(f"Write it with a point: {pointed}.", code="invalid") from None


class MomentField(forms.Field):
    """A day or an ISO 8601 time, as a moment; a day is that of the zone of whoever looks.

    A day means its first moment, or with `end` its last.
    """

    def __init__(self, *, end: bool = False, **kwargs: Any) -> None:
        self.end = end
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> datetime | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            day = parse_date(text)
            moment = self._of_day(day) if day else parse_datetime(text)
        except (ValueError, OverflowError):
            moment = None
        # The years at the ends of the calendar leave it in some zones.
        if moment is None or not 1 < moment.year < 9999:
            raise ValidationError("Write a day as in 2026-11-22.")
        return timezone.make_aware(moment) if timezone.is_naive(moment) else moment

    def _of_day(self, day: date) -> datetime:
        if not self.end:
            return datetime.combine(day, time.min)
        midnight = datetime.combine(day + timedelta(days=1), time.min)
        return timezone.make_aware(midnight) - ONE_TICK


class YesNoFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = YesNoField


class PriceFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = PriceField


class MomentFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = MomentField


class ProductFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Parts of texts in any case, ranges with both ends; filters that are given all hold.

    One that can't be read finds nothing: see `problems`. Give it a QueryDict, even an empty one.
    """

    search = django_filters.CharFilter(method="search_everywhere", label="SKU, name or description")
    sku = django_filters.CharFilter(lookup_expr="has_text", label="SKU")
    name = django_filters.CharFilter(lookup_expr="has_text", label="Name")
    description = django_filters.CharFilter(lookup_expr="has_text", label="Description")
    active = YesNoFilter(label="Active")
    price_min = PriceFilter("price", lookup_expr="gte", label="Price from")
    price_max = PriceFilter("price", lookup_expr="lte", label="Price to")
    priced = YesNoFilter("price", lookup_expr="isnull", exclude=True, label="Has a price")
    updated_after = MomentFilter("updated_at", lookup_expr="gte", label="Updated from")
    updated_before = MomentFilter("updated_at", lookup_expr="lte", label="Updated to", end=True)
    ordering = django_filters.ChoiceFilter(
        choices=[(name, name) for name in ORDERS],
        method="put_in_order",
        label="Order",
        error_messages={"invalid_choice": f"Choose one of {', '.join(ORDERS)}."},
    )

    class Meta:
        model = Product
        fields: ClassVar[list[str]] = []

    def search_everywhere(
        self, queryset: QuerySet[Product], name: str, value: str
    ) -> QuerySet[Product]:
        return queryset.filter(
            Q(sku__has_text=value) | Q(name__has_text=value) | Q(description__has_text=value)
        )

    def put_in_order(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        return in_order(queryset, value)

    def filter_queryset(self, queryset: QuerySet[Product]) -> QuerySet[Product]:
        if self.errors:
            return queryset.none()
        filtered: QuerySet[Product] = super().filter_queryset(queryset)
        return filtered

    @property
    def in_force(self) -> dict[str, Any]:
        """The values that narrow the products, by filter; without those that can't be read."""
        self.errors  # noqa: B018  validates
        return {
            name: value
            for name, value in self.form.cleaned_data.items()
            if name != "ordering" and value not in (None, "")
        }

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with the values that can't be read, by filter."""
        return {name: " ".join(map(str, found)) for name, found in self.errors.items()}


def filtered(query: QueryDict | str) -> QuerySet[Product]:
    """The products that match a URL's query: for what acts on all of them.

    Raises:
        InvalidFilter: a value can't be read, or a name is no filter's.
    """
    products: QuerySet[Product] = _checked(query).qs
    return products


def settled(query: QueryDict | str) -> str:
    """The filters of a URL's query so that they mean the same whoever reads them, "" for none.

    Days, which are those of the zone of whoever looks, become moments; order and page go.

    Raises:
        InvalidFilter: as `filtered`.
    """
    settled = QueryDict(mutable=True)
    for name, value in _checked(query).in_force.items():
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        settled[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return settled.urlencode()


def _checked(query: QueryDict | str) -> ProductFilter:
    asked = QueryDict(query) if isinstance(query, str) else query
    filterset = ProductFilter(asked, queryset=Product.objects.all())
    strange = set(asked) - set(filterset.filters) - NOT_FILTERS
    problems = {name: f"There is no filter “{name}”." for name in sorted(strange)}
    for name, problem in filterset.problems.items():
        problems[name] = f"{filterset.filters[name].label}: {problem}"
    if problems:
        raise InvalidFilter(problems)
    return filterset
