"""The list's filters as parameters of a URL: those of the page, judged by its FilterSet."""

from typing import Any, Final

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from catalog import filters
from catalog.filters import InvalidFilter, MomentFilter, PriceFilter, ProductFilter, YesNoFilter
from catalog.listing import ORDERS, in_order
from catalog.models import Product
from catalog.rules import PRICE_DECIMALS, PRICE_MAX_DIGITS
from core.api.problems import Problem
from core.api.serializers import Paging, Query

DIGITS: Final = PRICE_MAX_DIGITS - PRICE_DECIMALS
SCHEMAS: Final[dict[type, dict[str, Any]]] = {
    YesNoFilter: {"type": "boolean"},
    PriceFilter: {
        "type": "string",
        "pattern": rf"^-?[0-9]{{1,{DIGITS}}}(\.[0-9]{{1,{PRICE_DECIMALS}}})?$",
        "examples": ["12.90"],
    },
    MomentFilter: {
        "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
    },
}
TEXT: Final[dict[str, Any]] = {"type": "string", "pattern": "^[^\x00]*$"}


class FilterFields(Query):
    """The filters of `ProductFilter`, and the order; what a value may be the FilterSet says."""

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for name, filter_ in ProductFilter.base_filters.items():
            schema = SCHEMAS.get(type(filter_), TEXT)
            if name == "ordering":
                schema = {"type": "string", "enum": list(ORDERS)}
            field: Any = serializers.CharField(
                required=False, allow_blank=True, help_text=str(filter_.label)
            )
            fields[name] = extend_schema_field(schema)(field)
        return fields


class ProductQuery(FilterFields, Paging):
    """A page of the products that the filters leave."""


def filtered(request: Request) -> QuerySet[Product]:
    """The products that a call's filters leave, in its order or the latest change first.

    Raises:
        Problem: `invalid`, if a filter can't be read.
    """
    query = request._request.GET.copy()
    for name in ("page", "limit"):
        query.pop(name, None)
    try:
        products = filters.filtered(query)
    except InvalidFilter as invalid:
        raise Problem("invalid", str(invalid), errors=invalid.problems) from invalid
    return products if query.get("ordering") else in_order(products)
