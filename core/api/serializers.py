"""What comes in: unknown names are errors, and so are values of another type."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import QueryDict
from rest_framework import serializers


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know, with the names that it does."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            strange = {
                str(name): [f"There is no “{name}” here. There is {', '.join(known)}."]
                for name in data
                if name not in known
            }
            if strange:
                raise serializers.ValidationError(strange)
        return super().to_internal_value(data)


class Query(Strict):
    """Parameters of a URL; one that is empty counts as left out, one given twice is an error."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, QueryDict):
            twice = {
                name: ["It is given more than once."]
                for name, values in data.lists()
                if len(values) > 1
            }
            if twice:
                raise serializers.ValidationError(twice)
            data = {name: value for name, value in data.items() if value or name not in self.fields}
        return super().to_internal_value(data)


class NoParameters(Query):
    """For calls without any."""

    def to_internal_value(self, data: Any) -> Any:
        if data:
            raise serializers.ValidationError(
                {str(name): [f"There is no parameter “{name}” here."] for name in data}
            )
        return {}


class Text(serializers.CharField):
    """A string of JSON; a number is none, or 007 would come in as 7."""

    default_error_messages: ClassVar = {"invalid": "Write it as a string, in quotes."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false of JSON, and nothing that looks like it."""

    default_error_messages: ClassVar = {"invalid": "Write true or false, without quotes."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(data)


class Message(serializers.Serializer[Any]):
    """A word that it is done."""

    message = serializers.CharField()


class Paging(Query):
    """A page of a list, from 1; past the last one there are no items."""

    MOST: ClassVar = 250
    page = serializers.IntegerField(min_value=1, max_value=10**9, default=1)
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=50)


class ProblemDetail(serializers.Serializer[Any]):
    """One message of a problem, and the field or parameter that it is about."""

    field = serializers.CharField()
    message = serializers.CharField()


class ProblemDetails(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = ProblemDetail(many=True, required=False)  # type: ignore[assignment]
