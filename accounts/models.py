"""The people who use the importer, and what they did beside changing products."""

import zoneinfo
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from knox.models import AbstractAuthToken

from core.encryption import EncryptedField


def validate_time_zone(name: str) -> None:
    if name and name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Write it like Europe/Berlin.")


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person or a program that signs in; its role is a group (`accounts.roles`)."""

    time_zone = models.CharField(
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text="In which times are shown, such as Europe/Berlin. Empty: the site's.",
    )


class AuditEntry(models.Model):
    """Something that somebody did which is no change of a product: written by `accounts.audit`.

    `target` names in words what it was done to; `details` are the figures or values that go with
    it. The name is kept beside the actor: people go, what they did stays.
    """

    class Action(models.TextChoices):
        SIGNED_IN = "signed_in", "signed in"
        SIGN_IN_FAILED = "sign_in_failed", "failed to sign in"
        SIGNED_OUT = "signed_out", "signed out"
        USER_CREATED = "user_created", "created the user"
        USER_CHANGED = "user_changed", "changed the user"
        USER_DELETED = "user_deleted", "deleted the user"
        ROLES_CHANGED = "roles_changed", "changed the roles of"
        EXPORTED = "exported", "exported"
        OPERATION_CANCELLED = "operation_cancelled", "cancelled"
        ENDPOINT_CREATED = "endpoint_created", "created the endpoint"
        ENDPOINT_CHANGED = "endpoint_changed", "changed the endpoint"
        ENDPOINT_DELETED = "endpoint_deleted", "deleted the endpoint"
        ENDPOINT_PAUSED = "endpoint_paused", "paused the endpoint"
        ENDPOINT_ENABLED = "endpoint_enabled", "enabled the endpoint"
        ENDPOINT_DISABLED = "endpoint_disabled", "disabled the endpoint"
        SECRET_REVEALED = "secret_revealed", "revealed the signing secret of"
        SECRET_ROTATED = "secret_rotated", "rotated the signing secret of"
        OLD_SECRET_ENDED = "old_secret_ended", "ended the old signing secret of"
        DELIVERIES_RESENT = "deliveries_resent", "sent again to"
        SOURCE_CREATED = "source_created", "created the source"
        SOURCE_CHANGED = "source_changed", "changed the source"
        SOURCE_DELETED = "source_deleted", "deleted the source"
        SOURCE_FETCHED = "source_fetched", "asked for the file of the source"
        TOKEN_CREATED = "token_created", "created the API token"
        TOKEN_REVOKED = "token_revoked", "revoked the API token"

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=32, choices=Action.choices)
    target = models.CharField(max_length=255, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["at", "id"], name="auditentry_at")]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor_name} {self.get_action_display()} {self.target}".strip()


class ApiToken(AbstractAuthToken):  # type: ignore[misc]
    """A key with which a program acts for a user, kept as a digest: it is seen once.

    What it may do is what the user's role allows, up to its scope (`accounts.roles`). `expiry` of
    None is never. `last_used_at` is true to a minute.
    """

    class Scope(models.TextChoices):
        READ = "read", "read"
        WRITE = "write", "write"
        MANAGE = "manage", "manage"

    # A key of its own: the digest has no place in an address.
    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=128, unique=True)
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.READ)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        return self.expiry is not None and self.expiry <= timezone.now()


class IdempotentRequest(models.Model):
    """A POST with an Idempotency-Key and what was answered, to answer the same again.

    `fingerprint` tells whether a later request under the key is the same one. `status` is null
    while the first one is being answered.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    # An answer may hold a secret that is shown once.
    body = EncryptedField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotentrequest_key")
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotentrequest_at")]

    def __str__(self) -> str:
        return self.key
