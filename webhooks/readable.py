"""A request as people read it, and as they send it themselves."""

import json
import shlex
from dataclasses import dataclass
from typing import Any, Final

from webhooks.models import Attempt, Endpoint, Event

PRODUCTS_SHOWN: Final = 3
CHARACTERS_SHOWN: Final = 16_000
#: A longer body does not fit on a command line.
CURL_BYTES: Final = 16 * 1024
MORE: Final = "…"


@dataclass(frozen=True)
class Body:
    """A body with indents; `shown` of `count` products when it holds a list of them.

    `size` is in bytes; `cut` says that the text ends before its end.
    """

    text: str
    size: int
    shown: int = 0
    count: int = 0
    cut: bool = False


def contents(event: Event) -> Any:
    """The body as data; None for what is no JSON that Python takes."""
    try:
        return json.loads(event.body)
    except (ValueError, RecursionError):
        return None


def readable(event: Event) -> Body:
    """The beginning of an event's body, with the first products of a batch."""
    value = contents(event)
    size = len(event.body.encode())
    data = value.get("data") if isinstance(value, dict) else None
    products = data.get("products") if isinstance(data, dict) else None
    shown = count = 0
    if isinstance(data, dict) and isinstance(products, list):
        count, shown = len(products), min(len(products), PRODUCTS_SHOWN)
        if count > shown:
            data["products"] = [*products[:shown], MORE]
    text = event.body if value is None else json.dumps(value, ensure_ascii=False, indent=2)
    if count > shown:
        before, _, after = text.rpartition(json.dumps(MORE, ensure_ascii=False))
        text = f"{before}{MORE}{after}"
    cut = len(text) > CHARACTERS_SHOWN
    return Body(
        text=text[:CHARACTERS_SHOWN] + (MORE if cut else ""),
        size=size,
        shown=shown,
        count=count,
        cut=cut,
    )


def head(endpoint: Endpoint, attempt: Attempt) -> str:
    """The request line and the headers as they were sent, several signatures under each other."""
    lines = [f"POST {endpoint.path or '/'}"]
    for name, value in attempt.request_headers.items():
        if name == "webhook-signature":
            value = value.replace(" ", "\n" + " " * (len(name) + 2))
        lines.append(f"{name}: {value}")
    return "\n".join(lines)


def headers(attempt: Attempt) -> str:
    """The headers of what came back."""
    return "\n".join(f"{name}: {value}" for name, value in attempt.response_headers.items())


def curl(endpoint: Endpoint, attempt: Attempt, event: Event) -> str:
    """The attempt as a command; a long body is read from the file that the page offers."""
    parts = ["curl " + shlex.quote(endpoint.url)]
    parts += [
        "-H " + shlex.quote(f"{name}: {value}") for name, value in attempt.request_headers.items()
    ]
    long = len(event.body.encode()) > CURL_BYTES
    parts.append("--data-binary " + shlex.quote(f"@{file_name(event)}" if long else event.body))
    return " \\\n  ".join(parts)


def file_name(event: Event) -> str:
    """What a body is saved as."""
    return f"{event.webhook_id}.json"
