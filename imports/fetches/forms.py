"""A source as a form: where its file is, how it is imported, and when."""

import datetime
import zoneinfo
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from core.outbound import UrlRefused, check_address, check_url
from imports.fetches import schedules
from imports.fetches.schedules import DAYS, LAST_DAY, REPEATS, Schedule, ScheduleRefused, usual
from imports.fetches.sources import NAME_MAX, Access, SourceRefused, access_from, access_of
from imports.forms import UploadForm
from imports.models import Mapping, Source
from imports.options import Options

URL_MAX: Final = 2000
PASSWORD_MAX: Final = 1000
LABELS: Final = {
    "review": "Review before applying",
    "mode": "Rows in the file",
    "missing": "Missing from the file",
    "empty": "Empty cells",
    "mapping": "Columns",
    "encoding": "Encoding",
    "delimiter": "Delimiter",
    "decimal": "Decimal mark",
}
_EMPTY_URL: Final = "The address is empty. It looks like https://supplier.example.com/prices.csv."


class AddressForm(forms.Form):
    """An address to fetch from once."""

    url = forms.CharField(
        max_length=URL_MAX,
        error_messages={
            "required": _EMPTY_URL,
            "max_length": f"The address is longer than {URL_MAX:,} characters.",
        },
    )

    def clean_url(self) -> str:
        try:
            return _reachable(self.cleaned_data["url"])
        except UrlRefused as refused:
            raise forms.ValidationError(str(refused)) from refused


class SourceForm(UploadForm):
    """A new source, or the one that is being changed.

    The address of one that exists stands as it may be shown, which keeps what is not; an empty
    password keeps the one that is stored.
    """

    file = None  # type: ignore[assignment]
    name = forms.CharField(
        max_length=NAME_MAX,
        error_messages={
            "required": "The name is empty. Say whose file it is.",
            "max_length": f"The name is longer than {NAME_MAX} characters.",
        },
    )
    url = forms.CharField(
        max_length=URL_MAX,
        error_messages={
            "required": _EMPTY_URL,
            "max_length": f"The address is longer than {URL_MAX:,} characters.",
        },
    )
    username = forms.CharField(max_length=200, required=False)
    password = forms.CharField(max_length=PASSWORD_MAX, required=False, strip=False)
    repeat = forms.ChoiceField(choices=REPEATS, required=False)
    at = forms.TimeField(required=False, error_messages={"invalid": "Write a time of day: 06:00."})
    weekday = forms.ChoiceField(choices=DAYS, required=False)
    day = forms.TypedChoiceField(
        choices=[(str(day), str(day)) for day in range(1, LAST_DAY + 1)],
        coerce=int,
        empty_value="1",
        required=False,
    )
    cron = forms.CharField(max_length=schedules.LINE_MAX, required=False)
    time_zone = forms.CharField(max_length=64, required=False)
    enabled = forms.BooleanField(required=False)

    def __init__(
        self, data: QueryDict | None = None, *, user: User, source: Source | None = None
    ) -> None:
        self.user, self.source = user, source
        self.kept = access_of(source) if source is not None else None
        super().__init__(data, initial=_shown(source, user))

    def clean_enabled(self) -> bool:
        # A browser sends nothing for a switch that is off.
        return bool(self.cleaned_data["enabled"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "url" in cleaned and "password" in cleaned:
            self._clean_access(cleaned)
        if not self.has_error("at"):
            self._clean_schedule(cleaned)
        return cleaned

    def _clean_access(self, cleaned: dict[str, Any]) -> None:
        try:
            access = access_from(
                self.source,
                url=cleaned["url"],
                username=cleaned["username"],
                password=cleaned["password"] or None,
            )
            if self.kept is None or access.url != self.kept.url:
                check_address(access.url)
        except UrlRefused as refused:
            self.add_error("url", str(refused))
        except SourceRefused as refused:
            self.add_error(refused.field, str(refused))
        else:
            cleaned["access"] = access

    def _clean_schedule(self, cleaned: dict[str, Any]) -> None:
        cleaned["schedule"] = None
        if not cleaned.get("repeat"):
            return
        repeat = cleaned["repeat"]
        if repeat != schedules.CRON and cleaned["at"] is None:
            self.add_error("at", "Write a time of day: 06:00.")
            return
        zone = cleaned["time_zone"]
        if zone not in zoneinfo.available_timezones():
            self.add_error(
                "time_zone", f"“{zone}” is not a time zone. Write it like Europe/Berlin."
            )
            return
        try:
            cleaned["schedule"] = usual(
                repeat,
                at=cleaned["at"] or datetime.time(),
                weekday=cleaned["weekday"] or "1",
                day=int(cleaned["day"]),
                cron=cleaned["cron"],
                time_zone=zone,
            )
        except ScheduleRefused as refused:
            self.add_error("cron", str(refused))

    @property
    def access(self) -> Access | None:
        """Of a form that was checked: where the file is; None if that is not known."""
        access: Access | None = self.cleaned_data.get("access")
        return access

    def values(self) -> dict[str, Any]:
        """What `imports.fetches.sources` takes."""
        cleaned = self.cleaned_data
        return {
            "name": cleaned["name"],
            "access": cleaned["access"],
            "options": self.options(),
            "schedule": cleaned["schedule"],
            "enabled": cleaned["enabled"],
        }

    @property
    def chosen_options(self) -> list[dict[str, Any]]:
        """Each option with its label and its choices, in the order of LABELS."""
        return [
            {
                "name": name,
                "label": label,
                "choices": [
                    (str(value), words, str(value) == str(self[name].value() or ""))
                    for value, words in self.fields[name].choices  # type: ignore[attr-defined]
                ],
            }
            for name, label in LABELS.items()
        ]

    @property
    def starts_at(self) -> str:
        """The field that takes the focus: the first that was refused, else the first."""
        return next((name for name in self.fields if name in self.errors), "name")


def _shown(source: Source | None, user: User) -> dict[str, Any]:
    zone = user.time_zone or timezone.get_default_timezone_name()
    schedule = schedules.of_source(source) if source is not None else None
    values: dict[str, Any] = {"enabled": True, "repeat": "", **_timing(schedule, zone)}
    if source is None:
        return values
    options = Options.from_json(source.options)
    mapping = Mapping.objects.filter(pk=options.mapping_id or 0).first()
    access = access_of(source)
    return {
        **values,
        **options.as_json(),
        "mapping": mapping.name if mapping else "",
        "name": source.name,
        "url": source.address,
        "username": access.username if access else "",
        "enabled": source.enabled,
    }


def _timing(schedule: Schedule | None, zone: str) -> dict[str, Any]:
    usual_values = {"at": "06:00", "weekday": "1", "day": "1", "cron": "", "time_zone": zone}
    if schedule is None:
        return usual_values
    minute, _, day, _, weekday = schedule.cron.split()
    shown = {"repeat": schedule.repeat, "cron": schedule.cron, "time_zone": schedule.time_zone}
    if schedule.repeat == schedules.HOURLY:
        shown["at"] = f"00:{int(minute):02}"
    elif schedule.at:
        shown["at"] = schedule.at
    if schedule.repeat == schedules.WEEKLY:
        shown["weekday"] = weekday
    if schedule.repeat == schedules.MONTHLY:
        shown["day"] = str(int(day))
    return {**usual_values, **shown}


def _reachable(typed: str) -> str:
    url = check_url(typed)
    check_address(url)
    return url
