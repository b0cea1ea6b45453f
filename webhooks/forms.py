"""An endpoint as a form."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar

from django import forms
from django.http import QueryDict

from core.outbound import UrlRefused, check_address, check_url
from webhooks.deliveries import HIDDEN, is_ours
from webhooks.endpoints import FIELDS
from webhooks.models import Endpoint, EventType

RATE_MAX: Final = 1_000_000
HEADERS_MAX: Final = 20
NAME_MAX: Final = 100
VALUE_MAX: Final = 1000
URL_MAX: Final = 2000
DESCRIPTION_MAX: Final = 200
#: What a new endpoint hears of, unless somebody chooses otherwise.
FIRST_EVENTS: Final = tuple(EventType.values[:3])

Place = TypeVar("Place")

#: RFC 9110, 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\t\x20-\x7e]*")
EVENTS: Final = {
    EventType.PRODUCT_CREATED: "a product was added",
    EventType.PRODUCT_UPDATED: "a SKU, name, description, price or active has changed",
    EventType.PRODUCT_DELETED: "a product is gone",
    EventType.IMPORT_COMPLETED: "an import has ended, with its counts",
    EventType.IMPORT_FAILED: "an import gave up and changed nothing",
}


def checked_url(typed: str) -> str:
    """The URL as requests will be sent to it; asks what its name leads to.

    Raises:
        UrlRefused: no request would be sent there.
    """
    url = check_url(typed)
    check_address(url)
    return url


def accepted_url(typed: str, *, endpoint: Endpoint | None) -> str:
    """The URL for an endpoint, or a new one; the one that it has is not looked up again.

    Its name may be away for a while.

    Raises:
        UrlRefused: no request would be sent there.
    """
    if endpoint is not None and typed == endpoint.url:
        return check_url(typed)
    return checked_url(typed)


def in_order(chosen: Collection[str]) -> list[str]:
    """Types of events, each once."""
    return [each for each in EventType.values if each in chosen]


class RateField(forms.IntegerField):
    """A whole number, with or without separated thousands."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = re.sub(r"(?<=\d)[,\u0020\u00a0\u202f](?=\d{3}\b)", "", value)
        number: int | None = super().to_python(value)
        return number


class EndpointForm(forms.Form):
    """A new endpoint, or the one that is being changed.

    Values of custom headers are written by whoever knows them and never shown again: of an
    endpoint they stand as HIDDEN, which keeps the value.
    """

    url = forms.CharField(
        max_length=URL_MAX,
        error_messages={
            "required": "The URL is empty. It looks like https://shop.example.com/path.",
            "max_length": f"The URL is longer than {URL_MAX:,} characters.",
        },
    )
    description = forms.CharField(required=False, max_length=DESCRIPTION_MAX)
    event_types = forms.MultipleChoiceField(
        choices=EventType.choices,
        error_messages={"required": "Choose at least one event. Without one nothing is sent."},
    )
    bulk = forms.ChoiceField(
        choices=Endpoint.Bulk.choices,
        error_messages={"required": "Choose how changes of many products arrive."},
    )
    ordered = forms.BooleanField(required=False)
    rate_per_hour = RateField(
        min_value=1,
        max_value=RATE_MAX,
        error_messages={
            "required": f"The rate is empty. Write a number from 1 to {RATE_MAX:,}.",
            "invalid": f"The rate is no whole number. Write one from 1 to {RATE_MAX:,}.",
            "min_value": f"The rate is too low. Write a number from 1 to {RATE_MAX:,}.",
            "max_value": f"The rate is too high. Write a number from 1 to {RATE_MAX:,}.",
        },
    )
    headers = forms.CharField(required=False, strip=False, widget=forms.Textarea)

    def __init__(self, data: QueryDict | None = None, *, endpoint: Endpoint | None = None) -> None:
        self.endpoint = endpoint
        shown = endpoint or Endpoint(event_types=list(FIRST_EVENTS))
        initial = {name: getattr(shown, name) for name in FIELDS}
        initial["headers"] = "\n".join(f"{name}: {HIDDEN}" for name in shown.headers or {})
        super().__init__(data, initial=initial)

    def clean_url(self) -> str:
        try:
            return accepted_url(self.cleaned_data["url"], endpoint=self.endpoint)
        except UrlRefused as refused:
            raise forms.ValidationError(str(refused)) from refused

    def clean_event_types(self) -> list[str]:
        return in_order(self.cleaned_data["event_types"])

    def clean_headers(self) -> dict[str, str]:
        kept = {} if self.endpoint is None else self.endpoint.headers or {}
        return parsed_headers(self.cleaned_data["headers"], kept=kept)

    def values(self) -> dict[str, Any]:
        """The cleaned FIELDS."""
        return {name: self.cleaned_data[name] for name in FIELDS}

    @property
    def events(self) -> list[tuple[str, str, bool]]:
        """Each event, what it tells, whether it is chosen."""
        chosen = self["event_types"].value() or []
        return [(each.value, words, each.value in chosen) for each, words in EVENTS.items()]

    @property
    def starts_at(self) -> str:
        """The field that takes the focus: the first that was refused, else the first."""
        return next((name for name in FIELDS if name in self.errors), FIELDS[0])


