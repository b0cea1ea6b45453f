"""The account page: who you are, your time zone, your API tokens."""

from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import tokens
from accounts.forms import TimeZoneForm, TokenForm, time_zones
from accounts.limits import wait_for_token
from accounts.models import User
from accounts.roles import scopes_of

INVALID: Final = 422
LIMITED: Final = 429


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """The page; a POST makes a token and answers with its secret, this once."""
    user = _user(request)
    if request.method != "POST":
        return _page(request)
    if not scopes_of(user):
        return _page(request, status=403)
    form = TokenForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, form=form, status=INVALID)
    wait = wait_for_token(user)
    if wait:
        minutes = -(-wait // 60)
        form.add_error(
            None,
            "You have made many tokens. Wait "
            + ("a minute." if minutes == 1 else f"{minutes} minutes."),
        )
        response = _page(request, form=form, status=LIMITED)
        response.headers["Retry-After"] = str(wait)
        return response
    token, secret = tokens.create(user=user, **form.values())
    return _page(request, made=token, secret=secret)


@require_POST
def time_zone(request: HttpRequest) -> HttpResponse:
    """Save in which zone times are shown."""
    user = _user(request)
    form = TimeZoneForm(request.POST, instance=user)
    if not form.is_valid():
        return _page(request, zone_form=form, status=INVALID)
    user.save(update_fields=["time_zone"])
    shown = user.time_zone or f"the site's zone, {settings.TIME_ZONE}"
    messages.success(request, f"Times are shown in {shown}.")
    return redirect("account")


@require_http_methods(["GET", "HEAD", "POST"])
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then end one of the user's own tokens."""
    token = get_object_or_404(tokens.of(_user(request)), pk=pk)
    if request.method == "POST":
        tokens.revoke(token, actor=_user(request))
        messages.success(
            request,
            f"Removed {token.name}."
            if token.is_expired
            else f"Revoked {token.name}. Programs that use it are refused from now on.",
        )
        return redirect("account")
    return render(request, "accounts/revoke.html", {"token": token})


def _page(request: HttpRequest, *, status: int = 200, **shown: Any) -> HttpResponse:
    """The page, or for htmx the tokens alone."""
    user = _user(request)
    context = {
        "tokens": tokens.of(user),
        "form": TokenForm(user=user) if scopes_of(user) else None,
        "url": f"{settings.PUBLIC_URL or request.build_absolute_uri('/').rstrip('/')}/api/products",
        "zones": time_zones(),
        "zone_form": TimeZoneForm(instance=user),
        "site_zone": settings.TIME_ZONE,
        "now": timezone.localtime(),
        **shown,
    }
    template = "accounts/account.html"
    if request.htmx:  # type: ignore[attr-defined]
        template += "#tokens"
    return render(request, template, context, status=status)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
