"""Change sets on their way to those who listen: who that is, what they are told, what came of it.

The rows are the queue and the record; Celery messages only wake workers.
"""

import uuid
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Now

from catalog.models import ChangeSet
from core.encryption import EncryptedField
from core.leases import Leased


class EventType(models.TextChoices):
    """What an endpoint can subscribe to."""

    PRODUCT_CREATED = "product.created"
    PRODUCT_UPDATED = "product.updated"
    PRODUCT_DELETED = "product.deleted"
    IMPORT_COMPLETED = "import.completed"
    IMPORT_FAILED = "import.failed"


#: Types of bodies that nobody subscribes to: many products in one, and the test of an endpoint.
BATCH: Final = "product.batch"
TEST: Final = "webhook.test"

#: Upper bounds of the latencies counted together, in milliseconds; what is slower is counted last.
LATENCIES: Final = (
    5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 750,
    1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000,
)  # fmt: skip


class Endpoint(models.Model):
    """Where events are posted to: the user's "webhook".

    It is told of change sets after `since_change_set`, the newest when it was made. A paused
    endpoint's deliveries wait; a disabled one gets none. A deleted one is only waiting for
    `webhooks.cleaning` to remove what belongs to it.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Disabled"
        DELETED = "deleted", "Deleted"

    class Bulk(models.TextChoices):
        BATCH = "batch", "in batches"
        SUMMARY = "summary", "as a summary"
        EACH = "each", "one by one"

    class Reason(models.TextChoices):
        FAILING = "failing", "nothing but failure for too long"
        GONE = "gone", "it answered 410 Gone"

    url = models.CharField("URL", max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    event_types = ArrayField(models.CharField(max_length=32, choices=EventType.choices))
    bulk = models.CharField(max_length=8, choices=Bulk.choices, default=Bulk.BATCH)
    ordered = models.BooleanField(default=False)
    rate_per_hour = models.PositiveIntegerField(default=1000, validators=[MinValueValidator(1)])
    headers = EncryptedField(default=dict, blank=True)

    secret = EncryptedField(editable=False)
    previous_secret = EncryptedField(null=True, editable=False)
    rotated_at = models.DateTimeField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)

    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    state_since = models.DateTimeField(db_default=Now(), editable=False)
    reason = models.CharField(max_length=8, choices=Reason.choices, blank=True, editable=False)
    since_change_set = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(rate_per_hour__gte=1), name="endpoint_rate_check"
            )
        ]

    def __str__(self) -> str:
        return self.host

    @property
    def host(self) -> str:
        """Name and, if it is unusual, port: all of a URL that is fit for a log."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """The rest of the URL without its query, which may hold a secret."""
        parts = urlsplit(self.url)
        return parts.path + ("?…" if parts.query else "")


class Lane(Leased):
    """What of an endpoint moves with each attempt: one worker at a time holds it and sends.

    `due_at` is when the next of its deliveries may be tried, None when none waits. `failures` are
    those in a row, from `failing_since` on. `tokens` are requests that may be sent at once, as of
    `tokens_at`.
    """

    endpoint = models.OneToOneField(
        Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="lane"
    )
    due_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    slow = models.BooleanField(default=False)
    tokens = models.FloatField(default=0)
    tokens_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=32, blank=True)
    last_milliseconds = models.PositiveIntegerField(null=True)
    last_answer = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["slow", "due_at"],
                condition=models.Q(due_at__isnull=False),
                name="lane_due",
            )
        ]

    def __str__(self) -> str:
        return f"lane {self.pk}"


class Publication(models.Model):
    """How far a change set has become events; gone once all of it has.

    `audience` says who is told in which form (`webhooks.events`), as it was when publishing
    began. `cursor` is the last product id of the part that is being paged through: the range of
    ids that the change set created (`changes` is False), then its product changes.
    """

    change_set = models.OneToOneField(
        ChangeSet, on_delete=models.CASCADE, primary_key=True, related_name="publication"
    )
    audience = models.JSONField()
    changes = models.BooleanField(default=False)
    cursor = models.BigIntegerField(default=0)
    sequence = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"publication of {self.change_set_id}"


class Event(models.Model):
    """Something that happened, with the body that is sent, byte for byte, to whoever subscribed.

    `about` is what a batch is of (`product.updated`), `count` the products in it, `subject` the
    SKU or file that people know it by.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    type = models.CharField(max_length=32)
    about = models.CharField(max_length=32, blank=True)
    change_set = models.ForeignKey(
        ChangeSet, null=True, on_delete=models.CASCADE, db_index=False, related_name="events"
    )
    sequence = models.PositiveIntegerField(null=True)
    count = models.PositiveIntegerField(default=0)
    subject = models.CharField(max_length=255, blank=True)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["change_set", "sequence"], name="event_change_set_sequence"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="event_created_at")]

    def __str__(self) -> str:
        return f"{self.type} {self.webhook_id}"

    @property
    def webhook_id(self) -> str:
        """What a receiver tells repeated deliveries by."""
        return f"msg_{self.uid.hex}"


class Delivery(models.Model):
    """One event for one endpoint.

    `attempts` counts all that were begun, `tries` those since it was last sent anew, which decide
    about the next wait. One that a person asked for (`urgent`) goes before all others. A test is
    sent once, by itself.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        RETRYING = "retrying", "Retrying"
        ARRIVED = "arrived", "Arrived"
        FAILED = "failed", "Gave up"

    PENDING: Final = (State.WAITING, State.SENDING, State.RETRYING)

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, db_index=False, related_name="deliveries"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    is_test = models.BooleanField(default=False)
    urgent = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=32, blank=True)
    milliseconds = models.PositiveIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "deliveries"
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "due_at", "id"],
                condition=models.Q(state__in=("waiting", "sending", "retrying"), is_test=False),
                name="delivery_due",
            ),
            models.Index(
                fields=["endpoint", "id"],
                condition=models.Q(state__in=("waiting", "sending", "retrying"), is_test=False),
                name="delivery_pending",
            ),
            models.Index(
                fields=["endpoint"], condition=models.Q(urgent=True), name="delivery_urgent"
            ),
            models.Index(fields=["endpoint", "state", "id"], name="delivery_log"),
            models.Index(fields=["created_at"], name="delivery_created_at"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_state_display()}"

    @property
    def is_pending(self) -> bool:
        return self.state in self.PENDING


class Attempt(models.Model):
    """One request and what came back; `error` is a code of `core.outbound` or "interrupted".

    `request_headers` hides the values that a person configured, `response_body` is the beginning.
    """

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, db_index=False, related_name="log"
    )
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=32, blank=True)
    message = models.TextField(blank=True)
    request_headers = models.JSONField(default=dict)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_delivery_number")
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number}"


def _no_latencies() -> list[Any]:
    return [0] * (len(LATENCIES) + 1)


class EndpointHour(models.Model):
    """An endpoint's attempts of one hour: how many arrived or failed, and how long answers took.

    `latencies` counts what arrived by LATENCIES.
    """

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, db_index=False, related_name="hours"
    )
    hour = models.DateTimeField()
    arrived = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    latencies = ArrayField(models.PositiveIntegerField(), default=_no_latencies)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "hour"], name="endpointhour_key")
        ]
        indexes: ClassVar = [models.Index(fields=["hour"], name="endpointhour_hour")]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.hour}"
