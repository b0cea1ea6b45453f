"""Products as a change set left them, whatever became of them since.

The log keeps replaced values only. What a change set wrote in a column is what the first later
change replaced there, or what stands in the row if there was none. Ask for the rows first: an edit
that comes between the two questions is then in the log that is read second.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db.models import F

from catalog.models import Product, ProductChange
from catalog.rules import FIELDS
from core.lookups import AnyOf


def rows(product_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """FIELDS and the two times of the products that are, by id; a price is text, as in the log."""
    found = Product.objects.filter(AnyOf(F("pk"), product_ids))
    return {
        product_id: {
            **dict(zip(FIELDS, values, strict=True)),
            "price": None if price is None else f"{price:.2f}",
            "created_at": created_at,
            "updated_at": updated_at,
        }
        for product_id, price, created_at, updated_at, *values in found.values_list(
            "pk", "price", "created_at", "updated_at", *FIELDS
        )
    }


def replaced_since(change_set_id: int, product_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """By id and column, what the first later change set replaced there."""
    replaced: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    later = ProductChange.objects.filter(
        AnyOf(F("product_id"), product_ids), change_set_id__gt=change_set_id
    ).order_by("change_set_id")
    for product_id, before in later.values_list("product_id", "before").iterator():
        for name, value in (before or {}).items():
            replaced[product_id].setdefault(name, value)
    return replaced
