"""The catalog in the admin: products through `catalog.products` and `catalog.operations`.

Quick at any size: nothing is counted in full, lists go by an index, many products at once are one
operation. The log and the operations are read-only, with the one action that makes sense for each.
"""

from functools import cached_property
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import User
from catalog import operations, products
from catalog.forms import ProductForm
from catalog.listing import ProductPages
from catalog.locks import CatalogBusy
from catalog.models import BulkOperation, ChangeSet, Product
from catalog.products import ProductGone, SkuTaken
from catalog.totals import total_of
from catalog.undoing import UndoRefused
from core.admin import ReadOnlyAdmin, about

SOURCE = ChangeSet.Source.ADMIN
Kind = BulkOperation.Kind

# An operation keeps the ids that it was given; more are better named by a filter, on the list page.
MOST_CHOSEN = 100_000
DONE = {Kind.ACTIVATE: "activated", Kind.DEACTIVATE: "deactivated", Kind.DELETE: "deleted"}


class AdminPages(ProductPages):
    """The whole catalog is estimated, what a filter or a search leaves of it is counted."""

    @cached_property
    def count(self) -> int:
        if self.object_list.query.where:
            return total_of(self.object_list).count
        return about(self.object_list)


@admin.register(Product)
class ProductAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Every write goes through the catalog's own functions, so that it stands in the log."""

    form = ProductForm
    paginator = AdminPages
    list_display = ("sku", "name", "price", "active", "updated_at")
    list_filter = ("active",)
    # Sorted by an index or not at all.
    ordering = ("-updated_at", "-id")
    sortable_by = ("updated_at",)
    search_fields = ("sku", "name")
    search_help_text = "Part of a SKU or of a name"
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    readonly_fields = ("created_at", "updated_at")
    actions = ("activate", "deactivate", "delete_selected")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Product], search_term: str
    ) -> tuple[QuerySet[Product], bool]:
        """Products whose SKU or name holds each of the words."""
        for word in search_term.split():
            queryset = queryset.filter(Q(sku__has_text=word) | Q(name__has_text=word))
        return queryset, False

    def get_form(
        self, request: HttpRequest, obj: Product | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, "refusal", None)
        if refusal is None:
            return form

        def clean(self: Any) -> None:
            raise forms.ValidationError(refusal)

        return type("RefusedProductForm", (form,), {"clean": clean})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A write that is refused shows the form again, with the reason and what was typed.

        Of a product that went while it was saved Django itself says so.
        """
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (CatalogBusy, ProductGone, SkuTaken) as refused:
            request.refusal = str(refused)  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().delete_view(request, *args, **kwargs)
        except ProductGone:
            return super().delete_view(request, *args, **kwargs)
        except CatalogBusy as busy:
            messages.error(request, str(busy))
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        values = form.values()
        actor: Any = request.user
        if change:
            saved = products.update(obj.pk, source=SOURCE, actor=actor, **values)
        else:
            saved = products.create(source=SOURCE, actor=actor, **values)
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        actor: Any = request.user
        products.delete(obj.pk, source=SOURCE, actor=actor)

    def has_bulk_change_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["catalog.add_bulkoperation", "catalog.change_product"])

    def has_bulk_delete_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["catalog.add_bulkoperation", "catalog.delete_product"])

    @admin.action(description="Activate selected products", permissions=["bulk_change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        _start(Kind.ACTIVATE, request, queryset)

    @admin.action(description="Deactivate selected products", permissions=["bulk_change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        _start(Kind.DEACTIVATE, request, queryset)

    @admin.action(description="Delete selected products", permissions=["bulk_delete"])
    def delete_selected(
        self, request: HttpRequest, queryset: QuerySet[Product]
    ) -> HttpResponse | None:
        """Ask once more; Django's own page would list every product by name."""
        if request.POST.get("post"):
            _start(Kind.DELETE, request, queryset)
            return None
        return TemplateResponse(
            request,
            "admin/catalog/product/delete_selected.html",
            {
                **self.admin_site.each_context(request),
                "title": "Delete products",
                "opts": self.opts,
                "products": total_of(queryset).count,
                "checkbox": ACTION_CHECKBOX_NAME,
                "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "select_across": request.POST.get("select_across", "0"),
            },
        )


