"""The catalog and its history.

Every change, whoever makes it, is one ChangeSet, written in the same transaction as the change:
the history that people read, the undo that they trust, the outbox that webhooks are sent from.
"""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import GreaterThanOrEqual

from catalog.rules import NAME_MAX, PRICE_DECIMALS, PRICE_MAX_DIGITS, SKU_MAX


class Product(models.Model):
    """What the shop sells. Written only by `catalog.products`, `catalog.operations` and imports.

    Two spellings of a SKU that PostgreSQL's lower() makes equal are one product; the spelling that
    came first stays.
    """

    sku = models.CharField("SKU", max_length=SKU_MAX)
    name = models.CharField(max_length=NAME_MAX)
    description = models.TextField(blank=True, default="", db_default="")
    price = models.DecimalField(
        max_digits=PRICE_MAX_DIGITS,
        decimal_places=PRICE_DECIMALS,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(auto_now_add=True, db_default=models.functions.Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=models.functions.Now())

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("sku"), name="product_sku_key"),
            models.CheckConstraint(
                condition=GreaterThanOrEqual(models.F("price"), 0), name="product_price_check"
            ),
        ]

    def __str__(self) -> str:
        return self.sku


class ChangeSet(models.Model):
    """One change to the catalog, of one product or of half a million.

    Products that a change set created take consecutive ids: whoever creates products holds the
    writers' lock (`catalog.locks`), an import alone. So creations are kept as a range of ids,
    not as half a million rows (docs/decisions.md has the figures). A deleted product that an undo
    brings back keeps its old id and is a ProductChange row of kind `c`.
    """

    class Source(models.TextChoices):
        IMPORT = "import", "import"
        FORM = "form", "form"
        API = "api", "API"
        ADMIN = "admin", "admin"
        BULK = "bulk", "bulk action"
        DELETE_ALL = "delete_all", "delete all"
        UNDO = "undo", "undo"

    source = models.CharField(max_length=16, choices=Source.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=models.functions.Now())
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    first_created_id = models.BigIntegerField(null=True)
    last_created_id = models.BigIntegerField(null=True)
    undoes = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="undone_by"
    )
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                condition=models.Q(published_at__isnull=True),
                name="changeset_unpublished",
            ),
            models.Index(
                fields=["first_created_id"],
                condition=models.Q(first_created_id__isnull=False),
                name="changeset_first_created",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class ProductChange(models.Model):
    """One product's part in a change set: what stood there before.

    `before` holds the replaced values of the columns that changed, the whole row for a deletion,
    nothing for a creation. The value after is the first later change's that holds the column, else
    the row's. No foreign keys and one extra index: with Django's defaults the log costs twice.
    """

    class Kind(models.TextChoices):
        CREATED = "c", "created"
        UPDATED = "u", "updated"
        DELETED = "d", "deleted"

    pk = models.CompositePrimaryKey("change_set_id", "product_id")
    change_set = models.ForeignKey(
        ChangeSet,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="changes",
    )
    product_id = models.BigIntegerField()
    sku = models.CharField(max_length=SKU_MAX)
    kind = models.CharField(max_length=1, choices=Kind.choices)
    before = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["product_id", "change_set_id"], name="productchange_product")
        ]

    def __str__(self) -> str:
        return f"{self.change_set_id}/{self.product_id}"
