"""Creating, editing and deleting one product: a page, the same form in the side panel, a row."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, retarget, trigger_client_event

from accounts.models import User
from catalog import conflicts, products
from catalog.conflicts import Conflict
from catalog.forms import EditForm, ProductForm
from catalog.locks import CatalogBusy
from catalog.models import ChangeSet, Product
from catalog.products import ProductGone, SkuTaken

SOURCE = ChangeSet.Source.FORM
INVALID, REFUSED = 422, 409


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("catalog.add_product", raise_exception=True)
def create(request: HttpRequest) -> HttpResponse:
    """The form of a new product; a POST creates it."""
    if request.method != "POST":
        return _form(request, ProductForm())
    form = ProductForm(request.POST)
    if not form.is_valid():
        return _form(request, form, status=INVALID)
    try:
        product = products.create(source=SOURCE, actor=_actor(request), **form.values())
    except SkuTaken as refused:
        form.refuse_sku(refused.product)
        return _form(request, form, status=INVALID)
    except CatalogBusy:
        return _form(request, form, status=REFUSED, busy=True)
    return _saved(request, product, f"Created {product.sku}.")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("catalog.change_product", raise_exception=True)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a product; a POST saves it, unless it writes over somebody's newer edit."""
    product = Product.objects.filter(pk=pk).first()
    if request.method != "POST":
        if product is None:
            return _form(request, None, status=REFUSED) if _htmx(request) else _detail(pk)
        return _form(request, EditForm(instance=product))
    form = EditForm(request.POST, instance=product or Product(pk=pk))
    saved, refusal = _save(form, request)
    if saved is None:
        return _form(request, form, **refusal)
    return _saved(request, saved, f"Saved {saved.sku}.")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("catalog.change_product", raise_exception=True)
def row(request: HttpRequest, pk: int) -> HttpResponse:
    """A row of the list in edit, for htmx; a POST saves it. `?show=1` is the row as it is."""
    if not _htmx(request):
        return redirect("catalog:edit", pk)
    product = Product.objects.filter(pk=pk).first()
    if request.method != "POST":
        if product is None:
            return render(request, "catalog/row.html", {"gone": pk})
        if "show" in request.GET:
            return render(request, "catalog/row.html", {"product": product, "focused": True})
        return render(request, "catalog/row.html", {"row_form": EditForm(instance=product)})
    form = EditForm(request.POST, instance=product or Product(pk=pk))
    saved, refusal = _save(form, request)
    if saved is not None:
        return _said(
            render(request, "catalog/row.html", {"product": saved, "saved": True, "focused": True}),
            f"Saved {saved.sku}.",
        )
    if "conflict" in refusal or "gone" in refusal:
        response = _form(request, form, **refusal)
        return reswap(retarget(response, "#panel"), "innerHTML")
    status = refusal.pop("status")
    return render(request, "catalog/row.html", {"row_form": form, **refusal}, status=status)


@require_POST
@permission_required("catalog.change_product", raise_exception=True)
def set_active(request: HttpRequest, pk: int) -> HttpResponse:
    """The switch of a row: active, or not when the field is absent."""
    active = "active" in request.POST
    context: dict[str, Any]
    try:
        product = products.update(pk, source=SOURCE, actor=_actor(request), active=active)
    except ProductGone:
        said, context = "This product was deleted meanwhile.", {"gone": pk}
        tag = messages.ERROR
    except CatalogBusy as busy:
        product = get_object_or_404(Product, pk=pk)
        said, context = f"{product.sku} was not changed. {busy}", {"product": product}
        tag = messages.ERROR
    else:
        said = f"{product.sku} is {'active' if product.active else 'inactive'}."
        context = {"product": product, "saved": True}
        tag = messages.SUCCESS
    if _htmx(request):
        response = render(request, "catalog/row.html", context)
        return _said(response, said, failed=tag == messages.ERROR)
    messages.add_message(request, tag, said)
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = reverse("catalog:list")
    return redirect(back)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("catalog.delete_product", raise_exception=True)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then delete; the message afterwards holds the way back."""
    product = Product.objects.filter(pk=pk).first()
    if product is None:
        return _detail(pk)
    if request.method != "POST":
        return render(request, "catalog/delete.html", {"product": product})
    try:
        change_set = products.delete(pk, source=SOURCE, actor=_actor(request))
    except ProductGone:
        return _detail(pk)
    except CatalogBusy as busy:
        context = {"product": product, "busy": busy}
        return render(request, "catalog/delete.html", context, status=REFUSED)
    undo = reverse("catalog:undo", args=[change_set.pk])
    messages.success(request, format_html('Deleted {}. <a href="{}">Undo</a>', product.sku, undo))
    return redirect("catalog:list")


def _save(form: EditForm, request: HttpRequest) -> tuple[Product | None, dict[str, Any]]:
    """The product as saved, or None and what the form is shown again with."""
    try:
        if form.instance._state.adding:
            raise ProductGone
        if not form.is_valid():
            return None, {"status": INVALID}
        product = conflicts.save(
            form.pk,
            actor=_actor(request),
            opened=form.opened_texts,
            version=form.opened_at,
            values=form.values(),
        )
    except SkuTaken as refused:
        form.refuse_sku(refused.product)
        return None, {"status": INVALID}
    except Conflict as conflict:
        form.show_newer(conflict.product)
        return None, {"status": REFUSED, "conflict": conflict}
    except CatalogBusy:
        return None, {"status": REFUSED, "busy": True}
    except ProductGone:
        return None, {"status": REFUSED, "gone": True}
    return product, {}


def _form(
    request: HttpRequest, form: ProductForm | None, *, status: int = 200, **context: Any
) -> HttpResponse:
    """The form on its page, or in the side panel for htmx."""
    action, editing = reverse("catalog:create"), False
    if isinstance(form, EditForm) and not context.get("gone"):
        action, editing = reverse("catalog:edit", args=[form.pk]), True
    panel = _htmx(request)
    template = "catalog/edit.html#panel" if panel else "catalog/edit.html"
    return render(
        request,
        template,
        {"form": form, "action": action, "panel": panel, "editing": editing, **context},
        status=status,
    )


def _saved(request: HttpRequest, product: Product, said: str) -> HttpResponse:
    """For a page the product's own; the panel's script closes it and refreshes the list."""
    if not _htmx(request):
        messages.success(request, said)
        return redirect("catalog:detail", product.pk)
    url = reverse("catalog:detail", args=[product.pk])
    return trigger_client_event(
        HttpResponse(status=204), "product:saved", {"id": product.pk, "words": said, "url": url}
    )


def _said(response: HttpResponse, words: str, *, failed: bool = False) -> HttpResponse:
    return trigger_client_event(response, "product:said", {"words": words, "failed": failed})


def _detail(pk: int) -> HttpResponse:
    """The product's page, which knows what became of one that is gone."""
    return redirect("catalog:detail", pk)


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)


def _htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]
