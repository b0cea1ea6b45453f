"""Idempotency-Key: the same request again is answered with what the first one was answered.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

A key belongs to a user and is kept for IDEMPOTENCY_HOURS. The first request writes its row and its
answer in the transaction of what it does: killed in between, nothing has happened, and the same
request does it then. Only successes are kept: after an error the request may be repeated.

A call that has to commit on the way, such as one that waits for a worker, says so
(`ApiView.commits_on_the_way`): its row is there while it works, and one whose process died is taken
over after STALE_SECONDS.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from psycopg import errors
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import IdempotentRequest
from core.api.problems import Problem

HEADER: Final = "Idempotency-Key"
KEY_MAX: Final = 255
KEY: Final = re.compile(f"[!-~]{{0,{KEY_MAX}}}")
STALE_SECONDS: Final = 300
#: Headers of an answer that are given again.
KEPT: Final = ("Location", "ETag", "Link")
REPLAYED: Final = "Idempotency-Replayed"

Answer = Callable[[], Response]


def key_of(request: Request) -> str:
    """The request's key, or "".

    Raises:
        Problem: `invalid`, if it is no key.
    """
    key: str = request.headers.get(HEADER, "").strip()
    if not KEY.fullmatch(key):
        raise Problem(
            "invalid",
            f"An {HEADER} has at most {KEY_MAX} letters, digits and signs, and no spaces."
            " A UUID is a good one.",
            errors={HEADER: "This is no key."},
        )
    return key


def once(request: Request, key: str, do: Answer, *, commits_on_the_way: bool) -> Response:
    """Answer a request with `do`, or with what it was answered the first time.

    Raises:
        Problem: `key-reused` if the key came with another request, `in-progress` if the first one
            is still being answered.
    """
    fingerprint = _fingerprint(request)
    if not commits_on_the_way:
        with transaction.atomic():
            known = _begin(request, key, fingerprint)
            return _replayed(known) if known.status is not None else _kept(known, do())
    known = _begin(request, key, fingerprint)
    if known.status is not None:
        return _replayed(known)
    try:
        response = do()
    except Exception:
        known.delete()
        raise
    return _kept(known, response)


def _begin(request: Request, key: str, fingerprint: str) -> IdempotentRequest:
    """The row of the key: a new one, without an answer, or that of the first request."""
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(
                user_id=int(request.user.pk or 0), key=key, fingerprint=fingerprint
            )
    except IntegrityError:
        pass
    except OperationalError as error:
        # The first request holds the key in its transaction for longer than lock_timeout.
        if isinstance(error.__cause__, errors.LockNotAvailable):
            raise _in_progress() from error
        raise
    known = IdempotentRequest.objects.filter(user_id=int(request.user.pk or 0), key=key).first()
    if known is None:
        raise _in_progress()
    if known.fingerprint != fingerprint:
        raise Problem(
            "key-reused",
            f"This {HEADER} came with another request before. Use a new one for each request.",
        )
    if known.status is None and not _taken_over(known):
        raise _in_progress()
    return known


def _taken_over(known: IdempotentRequest) -> bool:
    now = timezone.now()
    stale = IdempotentRequest.objects.filter(
        pk=known.pk, status=None, created_at__lt=now - timedelta(seconds=STALE_SECONDS)
    )
    return bool(stale.update(created_at=now))


def _in_progress() -> Problem:
    return Problem(
        "in-progress",
        f"A request with this {HEADER} is still being answered. Try again in a moment.",
        headers={"Retry-After": "2"},
    )


def _kept(known: IdempotentRequest, response: Response) -> Response:
    if response.status_code >= 400:
        known.delete()
        return response
    known.status = response.status_code
    known.headers = {name: response.headers[name] for name in KEPT if name in response.headers}
    known.body = json.loads(JSONRenderer().render(response.data) or b"null")
    known.save(update_fields=["status", "headers", "body"])
    return response


def _replayed(known: IdempotentRequest) -> Response:
    return Response(known.body, status=known.status, headers={**known.headers, REPLAYED: "true"})


def _fingerprint(request: Request) -> str:
    """The same for the same method, address and values, whatever their order and white space."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    files = request.FILES.items()
    values = {
        name: value for name, value in _items(request.data) if not isinstance(value, UploadedFile)
    }
    digest.update(json.dumps(values, sort_keys=True, default=str).encode())
    for name, file in sorted(files):
        digest.update(f"\n{name} {file.name} ".encode())
        digest.update(hashlib.file_digest(file, "sha256").digest())
        file.seek(0)
    return digest.hexdigest()


def _items(data: Any) -> list[tuple[str, Any]]:
    if hasattr(data, "lists"):
        return [(name, values) for name, values in data.lists()]
    return list(data.items()) if isinstance(data, dict) else [("", data)]
