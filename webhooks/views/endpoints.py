"""The list of endpoints, and what is done to one as a whole."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from webhooks import endpoints, figures, listing
from webhooks.models import Endpoint

PAGE_SIZE = 50


@require_safe
@permission_required("webhooks.view_endpoint", raise_exception=True)
def endpoint_list(request: HttpRequest) -> HttpResponse:
    """All endpoints and how they do; htmx gets the figures or the endpoints alone."""
    fragment = ""
    if request.htmx:  # type: ignore[attr-defined]
        wanted = request.htmx.target  # type: ignore[attr-defined]
        fragment = "figures" if wanted == "figures" else "endpoints"
    context: dict[str, Any] = {}
    if fragment != "endpoints":
        context["overview"] = figures.overview()
    if fragment != "figures":
        page = Paginator(listing.listed(), PAGE_SIZE).get_page(request.GET.get("page"))
        context |= {"page": page, "rows": listing.rows(list(page.object_list))}
    template = f"webhooks/list.html#{fragment}" if fragment else "webhooks/list.html"
    return render(request, template, context)


@require_POST
@permission_required("webhooks.change_endpoint", raise_exception=True)
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Let an endpoint's deliveries wait."""
    endpoint = _endpoint(pk)
    if endpoints.pause(endpoint, actor=_actor(request)):
        messages.success(request, f"{endpoint.host} is paused. What happens meanwhile waits.")
    else:
        messages.warning(request, f"{endpoint.host} was not active: nothing was changed.")
    return redirect(_back(request, pk))


@require_POST
@permission_required("webhooks.change_endpoint", raise_exception=True)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Send again to an endpoint; `send_failed=1` sends what was given up, too."""
    endpoint = _endpoint(pk)
    send_failed = request.POST.get("send_failed") == "1"
    if not endpoints.enable(endpoint, actor=_actor(request), send_failed=send_failed):
        messages.warning(request, f"{endpoint.host} was enabled already.")
    elif send_failed:
        messages.success(request, f"{endpoint.host} is enabled. What failed is sent again.")
    else:
        messages.success(request, f"{endpoint.host} is enabled. What waited is sent now.")
    return redirect(_back(request, pk))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("webhooks.delete_endpoint", raise_exception=True)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then delete: nothing more is sent, the log goes, and there is no way back."""
    endpoint = _endpoint(pk)
    if request.method == "POST":
        endpoints.delete(endpoint, actor=_actor(request))
        messages.success(request, f"Deleted {endpoint.host}. Nothing more is sent there.")
        return redirect("webhooks:list")
    (row,) = listing.rows([endpoint])
    return render(request, "webhooks/delete.html", {"row": row, "endpoint": endpoint})


def _endpoint(pk: int) -> Endpoint:
    return get_object_or_404(listing.listed(), pk=pk)


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)


def _back(request: HttpRequest, pk: int) -> str:
    """The page of this site that the form names, else the endpoint's own."""
    asked = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if safe else reverse("webhooks:detail", args=[pk])
