"""Imports in the admin: read-only, with the one action that makes sense there."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from imports.models import Fetch, ImportJob, RejectedRow, Source, StoredFile
from imports.retrying import RetryRefused, retry_import


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    """Imports and what came of them."""

    list_display = (
        "id",
        "state",
        "file_name",
        "created_by",
        "created_at",
        "read",
        "created",
        "updated",
        "unchanged",
        "duplicates",
        "rejected",
    )
    list_filter = ("state",)
    list_select_related = ("created_by",)
    sortable_by = ("id",)
    search_fields = ("file_name",)
    readonly_fields = ("created_at", "accepted_at", "started_at", "finished_at")
    actions = ("run_again",)

    @admin.action(description="Run again", permissions=["retry"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[ImportJob]) -> None:
        for job in queryset:
            try:
                retry_import(job)
            except RetryRefused as refused:
                messages.error(request, f"{job}: {refused}")
            else:
                messages.success(request, f"{job} is queued again.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("imports.change_importjob")


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnlyAdmin):
    """Rows that were left aside; their bytes are on the import's page."""

    list_display = ("job", "line", "row_number", "problems")
    list_select_related = ("job",)
    exclude = ("raw",)
    # By the index that the import's page uses.
    ordering = ("-job_id", "-line")
    sortable_by = ()


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    """Uploads that are kept in PostgreSQL."""

    list_display = ("name", "size", "complete", "created_at")


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    """Addresses that files are fetched from; what is secret of them is not shown."""

    list_display = ("name", "address", "enabled", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "address")
    exclude = ("access",)


@admin.register(Fetch)
class FetchAdmin(ReadOnlyAdmin):
    """Fetches and what came of them."""

    list_display = ("id", "state", "source", "scheduled", "size", "error_code", "created_at")
    list_filter = ("state",)
    list_select_related = ("source",)
    sortable_by = ("id",)
