"""What is too old to keep of people: audit entries and sessions."""

from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import AuditEntry


def prune_accounts() -> None:
    """Forget audit entries that are older than the settings keep, and sessions that have ended."""
    kept_since = timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    AuditEntry.objects.filter(at__lt=kept_since).delete()
    call_command("clearsessions")
