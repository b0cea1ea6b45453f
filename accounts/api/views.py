"""What every call of the API has in common."""

from collections.abc import Mapping
from datetime import UTC
from functools import partial
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.api.idempotency import key_of, once
from accounts.api.limits import count_request
from core.api.serializers import NoParameters


class ApiView(APIView):
    """A call, or several at one address: who may, what may stand in its URL, what may go wrong.

    All by method. `permissions` are those that the pages ask for. `queries` read the URL's
    parameters, `asked` is what came out; without one a parameter is an error. `problems` are the
    statuses of an error besides those that every call may answer with. Times are UTC.
    """

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    queries: ClassVar[Mapping[str, type[Serializer[Any]]]] = {}
    problems: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    #: The answer needs something that is committed before it, such as a worker's work.
    commits_on_the_way: ClassVar[bool] = False

    asked: dict[str, Any]

    @property
    def allowed_methods(self) -> list[str]:
        """What the Allow header names: OPTIONS is the middleware's, for other sites' pages."""
        return [method for method in super().allowed_methods if method != "OPTIONS"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check all that is the same for every call, before its own work begins."""
        super().initial(request, *args, **kwargs)
        if getattr(self, str(request.method).lower(), None) is None:
            raise MethodNotAllowed(str(request.method))
        method = "GET" if request.method == "HEAD" else str(request.method)
        query = self.queries.get(method, NoParameters)(data=request.query_params)
        query.is_valid(raise_exception=True)
        self.asked = dict(query.validated_data)
        if method == "POST" and hasattr(self, "post") and (key := key_of(request)):
            self.post: Any = partial(self._post_once, self.post, key)

    def perform_authentication(self, request: Request) -> None:
        """Count the call as soon as it is known whose it is."""
        try:
            known = request.user.is_authenticated
        except APIException:
            count_request(request, known=False)
            raise
        count_request(request, known=known)

    def _post_once(
        self, post: Any, key: str, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        return once(
            request,
            key,
            partial(post, request, *args, **kwargs),
            commits_on_the_way=self.commits_on_the_way,
        )

    def read(self, body: type[Serializer[Any]], **how: Any) -> dict[str, Any]:
        """The request's body, checked.

        Raises:
            ValidationError: it is not as the serializer says.
        """
        serializer = body(data=self.request.data, **how)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
