"""ETag, If-Match and If-None-Match (RFC 9110, 13)."""

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags
from rest_framework.request import Request

from core.api.problems import Problem


def check_conditions(request: Request, etag: str) -> HttpResponseBase | None:
    """Hold a request's conditions against what stands there; 304 if the client has it already.

    `etag` is a strong one, in quotes.

    Raises:
        Problem: `changed-since`, if If-Match names another version; `invalid`, if it names none.
    """
    for name in ("If-Match", "If-None-Match"):
        # Django takes a header that it can't read for none, and the change would go through.
        if name in request.headers and not parse_etags(request.headers[name]):
            raise Problem(
                "invalid",
                f'{name} is an ETag in its quotes, such as {etag}, or "*".',
                errors={name: "This is no ETag."},
            )
    response = get_conditional_response(request._request, etag=etag)
    if response is None:
        return None
    if response.status_code == 412:
        raise Problem(
            "changed-since",
            "It was changed since you read it. Read it again, and send the new ETag in If-Match.",
            headers={"ETag": etag},
        )
    response.headers["ETag"] = etag
    return response
