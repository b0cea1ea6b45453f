"""Errors as problem details (RFC 9457): what is wrong, and what to do about it.

`type` leads to the entry of `KINDS` on the page of the API's documentation. `errors` names fields,
or query parameters, with a message each.
"""

import errno
import http
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

CONTENT_TYPE: Final = "application/problem+json"
DOCS: Final = "/api/docs"
WHO_ARE_YOU: Final = {"WWW-Authenticate": "Bearer"}
#: Where the API answers; everything else is pages.
API_PATHS: Final = ("/api/", "/status/", "/upload")


@dataclass(frozen=True)
class Kind:
    """A class of problems: its HTTP status, what they have in common, and what to do about them."""

    status: int
    title: str
    remedy: str


KINDS: Final[dict[str, Kind]] = {
    "malformed": Kind(
        400,
        "The request can't be read",
        "Send JSON in UTF-8, with Content-Type: application/json; a file as multipart/form-data.",
    ),
    "invalid": Kind(
        400,
        "Values or parameters are not valid",
        "The errors name each field or parameter and what it has to be.",
    ),
    "confirmation-missing": Kind(
        400,
        "What happens to so many products has to be confirmed",
        "Add confirm=true to the address to delete all products. Give missing_agreed their number"
        " to let those go that a file does not have.",
    ),
    "not-signed-in": Kind(
        401,
        "No valid token or session",
        "Send Authorization: Bearer with a token of the account page, not expired, not revoked.",
    ),
    "not-allowed": Kind(
        403,
        "The role or the token does not allow this",
        "Take a token with a wider scope, or ask a manager for a role that may do it.",
    ),
    "not-found": Kind(
        404,
        "There is nothing at this address",
        "Check the address, which has no slash at its end, and the number in it.",
    ),
    "method-not-allowed": Kind(
        405,
        "The address does not know this method",
        "The Allow header says which methods there are.",
    ),
    "sku-taken": Kind(
        409,
        "Another product has the SKU",
        "Choose another SKU, or change the product that has it. Upper and lower case are the same.",
    ),
    "busy": Kind(
        409,
        "An import is being applied",
        "Try again after the seconds of Retry-After.",
    ),
    "wrong-state": Kind(
        409,
        "What it is asked of is not in a state for that",
        "Read it again: its state says what can be done with it.",
    ),
    "in-progress": Kind(
        409,
        "A request with the same Idempotency-Key is being answered",
        "Try again after the seconds of Retry-After: the answer will be that of the first request.",
    ),
    "wrong-offset": Kind(
        409,
        "The upload goes on at another byte",
        "Ask by HEAD how much has come, and send what follows.",
    ),
    "length-missing": Kind(
        411,
        "An upload in parts needs its length first",
        "Send Upload-Length with the size of the whole file.",
    ),
    "changed-since": Kind(
        412,
        "It was changed since it was read",
        "Read it again, decide, and send the new ETag in If-Match.",
    ),
    "tus-version": Kind(
        412,
        "Another version of tus is spoken here",
        "Send Tus-Resumable: 1.0.0.",
    ),
    "too-large": Kind(
        413,
        "The request is too large",
        "Send less at once. The detail says how much it may be.",
    ),
    "quota-full": Kind(
        413,
        "Uploads fill their quota",
        "Wait until finished uploads are removed, or ask the operator for a larger quota.",
    ),
    "unsupported-media-type": Kind(
        415,
        "The body is in a format that is not read here",
        "Send the Content-Type that the call describes.",
    ),
    "key-reused": Kind(
        422,
        "The Idempotency-Key belongs to another request",
        "Use a new Idempotency-Key for each request, and the same one only to repeat it unchanged.",
    ),
    "upload-locked": Kind(
        423,
        "Another request writes the upload",
        "Try again in a few seconds, from the offset that HEAD names.",
    ),
    "too-many-requests": Kind(
        429,
        "Too many requests",
        "Wait for the seconds of Retry-After. With a token the limit is higher than without.",
    ),
    "checksum-mismatch": Kind(
        460,
        "The bytes are not those of their checksum",
        "Send them again: none were kept.",
    ),
    "error": Kind(
        500,
        "Something went wrong here",
        "Try again. If it stays, tell the operator the X-Request-ID of the answer.",
    ),
    "restarting": Kind(
        503,
        "The server restarts",
        "Go on in a moment, from the offset that HEAD names.",
    ),
    "no-room": Kind(
        507,
        "A disk is full",
        "Tell the operator; the request can be repeated once there is room.",
    ),
}


