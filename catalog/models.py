"""The catalog and its history.

Every change, whoever makes it, is one ChangeSet, written in the same transaction as the change:
the history that people read, the undo that they trust, the outbox that webhooks are sent from.
"""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import GreaterThanOrEqual

from catalog.rules import NAME_MAX, PRICE_DECIMALS, PRICE_MAX_DIGITS, SKU_MAX
from core.leases import LeasedRow


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
        # Costs an import 3 %, saves the list's first and last page a sort of the whole catalog.
        indexes: ClassVar = [models.Index(fields=["updated_at", "id"], name="product_updated")]
        permissions: ClassVar = [("delete_all_products", "Can delete all products at once")]

    def __str__(self) -> str:
        return self.sku


class ChangeSet(models.Model):
    """One change to the catalog, of one product or of half a million.

    Products that a change set created take consecutive ids: whoever creates products holds the
    writers' lock (`catalog.locks`), an import alone. So creations are kept as a range of ids,
    not as half a million rows (docs/decisions.md has the figures). A deleted product that an undo
    brings back keeps its old id and is a ProductChange row of kind `c`.

    `pruned_at` says since when its values, or those of a later change set that stood before them,
    are no longer kept: it can't be undone any more.
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
    pruned_at = models.DateTimeField(null=True)

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
            models.Index(fields=["created_at", "id"], name="changeset_created_at"),
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


class BulkOperation(LeasedRow):
    """One action on many products: what was chosen, how far it is, what came of it.

    The products are those of `ids`, or all that match `query` (the list's filters as a URL's
    query, "" for every product) at the moment in which it runs, or those of the change set that it
    `undoes`. `total` is how many that were, and `total = created + updated + deleted + unchanged +
    left_alone` once it is completed. `left` names some of those left alone: a list of {"id", "sku",
    "reason"}, and why stands in REASONS of `catalog.undoing`.
    """

    class Kind(models.TextChoices):
        ACTIVATE = "activate", "activate"
        DEACTIVATE = "deactivate", "deactivate"
        DELETE = "delete", "delete"
        DELETE_ALL = "delete_all", "delete all"
        UNDO = "undo", "undo"

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        COMPLETED = "completed", "completed"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    RUNNING = (State.RUNNING,)
    RUN_TASK = "catalog.run_next"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ids = ArrayField(models.BigIntegerField(), null=True)
    query = models.TextField(blank=True)
    undoes = models.ForeignKey(
        ChangeSet, null=True, on_delete=models.SET_NULL, related_name="undo_operations"
    )

    total = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    left_alone = models.PositiveIntegerField(default=0)
    left = models.JSONField(default=list, blank=True)
    seconds = models.FloatField(null=True)
    change_set = models.OneToOneField(
        ChangeSet, null=True, on_delete=models.SET_NULL, related_name="bulk_operation"
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["accepted_at", "id"],
                condition=models.Q(state__in=("queued", "running")),
                name="bulkoperation_work",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_kind_display()}"

    @property
    def is_finished(self) -> bool:
        return self.state in {self.State.COMPLETED, self.State.FAILED, self.State.CANCELLED}

    @property
    def progress_key(self) -> str:
        return f"operation:{self.pk}"

    @property
    def task_id(self) -> str:
        """Its name for programs, which ask after imports and operations at one address."""
        return f"operation-{self.pk}"
