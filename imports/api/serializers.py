"""Imports and bulk operations as JSON."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from catalog.activity import undone_among
from catalog.api.serializers import word
from catalog.models import BulkOperation
from catalog.rules import CAUSES
from core.api.serializers import Paging, Strict
from imports.api.moments import STATUSES, Moment, moment_of_import, moment_of_operation
from imports.forms import DECIMALS, DELIMITERS, ENCODINGS
from imports.listing import STATES
from imports.live import live
from imports.models import ImportJob, RejectedRow
from imports.repairs.returning import taker_of

MORE_COUNTS = ("skipped", "left_out", "conflicts", "deactivated", "deleted")
COUNTS = ("read", "created", "updated", "unchanged", "duplicates", "rejected")


class UploadBody(Strict):
    """A file and how to read it; what is left out or empty is found out."""

    file = serializers.FileField()
    encoding = serializers.ChoiceField(ENCODINGS, required=False)
    delimiter = serializers.ChoiceField(DELIMITERS, required=False)
    decimal = serializers.ChoiceField(DECIMALS, required=False)
    empty = serializers.ChoiceField(
        ImportJob.Empty.choices,
        required=False,
        help_text="What an empty cell does to the value of a product that exists.",
    )
    mode = serializers.ChoiceField(
        ImportJob.Mode.choices,
        required=False,
        help_text="Whether rows may create products, update them, or both.",
    )
    missing = serializers.ChoiceField(
        ImportJob.Missing.choices,
        required=False,
        help_text="What becomes of products that the file does not have.",
    )
    review = serializers.ChoiceField(
        ImportJob.Review.choices,
        required=False,
        help_text="Whether it waits for a commit before it is applied.",
    )
    mapping = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="The name of a mapping that says which column holds what.",
    )


class AcceptedJson(serializers.Serializer[Any]):
    """It is on its way."""

    task_id = serializers.CharField()
    job_id = serializers.IntegerField()
    message = serializers.CharField()


class OptionsJson(serializers.Serializer[Any]):
    """What was asked for; empty strings mean that it is found out."""

    encoding = serializers.CharField()
    delimiter = serializers.CharField()
    decimal = serializers.CharField()
    empty = serializers.CharField()
    mode = serializers.CharField()
    missing = serializers.CharField()
    review = serializers.CharField()


class ColumnJson(serializers.Serializer[Any]):
    """A column of the file and the field that it fills."""

    header = serializers.CharField()
    field = serializers.CharField()


class WarningJson(serializers.Serializer[Any]):
    """Something that was guessed or passed over."""

    code = serializers.CharField()
    message = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)


class DetectedJson(serializers.Serializer[Any]):
    """How the file is read."""

    encoding = serializers.CharField()
    bom = serializers.BooleanField()
    delimiter = serializers.CharField()
    header_line = serializers.IntegerField()
    columns = ColumnJson(many=True)
    ignored = serializers.ListField(child=serializers.CharField())
    warnings = WarningJson(many=True)


class ErrorJson(serializers.Serializer[Any]):
    """Why it failed, or a file is refused as a whole."""

    code = serializers.CharField()
    message = serializers.CharField()


class TaskJson(serializers.Serializer[Any]):
    """What imports and bulk operations have in common.

    `progress` is a percentage. `total` and `processed` are rows or products; `total` is null until
    it is known, and an estimate while a file is read.
    """

    id = serializers.IntegerField()
    task_id = serializers.CharField()
    status = word(STATUSES)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    total = serializers.IntegerField(allow_null=True)
    processed = serializers.IntegerField()
    message = serializers.CharField()
    attempt = serializers.IntegerField()
    cancel_requested = serializers.BooleanField()
    error = ErrorJson(allow_null=True)
    change_set = serializers.IntegerField(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class JobJson(TaskJson):
    """An import. Counts of rows are null until they are known; `phases` are seconds.

    Rows that the mode passes over are `skipped`, those that a review said no to `left_out`, those
    whose product was changed since `conflicts`. `deactivated` and `deleted` are products that the
    file does not have. All of them are 0 until the import is completed.
    """

    kind = word(["import"])
    state = word(ImportJob.State.values)
    file_name = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    options = OptionsJson()
    detected = DetectedJson(allow_null=True)
    read = serializers.IntegerField()
    created = serializers.IntegerField(allow_null=True)
    updated = serializers.IntegerField(allow_null=True)
    unchanged = serializers.IntegerField(allow_null=True)
    duplicates = serializers.IntegerField(allow_null=True)
    rejected = serializers.IntegerField()
    skipped = serializers.IntegerField()
    left_out = serializers.IntegerField()
    conflicts = serializers.IntegerField()
    deactivated = serializers.IntegerField()
    deleted = serializers.IntegerField()
    repairs = serializers.IntegerField(allow_null=True)
    phases = serializers.DictField(child=serializers.FloatField())
    undone = serializers.BooleanField()


class JobPageJson(serializers.Serializer[Any]):
    """One page of imports."""

    items = JobJson(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()


class RetriedJson(JobJson):
    """An import that waits once more; so often was the catalog changed since it was accepted."""

    newer_change_sets = serializers.IntegerField()


class OperationJson(TaskJson):
    """A bulk operation; the counts are of products."""

    kind = word(BulkOperation.Kind.values)
    state = word(BulkOperation.State.values)
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    deleted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    left_alone = serializers.IntegerField()


class JobQuery(Paging):
    """A page of imports, perhaps of those in some states only."""

    state = serializers.ChoiceField(list(STATES), required=False)


class RejectedQuery(Paging):
    """A page of rejected rows, perhaps of one cause only."""

    cause = serializers.ChoiceField(list(CAUSES), required=False)


class RowProblemJson(serializers.Serializer[Any]):
    """One thing that is wrong with a row; `column` is empty if it is the row as a whole."""

    code = serializers.CharField()
    column = serializers.CharField()
    value = serializers.CharField()
    message = serializers.CharField()


class RejectedRowJson(serializers.Serializer[Any]):
    """A row that was left aside: its line in the file, its number among the rows.

    `sku` is empty if it could not be made out; `repaired_by` the import that took the row after
    all, or is about to.
    """

    line = serializers.IntegerField()
    row = serializers.IntegerField(source="row_number")
    sku = serializers.CharField()
    repaired_by = serializers.SerializerMethodField()
    problems = RowProblemJson(many=True)

    def get_repaired_by(self, row: RejectedRow) -> int | None:
        taker = taker_of(row)
        return taker.pk if taker else None


class CauseJson(serializers.Serializer[Any]):
    """Rows that are refused for one reason, with the first of them.

    `remedy` says what a repair by this code would do to them, empty if nothing is sure.
    """

    code = serializers.CharField()
    title = serializers.CharField()
    count = serializers.IntegerField()
    example_line = serializers.IntegerField()
    example_value = serializers.CharField()
    remedy = serializers.CharField()


class RejectedPageJson(serializers.Serializer[Any]):
    """One page of rejected rows; `causes` are those of all, the most frequent first."""

    items = RejectedRowJson(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    causes = CauseJson(many=True)


def show_jobs(jobs: Iterable[ImportJob]) -> list[dict[str, Any]]:
    """Imports as JobJson has them."""
    listed = list(jobs)
    undone = undone_among([job.change_set_id for job in listed if job.change_set_id])
    return [show_job(job, undone=job.change_set_id in undone) for job in listed]


def show_job(job: ImportJob, *, undone: bool | None = None, **more: Any) -> dict[str, Any]:
    """An import as JobJson has it; `more` for a serializer that has more."""
    if undone is None:
        undone = bool(job.change_set_id and undone_among([job.change_set_id]))
    figures = live(job)
    path = f"/api/imports/{job.pk}"
    values = {
        **_common(job, moment_of_import(job, figures)),
        **{name: getattr(figures, name) for name in COUNTS},
        **{name: getattr(job, name) for name in MORE_COUNTS},
        "kind": "import",
        "file_name": job.file_name,
        "size": job.size,
        "sha256": job.sha256,
        "options": job,
        "detected": job.detected or None,
        "repairs": job.repairs_id,
        "phases": job.phases,
        "undone": undone,
        "links": {
            "self": path,
            "page": f"/imports/{job.pk}/",
            "progress": f"/api/progress/{job.task_id}",
            "preview": f"{path}/preview",
            "review": f"{path}/review",
            "rejected": f"{path}/rejected",
            "rejected_csv": f"{path}/rejected.csv",
            "changes": f"{path}/changes",
        },
        **more,
    }
    shape = RetriedJson if more else JobJson
    return dict(shape(values).data)


def show_operation(operation: BulkOperation) -> dict[str, Any]:
    """A bulk operation as OperationJson has it."""
    names = ("kind", "created", "updated", "deleted", "unchanged", "left_alone")
    values = {
        **_common(operation, moment_of_operation(operation)),
        **{name: getattr(operation, name) for name in names},
        "links": {
            "self": f"/status/{operation.task_id}",
            "page": f"/products/operations/{operation.pk}/",
            "progress": f"/api/progress/{operation.task_id}",
        },
    }
    return dict(OperationJson(values).data)


def _common(task: ImportJob | BulkOperation, moment: Moment) -> dict[str, Any]:
    error = {"code": task.error_code, "message": task.error_message} if task.error_code else None
    return {
        "id": task.pk,
        "task_id": task.task_id,
        "status": moment.status,
        "progress": moment.percent,
        "total": moment.total,
        "processed": moment.current,
        "message": moment.message,
        "state": task.state,
        "attempt": task.attempt,
        "cancel_requested": task.cancel_requested,
        "error": error,
        "change_set": task.change_set_id,
        "created_by": task.created_by.get_username() if task.created_by else None,
        "created_at": task.created_at,
        "started_at": task.started_at,
        "finished_at": task.finished_at,
    }