@admin.register(ChangeSet)
class ChangeSetAdmin(ReadOnlyAdmin):
    """What was changed, by whom, from where; each can be undone."""

    list_display = (
        "id",
        "source",
        "actor",
        "created_at",
        "created",
        "updated",
        "deleted",
        "published_at",
        "changes",
    )
    list_filter = ("source",)
    list_select_related = ("actor",)
    sortable_by = ("id",)
    readonly_fields = ("created_at", "changes")
    actions = ("undo",)

    @admin.display(description="changes")
    def changes(self, change_set: ChangeSet) -> str:
        """Where each of its changes stands, page by page."""
        url = reverse("catalog:change_set", args=[change_set.pk])
        return format_html('<a href="{}">Each change</a>', url)

    @admin.action(description="Undo", permissions=["undo"])
    def undo(self, request: HttpRequest, queryset: QuerySet[ChangeSet]) -> None:
        """The newest first, so that an older one finds what it had left."""
        for change_set in queryset.order_by("-id"):
            try:
                operation = operations.start_undo(change_set, actor=_actor(request))
            except UndoRefused as refused:
                messages.error(request, f"Change set {change_set}: {refused}")
            else:
                _tell(request, operation, f"Undo of change set {change_set}")

    def has_undo_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.add_bulkoperation")


@admin.register(BulkOperation)
class BulkOperationAdmin(ReadOnlyAdmin):
    """Actions on many products and what came of them."""

    list_display = (
        "id",
        "kind",
        "state",
        "created_by",
        "created_at",
        "total",
        "created",
        "updated",
        "deleted",
        "unchanged",
        "left_alone",
    )
    list_filter = ("state", "kind")
    list_select_related = ("created_by",)
    sortable_by = ("id",)
    # Up to MOST_CHOSEN numbers.
    exclude = ("ids",)
    readonly_fields = ("created_at", "accepted_at", "started_at", "finished_at")
    actions = ("cancel",)

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[BulkOperation]) -> None:
        for operation in queryset:
            if operations.cancel(operation, actor=cast(User, request.user)):
                messages.success(request, f"{operation} is being cancelled.")
            else:
                messages.warning(request, f"{operation} had already ended.")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.change_bulkoperation")


def _start(kind: BulkOperation.Kind, request: HttpRequest, queryset: QuerySet[Product]) -> None:
    ids = list(queryset.order_by().values_list("pk", flat=True)[: MOST_CHOSEN + 1])
    if len(ids) > MOST_CHOSEN:
        messages.error(
            request,
            format_html(
                "More than {} products are too many for this page, and nothing was changed."
                ' Choose them by a filter on <a href="{}">the list of products</a>.',
                f"{MOST_CHOSEN:,}",
                reverse("catalog:list"),
            ),
        )
        return
    operation = operations.start(kind, actor=_actor(request), ids=ids)
    products_named = "1 product" if len(ids) == 1 else f"{len(ids):,} products"
    _tell(request, operation, f"{products_named} to be {DONE[kind]}")


def _tell(request: HttpRequest, operation: BulkOperation, what: str) -> None:
    """What came of an operation, or where that will be seen."""
    changed = operation.created + operation.updated + operation.deleted
    outcome = f"{changed:,} changed" if operation.is_finished else "queued"
    url = reverse("catalog:operation", args=[operation.pk])
    messages.success(request, format_html('{}: {}. <a href="{}">Details</a>', what, outcome, url))


def _actor(request: HttpRequest) -> Any:
    return request.user
