"""The only ORM writers of products: each writes its change set and says so."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.forms.models import model_to_dict

from catalog.locks import share_catalog
from catalog.models import ChangeSet, Product, ProductChange
from catalog.signals import ProductsChanged, products_changed

FIELDS = ("sku", "name", "description", "price", "active")


class SkuTaken(Exception):
    """Another product has this SKU, perhaps in another case."""

    def __init__(self, product: Product) -> None:
        super().__init__(f"The SKU is taken by {product.sku}, {product.name}.")
        self.product = product


class ProductGone(Exception):
    """The product was deleted in the meantime."""


class EditConflict(Exception):
    """The product was changed since its values were read; `product` is the row as it is now."""

    def __init__(self, product: Product) -> None:
        super().__init__(f"{product.sku} was changed in the meantime.")
        self.product = product


@transaction.atomic
def create(*, source: str, actor: AbstractBaseUser | None, **values: Any) -> Product:
    """Create one product. `values` are FIELDS, checked by the caller's form.

    Raises:
        SkuTaken: the SKU exists in any case.
        CatalogBusy: an import is being applied.
    """
    share_catalog()
    product = Product(**values)
    _save(product, force_insert=True)
    _record(source, actor, created=product)
    return product


@transaction.atomic
def update(
    product_id: int,
    *,
    source: str,
    actor: AbstractBaseUser | None,
    unchanged_since: datetime | None = None,
    **values: Any,
) -> Product:
    """Change some FIELDS of one product; a value that is the same is no change and leaves no log.

    `unchanged_since` is the `updated_at` of the row that the caller's values rest on; None writes
    over whatever stands there.

    Raises:
        ProductGone: it was deleted.
        EditConflict: it was changed after `unchanged_since`.
        SkuTaken: the SKU exists in any case.
        CatalogBusy: an import is being applied.
    """
    share_catalog()
    product = _locked(product_id, unchanged_since)
    before = {
        name: getattr(product, name) for name in values if getattr(product, name) != values[name]
    }
    if not before:
        return product
    old_sku = product.sku
    for name in before:
        setattr(product, name, values[name])
    _save(product, update_fields=[*before, "updated_at"])
    _record(source, actor, updated=(product.pk, old_sku, as_json(before)))
    return product


@transaction.atomic
def delete(
    product_id: int,
    *,
    source: str,
    actor: AbstractBaseUser | None,
    unchanged_since: datetime | None = None,
) -> ChangeSet:
    """Delete one product and return its change set; the log keeps the whole row.

    `unchanged_since` as for `update`.

    Raises:
        ProductGone: it was deleted already.
        EditConflict: it was changed after `unchanged_since`.
        CatalogBusy: an import is being applied.
    """
    share_catalog()
    product = _locked(product_id, unchanged_since)
    row = as_json(
        {
            **model_to_dict(product, fields=FIELDS),
            "created_at": product.created_at.isoformat(),
            "updated_at": product.updated_at.isoformat(),
        }
    )
    Product.objects.filter(pk=product_id).delete()
    return _record(source, actor, deleted=(product_id, product.sku, row))


def with_sku(sku: str) -> QuerySet[Product]:
    """The product with this SKU in any case, by the expression of its unique index."""
    return Product.objects.alias(folded=Lower("sku")).filter(folded=Lower(Value(sku)))


def as_json(values: dict[str, Any]) -> dict[str, Any]:
    """Values as the log keeps them: a price as text, since JSON readers make floats of numbers."""
    return {
        name: f"{value:.2f}" if name == "price" and value is not None else value
        for name, value in values.items()
    }


def _locked(product_id: int, unchanged_since: datetime | None) -> Product:
    product = Product.objects.select_for_update().filter(pk=product_id).first()
    if product is None:
        raise ProductGone
    if unchanged_since is not None and product.updated_at != unchanged_since:
        raise EditConflict(product)
    return product


def _save(product: Product, **how: Any) -> None:
    try:
        with transaction.atomic():
            product.save(**how)
    except IntegrityError as error:
        taken = with_sku(product.sku).exclude(pk=product.pk).first()
        if taken is None:
            raise
        raise SkuTaken(taken) from error


def _record(
    source: str,
    actor: AbstractBaseUser | None,
    *,
    created: Product | None = None,
    updated: tuple[int, str, dict[str, Any]] | None = None,
    deleted: tuple[int, str, dict[str, Any]] | None = None,
) -> ChangeSet:
    change_set = ChangeSet.objects.create(
        source=source,
        actor_id=actor.pk if actor else None,
        created=int(created is not None),
        updated=int(updated is not None),
        deleted=int(deleted is not None),
        first_created_id=created.pk if created else None,
        last_created_id=created.pk if created else None,
    )
    for kind, change in (
        (ProductChange.Kind.UPDATED, updated),
        (ProductChange.Kind.DELETED, deleted),
    ):
        if change is not None:
            product_id, sku, before = change
            ProductChange.objects.create(
                change_set=change_set, product_id=product_id, sku=sku, kind=kind, before=before
            )
    products_changed.send(
        sender=ChangeSet,
        change=ProductsChanged(
            change_set_id=change_set.pk,
            source=source,
            created=change_set.created,
            updated=change_set.updated,
            deleted=change_set.deleted,
        ),
    )
    return change_set
