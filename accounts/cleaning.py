"""What is too old to keep of people: audit entries, sessions, answers to repeated requests."""

from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import AuditEntry, IdempotentRequest


def prune_accounts() -> None:
    """Forget audit entries and idempotency keys older than the settings keep, and old sessions."""
    kept_since = timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    AuditEntry.objects.filter(at__lt=kept_since).delete()
    keys_since = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    IdempotentRequest.objects.filter(created_at__lt=keys_since).delete()
    call_command("clearsessions")
