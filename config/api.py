"""The API's description of itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView


class SchemaView(ApiView):
    """The schema, for whoever is signed in."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ()}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """The whole API in OpenAPI 3.1."""
        return Response(schema())


def schema() -> dict[str, Any]:
    """The whole API, whoever asks."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    described: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return described
