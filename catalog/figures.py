"""The catalog in figures: how much there is, and what the last seven days did to it."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Sum
from django.utils import timezone

from catalog.models import ChangeSet, Product
from catalog.totals import Total, total_of

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Stock:
    """What stands in the catalog now: numbers of products, estimated where counting takes long."""

    products: Total
    active: Total
    unpriced: Total


@dataclass(frozen=True)
class Week:
    """What the change sets of the last seven days add up to.

    `changed` counts a product once for each change set that touched it; `grown` is how many more
    products there are than a week ago, below zero for fewer.
    """

    change_sets: int
    changed: int
    grown: int

    @property
    def shrunk(self) -> int:
        return -self.grown


def stock() -> Stock:
    """Each figure is the list's own total under the filter to which it leads, and kept with it."""
    products = Product.objects.all()
    return Stock(
        products=total_of(products),
        active=total_of(products.filter(active=True)),
        unpriced=total_of(products.filter(price__isnull=True)),
    )


def week() -> Week:
    """The last seven days, by the change sets' own counts: nothing of the log is read."""
    found = ChangeSet.objects.filter(created_at__gt=timezone.now() - WEEK).aggregate(
        change_sets=Count("pk"),
        changed=Sum(F("created") + F("updated") + F("deleted"), default=0),
        grown=Sum(F("created") - F("deleted"), default=0),
    )
    return Week(**found)


def last_change() -> ChangeSet | None:
    """The newest change set, with who made it."""
    return ChangeSet.objects.select_related("actor").order_by("-id").first()
