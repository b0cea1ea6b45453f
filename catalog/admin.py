"""The catalog in the admin: products through `catalog.products`, the log read-only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import ModelAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from catalog import products
from catalog.forms import ProductForm
from catalog.locks import CatalogBusy
from catalog.models import ChangeSet, Product
from catalog.products import ProductGone, SkuTaken
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
        """A write that is refused shows the form again, with the reason and what was typed."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (CatalogBusy, SkuTaken) as refused:
            request.refusal = str(refused)  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().delete_view(request, *args, **kwargs)
        except CatalogBusy as busy:
            messages.error(request, str(busy))
            return HttpResponseRedirect(request.path)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changelist_view(request, *args, **kwargs)
        except CatalogBusy as busy:
            messages.error(request, f"{busy} Nothing was deleted.")
            return HttpResponseRedirect(request.get_full_path())

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

    @transaction.atomic
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
