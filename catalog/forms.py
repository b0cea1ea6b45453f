"""Products as forms; what a value may be stands in `catalog.rules`."""

from typing import Any, ClassVar

from django import forms

from catalog import rules
from catalog.models import Product
from catalog.products import FIELDS, with_sku


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    """One product. A SKU that exists in another case is refused by name of who has it."""

    class Meta:
        model = Product
        fields: ClassVar[tuple[str, ...]] = FIELDS

    def clean_sku(self) -> str:
        problems: list[rules.Problem] = []
        sku = rules.clean_sku(self.cleaned_data["sku"], problems)
        self._refuse(problems)
        taken = with_sku(sku).exclude(pk=self.instance.pk).first()
        if taken is not None:
            raise forms.ValidationError(
                f"{taken.sku} is taken by “{taken.name}”. Choose another SKU, or edit that product."
            )
        return sku

    def clean_name(self) -> str:
        problems: list[rules.Problem] = []
        name = rules.clean_name(self.cleaned_data["name"], problems)
        self._refuse(problems)
        return name

    def clean_description(self) -> str:
        problems: list[rules.Problem] = []
        description = rules.clean_description(self.cleaned_data["description"], problems)
        self._refuse(problems)
        return description or ""

    def _refuse(self, problems: list[rules.Problem]) -> None:
        if problems:
            raise forms.ValidationError([problem.message for problem in problems])

    def values(self) -> dict[str, Any]:
        """The cleaned FIELDS."""
        return {name: self.cleaned_data[name] for name in FIELDS}