def parsed_headers(text: str, *, kept: dict[str, str]) -> dict[str, str]:
    """Headers from lines of "Name: value"; HIDDEN stands for the value that `kept` has.

    Raises:
        forms.ValidationError: one text for each line that can't be sent.
    """
    lines = [line.strip(" \t") for line in re.split(r"\r\n|\r|\n", text)]
    parts = {number: line.partition(":") for number, line in enumerate(lines, start=1) if line}
    headers, refused = _sorted_out(parts, kept)
    problems = [f"Line {number}: {problem}" for number, problem in refused.items()]
    problems += _too_many(headers)
    if problems:
        raise forms.ValidationError(problems[:5])
    return headers


def checked_headers(given: Mapping[str, str], *, kept: dict[str, str]) -> dict[str, str]:
    """Headers by name; HIDDEN stands for the value that `kept` has.

    Raises:
        forms.ValidationError: a text for each header that can't be sent, by its name.
    """
    headers, refused = _sorted_out(
        {name: (name, ":", value) for name, value in given.items()}, kept
    )
    if refused:
        raise forms.ValidationError(
            {name: problem[0].upper() + problem[1:] for name, problem in refused.items()}
        )
    if problems := _too_many(headers):
        raise forms.ValidationError(problems)
    return headers


def _sorted_out(
    given: Mapping[Place, tuple[str, str, str]], kept: dict[str, str]
) -> tuple[dict[str, str], dict[Place, str]]:
    """Headers out of name, colon and value, and what is wrong with the others, by their place."""
    known = {name.lower(): value for name, value in kept.items()}
    headers: dict[str, str] = {}
    problems: dict[Place, str] = {}
    for place, parts in given.items():
        name, colon, value = (part.strip(" \t") for part in parts)
        problem = _problem(name, colon, value, known, {each.lower() for each in headers})
        if problem:
            problems[place] = problem
        else:
            headers[name] = known[name.lower()] if value == HIDDEN else value
    return headers, problems


def _too_many(headers: dict[str, str]) -> list[str]:
    if len(headers) <= HEADERS_MAX:
        return []
    return [f"There are {len(headers):,} headers. At most {HEADERS_MAX} can be sent."]


def _problem(name: str, colon: str, value: str, known: dict[str, str], taken: set[str]) -> str:
    """Why a header can't be sent, with the remedy; empty if it can."""
    lower = name.lower()
    shown = name if len(name) <= NAME_MAX else f"{name[:NAME_MAX]}…"
    if not colon:
        return "there is no colon. Write it as Name: value."
    if not _TOKEN.fullmatch(name):
        return f"“{shown}” is no name of a header. Use letters, digits and hyphens."
    if len(name) > NAME_MAX:
        return f"the name {shown} is longer than {NAME_MAX} characters."
    if is_ours(lower):
        return f"{name} is set by the sender. Leave it out."
    if lower in taken:
        return f"{name} stands here twice. Leave one out."
    if value == HIDDEN:
        return "" if lower in known else f"the value of {name} is not known. Type it."
    if not value:
        return f"{name} has no value. Write one behind the colon, or leave the line out."
    if not _PRINTABLE.fullmatch(value):
        return f"the value of {name} has a character that no header can carry. Use plain ASCII."
    if len(value) > VALUE_MAX:
        return f"the value of {name} is longer than {VALUE_MAX:,} characters."
    return ""
