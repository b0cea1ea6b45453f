"""The log of changes: change sets, their products, their undo; the history of one product."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, cast

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from catalog import operations
from catalog.activity import entries, with_story
from catalog.api.cursors import Cursor, NextCursor, by_cursor
from catalog.api.operations import StartedJson, UndoCountsJson, started
from catalog.api.serializers import NoFields, ProductValues, word
from catalog.change_details import BACK, EDITED, GONE, changes_of
from catalog.history import product_history
from catalog.models import ChangeSet, Product, ProductChange
from catalog.rules import FIELDS, SKU_MAX
from catalog.undoing import UndoRefused, preview
from catalog.watching import headline
from core.api.problems import Problem


class ChangeSetQuery(Cursor):
    """Which change sets, newest first."""

    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=ChangeSet.Source.values, required=False
    )
    actor = serializers.CharField(
        required=False, max_length=150, help_text="The user name of who made the change."
    )


class ChangesQuery(Cursor):
    """Which products of a change set, by their ids."""

    sku = serializers.CharField(
        required=False, max_length=SKU_MAX, help_text="A part of the SKU, in any case."
    )


class HistoryQuery(Cursor):
    """Which changes of a product, newest first."""

    field = serializers.ChoiceField(
        choices=FIELDS, required=False, help_text="Updates that changed this field."
    )


class ChangeSetJson(serializers.Serializer[Any]):
    """One change of the catalog. `undone`: an undo of it is in force."""

    id = serializers.IntegerField(source="change_set.pk")
    source = word(ChangeSet.Source.values, source="change_set.source")
    actor = serializers.CharField(source="change_set.actor.username", allow_null=True, default=None)
    created_at = serializers.DateTimeField(source="change_set.created_at")
    what = serializers.CharField(source="words.what")
    note = serializers.CharField(source="words.note", allow_blank=True)
    created = serializers.IntegerField(source="change_set.created")
    updated = serializers.IntegerField(source="change_set.updated")
    deleted = serializers.IntegerField(source="change_set.deleted")
    undoes = serializers.IntegerField(source="change_set.undoes_id", allow_null=True)
    undone = serializers.BooleanField()
    can_be_undone = serializers.SerializerMethodField()
    operation = serializers.IntegerField(
        source="change_set.bulk_operation.pk", allow_null=True, default=None
    )
    import_job = serializers.IntegerField(
        source="change_set.import_job.pk", allow_null=True, default=None
    )

    def get_can_be_undone(self, entry: Any) -> bool:
        return entry.change_set.pruned_at is None


class ChangeSetPageJson(NextCursor):
    """Some change sets, newest first."""

    items = ChangeSetJson(many=True)


class ChangedProductJson(serializers.Serializer[Any]):
    """One product's part in a change set.

    `before` and `after` hold the fields that changed, or all of a product that came or went; null
    where there was no product. `since` says if it is not as the change set left it.
    """

    product = serializers.IntegerField(source="id")
    sku = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    kind = word(ProductChange.Kind.labels)
    before = ProductValues(allow_null=True)
    after = ProductValues(allow_null=True)
    since = word(["", EDITED, GONE, BACK])


class ChangesPageJson(NextCursor):
    """Some products of a change set, by their ids."""

    items = ChangedProductJson(many=True)


class ProductChangeJson(serializers.Serializer[Any]):
    """A change set's part in one product; `again`: it came back after a deletion."""

    change_set = serializers.IntegerField(source="change_set.pk")
    source = word(ChangeSet.Source.values, source="change_set.source")
    actor = serializers.CharField(source="change_set.actor.username", allow_null=True, default=None)
    created_at = serializers.DateTimeField(source="change_set.created_at")
    kind = word(ProductChange.Kind.labels)
    again = serializers.BooleanField()
    before = ProductValues(allow_null=True)
    after = ProductValues(allow_null=True)


class ProductHistoryJson(NextCursor):
    """Some changes of a product, newest first, out of `total`."""

    items = ProductChangeJson(many=True)
    total = serializers.IntegerField()


class UndoJson(UndoCountsJson):
    """An undo that is done: what it brought back, restored and deleted."""

    message = serializers.CharField()
    change_set = serializers.IntegerField(allow_null=True)
    operation = serializers.IntegerField()


