"""The signing secret of an endpoint: shown, replaced, the old one ended."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from webhooks import endpoints
from webhooks.views.detail import endpoint_of


@require_POST
@never_cache
@permission_required("webhooks.change_endpoint", raise_exception=True)
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the secret, which the activity log tells of: a page of its own, or its place alone."""
    endpoint = endpoint_of(pk)
    secret = endpoints.reveal(endpoint, actor=_actor(request))
    part = "webhooks/detail.html#secret" if request.htmx else "webhooks/secret.html"  # type: ignore[attr-defined]
    context = {"endpoint": endpoint, "secret": secret, "can_change": True}
    return render(request, part, context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("webhooks.change_endpoint", raise_exception=True)
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then make a new secret beside the old one."""
    endpoint = endpoint_of(pk)
    if request.method == "POST":
        endpoints.rotate(endpoint, actor=_actor(request))
        messages.success(request, "The secret is rotated. Give the new one to the receiver.")
        return redirect("webhooks:detail", pk)
    context = {"endpoint": endpoint, "hours": settings.WEBHOOK_ROTATION_HOURS}
    return render(request, "webhooks/rotate.html", context)


@require_POST
@permission_required("webhooks.change_endpoint", raise_exception=True)
def end_rotation(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop signing with the old secret."""
    if endpoints.end_rotation(endpoint_of(pk), actor=_actor(request)):
        messages.success(request, "The old secret has ended.")
    else:
        messages.info(request, "No old secret is in use.")
    return redirect("webhooks:detail", pk)


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)
