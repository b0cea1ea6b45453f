"""Roles are groups: what each may do, as data.

A role holds what the ones before it hold. Permissions are Django's own, so the admin, the views
and the templates ask the same question.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import AbstractUser, Group, Permission
from django.db.models import Q

VIEWER = "viewer"
EDITOR = "editor"
MANAGER = "manager"
SUPERUSER = "superuser"

ROLES: dict[str, tuple[str, ...]] = {
    VIEWER: (
        "catalog.view_product",
        "catalog.view_changeset",
        "catalog.view_productchange",
        "catalog.view_bulkoperation",
        "imports.view_importjob",
        "imports.view_rejectedrow",
        "imports.view_source",
        "imports.view_fetch",
    ),
    EDITOR: (
        "catalog.add_product",
        "catalog.change_product",
        "catalog.delete_product",
        "catalog.add_bulkoperation",
        "catalog.change_bulkoperation",
        "imports.add_importjob",
        "imports.change_importjob",
        "imports.add_source",
        "imports.change_source",
        "imports.delete_source",
    ),
    MANAGER: (
        "catalog.delete_all_products",
        "accounts.view_auditentry",
        "accounts.view_user",
        "accounts.add_user",
        "accounts.change_user",
        "auth.view_group",
        "webhooks.view_endpoint",
        "webhooks.add_endpoint",
        "webhooks.change_endpoint",
        "webhooks.delete_endpoint",
        "webhooks.view_event",
        "webhooks.view_delivery",
        "webhooks.view_attempt",
    ),
}


#: The roles whose permissions a token may use, by its scope: each holds those before it.
SCOPES: dict[str, tuple[str, ...]] = {
    "read": (VIEWER,),
    "write": (VIEWER, EDITOR),
    "manage": (VIEWER, EDITOR, MANAGER),
}


def scope_for(permission: str) -> str:
    """The smallest scope of a token that reaches as far as this permission."""
    return next(
        scope for scope, roles in SCOPES.items() if any(permission in ROLES[role] for role in roles)
    )


def scopes_of(user: AbstractUser) -> list[str]:
    """The scopes that the user's role can fill; none without a role."""
    role = role_of(user)
    if role == SUPERUSER:
        return list(SCOPES)
    return [scope for scope, roles in SCOPES.items() if role in _from(roles[-1])]


def role_of(user: AbstractUser) -> str:
    """The highest role whose permissions the user holds, "superuser", or "" for none.

    Asks for permissions, which every page has loaded anyway, and not for groups.
    """
    if user.is_superuser:
        return SUPERUSER
    return next((role for role in reversed(ROLES) if user.has_perms(ROLES[role])), "")


def _from(role: str) -> list[str]:
    """The role and those that hold more."""
    names = list(ROLES)
    return names[names.index(role) :]


def make_roles(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Bring the groups in step with ROLES after every migration; idempotent."""
    # Sent once for each app that has models; the permissions of all exist after the last.
    if sender != [config for config in apps.get_app_configs() if config.models_module][-1]:
        return
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
    held = Q(pk__in=[])
    for role, names in ROLES.items():
        for name in names:
            app_label, codename = name.split(".")
            held |= Q(content_type__app_label=app_label, codename=codename)
        group, _ = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set(Permission.objects.using(using).filter(held))
