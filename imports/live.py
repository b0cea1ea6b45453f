"""What the import page shows while a job waits, runs and ends.

The figures come from Valkey, where the worker puts them several times a second, or from the row,
which is a second behind. Everything here is the same for all who watch, so it is made once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.template.loader import render_to_string

from core import progress
from core.streams import Event
from imports.models import ImportJob

# A row passes twice: read and checked, then merged, which takes about twice as long.
READING_SHARE = 35


@dataclass(frozen=True)
class Step:
    """One of the steps of an import; `state` is done, live, todo or failed."""

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
    causes: int
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
        percent=100 if merged else _percent(job, figures),
        done=read if ended else figures.get("done", 0),
        total=read if ended else figures.get("total"),
        rows_per_second=_rate(job, figures),
        seconds_left=None if ended else figures.get("seconds_left"),
        read=read,
        rejected=job.rejected if ended else figures.get("rejected", job.rejected),
        causes=len(figures.get("causes", ())) if not ended else 0,
        steps=_steps(job, figures),
        **known,
    )


def _percent(job: ImportJob, figures: dict[str, Any]) -> int:
    share = min(1.0, figures.get("share", 0.0))
    if job.state == ImportJob.State.READING:
        return round(READING_SHARE * share)
    if job.state == ImportJob.State.MERGING:
        return round(READING_SHARE + (100 - READING_SHARE) * share)
    return 0


def _rate(job: ImportJob, figures: dict[str, Any]) -> int | None:
    if job.state == ImportJob.State.COMPLETED:
        return round(job.read / job.seconds) if job.seconds else None
    rate = figures.get("rows_per_second")
    return round(rate) if rate else None


_STEPS = (
    ("receive", "Received"),
    ("read", "Read and check"),
    ("merge", "Merge"),
    ("done", "Done"),
)
_REACHED = {
    ImportJob.State.RECEIVING: 0,
    ImportJob.State.QUEUED: 1,
    ImportJob.State.READING: 1,
    ImportJob.State.MERGING: 2,
    ImportJob.State.COMPLETED: 4,
}


def _steps(job: ImportJob, figures: dict[str, Any]) -> list[Step]:
    reached = _REACHED.get(ImportJob.State(job.state))
    if reached is None:  # failed or cancelled: where it was is told by the phases it finished
        reached = 2 if "read" in job.phases else 1
    steps = []
    for number, (key, label) in enumerate(_STEPS):
        state = "done" if number < reached else "todo"
        if number == reached:
            waiting = job.state == ImportJob.State.QUEUED
            state = "failed" if job.is_finished else "todo" if waiting else "live"
        steps.append(Step(key, label, state, _note(key, state, job)))
    return steps


def _note(key: str, state: str, job: ImportJob) -> str:
    seconds = job.phases.get(key)
    if key == "receive":
        return ""
    if state == "done" and seconds is not None:
        return f"{job.read:,} rows in {seconds:.1f} s" if key == "read" else f"{seconds:.1f} s"
    if key == "read" and job.state == ImportJob.State.QUEUED:
        return "waiting for a worker"
    if key == "merge" and state == "live" and job.progress.get("waiting_for"):
        return f"waiting for import #{job.progress['waiting_for']}"
    return ""


def feed(job_pk: int) -> Callable[[], Awaitable[list[Event]]]:
    """The source of a job's event stream: its `live` fragment, and `done` behind the last one."""

    @sync_to_async(thread_sensitive=False)
    def look() -> list[Event]:
        try:
            job = ImportJob.objects.get(pk=job_pk)
            html = render_to_string("imports/detail.html#live", {"job": job, "live": live(job)})
        finally:
            connection.close()
        events = [Event("live", html)]
        if not job.is_running and job.state != ImportJob.State.RECEIVING:
            events.append(Event("done", job.state, last=True))
        return events

    return look
