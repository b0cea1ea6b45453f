"""What the import page shows while a job waits, runs and ends.

The figures come from Valkey, where the worker puts them several times a second, or from the row,
which is a second behind. Everything here is the same for all who watch, so it is made once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.template.defaultfilters import filesizeformat, pluralize
from django.template.loader import render_to_string

from core import progress
from core.streams import Event
from imports.models import ImportJob


@dataclass(frozen=True)
class Step:
    """One of the steps of an import; `state` is done, live, todo, failed, or none: not needed."""

    key: str
    label: str
    state: str
    note: str = ""


@dataclass(frozen=True)
class Live:
    """The moment of an import: rows done of rows in all (None while unknown), rates, counts."""

    phase: str
    percent: int
    done: int
    total: int | None
    rows_per_second: int | None
    seconds_left: float | None
    read: int
    created: int | None
    updated: int | None
    unchanged: int | None
    duplicates: int | None
    rejected: int
    steps: list[Step]


def live(job: ImportJob) -> Live:
    """Put a job and its newest figures together."""
    figures = job.progress
    if job.state in ImportJob.RUNNING:
        figures = progress.latest(job.progress_key) or job.progress
        if figures.get("attempt", job.attempt) != job.attempt:
            figures = {}
    ended = job.is_finished
    merged = job.state == ImportJob.State.COMPLETED
    known = {
        name: getattr(job, name) if merged else figures.get(name)
        for name in ("created", "updated", "unchanged", "duplicates")
    }
    read = job.read if ended else figures.get("read", job.read)
    return Live(
        phase=job.state,
        percent=100 if merged else figures.get("percent", 0),
        done=read if ended else figures.get("done", 0),
        total=read if ended else figures.get("total"),
        rows_per_second=_rate(job, figures),
        seconds_left=None if ended else figures.get("seconds_left"),
        read=read,
        rejected=job.rejected if ended else figures.get("rejected", job.rejected),
        steps=_steps(job, figures),
        **known,
    )


def _rate(job: ImportJob, figures: dict[str, Any]) -> int | None:
    if job.state == ImportJob.State.COMPLETED:
        return round(job.read / job.seconds) if job.seconds else None
    rate = figures.get("rows_per_second")
    return round(rate) if rate else None


STEPS = {
    "receive": "Received",
    "read": "Read",
    "check": "Check",
    "review": "Review",
    "merge": "Merge",
    "done": "Done",
}
# Reading and checking are one pass over the file, so they live and end together.
_LIVE = {
    ImportJob.State.RECEIVING: ("receive",),
    ImportJob.State.READING: ("read", "check"),
    ImportJob.State.REVIEW: ("review",),
    ImportJob.State.MERGING: ("merge",),
}


def _steps(job: ImportJob, figures: dict[str, Any]) -> list[Step]:
    state = ImportJob.State(job.state)
    waiting = _LIVE.get(state, ())
    passed = {"receive"} if job.accepted_at else set()
    if "read" in job.phases:
        passed |= {"read", "check"}
    if job.applied_at:
        passed.add("review")
    if state == ImportJob.State.COMPLETED:
        passed = set(STEPS)
    steps = []
    broken = job.is_finished
    for key, label in STEPS.items():
        if key == "review" and _unneeded(job):
            shown = "none"
        elif key in passed:
            shown = "done"
        elif broken:
            shown, broken = "failed", False
        else:
            shown = "live" if key in waiting else "todo"
        steps.append(Step(key, label, shown, _note(key, shown, job, figures)))
    return steps


def _unneeded(job: ImportJob) -> bool:
    """Whether nobody is asked, or nobody had to be."""
    if job.applied_at or job.state == ImportJob.State.REVIEW:
        return False
    went_past = job.state in {ImportJob.State.MERGING, ImportJob.State.COMPLETED}
    return went_past or (job.review == ImportJob.Review.NEVER and not job.reviewed)


def _note(key: str, shown: str, job: ImportJob, figures: dict[str, Any]) -> str:
    seconds = job.phases.get("read" if key == "check" else key)
    if key == "receive":
        return filesizeformat(job.size) if shown == "done" else ""
    if key == "read" and shown == "done":
        return f"{job.read:,} row{pluralize(job.read)} in {seconds:.1f} s"
    if key == "check" and shown == "done":
        return f"{job.rejected:,} rejected"
    if key == "review" and shown in ("live", "none"):
        return "waits for a person" if shown == "live" else "not needed"
    if key == "merge" and shown == "done":
        return f"{seconds:.1f} s"
    if key == "merge" and job.applied_at and job.state == ImportJob.State.QUEUED:
        return "waiting for a worker"
    if key == "read" and job.state == ImportJob.State.QUEUED:
        return "waiting for a worker"
    if key == "merge" and shown == "live" and figures.get("waiting_for"):
        return f"waiting for import #{figures['waiting_for']}"
    return ""


def feed(job_pk: int) -> Callable[[], Awaitable[list[Event]]]:
    """The source of a job's event stream.

    Its `live` fragment; `found` once the file is open and the page can show how it is read; `done`
    behind the last one.
    """

    @sync_to_async(thread_sensitive=False)
    def look() -> list[Event]:
        try:
            job = ImportJob.objects.get(pk=job_pk)
            html = render_to_string("imports/detail.html#live", {"job": job, "live": live(job)})
        finally:
            connection.close()
        events = [Event("live", html)]
        if job.detected:
            events.append(Event("found", job.detected["encoding"]))
        if not job.is_running and job.state != ImportJob.State.RECEIVING:
            events.append(Event("done", job.state, last=True))
        return events

    return look