class Problem(exceptions.APIException):
    """A problem of one of KINDS; raised anywhere in a view of the API.

    `errors` are messages by field, `extensions` further members of the answer.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status_code = KINDS[kind].status
        self.text = detail
        self.errors = [
            {"field": field, "message": message} for field, message in (errors or {}).items()
        ]
        self.headers = dict(headers or {})
        self.extensions = extensions


def details(
    kind: str, detail: str, *, errors: Sequence[Mapping[str, str]] = (), **extensions: Any
) -> dict[str, Any]:
    """The members of one problem's answer."""
    body = {
        "type": f"{DOCS}#{kind}",
        "title": KINDS[kind].title,
        "status": KINDS[kind].status,
        "detail": detail,
    }
    return {**body, **({"errors": list(errors)} if errors else {}), **extensions}


def answer(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    """Django REST framework's exception handler; None for what is nobody's fault but ours."""
    problem = _problem(exception)
    if problem is None:
        return None
    body = details(problem.kind, problem.text, errors=problem.errors, **problem.extensions)
    return Response(
        body, status=problem.status_code, headers=problem.headers, content_type=CONTENT_TYPE
    )


def _problem(exception: Exception) -> Problem | None:
    match exception:
        case Problem():
            return exception
        case exceptions.ValidationError():
            errors = dict(_flat(exception.detail))
            return Problem("invalid", " ".join(dict.fromkeys(errors.values())), errors=errors)
        case exceptions.ParseError():
            return Problem("malformed", str(exception.detail))
        case exceptions.NotAuthenticated():
            return _from_framework("not-signed-in", exception, WHO_ARE_YOU)
        case exceptions.AuthenticationFailed():
            return Problem("not-signed-in", str(exception.detail), headers=WHO_ARE_YOU)
        case Http404() | exceptions.NotFound():
            return Problem("not-found", "There is nothing with this number, or it was removed.")
        case PermissionDenied() | exceptions.PermissionDenied():
            return Problem("not-allowed", str(exception) or "You may not do this.")
        case exceptions.MethodNotAllowed():
            return _from_framework("method-not-allowed", exception)
        case exceptions.UnsupportedMediaType():
            return _from_framework("unsupported-media-type", exception)
        case RequestDataTooBig():
            return Problem("too-large", str(exception))
        case SuspiciousOperation():
            # Too many fields or files, a body that ends too early: what Django answers with a 400.
            return Problem("malformed", str(exception))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Problem("no-room", "A disk is full here. Try again later.")
    return None


def _from_framework(
    kind: str, exception: exceptions.APIException, headers: Mapping[str, str] | None = None
) -> Problem:
    """Django REST framework says what is wrong, but not what to do."""
    return Problem(kind, f"{exception.detail} {KINDS[kind].remedy}", headers=headers)


def _flat(detail: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Messages by field; of a field within a field or a list the name is a path with points."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            inner = "" if key == "non_field_errors" else str(key)
            yield from _flat(value, f"{name}.{inner}" if name and inner else inner or name)
    elif isinstance(detail, list | tuple):
        if all(isinstance(each, str) for each in detail):
            yield name, " ".join(map(str, detail))
            return
        for index, value in enumerate(detail):
            if value:
                yield from _flat(value, f"{name}.{index}" if name else str(index))
    else:
        yield name, str(detail)


def is_api(request: HttpRequest) -> bool:
    """Whether programs are answered here rather than people."""
    return request.path.startswith(API_PATHS) or request.path == "/api"


def response(kind: str, detail: str) -> JsonResponse:
    """A problem as an answer of plain Django, where no view of the API was reached."""
    return JsonResponse(details(kind, detail), status=KINDS[kind].status, content_type=CONTENT_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if not is_api(request):
        return defaults.page_not_found(request, exception)
    hint = " Leave out the slash at the end." if request.path.endswith("/") else ""
    return response("not-found", f"There is nothing at {request.path}.{hint} See {DOCS}.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    if not is_api(request):
        return defaults.server_error(request)
    return response(
        "error",
        f"{http.HTTPStatus.INTERNAL_SERVER_ERROR.description}. It was logged; try again, and if it"
        " stays, tell the operator the X-Request-ID of this answer.",
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    if not is_api(request):
        return defaults.bad_request(request, exception)
    return response("malformed", "The request can't be read.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    if not is_api(request):
        return defaults.permission_denied(request, exception)
    return response("not-allowed", str(exception) or "You may not do this.")
