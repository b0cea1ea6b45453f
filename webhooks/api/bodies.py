"""What comes in: endpoints and what is asked of them; what a value may be says `webhooks.forms`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.serializers import Flag, Paging, Query, Strict, Text
from core.outbound import UrlRefused
from webhooks.bodies import as_json
from webhooks.deliveries import HIDDEN
from webhooks.forms import (
    DESCRIPTION_MAX,
    HEADERS_MAX,
    NAME_MAX,
    RATE_MAX,
    URL_MAX,
    VALUE_MAX,
    EndpointForm,
    accepted_url,
    checked_headers,
    in_order,
)
from webhooks.models import Endpoint, EventType
from webhooks.resending import STATES

BIGGEST_ID: Final = 2**63 - 1
#: Levels of a test's payload; far below what Python reads and writes.
DEPTH_MAX: Final = 50


def said(name: str) -> dict[str, Any]:
    """What the form says of a value that can't be taken."""
    messages = {
        key: str(text) for key, text in EndpointForm.base_fields[name].error_messages.items()
    }
    return {**messages, "blank": messages["required"]}


class Whole(serializers.IntegerField):
    """A whole number of JSON; a string is none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return super().to_internal_value(int(data))


class Choice(serializers.ChoiceField):
    """One of some words; another is told which there are."""

    def __init__(self, choices: Sequence[str], **how: Any) -> None:
        told = f"There is no “{{input}}” here. There is {', '.join(choices)}."
        super().__init__(choices, error_messages={"invalid_choice": told}, **how)


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": HEADERS_MAX,
        "propertyNames": {"pattern": rf"^[!#$%&'*+.^_`|~0-9A-Za-z-]{{1,{NAME_MAX}}}$"},
        "additionalProperties": {
            "anyOf": [
                {"type": "string", "pattern": rf"^[!-~]([\t -~]{{0,{VALUE_MAX - 2}}}[!-~])?$"},
                {"const": HIDDEN},
            ]
        },
        "examples": [{"Authorization": "Bearer abc"}],
    }
)
class Headers(serializers.DictField):
    """Names and values; HIDDEN keeps the value that the endpoint has."""

    child = Text(trim_whitespace=False, allow_blank=True)


@extend_schema_field({})
class Anything(serializers.Field[Any, Any, Any, Any]):
    """Any JSON that can be written down again."""

    def to_internal_value(self, data: Any) -> Any:
        if depth(data) > DEPTH_MAX:
            raise serializers.ValidationError(f"It is nested more than {DEPTH_MAX} times.")
        try:
            as_json(data)
        except ValueError as error:
            raise serializers.ValidationError("It holds a number that is too large.") from error
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class EndpointBody(Strict):
    """What may be set of a webhook; judged by the rules of its form."""

    url = Text(max_length=URL_MAX, error_messages=said("url"))
    event_type = Choice(
        EventType.values, required=False, help_text="Short for `event_types` with one."
    )
    event_types = serializers.ListField(
        child=Choice(EventType.values),
        required=False,
        allow_empty=False,
        error_messages={"empty": said("event_types")["required"]},
    )
    enabled = Flag(required=False, help_text="false pauses it: deliveries wait.")
    description = Text(required=False, allow_blank=True, max_length=DESCRIPTION_MAX)
    bulk = Choice(Endpoint.Bulk.values, required=False)
    ordered = Flag(required=False)
    rate_per_hour = Whole(
        min_value=1, max_value=RATE_MAX, required=False, error_messages=said("rate_per_hour")
    )
    headers = Headers(
        required=False, help_text=f"Sent along. Shown with {HIDDEN} as value, which keeps it."
    )

    @property
    def endpoint(self) -> Endpoint | None:
        """The one that is being changed."""
        return self.context.get("endpoint")

    def validate_url(self, value: str) -> str:
        try:
            return accepted_url(value, endpoint=self.endpoint)
        except UrlRefused as refused:
            raise serializers.ValidationError(str(refused)) from refused

    def validate_headers(self, value: dict[str, str]) -> dict[str, str]:
        kept = {} if self.endpoint is None else self.endpoint.headers or {}
        try:
            return checked_headers(value, kept=kept)
        except forms.ValidationError as refused:
            problems = refused.message_dict if hasattr(refused, "error_dict") else refused.messages
            raise serializers.ValidationError(problems) from refused

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        one = attrs.pop("event_type", None)
        if one is not None and "event_types" in attrs:
            raise serializers.ValidationError(
                {"event_type": "Give event_type or event_types, not both."}
            )
        chosen = attrs.get("event_types") if one is None else [one]
        if chosen is not None:
            attrs["event_types"] = in_order(chosen)
        return attrs


class EndpointReplacement(EndpointBody):
    """A webhook whose URL and events are named; what else is left out stays."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "event_types" not in attrs:
            raise serializers.ValidationError({"event_types": said("event_types")["required"]})
        return attrs


class EnableBody(Strict):
    """Whether what was given up since it began to fail is sent, too."""

    send_failed = Flag(default=False)


class ReplayBody(Strict):
    """Which deliveries: made since a time, or all that are kept; by how they ended."""

    since = serializers.DateTimeField(required=False, allow_null=True, default=None)
    state = Choice(list(STATES), default="failed")


class TestBody(Strict):
    """`payload` takes the place of the event's data; null or none is a message."""

    payload = Anything(required=False, allow_null=True)


class LogQuery(Query):
    """So many attempts, older than one of them."""

    limit = serializers.IntegerField(min_value=1, max_value=Paging.MOST, default=50)
    before = serializers.IntegerField(
        min_value=1, max_value=BIGGEST_ID, required=False, help_text="An attempt's id."
    )


def depth(value: Any) -> int:
    """How deeply a JSON value is nested."""
    level, values = 0, [value]
    while values := [
        inner
        for each in values
        if isinstance(each, Mapping | list)
        for inner in (each.values() if isinstance(each, Mapping) else each)
    ]:
        level += 1
    return level
