"""Signatures by Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks."""

import base64
import secrets as randomness
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret that nobody else has: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(randomness.token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    *, webhook_id: str, at: datetime, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """The three headers that prove who sent a body, and when.

    `body` is UTF-8. `secrets` come newest first, one signature each: while a secret is being
    rotated, receivers with the old one and receivers with the new one find theirs. Raises
    ValueError for a time without a zone and for no secret at all.
    """
    if at.tzinfo is None:
        raise ValueError("the time of a signature needs a time zone")
    if not secrets:
        raise ValueError("a signature needs a secret")
    # The package takes an aware time for UTC, whatever its zone says.
    moment = at.astimezone(UTC)
    text = body.decode()
    signatures = [Webhook(secret).sign(webhook_id, moment, text) for secret in secrets]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
