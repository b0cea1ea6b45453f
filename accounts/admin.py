from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from accounts.models import User


@admin.register(User)
class TimeZoneUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """Django's user pages with the time zone among the personal data."""

    fieldsets = (*UserAdmin.fieldsets, ("Display", {"fields": ("time_zone",)}))  # type: ignore[misc]
    list_display = ("username", "email", "is_staff", "last_login")
