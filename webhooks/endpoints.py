"""What people do with endpoints; page, admin and API are thin above these functions.

Each deed is written down in the audit log, in its own transaction. A URL is named there by its
host, since the rest may hold a secret.
"""

import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max, QuerySet

from accounts import audit
from accounts.models import AuditEntry
from catalog.models import ChangeSet
from core.leases import ClockTimestamp
from core.outbound import check_url
from webhooks.events import make_due
from webhooks.models import Delivery, Endpoint, Lane
from webhooks.resending import requeue
from webhooks.signing import new_secret

#: What a person may set.
FIELDS: Final = (
    "url", "description", "event_types", "bulk", "ordered", "rate_per_hour", "headers",
)  # fmt: skip
Action = AuditEntry.Action


def known() -> QuerySet[Endpoint]:
    """All endpoints but those that are being removed."""
    return Endpoint.objects.exclude(state=Endpoint.State.DELETED)


@transaction.atomic
def create(*, actor: AbstractBaseUser | None, **values: Any) -> Endpoint:
    """Make an endpoint with a secret of its own; it hears of change sets from now on.

    `values` are FIELDS, checked by the caller's form.

    Raises:
        UrlRefused: nothing may be sent to that URL.
    """
    values["url"] = check_url(values["url"])
    newest = ChangeSet.objects.aggregate(newest=Max("pk"))["newest"]
    endpoint = Endpoint.objects.create(
        **values,
        secret=new_secret(),
        since_change_set=newest or 0,
        created_by_id=actor.pk if actor else None,
    )
    Lane.objects.create(endpoint=endpoint)
    audit.record(Action.ENDPOINT_CREATED, actor=actor, target=endpoint.host)
    return endpoint


@transaction.atomic
def change(endpoint: Endpoint, *, actor: AbstractBaseUser | None, **values: Any) -> Endpoint:
    """Change some FIELDS; what is the same is no change.

    A new URL has a clean slate: failures of the old one don't count against it.

    Raises:
        UrlRefused: nothing may be sent to that URL.
    """
    if "url" in values:
        values["url"] = check_url(values["url"])
    changed = [name for name in values if getattr(endpoint, name) != values[name]]
    if not changed:
        return endpoint
    # The lane before the endpoint, as its holder locks them. Whatever changed, what waits may
    # have to wait no longer.
    if "url" in changed:
        _clean_slate(endpoint)
    else:
        make_due([endpoint.pk])
    for name in changed:
        setattr(endpoint, name, values[name])
    endpoint.save(update_fields=changed)
    audit.record(Action.ENDPOINT_CHANGED, actor=actor, target=endpoint.host, fields=changed)
    return endpoint


@transaction.atomic
def pause(endpoint: Endpoint, *, actor: AbstractBaseUser | None) -> bool:
    """Let deliveries wait; returns False when it was not active."""
    paused = _become(endpoint, Endpoint.State.PAUSED, {Endpoint.State.ACTIVE})
    if paused:
        audit.record(Action.ENDPOINT_PAUSED, actor=actor, target=endpoint.host)
    return paused


def enable(
    endpoint: Endpoint, *, actor: AbstractBaseUser | None, send_failed: bool = False
) -> bool:
    """Send again what waits, and with `send_failed` what was given up since it began to fail.

    Returns False when it was active already.
    """
    stopped = {Endpoint.State.PAUSED, Endpoint.State.DISABLED}
    since = failing_since(endpoint)
    with transaction.atomic():
        if not _become(endpoint, Endpoint.State.ACTIVE, stopped):
            return False
        _clean_slate(endpoint)
        audit.record(
            Action.ENDPOINT_ENABLED, actor=actor, target=endpoint.host, send_failed=send_failed
        )
    requeue(endpoint, Delivery.objects.filter(state=Delivery.State.RETRYING))
    if send_failed:
        failed = Delivery.objects.filter(state=Delivery.State.FAILED)
        requeue(endpoint, failed.filter(finished_at__gte=since) if since else failed)
    return True


@transaction.atomic
def delete(endpoint: Endpoint, *, actor: AbstractBaseUser | None) -> bool:
    """Stop at once and forget; its deliveries are removed in the background."""
    deleted = _become(endpoint, Endpoint.State.DELETED, set(_others(Endpoint.State.DELETED)))
    if deleted:
        audit.record(Action.ENDPOINT_DELETED, actor=actor, target=endpoint.host)
    return deleted


def reveal(endpoint: Endpoint, *, actor: AbstractBaseUser | None) -> str | None:
    """The signing secret, which only its owner should see; None when it can't be decrypted."""
    audit.record(Action.SECRET_REVEALED, actor=actor, target=endpoint.host)
    secret: str | None = endpoint.secret
    return secret


@transaction.atomic
def rotate(endpoint: Endpoint, *, actor: AbstractBaseUser | None) -> None:
    """Make a new secret; for WEBHOOK_ROTATION_HOURS deliveries carry both signatures.

    A secret that was being replaced already ends at once.
    """
    now = datetime.datetime.now(datetime.UTC)
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_until = now + datetime.timedelta(hours=settings.WEBHOOK_ROTATION_HOURS)
    endpoint.rotated_at = now
    endpoint.secret = new_secret()
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until", "rotated_at"])
    audit.record(Action.SECRET_ROTATED, actor=actor, target=endpoint.host)


@transaction.atomic
def end_rotation(endpoint: Endpoint, *, actor: AbstractBaseUser | None) -> bool:
    """Stop signing with the old secret now; returns False when there is none."""
    if endpoint.previous_secret is None:
        return False
    endpoint.previous_secret = endpoint.previous_until = None
    endpoint.save(update_fields=["previous_secret", "previous_until"])
    audit.record(Action.OLD_SECRET_ENDED, actor=actor, target=endpoint.host)
    return True


def failing_since(endpoint: Endpoint) -> datetime.datetime | None:
    """When the first of the failures in a row was that stand behind it now."""
    lane = Lane.objects.filter(pk=endpoint.pk).values_list("failing_since", flat=True)
    return lane.first()


def _others(state: Endpoint.State) -> list[Endpoint.State]:
    return [other for other in Endpoint.State if other != state]


def _become(endpoint: Endpoint, state: Endpoint.State, before: set[Endpoint.State]) -> bool:
    """One conditional UPDATE, so that of two people who press at once one has done it."""
    changed = Endpoint.objects.filter(pk=endpoint.pk, state__in=before).update(
        state=state, state_since=ClockTimestamp(), reason=""
    )
    if changed:
        endpoint.refresh_from_db()
    return bool(changed)


def _clean_slate(endpoint: Endpoint) -> None:
    Lane.objects.filter(pk=endpoint.pk).update(failures=0, failing_since=None, slow=False)
    make_due([endpoint.pk])
