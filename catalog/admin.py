"""The catalog in the admin: products through `catalog.products`, the log read-only."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog import products
from catalog.forms import ProductForm
from catalog.models import ChangeSet, Product
from catalog.products import ProductGone
from core.admin import ReadOnlyAdmin

SOURCE = ChangeSet.Source.ADMIN


@admin.register(Product)
class ProductAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Every write goes through `catalog.products`, so that it stands in the log."""

    form = ProductForm
    list_display = ("sku", "name", "price", "active", "updated_at")
    list_filter = ("active",)
    search_fields = ("sku", "name")
    show_full_result_count = False
    readonly_fields = ("created_at", "updated_at")

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

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        for pk in queryset.values_list("pk", flat=True):
            try:
                self.delete_model(request, Product(pk=pk))
            except ProductGone:
                messages.info(request, f"Product {pk} was already deleted.")


@admin.register(ChangeSet)
class ChangeSetAdmin(ReadOnlyAdmin):
    """What was changed, by whom, from where."""

    list_display = (
        "id",
        "source",
        "actor",
        "created_at",
        "created",
        "updated",
        "deleted",
        "published_at",
    )
    list_filter = ("source",)
    list_select_related = ("actor",)
    show_full_result_count = False
