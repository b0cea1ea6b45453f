"""Products as forms; what a value may be stands in `catalog.rules`."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import BadRequest
from django.http import QueryDict

from catalog import rules
from catalog.conflicts import one_line_end, texts_of
from catalog.models import Product
from catalog.products import FIELDS, with_sku


class PriceField(forms.Field):
    """A price, judged like one in an import: 12,90 is refused, with the remedy."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> Decimal | None:
        problems: list[rules.Problem] = []
        price = rules.clean_price(str(value or ""), problems)
        _refuse(problems)
        return None if price is None else Decimal(price)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:.2f}" if isinstance(value, Decimal) else value


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    """One product, with values that an import of its export leaves unchanged.

    `taken` is the product that has the SKU already, in any case.
    """

    sku = forms.CharField(
        label="SKU", error_messages={"required": "SKU is empty. Every product needs one."}
    )
    name = forms.CharField(error_messages={"required": "Name is empty. Every product needs one."})
    description = forms.CharField(required=False, strip=False, widget=forms.Textarea)
    price = PriceField(required=False)

    class Meta:
        model = Product
        fields: ClassVar[tuple[str, ...]] = FIELDS

    taken: Product | None = None

    def clean_sku(self) -> str:
        problems: list[rules.Problem] = []
        sku = rules.clean_sku(self.cleaned_data["sku"], problems)
        _refuse(problems)
        taken = with_sku(sku).exclude(pk=self.instance.pk).first()
        if taken is not None:
            self.taken = taken
            raise forms.ValidationError(_taken(taken))
        return sku

    def clean_name(self) -> str:
        problems: list[rules.Problem] = []
        name = rules.clean_name(self.cleaned_data["name"], problems)
        _refuse(problems)
        return name

    def clean_description(self) -> str:
        """Browsers send CRLF for every line end: a text that nobody touched stays as it stands."""
        problems: list[rules.Problem] = []
        typed = one_line_end(self.cleaned_data["description"])
        stored = str(self.initial.get("description") or "")
        if typed == one_line_end(stored):
            return stored
        description = rules.clean_description(typed, problems)
        _refuse(problems)
        return description or ""

    def refuse_sku(self, taken: Product) -> None:
        """Somebody took the SKU after it was checked."""
        self.taken = taken
        self.add_error("sku", _taken(taken))

    def values(self) -> dict[str, Any]:
        """The cleaned FIELDS."""
        return {name: self.cleaned_data[name] for name in FIELDS}

    @property
    def starts_at(self) -> str:
        """The field that takes the focus: the first that was refused, else the first."""
        return next((name for name in FIELDS if name in self.errors), FIELDS[0])


class EditForm(ProductForm):
    """A product as somebody opened it: what they typed, what stood there, and in which version.

    Of a conflict, the fields `choose-…` say whose value is taken.
    """

    def __init__(self, data: QueryDict | None = None, *, instance: Product) -> None:
        opened = texts_of(instance)
        version = instance.updated_at
        if data is not None:
            opened = {name: one_line_end(data.get(f"initial-{name}", "")) for name in FIELDS}
            version = _version(data.get("version", ""))
            data = _chosen(data)
        super().__init__(data, instance=instance)
        self.pk = instance.pk
        self.opened_texts = opened
        self.opened_at = version

    def show_newer(self, product: Product) -> None:
        """What is typed rests on this version from now on."""
        self.opened_texts = texts_of(product)
        self.opened_at = product.updated_at

    @property
    def version(self) -> str:
        return self.opened_at.astimezone(UTC).isoformat()

    @property
    def spelling(self) -> str:
        """The SKU of the product that is being edited, whatever is typed."""
        return self.opened_texts["sku"]


def _version(text: str) -> datetime:
    """When the values were read that a form shows.

    Raises:
        BadRequest: no form of ours sent this. Without it an edit would write over a newer one.
    """
    try:
        version = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest("The version is missing.") from error
    if version.tzinfo is None:
        raise BadRequest("The version has no time zone.")
    return version


def _chosen(data: QueryDict) -> QueryDict:
    data = data.copy()
    for name in FIELDS:
        if data.get(f"choose-{name}") == "theirs":
            data[name] = data.get(f"initial-{name}", "")
    return data


def _refuse(problems: list[rules.Problem]) -> None:
    if problems:
        raise forms.ValidationError([problem.message for problem in problems])


def _taken(product: Product) -> str:
    return f"{product.sku} is taken by “{product.name}”. Choose another SKU, or edit that product."
