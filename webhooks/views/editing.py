"""The form of an endpoint, and the check of its URL while somebody fills it in."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from core.outbound import UrlRefused
from webhooks import endpoints
from webhooks.forms import EndpointForm, checked_url
from webhooks.models import Endpoint

INVALID = 422


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("webhooks.add_endpoint", raise_exception=True)
def create(request: HttpRequest) -> HttpResponse:
    """The form of a new endpoint; a POST creates it and leads to its page."""
    if request.method != "POST":
        return _form(request, EndpointForm())
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _form(request, form, status=INVALID)
    endpoint = endpoints.create(actor=cast(User, request.user), **form.values())
    messages.success(
        request,
        f"Created {endpoint.host}. Reveal its signing secret and give it to the receiver, then"
        " send a test.",
    )
    return redirect("webhooks:detail", endpoint.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("webhooks.change_endpoint", raise_exception=True)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of an endpoint; a POST saves it."""
    endpoint = get_object_or_404(endpoints.known(), pk=pk)
    if request.method != "POST":
        return _form(request, EndpointForm(endpoint=endpoint))
    form = EndpointForm(request.POST, endpoint=endpoint)
    if not form.is_valid():
        return _form(request, form, status=INVALID)
    endpoints.change(endpoint, actor=cast(User, request.user), **form.values())
    messages.success(request, f"Saved {endpoint.host}.")
    return redirect("webhooks:detail", pk)


@require_POST
@permission_required("webhooks.add_endpoint", raise_exception=True)
def check(request: HttpRequest) -> HttpResponse:
    """What stands under the URL of the form: whether requests to it would be sent.

    By POST, since a URL may hold a secret, and access logs keep what is asked for by GET.
    """
    typed = request.POST.get("url", "").strip()
    context: dict[str, Any] = {}
    if typed:
        try:
            context["checked"] = checked_url(typed)
        except UrlRefused as refused:
            context["refusals"] = [str(refused)]
    return render(request, "webhooks/form.html#url-check", context)


def _form(request: HttpRequest, form: EndpointForm, *, status: int = 200) -> HttpResponse:
    endpoint: Endpoint | None = form.endpoint
    return render(
        request, "webhooks/form.html", {"form": form, "endpoint": endpoint}, status=status
    )
