"""Sources, their schedules and their fetches as JSON, and what is asked of them."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.serializers import word
from core.api.serializers import Flag, Strict, Text
from imports.api.serializers import ErrorJson, OptionsJson, UploadBody
from imports.fetches.forms import PASSWORD_MAX, URL_MAX
from imports.fetches.listing import Row, rows
from imports.fetches.schedules import LINE_MAX, Schedule, ScheduleRefused, checked
from imports.fetches.sources import NAME_MAX, access_of
from imports.models import Fetch, Source
from imports.options import Options

TROUBLES = ("fetch", "import", "review")


class ScheduleBody(Strict):
    """When a source is fetched: a cron line in a time zone."""

    cron = Text(
        max_length=LINE_MAX,
        help_text="Minute, hour, day of the month, month, day of the week: 0 6 * * 1-5.",
    )
    time_zone = Text(max_length=64, default="UTC", help_text="As in Europe/Berlin.")

    def validate(self, attrs: dict[str, Any]) -> Any:
        try:
            return vars(checked(attrs["cron"], attrs["time_zone"]))
        except ScheduleRefused as refused:
            raise serializers.ValidationError({"cron": str(refused)}) from refused


class ImportOptionsBody(UploadBody):
    """How its files are imported; what is left out or empty is found out."""

    file = None  # type: ignore[assignment]


class SourceBody(Strict):
    """What may be set of a source."""

    name = Text(max_length=NAME_MAX)
    url = Text(max_length=URL_MAX, help_text="What follows a ? in it is not shown again.")
    username = Text(required=False, allow_blank=True, max_length=200)
    password = Text(
        required=False,
        allow_blank=True,
        max_length=PASSWORD_MAX,
        trim_whitespace=False,
        help_text="Kept encrypted and never shown.",
    )
    options = ImportOptionsBody(required=False)
    schedule = ScheduleBody(required=False, allow_null=True, help_text="null: by hand only.")
    enabled = Flag(required=False, help_text="false switches the schedule off.")


class ScheduleJson(serializers.Serializer[Any]):
    """When it is fetched, in words too."""

    cron = serializers.CharField()
    time_zone = serializers.CharField()
    words = serializers.CharField()


class FetchJson(serializers.Serializer[Any]):
    """One fetch. `size` is null if nothing was sent; `import` is that of the file, if it was new
    and its import is still kept."""

    id = serializers.IntegerField()
    state = word(Fetch.State.values)
    scheduled = serializers.BooleanField()
    size = serializers.IntegerField(allow_null=True)
    error = ErrorJson(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        # A name that Python keeps for itself.
        return {
            **super().get_fields(),
            "import": serializers.IntegerField(source="job_id", allow_null=True),
        }


@extend_schema_field({"type": ["string", "null"], "enum": [*TROUBLES, None]})
class Trouble(serializers.CharField):
    """One of TROUBLES, or null."""


class SourceJson(serializers.Serializer[Any]):
    """A source. `trouble` is what somebody should look at: the last fetch or its import failed, or
    its import waits for a review."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    address = serializers.CharField(help_text="The URL without what follows a ?.")
    username = serializers.CharField()
    options = OptionsJson()
    schedule = ScheduleJson(allow_null=True)
    enabled = serializers.BooleanField()
    next_run_at = serializers.DateTimeField(allow_null=True)
    trouble = Trouble(allow_null=True)
    last_fetch = FetchJson(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class SourcePageJson(serializers.Serializer[Any]):
    """A page of sources."""

    items = SourceJson(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()


class FetchPageJson(serializers.Serializer[Any]):
    """A page of fetches, the newest first."""

    items = FetchJson(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()


def show_sources(shown: Iterable[Source]) -> list[Any]:
    """Sources as JSON."""
    return [SourceJson(_source(row)).data for row in rows(shown)]


def show_fetch(fetch: Fetch) -> Any:
    """A fetch as JSON."""
    return FetchJson(_fetch(fetch)).data


def show_fetches(fetches: Iterable[Fetch]) -> list[Any]:
    """Fetches as JSON."""
    return [show_fetch(fetch) for fetch in fetches]


def _source(row: Row) -> dict[str, Any]:
    source = row.source
    access = access_of(source)
    return {
        "id": source.pk,
        "name": source.name,
        "address": source.address,
        "username": access.username if access else "",
        "options": Options.from_json(source.options).as_json(),
        "schedule": _schedule(row.schedule),
        "enabled": source.enabled,
        "next_run_at": row.next_run,
        "trouble": row.trouble or None,
        "last_fetch": _fetch(row.newest) if row.newest else None,
        "created_by": source.created_by.get_username() if source.created_by else None,
        "created_at": source.created_at,
    }


def _schedule(schedule: Schedule | None) -> dict[str, str] | None:
    return None if schedule is None else {**vars(schedule), "words": schedule.words}


def _fetch(fetch: Fetch) -> dict[str, Any]:
    failed = {"code": fetch.error_code, "message": fetch.error_message}
    return {
        "id": fetch.pk,
        "state": fetch.state,
        "scheduled": fetch.scheduled,
        "size": fetch.size,
        "job_id": fetch.job_id,
        "error": failed if fetch.error_code else None,
        "created_by": fetch.created_by.get_username() if fetch.created_by else None,
        "created_at": fetch.created_at,
        "started_at": fetch.started_at,
        "finished_at": fetch.finished_at,
    }
