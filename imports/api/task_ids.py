"""Imports and bulk operations by what programs call them: `import-12`, `operation-5`, or 12."""

import re
from typing import Final

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.api.permissions import check_permissions
from catalog.models import BulkOperation
from imports.api.moments import Task
from imports.models import ImportJob

PATTERN: Final = r"^((import|operation)-)?[0-9]{1,18}$"
VIEW_PERMISSIONS: Final = {
    ImportJob: ("imports.view_importjob",),
    BulkOperation: ("catalog.view_bulkoperation",),
}


def path_parameter(name: str) -> OpenApiParameter:
    """A task id in an address."""
    return OpenApiParameter(
        name,
        {"type": "string", "pattern": PATTERN},
        OpenApiParameter.PATH,
        description="The number of an import, or a task id: import-12, operation-5.",
    )


def visible_task(request: Request, task_id: str) -> Task:
    """The import or operation of a task id, if whoever asks may see it.

    Raises:
        Problem: `not-allowed`.
        Http404: there is none.
    """
    if not re.fullmatch(PATTERN, task_id, re.ASCII):
        raise Http404
    kind, _, number = task_id.rpartition("-")
    model: type[Task] = BulkOperation if kind == "operation" else ImportJob
    check_permissions(request, VIEW_PERMISSIONS[model])
    task: Task | None = (
        model._default_manager.select_related("created_by").filter(pk=int(number)).first()
    )
    if task is None:
        raise Http404
    return task