class ChangeSetListView(ApiView):
    """The log."""

    permissions: ClassVar = {"GET": ("catalog.view_changeset",)}
    queries: ClassVar = {"GET": ChangeSetQuery}

    @extend_schema(
        operation_id="list_change_sets", responses=ChangeSetPageJson, tags=["Change sets"]
    )
    def get(self, request: Request) -> Response:
        """List change sets, newest first."""
        found = with_story(ChangeSet.objects.order_by("-id"))
        for name, lookup in (
            ("source", "source"),
            ("actor", "actor__username"),
            ("cursor", "id__lt"),
        ):
            if name in self.asked:
                found = found.filter(**{lookup: self.asked[name]})
        limit = self.asked["limit"]
        rows = list(found[: limit + 1])
        following = rows[limit - 1].pk if len(rows) > limit else None
        return by_cursor(request, _shown(rows[:limit]), following=following)


class ChangeSetView(ApiView):
    """One change set."""

    permissions: ClassVar = {"GET": ("catalog.view_changeset",)}

    @extend_schema(operation_id="get_change_set", responses=ChangeSetJson, tags=["Change sets"])
    def get(self, request: Request, pk: int) -> Response:
        """Get a change set."""
        return Response(_shown([_found(pk)])[0])


class ChangesView(ApiView):
    """The products of a change set."""

    permissions: ClassVar = {"GET": ("catalog.view_changeset",)}
    queries: ClassVar = {"GET": ChangesQuery}

    @extend_schema(operation_id="list_changes", responses=ChangesPageJson, tags=["Change sets"])
    def get(self, request: Request, pk: int) -> Response:
        """List the products of a change set with what stood there before and after."""
        return changes_shown(request, _found(pk), self.asked)


class UndoView(ApiView):
    """The undo of a change set."""

    permissions: ClassVar = {
        "GET": ("catalog.add_bulkoperation",),
        "POST": ("catalog.add_bulkoperation",),
    }
    problems: ClassVar = {"GET": (409,)}

    @extend_schema(operation_id="preview_undo", responses=UndoCountsJson, tags=["Change sets"])
    def get(self, request: Request, pk: int) -> Response:
        """Say what an undo would do now, and change nothing. 409 if it is too old."""
        with undo_refusals():
            return Response(UndoCountsJson(preview(_found(pk))).data)

    @extend_schema(
        operation_id="undo_change_set",
        request=None,
        responses={200: UndoJson, 202: StartedJson},
        tags=["Change sets"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Undo a change set, but what was edited since: small at once (200), else 202."""
        self.read(NoFields)
        return undo_answer(request, _found(pk))


class ProductChangesView(ApiView):
    """What happened to one product."""

    permissions: ClassVar = {"GET": ("catalog.view_product",)}
    queries: ClassVar = {"GET": HistoryQuery}

    @extend_schema(
        operation_id="list_product_changes", responses=ProductHistoryJson, tags=["Products"]
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the changes of a product, newest first; of a deleted one too, while it is kept."""
        product = Product.objects.filter(pk=pk).first()
        history = product_history(
            pk,
            product,
            field=self.asked.get("field", ""),
            before=self.asked.get("cursor"),
            size=self.asked["limit"],
        )
        if product is None and not history.total:
            raise Http404
        items = ProductChangeJson(history.entries, many=True).data
        return by_cursor(request, items, following=history.older, total=history.total)


def changes_shown(request: Request, change_set: ChangeSet, asked: dict[str, Any]) -> Response:
    """Some products of a change set, as `ChangesQuery` asks for them."""
    page = changes_of(
        change_set, sku=asked.get("sku", ""), after=asked.get("cursor"), size=asked["limit"]
    )
    return by_cursor(request, ChangedProductJson(page.rows, many=True).data, following=page.next)


def undo_answer(request: Request, change_set: ChangeSet) -> Response:
    """Undo a change set, or let a worker do it."""
    with undo_refusals():
        operation = operations.start_undo(change_set, actor=cast(User, request.user))
    if not operation.is_finished:
        return started(request, operation, "Undo started")
    counts = UndoCountsJson(operation).data
    return Response(
        {
            **counts,
            "message": headline(operation),
            "change_set": operation.change_set_id,
            "operation": operation.pk,
        }
    )


@contextmanager
def undo_refusals() -> Iterator[None]:
    """Say as a problem that the log is too short."""
    try:
        yield
    except UndoRefused as refused:
        raise Problem("wrong-state", str(refused)) from refused


def _found(pk: int) -> ChangeSet:
    return get_object_or_404(with_story(ChangeSet.objects.all()), pk=pk)


def _shown(rows: Sequence[ChangeSet]) -> Any:
    return ChangeSetJson(entries(rows), many=True).data
