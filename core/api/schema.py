"""The API's description in OpenAPI 3.1: what `accounts.api.views.ApiView` says of each call.

A call is described where it stands, by `extend_schema`; what follows from the house rules is added
here: the problems that every call may answer with, and the headers that go with its method.
"""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiParameter, OpenApiResponse

from core.api.problems import CONTENT_TYPE
from core.api.serializers import ProblemDetails

#: What each status of an error means, whatever call it is of.
MEANINGS: Final[Mapping[int, str]] = {
    400: "Something in the request is not valid.",
    401: "No valid token or session.",
    403: "The role or the token does not allow this.",
    404: "There is nothing with this number.",
    409: "It can't be done as things stand now.",
    412: "It was changed since it was read.",
    413: "The request is too large.",
    415: "The body is in a format that is not read here.",
    422: "The Idempotency-Key belongs to another request.",
    429: "Too many requests; Retry-After says when to try again.",
    507: "A disk is full.",
}
ALWAYS: Final = (400, 401, 403, 429)
WITH_A_BODY: Final = (413, 415)
OF_POST: Final = (409, 422)

KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},
    OpenApiParameter.HEADER,
    description="Makes a repeat safe: the same request with the same key is answered the same.",
)


class Schema(AutoSchema):
    """One call's description."""

    def get_operation_id(self) -> str:
        """The view's name and the method; a second spelling of a call has its path instead."""
        named = getattr(self.view, "operation_ids", {}).get(self.path)
        return str(named or super().get_operation_id())

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = [*super().get_override_parameters()]
        query = getattr(self.view, "queries", {}).get(self.method)
        if query is not None:
            parameters.append(query)
        if self.method == "POST":
            parameters.append(KEY)
        return parameters

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._problems():
            if str(status) not in bodies:
                bodies[str(status)] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    OpenApiResponse(ProblemDetails, MEANINGS[status]),
                    str(status),
                    media_types=[CONTENT_TYPE],
                )
        return dict(sorted(bodies.items()))

    def _problems(self) -> list[int]:
        statuses = {*ALWAYS, *getattr(self.view, "problems", {}).get(self.method, ())}
        if "{" in self.path:
            statuses.add(404)
        if self.method in {"POST", "PUT", "PATCH"}:
            statuses.update(WITH_A_BODY)
        if self.method == "POST":
            statuses.update(OF_POST)
        return sorted(statuses)
