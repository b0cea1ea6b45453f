"""Imports as rows: the job, the rows it refused, the bytes it was given."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from catalog.models import ChangeSet
from catalog.rules import SKU_MAX
from core.encryption import EncryptedField
from core.leases import Leased, LeasedRow


class ImportJob(LeasedRow):
    """One upload on its way into the catalog: what was asked for, what was found, what came of it.

    Counts are of data rows, without the header and blank lines. `read` is all of them, and `read =
    rejected + duplicates + created + updated + unchanged + skipped + left_out + conflicts` once it
    is completed: `skipped` are those that `mode` passes over, `left_out` those that a review said
    no to, `conflicts` those whose product had changed since the review. `deactivated` and `deleted`
    are of products that the file does not have. `staged` is how many were accepted by the check.
    `phases` holds seconds by phase name.

    What a person asked of its reading stands in `encoding`, `delimiter`, `header_line`, `decimal`
    and `columns` (a field, or "" for none, for each column of the file in its order); what is empty
    is found out. What was found stands in `detected`.
    """

    class State(models.TextChoices):
        RECEIVING = "receiving", "receiving"
        QUEUED = "queued", "queued"
        READING = "reading", "reading"
        REVIEW = "review", "review"
        MERGING = "merging", "merging"
        COMPLETED = "completed", "completed"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class Empty(models.TextChoices):
        KEEP = "keep", "Keep the old value"
        CLEAR = "clear", "Clear it"

    class Mode(models.TextChoices):
        BOTH = "both", "Update and create"
        CREATE = "create", "Only create"
        UPDATE = "update", "Only update"

    class Missing(models.TextChoices):
        KEEP = "keep", "Keep them"
        DEACTIVATE = "deactivate", "Deactivate them"
        DELETE = "delete", "Delete them"

    class Review(models.TextChoices):
        RISKS = "risks", "If there is a risk"
        ALWAYS = "always", "Always"
        NEVER = "never", "Never"

    class Conflict(models.TextChoices):
        LEAVE = "leave", "Leave them as they are now"
        OVERWRITE = "overwrite", "Overwrite them"

    RUNNING = (State.READING, State.MERGING)
    IDLE = (State.REVIEW,)
    RUN_TASK = "imports.run_next"

    state = models.CharField(max_length=16, choices=State.choices, default=State.RECEIVING)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    file_name = models.CharField(max_length=255)
    upload = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)

    encoding = models.CharField(max_length=32, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    header_line = models.PositiveIntegerField(null=True)
    decimal = models.CharField(max_length=1, blank=True)
    columns = models.JSONField(default=list, blank=True)
    empty = models.CharField(max_length=8, choices=Empty.choices, default=Empty.KEEP)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.BOTH)
    missing = models.CharField(max_length=16, choices=Missing.choices, default=Missing.KEEP)
    #: How many missing products somebody said may be deactivated or deleted.
    missing_agreed = models.PositiveIntegerField(null=True)
    review = models.CharField(max_length=8, choices=Review.choices, default=Review.RISKS)
    #: The import whose rejected rows these are.
    repairs = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="repaired_by"
    )
    #: By which rejected rows of `repairs` are mended, {"codes", "words"}, while there is no upload
    #: yet: many rows are read by the worker, which then writes it.
    remedy = models.JSONField(default=dict, blank=True)
    source = models.ForeignKey(
        "Source", null=True, on_delete=models.SET_NULL, related_name="import_jobs"
    )
    mapping = models.ForeignKey("Mapping", null=True, on_delete=models.SET_NULL, related_name="+")
    detected = models.JSONField(default=dict, blank=True)

    read = models.PositiveIntegerField(default=0)
    staged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    conflicts = models.PositiveIntegerField(default=0)
    deactivated = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)

    #: Of the review: what it counted and found risky, the tables that it shows, what was decided.
    staging = models.CharField(max_length=63, blank=True)
    reviewed = models.JSONField(default=dict, blank=True)
    left_out_classes = models.JSONField(default=list, blank=True)
    on_conflict = models.CharField(max_length=16, choices=Conflict.choices, default=Conflict.LEAVE)
    waits_since = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    phases = models.JSONField(default=dict, blank=True)
    change_set = models.OneToOneField(
        ChangeSet, null=True, on_delete=models.SET_NULL, related_name="import_job"
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["accepted_at", "id"],
                condition=models.Q(state__in=("queued", "reading", "merging")),
                name="importjob_work",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.file_name}"

    @property
    def is_finished(self) -> bool:
        return self.state in {self.State.COMPLETED, self.State.FAILED, self.State.CANCELLED}

    @property
    def seconds(self) -> float | None:
        """Working time of the last attempt, without the wait in the queue; None before any."""
        return sum(self.phases.values()) if self.phases else None

    @property
    def progress_key(self) -> str:
        return f"import:{self.pk}"

    @property
    def task_id(self) -> str:
        """What programs call it by, among imports and bulk operations."""
        return f"import-{self.pk}"


class RejectedRow(models.Model):
    """A row that was left aside: all its problems, and its bytes as they stood in the file.

    `problems` is a list of {"code", "column", "value", "message"}; `cells` says how many cells the
    row was read as, 0 when even that is in doubt.
    """

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="rejected_rows")
    line = models.BigIntegerField()
    row_number = models.BigIntegerField()
    #: In its normal form, "" when it could not be made out.
    sku = models.CharField(max_length=SKU_MAX, blank=True)
    cells = models.PositiveIntegerField(default=0)
    problems = models.JSONField()
    raw = models.BinaryField()
    #: The import that took it after all.
    repaired_by = models.ForeignKey(
        ImportJob, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "line"], name="rejectedrow_job_line")
        ]

    def __str__(self) -> str:
        return f"line {self.line}"


class Decision(models.Model):
    """What somebody decided in a review about one row or one missing product.

    Kept by line number, so that staging can be made again; `include` overrules what was decided
    about the whole class.
    """

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="decisions")
    line = models.BigIntegerField(null=True)
    product_id = models.BigIntegerField(null=True)
    include = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "line"], name="decision_job_line"),
            models.UniqueConstraint(fields=["job", "product_id"], name="decision_job_product"),
            models.CheckConstraint(
                condition=models.Q(line__isnull=True) ^ models.Q(product_id__isnull=True),
                name="decision_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.line}" if self.line is not None else f"product {self.product_id}"


class Mapping(models.Model):
    """How a person read the columns of files with one header; named ones serve for others too.

    `columns` is a list of {"header", "field"} in the file's order, the field "" for a column that
    is not imported. `header_digest` is a SHA-256 of the header (`imports.mapping`). A nameless one
    is what was last corrected for its header.
    """

    name = models.CharField(max_length=100, blank=True)
    header_digest = models.CharField(max_length=64)
    columns = models.JSONField()
    decimal = models.CharField(max_length=1, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name", "-updated_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name"], condition=~models.Q(name=""), name="mapping_name_key"
            ),
            models.UniqueConstraint(
                fields=["header_digest"], condition=models.Q(name=""), name="mapping_header_key"
            ),
        ]

    def __str__(self) -> str:
        return self.name or "remembered"


class StoredFile(models.Model):
    """A file kept in PostgreSQL, cut into parts (`imports.storage.DatabaseStorage`)."""

    name = models.CharField(max_length=255, unique=True)
    size = models.BigIntegerField(default=0)
    complete = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class FilePart(models.Model):
    """At most UPLOAD_PART_BYTES of a file, with their own SHA-256."""

    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    data = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["file", "number"], name="filepart_file_number")
        ]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class ResumableUpload(Leased):
    """An upload by the tus protocol: its bytes so far are the parts of a StoredFile.

    `offset` counts bytes kept. A request that writes holds the lease, so two never write at once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    file_name = models.CharField(max_length=255)
    length = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    metadata = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    file = models.OneToOneField(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    job = models.OneToOneField(ImportJob, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="resumable_expires_at")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def percent(self) -> int:
        """How much of it has come."""
        return 100 * self.offset // self.length


class Source(models.Model):
    """An address that files are fetched from, once or by a schedule.

    `access` holds {"url", "username", "password"}, encrypted, since addresses may hold credentials;
    `address` is the part of it that may be shown. `options` are those of its imports. `etag`,
    `last_modified` and `sha256` are of the file that was imported last.
    """

    name = models.CharField(max_length=100, unique=True)
    address = models.CharField(max_length=2048)
    access = EncryptedField()
    options = models.JSONField(default=dict)
    enabled = models.BooleanField(default=True)
    etag = models.CharField(max_length=1024, blank=True)
    last_modified = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Fetch(LeasedRow):
    """One request for a source's file; what came of it is an import, "unchanged", or an error."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        FETCHING = "fetching", "fetching"
        COMPLETED = "completed", "completed"
        UNCHANGED = "unchanged", "unchanged"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    RUNNING = (State.FETCHING,)
    RUN_TASK = "imports.fetch_next"

    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="fetches")
    scheduled = models.BooleanField(default=False)
    size = models.BigIntegerField(null=True)
    job = models.OneToOneField(ImportJob, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "fetches"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source"],
                condition=models.Q(state__in=("queued", "fetching")),
                name="fetch_one_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
