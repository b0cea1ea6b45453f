"""What calls have in common in the API's description: headers, problems, the names of shapes."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from core.api.problems import CONTENT_TYPE

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
TEXT: Final = {"type": "string"}
BLANK: Final = {"type": "string", "maxLength": 0}
NULL: Final = {"type": "null"}
HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "ETag": {
        "description": "The version that was answered, for If-Match and If-None-Match.",
        "schema": {"type": "string", "pattern": '^"[!#-~]+"$'},
    },
    "Idempotency-Replayed": {
        "description": "The answer that the same Idempotency-Key was given before.",
        "schema": {"type": "string", "const": "true"},
    },
    "Link": {"description": "The neighbouring pages, by relation (RFC 8288).", "schema": TEXT},
    "Location": {"description": "Where the result stands, or will.", "schema": TEXT},
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "How to sign in.", "schema": TEXT},
    "X-Request-ID": {
        "description": "The request's id in the logs: the one that was sent, or a new one.",
        "schema": TEXT,
    },
}
OF_PROBLEMS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    412: ("ETag",),
    429: ("Retry-After",),
}
#: Names of serializers that are not the names of what they show.
NAMES: Final[Mapping[str, str]] = {"ProblemDetails": "Problem", "ProblemDetail": "ProblemError"}
SUFFIXES: Final = (
    (re.compile(r"^Patched(\w+?)(?:Body)?Request$"), r"\1Changes"),
    (re.compile(r"^(\w+?)(?:Body)?Request$"), r"\1Body"),
    (re.compile(r"^(\w+)Json$"), r"\1"),
)


def headers_of(
    status: int, *, method: str, parameters: Collection[str], paged: bool
) -> dict[str, Any]:
    """The headers of a call's successes, by what it takes."""
    named = ["X-Request-ID"]
    if {"If-Match", "If-None-Match"} & set(parameters) and method != "DELETE":
        named.append("ETag")
    if "cursor" in parameters or paged:
        named.append("Link")
    if status in {201, 202}:
        named.append("Location")
    if method == "POST":
        named.append("Idempotency-Replayed")
    return {name: _header(name) for name in sorted(named)}


def problem_of(status: int) -> dict[str, str]:
    """The answer to an error: for every call the same one."""
    return {"$ref": f"#/components/responses/{_problem_name(status)}"}


def complete(result: dict[str, Any], **how: Any) -> dict[str, Any]:
    """Add what calls refer to, and name shapes as clients would; a hook of drf-spectacular."""
    components = result["components"]
    components["headers"] = dict(HEADERS)
    components["responses"] = {
        _problem_name(status): {
            "description": meaning,
            "headers": {
                name: _header(name)
                for name in sorted((*OF_PROBLEMS.get(status, ()), "X-Request-ID"))
            },
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status, meaning in MEANINGS.items()
    }
    schemas = components["schemas"]
    names = {name: _name(name) for name in schemas}
    if len(set(names.values())) < len(names):
        raise ValueError(f"Two shapes of the API have one name: {names}")
    components["schemas"] = {names[name]: schemas[name] for name in schemas}
    for parameter in _parameters(result):
        if parameter["in"] == "query" and not parameter.get("required"):
            _may_be_blank(parameter)
    renamed: dict[str, Any] = _walked(result, lambda ref: _renamed(ref, names))
    return renamed


def _parameters(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in result["paths"].values():
        for operation in operations.values():
            yield from operation.get("parameters", ())


def _may_be_blank(parameter: dict[str, Any]) -> None:
    """Say that a parameter without a value counts as left out: see `core.api.serializers.Query`."""
    parameter["allowEmptyValue"] = True
    choices = parameter["schema"].get("oneOf", [])
    if BLANK in choices and len(choices) == 2:
        parameter["schema"] = next(choice for choice in choices if choice != BLANK)


def _problem_name(status: int) -> str:
    return f"Problem{status}"


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _name(name: str) -> str:
    for pattern, shorter in SUFFIXES:
        name = pattern.sub(shorter, name)
    return NAMES.get(name, name)


def _renamed(ref: str, names: Mapping[str, str]) -> str:
    head, _, name = ref.rpartition("/")
    return f"{head}/{names[name]}" if head == "#/components/schemas" else ref


def _walked(node: Any, change: Callable[[str], str]) -> Any:
    """A copy of a description with its references changed."""
    match node:
        case {"$ref": str(ref)}:
            return {**node, "$ref": change(ref)}
        case {"oneOf": [*choices], **rest} if BLANK in choices:
            # What is blank may be what another choice takes too, and then it were none of one.
            return _walked({"anyOf": choices, **rest}, change)
        case {"anyOf": [*choices], **rest} if choices.count(NULL) > 1:
            choices.remove(NULL)
            return _walked({"anyOf": choices, **rest}, change)
        case dict():
            return {
                name: _walked(each, change)
                for name, each in node.items()
                if name != "x-spec-enum-id"
            }
        case list():
            return [_walked(each, change) for each in node]
    return node
