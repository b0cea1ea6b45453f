"""What people did is kept for so long, and their sessions until they end."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from accounts import audit
from accounts.cleaning import prune_accounts
from accounts.models import AuditEntry, User

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def done(target: str, *, days_ago: float, actor: User | None = None) -> AuditEntry:
    entry = audit.record(AuditEntry.Action.EXPORTED, actor=actor, target=target)
    at = timezone.now() - timedelta(days=days_ago)
    AuditEntry.objects.filter(pk=entry.pk).update(at=at)
    return entry


def test_entries_go_when_their_time_is_over(settings: Settings, editor: User) -> None:
    settings.AUDIT_RETENTION_DAYS = 30
    AuditEntry.objects.all().delete()
    done("old", days_ago=30.01, actor=editor)
    young = done("young", days_ago=29.99, actor=editor)

    prune_accounts()

    assert list(AuditEntry.objects.all()) == [young]
    assert User.objects.get() == editor


def test_sessions_go_when_they_have_ended() -> None:
    now = timezone.now()
    for key, minutes in (("ended", -1), ("running", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=now + timedelta(minutes=minutes)
        )

    prune_accounts()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["running"]


def test_nothing_to_forget_is_no_error() -> None:
    prune_accounts()

    assert not AuditEntry.objects.exists()
