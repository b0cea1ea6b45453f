"""Webhooks in the admin: read-only, with the one action that makes sense there."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core.admin import ReadOnlyAdmin
from webhooks import resending
from webhooks.models import (
    Attempt,
    Delivery,
    Endpoint,
    EndpointHour,
    Event,
    Lane,
    Publication,
)


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    """Endpoints without their secrets, and without the headers that people added."""

    list_display = ("id", "host", "state", "bulk", "ordered", "rate_per_hour", "page")
    list_filter = ("state",)
    sortable_by = ("id",)
    search_fields = ("url", "description")
    # The whole URL may hold a secret.
    exclude = ("url", "headers", "secret", "previous_secret")
    readonly_fields = (
        "host",
        "path",
        "rotated_at",
        "previous_until",
        "state_since",
        "reason",
        "since_change_set",
        "created_at",
        "page",
    )

    @admin.display(description="page")
    def page(self, endpoint: Endpoint) -> str:
        """Where all is done that is done with it."""
        if endpoint.state == Endpoint.State.DELETED:
            return "being removed"
        url = reverse("webhooks:detail", args=[endpoint.pk])
        return format_html('<a href="{}">Open</a>', url)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What was told, once for all who are told of it."""

    list_display = ("id", "type", "about", "subject", "count", "change_set", "created_at")
    list_select_related = ("change_set",)
    sortable_by = ("id",)
    search_fields = ("=uid",)
    search_help_text = "The id of an event: msg_… or a UUID"
    readonly_fields = ("webhook_id", "uid", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Bodies are long, and a list shows none."""
        return super().get_queryset(request).defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        return _by_uid(queryset, "uid", search_term), False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """One event for one endpoint each; several can be sent again."""

    list_display = (
        "id",
        "state",
        "endpoint",
        "event",
        "attempts",
        "status",
        "error",
        "due_at",
        "created_at",
        "page",
    )
    list_select_related = ("endpoint", "event")
    sortable_by = ("id",)
    search_fields = ("event__uid",)
    search_help_text = "The id of an event: msg_… or a UUID"
    readonly_fields = ("due_at", "created_at", "page")
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).defer("event__body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        return _by_uid(queryset, "event__uid", search_term), False

    @admin.display(description="page")
    def page(self, delivery: Delivery) -> str:
        """Where its tries stand, and what was sent."""
        url = reverse("webhooks:delivery", args=[delivery.endpoint_id, delivery.pk])
        return format_html('<a href="{}">Open</a>', url)

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        actor: Any = request.user
        for delivery in queryset.order_by("pk"):
            if resending.redeliver(delivery, actor=actor):
                messages.success(request, f"Delivery {delivery.pk} is sent again.")
            else:
                messages.warning(
                    request, f"Delivery {delivery.pk} is being sent, or was a test: left alone."
                )

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webhooks.change_endpoint")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Each request and what came back."""

    list_display = ("id", "delivery", "number", "at", "status", "error", "milliseconds")
    list_select_related = ("delivery",)
    ordering = ("-id",)
    sortable_by = ("id",)
    search_fields = ("=delivery__id",)
    search_help_text = "The number of a delivery"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Answers are long, and a list shows none."""
        return super().get_queryset(request).defer("response_body", "response_headers")


@admin.register(Lane)
class LaneAdmin(ReadOnlyAdmin):
    """Who sends to which endpoint at this moment, and when it is looked at again."""

    list_display = ("endpoint", "due_at", "failures", "slow", "leased_until", "last_at")
    list_select_related = ("endpoint",)
    ordering = ("endpoint_id",)
    sortable_by = ()
    readonly_fields = ("lease_token", "leased_until")


@admin.register(Publication)
class PublicationAdmin(ReadOnlyAdmin):
    """Change sets that are on their way to become events."""

    list_display = ("change_set", "changes", "cursor", "sequence")
    list_select_related = ("change_set",)
    ordering = ("change_set_id",)
    sortable_by = ()


@admin.register(EndpointHour)
class EndpointHourAdmin(ReadOnlyAdmin):
    """Attempts counted by the hour."""

    list_display = ("endpoint", "hour", "arrived", "failed")
    list_select_related = ("endpoint",)
    ordering = ("-id",)
    sortable_by = ()


def _by_uid(queryset: QuerySet[Any], field: str, text: str) -> QuerySet[Any]:
    """By an event's id as receivers and logs write it; what is none finds nothing."""
    if not text.strip():
        return queryset
    digits = text.strip().removeprefix("msg_").replace("-", "")
    if len(digits) != 32 or not all(each in "0123456789abcdefABCDEF" for each in digits):
        return queryset.none()
    return queryset.filter(**{field: digits})
