"""Users and what they did, in the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import AuditEntry, User
from core.admin import ReadOnlyAdmin

# Whoever may set one of these may make himself everything.
SUPERUSERS_ONLY = ("is_staff", "is_superuser", "user_permissions")


@admin.register(User)
class GuardedUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """Django's user pages with the time zone, and with a way up for nobody.

    Whoever may change users sets their groups, but does not touch a superuser, whose password
    would be his, nor what makes one.
    """

    fieldsets = (*UserAdmin.fieldsets, ("Display", {"fields": ("time_zone",)}))  # type: ignore[misc]
    list_display = ("username", "email", "is_active", "is_staff", "last_login")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request.user) else (*fields, *SUPERUSERS_ONLY)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (not _is_superuser(obj) or _is_superuser(request.user))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (not _is_superuser(obj) or _is_superuser(request.user))


def _is_superuser(user: Any) -> bool:
    return bool(user is not None and user.is_superuser)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what beside changing products."""

    list_display = ("at", "actor_name", "action", "target", "details")
    list_filter = ("action", "at")
    search_fields = ("actor_name", "target")
    search_help_text = "Who did it, or to whom or what it was done"
    show_full_result_count = False
