"""How far an import or a bulk operation is, in the words and figures that programs are told."""

from dataclasses import dataclass
from typing import Final

from django.template.defaultfilters import pluralize

from catalog import watching
from catalog.models import BulkOperation
from imports.live import Live, live
from imports.models import ImportJob
from imports.pace import LEAST_READING_PERCENT, MOST_READING_PERCENT

PENDING: Final = "pending"
PROCESSING: Final = "processing"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
STATUSES: Final = (PENDING, PROCESSING, COMPLETED, FAILED)

Task = ImportJob | BulkOperation


@dataclass(frozen=True)
class Moment:
    """The moment of a task, one of STATUSES; `total` is None while it is not known.

    Within one attempt `percent` and `current` never fall; `total` is an estimate while a file is
    read. Of an import `current` counts a row in part when it is read and in full when it is merged.
    """

    status: str
    percent: int
    current: int
    total: int | None
    message: str


def moment_of(task: Task) -> Moment:
    """Put a task and its newest figures together."""
    if isinstance(task, ImportJob):
        return moment_of_import(task, live(task))
    return moment_of_operation(task)


def moment_of_import(job: ImportJob, figures: Live) -> Moment:
    """The moment of an import, of figures that were taken before."""
    match job.state:
        case ImportJob.State.RECEIVING:
            return Moment(PENDING, 0, 0, None, "The file is being received.")
        case ImportJob.State.QUEUED:
            return Moment(PENDING, 0, 0, None, "Waiting for a worker.")
        case ImportJob.State.REVIEW:
            message = (
                f"Waits for a review: look at /imports/{job.pk}/, or"
                f" POST /api/imports/{job.pk}/commit."
            )
            current = job.read * MOST_READING_PERCENT // 100
            return Moment(PENDING, MOST_READING_PERCENT, current, job.read, message)
        case ImportJob.State.COMPLETED:
            return Moment(COMPLETED, 100, job.read, job.read, _came_of(job))
        case ImportJob.State.FAILED:
            return Moment(FAILED, 0, 0, None, job.error_message or "The import failed.")
        case ImportJob.State.CANCELLED:
            return Moment(FAILED, 0, 0, None, "The import was cancelled. Nothing was imported.")
        case ImportJob.State.READING:
            current, total = figures.read * LEAST_READING_PERCENT // 100, figures.total
            percent = figures.percent
            message = f"Reading: {figures.read:,} row{pluralize(figures.read)}"
            message += f" of about {total:,}." if total else "."
        case _:
            # The state may be there before the first figures of the merge are.
            percent, total = max(figures.percent, LEAST_READING_PERCENT), job.read
            current = total * percent // 100
            note = next((step.note for step in figures.steps if step.key == "merge"), "")
            message = f"{note[:1].upper()}{note[1:]}." if note else _merging(figures)
    if job.cancel_requested:
        message = "The import is being cancelled."
    return Moment(PROCESSING, percent, current, total, message)


def _merging(figures: Live) -> str:
    if figures.created is None:
        return "Comparing the file with the catalog."
    return (
        f"Merging: {figures.done:,} of {figures.total or 0:,} row{pluralize(figures.total or 0)}."
    )


def _came_of(job: ImportJob) -> str:
    counts = {
        "created": job.created,
        "updated": job.updated,
        "unchanged": job.unchanged,
        "duplicate": job.duplicates,
        "skipped": job.skipped,
        "left out": job.left_out,
        "left as changed since": job.conflicts,
        "rejected": job.rejected,
    }
    told = [f"{count:,} {name}" for name, count in counts.items() if count]
    told += [
        f"{count:,} missing product{pluralize(count)} {name}"
        for name, count in {"deactivated": job.deactivated, "deleted": job.deleted}.items()
        if count
    ]
    return f"Imported: {', '.join(told) or 'no rows'}."


def moment_of_operation(operation: BulkOperation) -> Moment:
    """The moment of a bulk operation."""
    figures = watching.figures(operation)
    headline = watching.headline(operation)
    match operation.state:
        case BulkOperation.State.QUEUED:
            return Moment(PENDING, 0, 0, None, "Waiting for a worker.")
        case BulkOperation.State.COMPLETED:
            left = f" {operation.left_alone:,} left alone." if operation.left_alone else ""
            total = operation.total
            return Moment(COMPLETED, 100, total, total, f"{headline}.{left}")
        case BulkOperation.State.FAILED:
            message = operation.error_message or "The operation failed."
            return Moment(FAILED, 0, 0, None, message)
        case BulkOperation.State.CANCELLED:
            return Moment(FAILED, 0, 0, None, "The operation was cancelled. Nothing was changed.")
    message = f"{headline}: {figures.step.lower()}."
    if operation.cancel_requested:
        message = "The operation is being cancelled."
    return Moment(PROCESSING, figures.percent, figures.done, figures.total, message)
