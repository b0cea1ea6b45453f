"""How sources do: what was fetched last, what came of it, when it is fetched next."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When

from core.downloads import FAILURES
from imports.fetches import schedules
from imports.fetches.schedules import Schedule
from imports.models import Fetch, ImportJob, Source

RUNNING = (Fetch.State.QUEUED, *Fetch.RUNNING)


@dataclass(frozen=True)
class Row:
    """A source with its newest fetch, the newest that has ended, and its newest import."""

    source: Source
    schedule: Schedule | None
    newest: Fetch | None
    ended: Fetch | None
    job: ImportJob | None

    @property
    def is_running(self) -> bool:
        return self.newest is not None and self.newest.is_running

    @property
    def trouble(self) -> str:
        """What somebody should look at: "fetch" or "import" failed, "review" waits; else ""."""
        if self.ended is not None and self.ended.state == Fetch.State.FAILED:
            return "fetch"
        if self.job is not None and self.job.state == ImportJob.State.FAILED:
            return "import"
        if self.job is not None and self.job.state == ImportJob.State.REVIEW:
            return "review"
        return ""

    @property
    def reason(self) -> str:
        """Of a trouble, in words that say what helps."""
        if self.trouble == "fetch" and self.ended is not None:
            return self.ended.error_message
        if self.trouble == "import" and self.job is not None:
            return self.job.error_message
        return ""

    @property
    def short_reason(self) -> str:
        """In the fewest words."""
        if self.trouble == "fetch" and self.ended is not None:
            return FAILURES.get(self.ended.error_code, "Failed")
        return {"import": "Import failed", "review": "Waits for a review"}.get(self.trouble, "")

    @property
    def next_run(self) -> datetime.datetime | None:
        if self.schedule is None or not self.source.enabled:
            return None
        return self.schedule.next_run()


def listed() -> QuerySet[Source]:
    return Source.objects.select_related("created_by")


def rows(sources: Iterable[Source]) -> list[Row]:
    """How each does; four queries for however many."""
    shown = list(sources)
    pks = [source.pk for source in shown]
    of_source = Fetch.objects.filter(source=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    jobs = ImportJob.objects.filter(source=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    keys = Source.objects.filter(pk__in=pks).values_list(
        "pk",
        Subquery(of_source),
        Subquery(
            of_source.model.objects.filter(source=OuterRef("pk"))
            .exclude(state__in=RUNNING)
            .order_by("-pk")
            .values("pk")[:1]
        ),
        Subquery(jobs),
    )
    newest = {pk: found for pk, *found in keys}
    fetches = Fetch.objects.in_bulk([pk for each in newest.values() for pk in each[:2] if pk])
    imported = ImportJob.objects.defer("detected").in_bulk(
        [each[2] for each in newest.values() if each[2]]
    )
    timings = schedules.of_sources(pks)
    return [
        Row(
            source=source,
            schedule=timings.get(source.pk),
            newest=fetches.get(newest[source.pk][0]),
            ended=fetches.get(newest[source.pk][1]),
            job=imported.get(newest[source.pk][2]),
        )
        for source in shown
        if source.pk in newest
    ]


def troubled() -> list[Row]:
    """The sources with a schedule whose last run failed, or left something to look at."""
    scheduled = schedules.scheduled_pks()
    if not scheduled:
        return []
    found: Sequence[Row] = rows(Source.objects.filter(pk__in=scheduled))
    return [row for row in found if row.trouble]


def history(source: Source) -> QuerySet[Fetch]:
    """Its fetches, the newest first, with what they took in seconds as `seconds`."""
    return (
        source.fetches.select_related("job", "created_by")
        .defer("job__detected")
        .annotate(
            took=Case(When(finished_at__isnull=False, then=F("finished_at") - F("started_at")))
        )
        .order_by("-pk")
    )
