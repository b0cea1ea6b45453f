"""What is audited without anybody's asking: sign-ins, users and their roles.

Connected by `AccountsConfig.ready`. Rows that go past the ORM's signals (`QuerySet.update`, SQL)
leave no entry.
"""

import datetime
from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.utils import timezone

from accounts.audit import acting_user, record
from accounts.models import AuditEntry, User

Action = AuditEntry.Action

WATCHED = ("username", "email", "is_active", "is_staff", "is_superuser", "password")
NAME_MAX = 150

# Whoever tries passwords must not fill the table: of one name the first failure in a minute is
# kept, of all names together this many. The window slides: it is counted back from each failure.
FAILURE_WINDOW = datetime.timedelta(minutes=1)
FAILURES_IN_WINDOW = 60


def signed_in(user: User, **kwargs: Any) -> None:
    record(Action.SIGNED_IN, actor=user)


def signed_out(user: User | None, **kwargs: Any) -> None:
    if user is not None:  # a session that had ended already
        record(Action.SIGNED_OUT, actor=user)


def sign_in_failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    """Keep the name that was tried, never the password."""
    name = str(credentials.get(User.USERNAME_FIELD, ""))[:NAME_MAX]
    recent = AuditEntry.objects.filter(
        action=Action.SIGN_IN_FAILED, at__gt=timezone.now() - FAILURE_WINDOW
    ).values_list("target", flat=True)[:FAILURES_IN_WINDOW]
    if name not in (names := list(recent)) and len(names) < FAILURES_IN_WINDOW:
        record(Action.SIGN_IN_FAILED, actor=None, target=name)


def remember_user(
    instance: User, raw: bool, update_fields: Collection[str] | None, **kwargs: Any
) -> None:
    """Before a save: what stands in the row, if the save may change something that is watched."""
    watched = WATCHED if update_fields is None else set(WATCHED) & set(update_fields)
    instance._stood = (  # type: ignore[attr-defined]
        User.objects.filter(pk=instance.pk).values(*watched).first()
        if watched and instance.pk and not raw
        else None
    )


def user_saved(
    instance: User,
    created: bool,
    raw: bool,
    update_fields: Collection[str] | None,
    **kwargs: Any,
) -> None:
    if raw:
        return
    if created:
        flags = {name: True for name in ("is_staff", "is_superuser") if getattr(instance, name)}
        record(Action.USER_CREATED, actor=acting_user(), target=instance.username, **flags)
        return
    stood: dict[str, Any] = instance._stood or {}  # type: ignore[attr-defined]
    changed = {
        name: [old, getattr(instance, name)]
        for name, old in stood.items()
        if old != getattr(instance, name)
    }
    if changed.pop("password", None) and not _is_rehash(instance, update_fields):
        changed["password"] = ["", ""]
    if changed:
        record(Action.USER_CHANGED, actor=acting_user(), target=instance.username, **changed)


def _is_rehash(user: User, update_fields: Collection[str] | None) -> bool:
    """Whether Django stored the same password by a newer hash, as it does at a sign-in."""
    return set(update_fields or ()) == {"password"} and user._password is None  # type: ignore[attr-defined]


def user_deleted(instance: User, **kwargs: Any) -> None:
    actor = acting_user()
    if actor is not None and actor.pk == instance.pk:
        actor = User(username=instance.username)
    record(Action.USER_DELETED, actor=actor, target=instance.username)


def roles_changed(
    instance: User | Group | Permission,
    action: str,
    reverse: bool,
    model: type[User | Group | Permission],
    pk_set: set[int] | None,
    **kwargs: Any,
) -> None:
    """Groups and permissions of a user, from either side of the relation.

    A `clear` no longer knows afterwards what was there, so it is recorded before it happens.
    """
    if action == "pre_clear":
        held = _held(instance, model)
    elif action in {"post_add", "post_remove"} and pk_set:
        held = list(model.objects.filter(pk__in=pk_set))
    else:
        return
    what = "added" if action == "post_add" else "removed"
    for user in held if reverse else [instance]:
        roles = [_role(each) for each in ([instance] if reverse else held)]
        if roles:
            record(
                Action.ROLES_CHANGED,
                actor=acting_user(),
                target=str(user),
                **{what: sorted(roles)},
            )


def _held(instance: User | Group | Permission, model: type[User | Group | Permission]) -> list[Any]:
    relation = "groups" if isinstance(instance, Group) else "user_permissions"
    if isinstance(instance, User):
        return list(instance.groups.all() if model is Group else instance.user_permissions.all())
    return list(User.objects.filter(**{relation: instance}))


def _role(role: Any) -> str:
    if isinstance(role, Permission):
        return f"{role.content_type.app_label}.{role.codename}"
    return str(role)


def connect() -> None:
    """Listen; a second call changes nothing."""
    user_logged_in.connect(signed_in, dispatch_uid="audit.signed_in")
    user_logged_out.connect(signed_out, dispatch_uid="audit.signed_out")
    user_login_failed.connect(sign_in_failed, dispatch_uid="audit.sign_in_failed")
    pre_save.connect(remember_user, sender=User, dispatch_uid="audit.remember_user")
    post_save.connect(user_saved, sender=User, dispatch_uid="audit.user_saved")
    post_delete.connect(user_deleted, sender=User, dispatch_uid="audit.user_deleted")
    for relation in (User.groups, User.user_permissions):
        m2m_changed.connect(
            roles_changed,
            sender=relation.through,
            dispatch_uid=f"audit.{relation.field.name}",
        )
