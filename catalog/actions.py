"""An action on many products, as people and programs ask for it: on which, and who may."""

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from catalog import operations
from catalog.filters import filtered
from catalog.models import BulkOperation, Product

Kind = BulkOperation.Kind

PERMISSIONS: Final = {
    "activate": ("catalog.add_bulkoperation", "catalog.change_product"),
    "deactivate": ("catalog.add_bulkoperation", "catalog.change_product"),
    "delete": ("catalog.add_bulkoperation", "catalog.delete_product"),
    "export": ("catalog.view_product",),
}
TO_DELETE_ALL: Final = ("catalog.delete_all_products",)
ID_MAX: Final = 2**63 - 1


@dataclass(frozen=True)
class Selection:
    """Products by their ids, or all that match a settled query."""

    ids: tuple[int, ...] | None
    query: str

    @property
    def products(self) -> QuerySet[Product]:
        if self.ids is not None:
            return Product.objects.filter(pk__in=self.ids)
        return filtered(self.query)

    @property
    def is_everything(self) -> bool:
        return self.ids is None and not self.query


def deletes_all(action: str, selection: Selection) -> bool:
    """Whether it is the deletion of the whole catalog, by whichever way it was asked for."""
    return action == "delete" and selection.is_everything


def permissions_for(action: str, selection: Selection) -> tuple[str, ...]:
    """What an action on these products asks for."""
    more = TO_DELETE_ALL if deletes_all(action, selection) else ()
    return (*PERMISSIONS[action], *more)


def carry_out(
    action: str, selection: Selection, *, actor: AbstractBaseUser | None
) -> BulkOperation:
    """Activate, deactivate or delete the products: completed if they are few, else queued."""
    kind = Kind.DELETE_ALL if deletes_all(action, selection) else Kind(action)
    return operations.start(kind, actor=actor, ids=selection.ids, query=selection.query)


def delete_all(*, actor: AbstractBaseUser | None) -> BulkOperation:
    """Delete every product."""
    return carry_out("delete", Selection(ids=None, query=""), actor=actor)
