"""Imports: the list, one of them, and what can be done with it."""

from typing import ClassVar

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from catalog.api.change_sets import UndoJson, undo_answer
from catalog.api.operations import StartedJson
from catalog.api.serializers import NoFields
from catalog.models import BulkOperation
from core.api.paging import paged
from core.api.problems import Problem
from core.leases import request_cancel
from imports.api.serializers import (
    JobJson,
    JobPageJson,
    JobQuery,
    OperationJson,
    RetriedJson,
    show_job,
    show_jobs,
    show_operation,
)
from imports.api.task_ids import path_parameter, visible_task
from imports.listing import jobs_in
from imports.models import ImportJob
from imports.retrying import RetryRefused, newer_change_sets, retry_import

#: For whoever asks again and again; the figures move a few times a second.
ASK_AGAIN_SECONDS = 1


class JobListView(ApiView):
    """All imports."""

    permissions: ClassVar = {"GET": ("imports.view_importjob",)}
    queries: ClassVar = {"GET": JobQuery}

    @extend_schema(operation_id="list_imports", responses=JobPageJson, tags=["Imports"])
    def get(self, request: Request) -> Response:
        """List imports, the newest first."""
        jobs = Paginator(jobs_in(self.asked.get("state", "")), self.asked["limit"])
        return paged(request, jobs, number=self.asked["page"], show=show_jobs)


class JobView(ApiView):
    """One import or bulk operation."""

    permissions: ClassVar = {"GET": ()}
    operation_ids: ClassVar = {
        "/api/imports/{job_id}": "get_import",
        "/api/uploads/{job_id}": "get_upload",
        "/status/{job_id}": "get_status",
    }

    @extend_schema(
        parameters=[path_parameter("job_id")],
        responses=PolymorphicProxySerializer(
            component_name="TaskStatus",
            serializers=[JobJson, OperationJson],
            resource_type_field_name=None,
        ),
        tags=["Imports"],
    )
    def get(self, request: Request, job_id: str) -> Response:
        """Get an import, or a bulk operation by its task id: how far it is, what came of it."""
        task = visible_task(request, job_id)
        headers = {"Cache-Control": "no-store"}
        if not task.is_finished:
            headers["Retry-After"] = str(ASK_AGAIN_SECONDS)
        body = show_operation(task) if isinstance(task, BulkOperation) else show_job(task)
        return Response(body, headers=headers)


class CancelView(ApiView):
    """The end of an import that has not ended."""

    permissions: ClassVar = {"POST": ("imports.change_importjob",)}

    @extend_schema(
        operation_id="cancel_import",
        request=None,
        responses={200: JobJson, 202: JobJson},
        tags=["Imports"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Cancel an import. 202 if a worker has it, which then stops; nothing of it will remain."""
        self.read(NoFields)
        job = found(pk)
        if not request_cancel(job):
            raise Problem("wrong-state", "The import had already ended.")
        job = found(pk)
        return Response(show_job(job), status=200 if job.is_finished else 202)


class RetryView(ApiView):
    """Another try."""

    permissions: ClassVar = {"POST": ("imports.change_importjob",)}

    @extend_schema(
        operation_id="retry_import",
        request=None,
        responses={202: RetriedJson},
        tags=["Imports"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Run a failed or cancelled import again.

        Its values then replace newer ones: `newer_change_sets` says how many times the catalog was
        changed since the import was accepted.
        """
        self.read(NoFields)
        job = found(pk)
        newer = newer_change_sets(job).count()
        try:
            retry_import(job)
        except RetryRefused as refused:
            raise Problem("wrong-state", str(refused)) from refused
        return Response(show_job(found(pk), newer_change_sets=newer), status=202)


class UndoView(ApiView):
    """The way back."""

    permissions: ClassVar = {"POST": ("catalog.add_bulkoperation",)}

    @extend_schema(
        operation_id="undo_import",
        request=None,
        responses={200: UndoJson, 202: StartedJson},
        tags=["Imports"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Undo an import, but what was edited since: small at once (200), else 202."""
        self.read(NoFields)
        job = found(pk)
        if job.state != ImportJob.State.COMPLETED:
            raise Problem("wrong-state", "Only an import that is completed can be undone.")
        if job.change_set is None:
            raise Problem("wrong-state", "The import changed nothing, so there is nothing to undo.")
        return undo_answer(request, job.change_set)


def found(pk: int) -> ImportJob:
    """An import by its number; Http404 if there is none."""
    return get_object_or_404(ImportJob.objects.select_related("created_by", "change_set"), pk=pk)
