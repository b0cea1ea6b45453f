"""The pages of sources: where files are fetched from, and how that went."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from imports.fetches import fetching, sources
from imports.fetches import listing as source_listing
from imports.fetches.forms import AddressForm, SourceForm
from imports.fetches.sources import SourceRefused
from imports.fetches.trying import try_address
from imports.forms import UploadForm
from imports.models import Source
from imports.options import Options
from imports.views.jobs import list_context

PAGE_SIZE = 25


@require_safe
@permission_required("imports.view_source", raise_exception=True)
def source_list(request: HttpRequest) -> HttpResponse:
    """All sources; htmx gets the table alone."""
    page = Paginator(source_listing.listed(), PAGE_SIZE).get_page(request.GET.get("page"))
    template = "imports/sources.html#sources" if _is_fragment(request) else "imports/sources.html"
    return render(request, template, {"page": page, "rows": source_listing.rows(page.object_list)})


@require_safe
@permission_required("imports.view_source", raise_exception=True)
def source_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One source and its fetches; htmx gets what changes."""
    source = found(pk)
    (row,) = source_listing.rows([source])
    page = Paginator(source_listing.history(source), PAGE_SIZE).get_page(request.GET.get("page"))
    fragment = "#live" if _is_fragment(request) else ""
    return render(
        request, f"imports/source.html{fragment}", {"source": source, "row": row, "page": page}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("imports.add_source", raise_exception=True)
def source_create(request: HttpRequest) -> HttpResponse:
    """A new source; `try` looks at the address without making one."""
    user = cast(User, request.user)
    form = SourceForm(request.POST if request.method == "POST" else None, user=user)
    if "try" in request.POST:
        return _tried(request, form)
    if form.is_valid():
        try:
            source = sources.create(actor=user, **form.values())
        except SourceRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            return redirect("imports:source", source.pk)
    return _form_page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("imports.change_source", raise_exception=True)
def source_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a source; `try` looks at the address without changing it."""
    user, source = cast(User, request.user), found(pk)
    data = request.POST if request.method == "POST" else None
    form = SourceForm(data, user=user, source=source)
    if "try" in request.POST:
        return _tried(request, form)
    if form.is_valid():
        try:
            sources.change(source, actor=user, **form.values())
        except SourceRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            return redirect("imports:source", pk)
    return _form_page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("imports.delete_source", raise_exception=True)
def source_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what goes with it, then delete it."""
    source = found(pk)
    if request.method == "POST":
        sources.delete(source, actor=cast(User, request.user))
        messages.success(request, f"{source.name} was deleted. What it imported stays.")
        return redirect("imports:sources")
    (row,) = source_listing.rows([source])
    return render(request, "imports/source_delete.html", {"source": source, "row": row})


@require_POST
@permission_required("imports.add_importjob", raise_exception=True)
def fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Fetch the file now."""
    fetching.fetch_now(found(pk), user=cast(User, request.user))
    return redirect("imports:source", pk)


@require_POST
@permission_required("imports.add_importjob", raise_exception=True)
def cancel_fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel the fetch that is under way."""
    if fetching.cancel(found(pk)):
        messages.info(request, "The fetch is being cancelled. Nothing of it will remain.")
    else:
        messages.warning(request, "The fetch had already ended.")
    return redirect("imports:source", pk)


@require_POST
@permission_required("imports.add_source", raise_exception=True)
def fetch_once(request: HttpRequest) -> HttpResponse:
    """Fetch the file at an address; it becomes a source that is fetched by hand only."""
    form, user = AddressForm(request.POST), cast(User, request.user)
    if not form.is_valid():
        context = {**list_context(request, UploadForm()), "address": form}
        return render(request, "imports/list.html", context, status=400)
    source = sources.once(actor=user, url=form.cleaned_data["url"], options=Options.usual())
    fetching.fetch_now(source, user=user)
    return redirect("imports:source", source.pk)


def found(pk: int) -> Source:
    """A source by its number; Http404 if there is none."""
    return get_object_or_404(source_listing.listed(), pk=pk)


def _tried(request: HttpRequest, form: SourceForm) -> HttpResponse:
    """What stands at the address; nothing else of the form matters yet."""
    form.is_valid()
    trial = None
    if form.access is not None:
        options = Options.usual() if form.errors else form.options()
        trial = try_address(form.access, user=form.user, options=options)
    for name in set(form.errors) - {"url", "username", "password"}:
        del form.errors[name]
    return _form_page(request, form, trial=trial)


def _form_page(request: HttpRequest, form: SourceForm, **more: Any) -> HttpResponse:
    fragment = "#trial" if _is_fragment(request) else ""
    context = {"form": form, "source": form.source, "now": timezone.now(), **more}
    refused = bool(form.errors) and not fragment
    return render(
        request, f"imports/source_form.html{fragment}", context, status=400 if refused else 200
    )


def _is_fragment(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]
