"""Actions on many products: how far they are, what came of them, and how to stop them."""

from typing import Any, ClassVar, cast

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from catalog import operations
from catalog.api.serializers import NoFields, word
from catalog.models import BulkOperation
from catalog.undoing import REASONS
from catalog.watching import figures, headline
from core.api.problems import Problem

Kind = BulkOperation.Kind


class StartedJson(serializers.Serializer[Any]):
    """Work that goes on: Location and `/api/progress/{task_id}` tell how far it is."""

    task_id = serializers.CharField()
    message = serializers.CharField()


class LeftAloneJson(serializers.Serializer[Any]):
    """A product that an undo leaves as it is, and why."""

    id = serializers.IntegerField()
    sku = serializers.CharField()
    reason = word(REASONS)
    words = serializers.SerializerMethodField()

    def get_words(self, left: Any) -> str:
        return REASONS[left["reason"] if isinstance(left, dict) else left.reason]


class UndoCountsJson(serializers.Serializer[Any]):
    """Products by what is done to them; `left` names the first of those left alone."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    deleted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    left_alone = serializers.IntegerField()
    left = LeftAloneJson(many=True)


class BulkOperationJson(UndoCountsJson):
    """An operation; the counts stand once it is completed, `done` of `total` while it runs."""

    id = serializers.IntegerField()
    task_id = serializers.CharField()
    kind = word(Kind.values)
    state = word(BulkOperation.State.values)
    cancel_requested = serializers.BooleanField()
    message = serializers.SerializerMethodField()
    actor = serializers.CharField(source="created_by.username", allow_null=True, default=None)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    step = serializers.CharField(source="figures.step", allow_blank=True)
    percent = serializers.IntegerField(source="figures.percent")
    done = serializers.IntegerField(source="figures.done")
    total = serializers.IntegerField(source="figures.total", allow_null=True)
    per_second = serializers.IntegerField(source="figures.per_second", allow_null=True)
    seconds_left = serializers.FloatField(source="figures.seconds_left", allow_null=True)
    change_set = serializers.IntegerField(source="change_set_id", allow_null=True)
    undoes = serializers.IntegerField(source="undoes_id", allow_null=True)

    def to_representation(self, instance: Any) -> Any:
        instance.figures = figures(instance)
        return super().to_representation(instance)

    def get_message(self, operation: BulkOperation) -> str:
        return operation.error_message or headline(operation)


class OperationView(ApiView):
    """One operation."""

    permissions: ClassVar = {"GET": ("catalog.view_bulkoperation",)}

    @extend_schema(operation_id="get_operation", responses=BulkOperationJson, tags=["Operations"])
    def get(self, request: Request, pk: int) -> Response:
        """Get an operation: how far it is, or what came of it."""
        return Response(BulkOperationJson(_found(pk)).data)


class CancelView(ApiView):
    """A cancel."""

    permissions: ClassVar = {"POST": ("catalog.change_bulkoperation",)}

    @extend_schema(
        operation_id="cancel_operation",
        request=None,
        responses={200: BulkOperationJson, 202: BulkOperationJson},
        tags=["Operations"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Cancel an operation. 202 if a worker has it, which then stops; nothing of it remains."""
        self.read(NoFields)
        operation = _found(pk)
        if not operations.cancel(operation, actor=cast(User, request.user)):
            raise Problem(
                "wrong-state", "The operation had already ended. Its change can be undone."
            )
        operation = _found(pk)
        status = 200 if operation.is_finished else 202
        return Response(BulkOperationJson(operation).data, status=status)


def started(request: Request, operation: BulkOperation, message: str) -> Response:
    """The answer for an operation that goes on, and where to ask after it."""
    progress = request.build_absolute_uri(f"/api/progress/{operation.task_id}")
    return Response(
        {"task_id": operation.task_id, "message": message},
        status=202,
        headers={"Location": progress},
    )


def _found(pk: int) -> BulkOperation:
    return get_object_or_404(BulkOperation.objects.select_related("created_by"), pk=pk)
