"""The API's description in OpenAPI 3.1: what `accounts.api.views.ApiView` says of each call.

A call is described where it stands, by `extend_schema`; what follows from the house rules is added
here: the problems that every call may answer with, and the headers that go with its method.
"""

import re
from http import HTTPStatus
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiParameter

from core.api.description import headers_of, problem_of
from core.api.serializers import Paging, ProblemDetails, Strict

ALWAYS: Final = (400, 401, 403, 429)
WITH_A_BODY: Final = (413, 415)
OF_POST: Final = (409, 422)

KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},
    OpenApiParameter.HEADER,
    description="Makes a repeat safe: the same request with the same key is answered the same.",
)
#: The end of a docstring's first sentence, or the heading of a section that is for readers of code.
SENTENCE_END: Final = re.compile(r"\.(?=\s|$)")
SECTION: Final = re.compile(r"^(?:Raises|Returns|Args):$.*", re.MULTILINE | re.DOTALL)


class Schema(AutoSchema):
    """One call's description."""

    def get_operation_id(self) -> str:
        """The view's name and the method; a second spelling of a call has its path instead."""
        named = getattr(self.view, "operation_ids", {}).get(self.path)
        return str(named or super().get_operation_id())

    def get_summary(self) -> str | None:
        """The docstring's first sentence."""
        return self._sentences()[0]

    def get_description(self) -> str:  # type: ignore[override]
        """The rest of the docstring."""
        return self._sentences()[1]

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = [*super().get_override_parameters()]
        query = self._query()
        if query is not None:
            parameters.append(query)
        if self.method == "POST":
            parameters.append(KEY)
        return parameters

    def _map_basic_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any]:
        shape: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, Strict):
            shape["additionalProperties"] = False
        return shape

    def _sentences(self) -> tuple[str, str]:
        text = SECTION.sub("", super().get_description()).strip()
        end = SENTENCE_END.search(text)
        if end is None:
            return text, ""
        first, rest = text[: end.start()].replace("`", ""), text[end.end() :]
        return " ".join(first.split()), re.sub(r"(?<!\n)\n(?!\n)", " ", rest.strip())

    def _query(self) -> type[Any] | None:
        found: type[Any] | None = getattr(self.view, "queries", {}).get(self.method)
        return found

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        said = self.get_response_serializers()
        if self.method == "DELETE" and not isinstance(said, dict):
            # For the framework no deletion has an answer.
            bodies = {"200": self._get_response_for_code(said, "200", direction=direction)}  # type: ignore[no-untyped-call]
        named = {parameter["name"] for parameter in self._get_parameters()}
        paged = issubclass(self._query() or object, Paging)
        for status, body in bodies.items():
            added = headers_of(int(status), method=self.method, parameters=named, paged=paged)
            body["description"] = body["description"] or HTTPStatus(int(status)).phrase
            body["headers"] = {**added, **body.get("headers", {})}
        self.resolve_serializer(ProblemDetails(), "response")
        for problem in self._problems():
            bodies.setdefault(str(problem), problem_of(problem))
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
