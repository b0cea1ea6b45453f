"""What goes out: endpoints, deliveries and attempts as JSON."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.outbound import ERRORS
from webhooks.deliveries import HIDDEN
from webhooks.log import TYPES
from webhooks.models import Attempt, Delivery, Endpoint, EventType
from webhooks.readable import contents

State = Endpoint.State
#: Those of an endpoint that is not gone.
STATES: Final = [state for state in State.values if state != State.DELETED]
EVENT: Final = serializers.ChoiceField(EventType.values)
ATTEMPTS_SHOWN: Final = 50
#: A body as it was sent.
PAYLOAD: Final = {"type": "object", "additionalProperties": {}}


class EndpointJson(serializers.Serializer[Any]):
    """A webhook and how it does.

    `success_rate` is the percentage of the last 24 hours' attempts that arrived, null without any.
    """

    id = serializers.IntegerField(source="endpoint.pk")
    url = serializers.CharField(source="endpoint.url")
    event_type = serializers.SerializerMethodField(help_text="The first of `event_types`.")
    event_types = serializers.ListField(
        child=serializers.ChoiceField(EventType.values), source="endpoint.event_types"
    )
    enabled = serializers.SerializerMethodField()
    description = serializers.CharField(source="endpoint.description", allow_blank=True)
    bulk = serializers.ChoiceField(Endpoint.Bulk.values, source="endpoint.bulk")
    ordered = serializers.BooleanField(source="endpoint.ordered")
    rate_per_hour = serializers.IntegerField(source="endpoint.rate_per_hour")
    headers = serializers.SerializerMethodField()
    state = serializers.ChoiceField(
        STATES, source="endpoint.state", help_text="What is enabled is active."
    )
    state_since = serializers.DateTimeField(source="endpoint.state_since")
    reason = serializers.SerializerMethodField(help_text="Why it was disabled.")
    failing_since = serializers.DateTimeField(source="lane.failing_since", allow_null=True)
    last_at = serializers.DateTimeField(source="lane.last_at", allow_null=True)
    last_status = serializers.IntegerField(source="lane.last_status", allow_null=True)
    last_error = serializers.SerializerMethodField(
        help_text="The code of why no answer came the last time: docs/webhooks.md has them."
    )
    last_time_ms = serializers.IntegerField(source="lane.last_milliseconds", allow_null=True)
    success_rate = serializers.SerializerMethodField()
    previous_until = serializers.DateTimeField(
        source="endpoint.previous_until",
        allow_null=True,
        help_text="Until then deliveries are signed with the former secret too.",
    )
    created_at = serializers.DateTimeField(source="endpoint.created_at")

    @extend_schema_field(EVENT)
    def get_event_type(self, row: Any) -> str:
        return str(row.endpoint.event_types[0])

    def get_enabled(self, row: Any) -> bool:
        return bool(row.endpoint.state == State.ACTIVE)

    @extend_schema_field({"type": "object", "additionalProperties": {"const": HIDDEN}})
    def get_headers(self, row: Any) -> dict[str, str]:
        return dict.fromkeys(row.endpoint.headers or {}, HIDDEN)

    @extend_schema_field({"type": ["string", "null"], "enum": [*Endpoint.Reason.values, None]})
    def get_reason(self, row: Any) -> str | None:
        return row.endpoint.reason or None

    def get_last_error(self, row: Any) -> str | None:
        return row.lane.last_error or None

    @extend_schema_field({"type": ["number", "null"], "minimum": 0, "maximum": 100})
    def get_success_rate(self, row: Any) -> float | None:
        percent = row.figures.arrived_percent
        return None if percent is None else round(percent, 1)


class NewEndpointJson(EndpointJson):
    """A new webhook with its signing secret, which is shown this once."""

    secret = serializers.CharField(source="endpoint.secret")


class EndpointPageJson(serializers.Serializer[Any]):
    """One page of webhooks."""

    items = EndpointJson(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()


class SecretJson(serializers.Serializer[Any]):
    """A new signing secret; until `previous_until` the former one signs, too."""

    secret = serializers.CharField()
    previous_until = serializers.DateTimeField()


class SentAgain(serializers.Serializer[Any]):
    """How many deliveries are sent."""

    count = serializers.IntegerField()
    message = serializers.CharField()


class TestJson(serializers.Serializer[Any]):
    """What came of a test: `error` says why no answer came. All are null while it is under way."""

    status = serializers.IntegerField(allow_null=True)
    time_ms = serializers.IntegerField(allow_null=True)
    response = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="The beginning of the body."
    )
    error = serializers.CharField(allow_null=True)
    delivery = serializers.IntegerField()


class AttemptJson(serializers.Serializer[Any]):
    """One request; `error_message` says why no answer came.

    `response` is the beginning of the answer's body.
    """

    id = serializers.IntegerField()
    attempt = serializers.IntegerField(source="number")
    response_status = serializers.IntegerField(source="status", allow_null=True)
    response_time_ms = serializers.IntegerField(source="milliseconds", allow_null=True)
    error_message = serializers.SerializerMethodField()
    response = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="at")

    def get_error_message(self, attempt: Attempt) -> str | None:
        return error_of(attempt)

    def get_response(self, attempt: Attempt) -> str | None:
        return response_of(attempt)


class LoggedJson(AttemptJson):
    """An attempt with what was sent."""

    delivery = serializers.IntegerField(source="delivery_id")
    webhook_id = serializers.CharField(source="delivery.event.webhook_id")
    event_type = serializers.ChoiceField(TYPES, source="delivery.event.type")
    payload = serializers.SerializerMethodField()

    @extend_schema_field(PAYLOAD)
    def get_payload(self, attempt: Attempt) -> Any:
        return contents(attempt.delivery.event)


class DeliveryJson(serializers.Serializer[Any]):
    """An event for one webhook with its attempts: the newest 50, newest first."""

    id = serializers.IntegerField()
    webhook = serializers.IntegerField(source="endpoint_id")
    webhook_id = serializers.CharField(source="event.webhook_id")
    event_type = serializers.ChoiceField(TYPES, source="event.type")
    test = serializers.BooleanField(source="is_test")
    state = serializers.ChoiceField(Delivery.State.values)
    change_set = serializers.IntegerField(source="event.change_set_id", allow_null=True)
    created_at = serializers.DateTimeField()
    due_at = serializers.SerializerMethodField(help_text="When the next try is due.")
    finished_at = serializers.DateTimeField(allow_null=True)
    attempt_count = serializers.IntegerField(source="attempts")
    attempts = serializers.SerializerMethodField()
    payload = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_due_at(self, delivery: Delivery) -> Any:
        if not delivery.is_pending:
            return None
        return serializers.DateTimeField().to_representation(delivery.due_at)

    @extend_schema_field(AttemptJson(many=True))
    def get_attempts(self, delivery: Delivery) -> Any:
        return AttemptJson(delivery.log.all()[:ATTEMPTS_SHOWN], many=True).data

    @extend_schema_field(PAYLOAD)
    def get_payload(self, delivery: Delivery) -> Any:
        return contents(delivery.event)


def error_of(attempt: Attempt) -> str | None:
    """Why no answer came."""
    return attempt.message or ERRORS.get(attempt.error, attempt.error) or None


def response_of(attempt: Attempt) -> str | None:
    """The beginning of the answer; None when none came."""
    return None if attempt.status is None else attempt.response_body
