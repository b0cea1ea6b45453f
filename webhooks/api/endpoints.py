"""Endpoints: the list, one of them, and what is done to it as a whole."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from core.api.paging import paged
from core.api.problems import Problem
from core.api.serializers import Message, Paging
from webhooks import endpoints, listing, resending
from webhooks.api.bodies import EnableBody, EndpointBody, EndpointReplacement, ReplayBody
from webhooks.api.serializers import (
    EndpointJson,
    EndpointPageJson,
    NewEndpointJson,
    SecretJson,
    SentAgain,
)
from webhooks.forms import FIRST_EVENTS
from webhooks.models import Endpoint

CHANGE = ("webhooks.change_endpoint",)


class EndpointListView(ApiView):
    """All endpoints."""

    permissions: ClassVar = {
        "GET": ("webhooks.view_endpoint",),
        "POST": ("webhooks.add_endpoint",),
    }
    queries: ClassVar = {"GET": Paging}

    @extend_schema(operation_id="list_webhooks", responses=EndpointPageJson, tags=["Webhooks"])
    def get(self, request: Request) -> Response:
        """List webhooks, each with how it does."""
        pages = Paginator(listing.listed(), self.asked["limit"])
        return paged(request, pages, number=self.asked["page"], show=_all_shown)

    @extend_schema(
        operation_id="create_webhook",
        request=EndpointBody,
        responses={201: NewEndpointJson},
        tags=["Webhooks"],
    )
    def post(self, request: Request) -> Response:
        """Create a webhook; without events it hears of products. Keep the secret that comes back:
        it signs what is sent, and is not shown again."""
        values = {"event_types": list(FIRST_EVENTS), **self.read(EndpointBody)}
        enabled = values.pop("enabled", True)
        actor = cast(User, request.user)
        with transaction.atomic():
            endpoint = endpoints.create(actor=actor, **values)
            if not enabled:
                endpoints.pause(endpoint, actor=actor)
        (row,) = listing.with_figures([found(endpoint.pk)])
        return Response(
            NewEndpointJson(row).data,
            status=201,
            headers={"Location": request.build_absolute_uri(f"/api/webhooks/{endpoint.pk}")},
        )


class EndpointView(ApiView):
    """One endpoint."""

    permissions: ClassVar = {
        "GET": ("webhooks.view_endpoint",),
        "PUT": CHANGE,
        "PATCH": CHANGE,
        "DELETE": ("webhooks.delete_endpoint",),
    }

    @extend_schema(operation_id="get_webhook", responses=EndpointJson, tags=["Webhooks"])
    def get(self, request: Request, pk: int) -> Response:
        """Get a webhook and how it does."""
        return _shown(pk)

    @extend_schema(
        operation_id="replace_webhook",
        request=EndpointReplacement,
        responses=EndpointJson,
        tags=["Webhooks"],
    )
    def put(self, request: Request, pk: int) -> Response:
        """Change a webhook: URL and events are needed, what else is left out stays as it is."""
        return self._change(request, pk, EndpointReplacement)

    @extend_schema(
        operation_id="change_webhook",
        request=EndpointBody(partial=True),
        responses=EndpointJson,
        tags=["Webhooks"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change some fields of a webhook; `enabled` pauses and enables it, a disabled one too."""
        return self._change(request, pk, EndpointBody, partial=True)

    @extend_schema(operation_id="delete_webhook", responses=Message, tags=["Webhooks"])
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a webhook: nothing more is sent, its log goes, and there is no way back."""
        endpoints.delete(found(pk), actor=cast(User, request.user))
        return Response({"message": "Deleted"})

    def _change(self, request: Request, pk: int, body: type[EndpointBody], **how: Any) -> Response:
        endpoint, actor = found(pk), cast(User, request.user)
        values = self.read(body, context={"endpoint": endpoint}, **how)
        enabled = values.pop("enabled", None)
        endpoints.change(endpoint, actor=actor, **values)
        if enabled is False:
            endpoints.pause(endpoint, actor=actor)
        elif enabled:
            endpoints.enable(endpoint, actor=actor)
        return _shown(pk)


class EnableView(ApiView):
    """Enabling with what failed."""

    permissions: ClassVar = {"POST": CHANGE}
    #: What is sent again is written in batches, each in a transaction of its own.
    commits_on_the_way = True

    @extend_schema(
        operation_id="enable_webhook", request=EnableBody, responses=EndpointJson, tags=["Webhooks"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Enable a paused or disabled webhook: what waits is sent, and with `send_failed` what was
        given up since it began to fail. 409 if it is enabled."""
        endpoint = found(pk)
        asked = self.read(EnableBody)
        if not endpoints.enable(endpoint, actor=cast(User, request.user), **asked):
            raise Problem("wrong-state", f"{endpoint.host} was enabled already.")
        return _shown(pk)


class RotateView(ApiView):
    """A new secret."""

    permissions: ClassVar = {"POST": CHANGE}

    @extend_schema(
        operation_id="rotate_webhook_secret", request=None, responses=SecretJson, tags=["Webhooks"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make a new signing secret; for a day deliveries are signed with the former one, too."""
        endpoint = found(pk)
        endpoints.rotate(endpoint, actor=cast(User, request.user))
        return Response(SecretJson(endpoint).data)


class EndRotationView(ApiView):
    """The end of the former secret."""

    permissions: ClassVar = {"POST": CHANGE}

    @extend_schema(
        operation_id="end_webhook_rotation", request=None, responses=Message, tags=["Webhooks"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Stop signing with the former secret now. 409 if none is in use."""
        if not endpoints.end_rotation(found(pk), actor=cast(User, request.user)):
            raise Problem("wrong-state", "No former secret is in use.")
        return Response({"message": "The former secret has ended."})


class ReplayView(ApiView):
    """Sending again what has ended."""

    permissions: ClassVar = {"POST": CHANGE}
    commits_on_the_way = True

    @extend_schema(
        operation_id="replay_webhook",
        request=ReplayBody,
        responses={202: SentAgain},
        tags=["Webhooks"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Send again what failed, what arrived, or all, since a time or all that is kept."""
        endpoint = found(pk)
        asked = self.read(ReplayBody)
        count = resending.replay(endpoint, actor=cast(User, request.user), **asked)
        return _sent(count, done="sent again", none="There was nothing to send again.")


class TryNowView(ApiView):
    """Trying what waits."""

    permissions: ClassVar = {"POST": CHANGE}
    commits_on_the_way = True

    @extend_schema(
        operation_id="try_webhook_now", request=None, responses={202: SentAgain}, tags=["Webhooks"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Try what waits without waiting for its time; while it fails, the oldest alone."""
        count = resending.try_now(found(pk), actor=cast(User, request.user))
        return _sent(count, done="tried now", none="Nothing waits.")


def found(pk: int) -> Endpoint:
    """The endpoint with its lane; 404 if it is gone."""
    return get_object_or_404(listing.listed(), pk=pk)


def _sent(count: int, *, done: str, none: str) -> Response:
    message = f"{count:,} deliver{'y is' if count == 1 else 'ies are'} {done}." if count else none
    return Response({"count": count, "message": message}, status=202)


def _all_shown(rows: Sequence[Endpoint]) -> Any:
    return EndpointJson(listing.with_figures(rows), many=True).data


def _shown(pk: int) -> Response:
    (row,) = listing.with_figures([found(pk)])
    return Response(EndpointJson(row).data)
