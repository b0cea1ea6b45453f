"""Imports as rows: the job, the rows it refused, the bytes it was given."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from catalog.models import ChangeSet
from core.leases import LeasedRow


class ImportJob(LeasedRow):
    """One upload on its way into the catalog: what was asked for, what was found, what came of it.

    Counts are of data rows, without the header and blank lines. `read` is all of them, and
    `read = rejected + duplicates + created + updated + unchanged` once it is completed. `staged` is
    how many were accepted by the check. `phases` holds seconds by phase name.
    """

    class State(models.TextChoices):
        RECEIVING = "receiving", "receiving"
        QUEUED = "queued", "queued"
        READING = "reading", "reading"
        MERGING = "merging", "merging"
        COMPLETED = "completed", "completed"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class Empty(models.TextChoices):
        KEEP = "keep", "Keep the old value"
        CLEAR = "clear", "Clear it"

    RUNNING = (State.READING, State.MERGING)
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
    empty = models.CharField(max_length=8, choices=Empty.choices, default=Empty.KEEP)
    detected = models.JSONField(default=dict, blank=True)

    read = models.PositiveIntegerField(default=0)
    staged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
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
    cells = models.PositiveIntegerField(default=0)
    problems = models.JSONField()
    raw = models.BinaryField()

    class Meta:
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "line"], name="rejectedrow_job_line")
        ]

    def __str__(self) -> str:
        return f"line {self.line}"


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
