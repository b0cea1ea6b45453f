"""The test of an endpoint, and what came of it."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from webhooks import listing
from webhooks.models import Delivery, Endpoint
from webhooks.trial import TooManyTests, request_test

REFUSED = 409
#: Somebody sends a test within a second; after so many the page says that nobody has.
LATE = timedelta(seconds=10)


@require_POST
@permission_required("webhooks.change_endpoint", raise_exception=True)
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a test sent; the answer asks for the result until it is there."""
    endpoint = _endpoint(pk)
    try:
        delivery = request_test(endpoint, actor=cast(User, request.user))
    except TooManyTests as refused:
        if request.htmx:  # type: ignore[attr-defined]
            return _fragment(request, endpoint, status=REFUSED, refused=str(refused))
        messages.warning(request, str(refused))
        return redirect("webhooks:list")
    if request.htmx:  # type: ignore[attr-defined]
        return _fragment(request, endpoint, **_result(delivery))
    return redirect("webhooks:test_result", pk, delivery.pk)


@require_safe
@never_cache
@permission_required("webhooks.view_endpoint", raise_exception=True)
def test_result(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    """What came of a test: a page of its own, and for htmx the notice, or the list's row with it.

    `?show=0` is the place without the notice: somebody has closed it.
    """
    endpoint = _endpoint(pk)
    found = get_object_or_404(Delivery, pk=delivery, endpoint=endpoint, is_test=True)
    if request.htmx:  # type: ignore[attr-defined]
        closed = request.GET.get("show") == "0"
        return _fragment(request, endpoint, **({} if closed else _result(found)))
    return render(request, "webhooks/test.html", {"endpoint": endpoint, **_result(found)})


def _endpoint(pk: int) -> Endpoint:
    return get_object_or_404(listing.listed(), pk=pk)


def _result(delivery: Delivery) -> dict[str, Any]:
    late = delivery.is_pending and timezone.now() - delivery.created_at > LATE
    return {"delivery": delivery, "attempt": delivery.log.first(), "late": late}


def _fragment(
    request: HttpRequest, endpoint: Endpoint, *, status: int = 200, **context: Any
) -> HttpResponse:
    """The list's row if that asked, else the notice alone."""
    context["endpoint"] = endpoint
    if request.htmx.target == f"endpoint-{endpoint.pk}":  # type: ignore[attr-defined]
        (context["row"],) = listing.rows([endpoint])
        return render(request, "webhooks/list.html#endpoint", context, status=status)
    return render(request, "webhooks/test.html#test-result", context, status=status)
