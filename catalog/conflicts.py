"""An edit on top of somebody else's newer one: what each of the two changed.

Values are compared as texts, the way a form sends them: line ends as LF, since browsers write them
as they please; a price with two decimals; "on" or "" for active.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from catalog import products
from catalog.history import LABELS
from catalog.models import ChangeSet, Product, ProductChange
from catalog.products import FIELDS, EditConflict


@dataclass(frozen=True)
class Difference:
    """One field as it was opened, as it is now, and as it was typed."""

    name: str
    was: str
    theirs: str
    yours: str

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def by_them(self) -> bool:
        return self.theirs != self.was

    @property
    def by_you(self) -> bool:
        return self.yours not in (self.was, self.theirs)

    @property
    def by_both(self) -> bool:
        return self.by_them and self.by_you

    @property
    def kept(self) -> str:
        """What is saved unless somebody chooses otherwise."""
        return self.yours if self.by_you else self.theirs

    @property
    def shown_was(self) -> str | None:
        return self._shown(self.was)

    @property
    def shown_theirs(self) -> str | None:
        return self._shown(self.theirs)

    @property
    def shown_yours(self) -> str | None:
        return self._shown(self.yours)

    def _shown(self, text: str) -> str | None:
        if self.name == "active":
            return "yes" if text else "no"
        return text or None


class Conflict(Exception):
    """Somebody changed values in the meantime; nothing was written.

    `product` is the row as it is now; `change_set` the last change to it, None when it was pruned.
    """

    def __init__(
        self, product: Product, differences: list[Difference], change_set: ChangeSet | None
    ) -> None:
        super().__init__(f"{product.sku} was changed in the meantime.")
        self.product = product
        self.differences = differences
        self.change_set = change_set

    @property
    def contested(self) -> str | None:
        """The first field that both changed."""
        return next((each.name for each in self.differences if each.by_both), None)


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """FIELDS as a form sends them."""
    return {name: _text(values[name]) for name in FIELDS}


def texts_of(product: Product) -> dict[str, str]:
    """A product's FIELDS as a form sends them."""
    return as_texts({name: getattr(product, name) for name in FIELDS})


def one_line_end(text: str) -> str:
    """The text with LF alone at its line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def save(
    product_id: int,
    *,
    actor: AbstractBaseUser | None,
    opened: Mapping[str, str],
    version: datetime,
    values: Mapping[str, Any],
) -> Product:
    """Save what was typed over the values that were `opened` at `version`, an `updated_at`.

    A newer version with the old values, changed and taken back, is no conflict.

    Raises:
        Conflict: somebody else changed a value, and what was typed differs from what stands there.
        ProductGone, SkuTaken, CatalogBusy: as `catalog.products.update`.
    """
    typed = as_texts(values)
    while True:
        try:
            return products.update(
                product_id,
                source=ChangeSet.Source.FORM,
                actor=actor,
                unchanged_since=version,
                **values,
            )
        except EditConflict as refused:
            theirs = texts_of(refused.product)
            differences = [
                Difference(name, opened[name], theirs[name], typed[name]) for name in FIELDS
            ]
            if not any(each.by_you for each in differences):
                return refused.product
            if any(each.by_them for each in differences):
                raise Conflict(refused.product, differences, _last_change(product_id)) from refused
            version = refused.product.updated_at


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return one_line_end(value)


def _last_change(product_id: int) -> ChangeSet | None:
    change = (
        ProductChange.objects.filter(product_id=product_id)
        .select_related("change_set__actor")
        .order_by("-change_set_id")
        .first()
    )
    return change.change_set if change else None
