"""Users and what they did, in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import tokens
from accounts.models import ApiToken, AuditEntry, User
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


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Everybody's API tokens without their digests; whoever may change users may revoke them."""

    list_display = ("name", "user", "scope", "token_key", "created", "expiry", "last_used_at")
    list_filter = ("scope", "created")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "token_key")
    search_help_text = "Its name, whose it is, or how it begins"
    fields = list_display
    actions = ("revoke",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Tokens are part of their users."""
        return request.user.has_perm("accounts.view_user")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")

    @admin.action(description="Revoke selected API tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        """End them at once; those of superusers only for superusers, as with their pages."""
        own = chosen if _is_superuser(request.user) else chosen.exclude(user__is_superuser=True)
        revoked = list(own.select_related("user"))
        for token in revoked:
            tokens.revoke(token, actor=request.user)
        left = chosen.count()
        messages.success(request, f"Revoked {len(revoked):,} API token{'s'[: len(revoked) != 1]}.")
        if left:
            messages.warning(request, f"{left:,} of superusers were left alone.")
