"""What every page shows of imports."""

from typing import Any

from django.http import HttpRequest

from imports.models import ImportJob


def running_imports(request: HttpRequest) -> dict[str, Any]:
    """`running_imports`: how many wait or run, asked only by templates that show it."""
    return {
        "running_imports": lambda: ImportJob.objects.filter(
            state__in=(ImportJob.State.QUEUED, *ImportJob.RUNNING)
        ).count()
    }
