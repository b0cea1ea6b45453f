"""Deliveries: one of them, sending it again, the test of an endpoint, the log of its attempts."""

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from core.api.paging import link_header
from core.api.problems import Problem
from core.api.serializers import Message
from webhooks import attempts, endpoints, resending, trial
from webhooks.api.bodies import LogQuery, TestBody
from webhooks.api.endpoints import CHANGE, found
from webhooks.api.serializers import DeliveryJson, LoggedJson, TestJson, error_of, response_of
from webhooks.models import Delivery

#: A test's result is waited for that long; later it stands at its delivery.
WAIT_SECONDS = 10.0


class TestView(ApiView):
    """The test of an endpoint."""

    permissions: ClassVar = {"POST": CHANGE}
    commits_on_the_way = True

    @extend_schema(
        operation_id="test_webhook",
        request=TestBody,
        responses={
            200: TestJson,
            202: OpenApiResponse(TestJson, "It takes longer: Location has the result later."),
        },
        tags=["Webhooks"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Send a test, to a paused or disabled webhook too, and wait 10 s for what comes of it."""
        endpoint = found(pk)
        payload = self.read(TestBody).get("payload")
        try:
            made = trial.request_test(endpoint, actor=cast(User, request.user), payload=payload)
        except trial.TooManyTests as refused:
            wait = str(refused.seconds)
            raise Problem(
                "too-many-requests", str(refused), headers={"Retry-After": wait}
            ) from refused
        delivery = trial.wait_for_result(made, seconds=WAIT_SECONDS)
        if delivery is None:
            raise Http404
        if delivery.is_pending:
            nothing = dict.fromkeys(TestJson().fields)
            return Response(
                {**nothing, "delivery": delivery.pk}, status=202, headers=_location(request, made)
            )
        return Response(TestJson(_result(delivery)).data)


class LogView(ApiView):
    """The log of an endpoint."""

    permissions: ClassVar = {"GET": ("webhooks.view_attempt",)}
    queries: ClassVar = {"GET": LogQuery}

    @extend_schema(
        operation_id="list_webhook_attempts", responses=LoggedJson(many=True), tags=["Webhooks"]
    )
    @method_decorator(gzip_page)
    def get(self, request: Request, pk: int) -> Response:
        """List attempts, newest first; the Link header leads to older ones. A page ends early when
        its payloads are more than 8 MiB."""
        page = attempts.page_of(found(pk), **self.asked)
        older = {"next": {"before": str(page.rows[-1].pk)}} if page.more else {}
        return Response(LoggedJson(page.rows, many=True).data, headers=link_header(request, older))


class DeliveryView(ApiView):
    """One delivery."""

    permissions: ClassVar = {"GET": ("webhooks.view_delivery",)}

    @extend_schema(operation_id="get_delivery", responses=DeliveryJson, tags=["Deliveries"])
    def get(self, request: Request, pk: int) -> Response:
        """Get a delivery with its payload and its newest attempts."""
        return Response(DeliveryJson(_delivery(pk)).data)


class RedeliverView(ApiView):
    """Sending one delivery again."""

    permissions: ClassVar = {"POST": CHANGE}

    @extend_schema(
        operation_id="redeliver", request=None, responses={202: Message}, tags=["Deliveries"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Send a delivery again, before all others, under the same webhook-id. 409 for a test, and
        while it is being sent."""
        delivery = _delivery(pk)
        if not resending.redeliver(delivery, actor=cast(User, request.user)):
            raise Problem("wrong-state", resending.why_not(delivery))
        return Response(
            {"message": resending.what_follows(delivery)},
            status=202,
            headers=_location(request, delivery),
        )


def _result(delivery: Delivery) -> dict[str, Any]:
    attempt = delivery.log.first()
    return {
        "status": delivery.status,
        "time_ms": delivery.milliseconds,
        "response": attempt and response_of(attempt),
        "error": attempt and error_of(attempt),
        "delivery": delivery.pk,
    }


def _known() -> QuerySet[Delivery]:
    return Delivery.objects.filter(endpoint__in=endpoints.known()).select_related(
        "event", "endpoint"
    )


def _delivery(pk: int) -> Delivery:
    return get_object_or_404(_known(), pk=pk)


def _location(request: Request, delivery: Delivery) -> dict[str, str]:
    return {"Location": request.build_absolute_uri(f"/api/deliveries/{delivery.pk}")}
