"""A product as JSON, in and out; what a value may be stands in `catalog.rules`."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import rules
from catalog.models import Product
from catalog.rules import FIELDS
from core.api.serializers import Flag, Strict, Text

Value = TypeVar("Value")


@extend_schema_field(
    {
        "anyOf": [
            {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,2})?$"},
            {"type": "number", "minimum": 0, "maximum": 9_999_999_999, "multipleOf": 0.01},
            {"type": "null"},
        ],
        "examples": ["12.90"],
    }
)
class Price(serializers.Field[Any, Any, Any, Any]):
    """An amount with at most two decimals, as a string or a number; written as a string."""

    def to_internal_value(self, data: Any) -> Decimal | None:
        if isinstance(data, bool) or not isinstance(data, str | int | float):
            raise serializers.ValidationError('Write a price like "12.90".')
        price = _cleaned(rules.clean_price, str(data))
        return None if price is None else Decimal(price)

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


@extend_schema_field({"type": ["string", "null"], "examples": ["12.90"]})
class ShownPrice(Price):
    """A price with two decimals."""


@extend_schema_field({"type": ["string", "null"], "examples": ["12.90"]})
class OldPrice(serializers.CharField):
    """A price as the log keeps it, with two decimals."""


def word(words: Iterable[str], **how: Any) -> Any:
    """One of some words, in the description too."""
    field: Any = serializers.CharField(**how)
    return extend_schema_field({"type": "string", "enum": list(words)})(field)


class ProductBody(Strict):
    """What may be set; judged by the same rules as a form and an import."""

    sku = Text(trim_whitespace=False, max_length=rules.SKU_MAX)
    name = Text(trim_whitespace=False, max_length=rules.NAME_MAX)
    description = Text(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=rules.DESCRIPTION_MAX,
    )
    price = Price(required=False, allow_null=True)
    active = Flag(required=False)

    def validate_sku(self, value: str) -> str:
        return _cleaned(rules.clean_sku, value)

    def validate_name(self, value: str) -> str:
        return _cleaned(rules.clean_name, value)

    def validate_description(self, value: str) -> str:
        return _cleaned(rules.clean_description, value) or ""


class ProductJson(serializers.ModelSerializer[Product]):
    """A product; `price` is null or has two decimals."""

    price = ShownPrice()

    class Meta:
        model = Product
        fields: ClassVar = (
            "id", "sku", "name", "description", "price", "active", "created_at", "updated_at",
        )  # fmt: skip


class ProductValues(serializers.Serializer[Any]):
    """Values of a product, those that are known or that changed."""

    sku = serializers.CharField(required=False)
    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    price = OldPrice(required=False, allow_null=True)
    active = serializers.BooleanField(required=False)

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        """The values as the log keeps them: a price that did not change is no null."""
        return {name: instance[name] for name in FIELDS if name in instance}


class NoFields(Strict):
    """The body of a call that needs none: empty, or an object without anything in it."""

    def to_internal_value(self, data: Any) -> Any:
        if data:
            message = "This call takes no body. Send it without one."
            raise serializers.ValidationError({"non_field_errors": [message]})
        return {}


class ProductPageJson(serializers.Serializer[Any]):
    """One page; `total` is an estimate when counting would take too long."""

    items = ProductJson(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    total_is_exact = serializers.BooleanField()


def _cleaned(clean: Callable[[str, list[rules.Problem]], Value], text: str) -> Value:
    problems: list[rules.Problem] = []
    value = clean(text, problems)
    if problems:
        raise serializers.ValidationError([problem.message for problem in problems])
    return value
