"""tus 1.0 as text: what stands in the headers of its requests.

Source: https://tus.io/protocols/resumable-upload
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,checksum,expiration,termination"
ALGORITHMS: Final[Mapping[str, Callable[[], Any]]] = {
    # As the protocol asks for; they guard against accidents, not against anybody.
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}
CONTENT_TYPE: Final = "application/offset+octet-stream"
#: The names by which clients say what a file is called.
NAMES: Final = ("filename", "name")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_KEY: Final = re.compile(r"[!-+\--~]+")


class Malformed(ValueError):
    """A header is not as the protocol has it; the text says which and how."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the body of a request has to come to."""

    algorithm: str
    digest: bytes


def number(name: str, value: str) -> int:
    """The number of bytes that a header holds.

    Raises:
        Malformed: it is none.
    """
    if not _NUMBER.fullmatch(value):
        raise Malformed(f"{name} has to be a number of bytes, such as 8388608.")
    return int(value)


def metadata(value: str) -> dict[str, str]:
    """What a client says of its file: Upload-Metadata, whose values are Base64 of UTF-8.

    Raises:
        Malformed: it can't be read.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in value.split(","))):
        key, _, encoded = pair.partition(" ")
        if not _KEY.fullmatch(key):
            raise Malformed("A key of Upload-Metadata has letters, digits and signs, no spaces.")
        if key in found:
            raise Malformed(f"Upload-Metadata holds {key} twice.")
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except ValueError:
            raise Malformed(f"{key} of Upload-Metadata has to be Base64 of UTF-8.") from None
        if "\0" in text:
            raise Malformed(f"{key} of Upload-Metadata holds a NUL character.")
        found[key] = text
    return found


def checksum(value: str) -> Checksum:
    """What Upload-Checksum asks for.

    Raises:
        Malformed: it can't be read, or its algorithm is not known here.
    """
    algorithm, _, encoded = value.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise Malformed(f"Upload-Checksum can be one of {', '.join(ALGORITHMS)}.")
    try:
        return Checksum(algorithm, base64.b64decode(encoded.strip(), validate=True))
    except ValueError:
        raise Malformed("The digest in Upload-Checksum has to be Base64.") from None


def import_headers(job_id: int) -> dict[str, str]:
    """Where to go on from an upload that is whole: its import."""
    return {"X-Job-Id": str(job_id), "Link": f'</api/imports/{job_id}>; rel="import"'}
