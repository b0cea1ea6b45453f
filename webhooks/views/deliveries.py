"""One delivery of an endpoint, and sending again: it, many, or what waits."""

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from webhooks import resending
from webhooks.log import replayable
from webhooks.models import Delivery, Endpoint
from webhooks.readable import file_name
from webhooks.views.detail import address, endpoint_of, is_fragment, show


class ReplayForm(forms.Form):
    """Which deliveries are to be sent again."""

    since = forms.DateTimeField(
        required=False, error_messages={"invalid": "Write a day and a time: 2026-01-31T12:00."}
    )
    state = forms.ChoiceField(
        choices=[("failed", "Gave up"), ("arrived", "Arrived"), ("all", "Both")]
    )


@require_safe
@never_cache
@permission_required("webhooks.view_delivery", raise_exception=True)
def delivery_detail(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    """The endpoint's page with one delivery opened; `?raw=1` is its body, byte for byte."""
    endpoint = endpoint_of(pk)
    found = get_object_or_404(_with_story(endpoint), pk=delivery)
    if request.GET.get("raw") == "1":
        return HttpResponse(
            found.event.body,
            content_type="text/plain; charset=utf-8",
            headers={
                "Content-Disposition": f'inline; filename="{file_name(found.event)}"',
                "X-Content-Type-Options": "nosniff",
            },
        )
    return show(request, endpoint, opened=found)


@require_POST
@permission_required("webhooks.change_endpoint", raise_exception=True)
def send_again(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    """Send one delivery again, before all others."""
    endpoint = endpoint_of(pk)
    found = get_object_or_404(_with_story(endpoint), pk=delivery)
    if resending.redeliver(found, actor=_actor(request)):
        said = resending.what_follows(found)
    else:
        said = resending.why_not(found)
    return _answer(request, pk, delivery, said)


@require_POST
@permission_required("webhooks.change_endpoint", raise_exception=True)
def try_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Try what waits without waiting for its time."""
    count = resending.try_now(endpoint_of(pk), actor=_actor(request))
    said = "Nothing waits."
    if count:
        said = f"{count:,} deliver{'y is' if count == 1 else 'ies are'} tried now."
    return _answer(request, pk, _open(request), said)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("webhooks.change_endpoint", raise_exception=True)
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask since when, say how many that would be, and send them again."""
    endpoint = endpoint_of(pk)
    asked = request.POST if request.method == "POST" else request.GET
    form = ReplayForm({"since": asked.get("since", ""), "state": asked.get("state", "failed")})
    valid = form.is_valid()
    if request.method == "POST" and valid:
        count = resending.replay(endpoint, actor=_actor(request), **form.cleaned_data)
        messages.success(
            request,
            f"{count:,} deliver{'y is' if count == 1 else 'ies are'} sent again."
            if count
            else "There was nothing to send again.",
        )
        return redirect("webhooks:detail", pk)
    count = replayable(endpoint, **form.cleaned_data).count() if valid else 0
    fragment = "#count" if is_fragment(request) else ""
    return render(
        request,
        f"webhooks/replay.html{fragment}",
        {"endpoint": endpoint, "form": form, "count": count},
        status=400 if request.method == "POST" else 200,
    )


def _answer(request: HttpRequest, pk: int, delivery: int | None, said: str) -> HttpResponse:
    """The page as it is now; without a script it is loaded again, and says what was done."""
    endpoint = endpoint_of(pk)
    found = None
    if delivery is not None:
        found = _with_story(endpoint).filter(pk=delivery).first()
    if is_fragment(request):
        return show(request, endpoint, opened=found, said=said)
    messages.info(request, said)
    return redirect(address(endpoint, found, request))


def _open(request: HttpRequest) -> int | None:
    """The delivery that is open on the page from which a form was sent."""
    text = request.GET.get("open", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _with_story(endpoint: Endpoint) -> QuerySet[Delivery]:
    """The endpoint's deliveries with all that the page says of one."""
    return (
        Delivery.objects.filter(endpoint=endpoint)
        .select_related("event__change_set__actor", "event__change_set__import_job")
        .defer("event__change_set__import_job__detected")
    )


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)
