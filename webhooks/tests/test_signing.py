"""Signatures as Standard Webhooks asks for them."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.signing import new_secret, signed_headers

# The example that Standard Webhooks and Svix publish.
KNOWN_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KNOWN_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
KNOWN_TIME = 1614265330
KNOWN_BODY = b'{"test": 2432232314}'
KNOWN_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=zones)  # noqa: DTZ001
keys = st.binary(min_size=1, max_size=64)


def as_secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def by_the_specification(key: bytes, headers: dict[str, str], body: bytes) -> str:
    """The signature by nothing but the standard library."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def known_headers(at: datetime) -> dict[str, str]:
    return signed_headers(webhook_id=KNOWN_ID, at=at, body=KNOWN_BODY, secrets=[KNOWN_SECRET])


def test_known_answer() -> None:
    assert known_headers(datetime.fromtimestamp(KNOWN_TIME, UTC)) == {
        "webhook-id": KNOWN_ID,
        "webhook-timestamp": str(KNOWN_TIME),
        "webhook-signature": KNOWN_SIGNATURE,
    }


@pytest.mark.parametrize("hours", [-8, 2, 14])
def test_zone_of_the_clock_changes_nothing(hours: int) -> None:
    there = datetime.fromtimestamp(KNOWN_TIME, timezone(timedelta(hours=hours)))

    assert known_headers(there) == known_headers(datetime.fromtimestamp(KNOWN_TIME, UTC))


def test_parts_of_a_second_are_cut_off_in_header_and_signature_alike() -> None:
    almost_next = datetime.fromtimestamp(KNOWN_TIME, UTC) + timedelta(microseconds=999_999)

    assert known_headers(almost_next)["webhook-timestamp"] == str(KNOWN_TIME)
    assert known_headers(almost_next)["webhook-signature"] == KNOWN_SIGNATURE


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        known_headers(datetime.fromtimestamp(KNOWN_TIME))  # noqa: DTZ006


def test_no_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        signed_headers(webhook_id="evt_1", at=datetime.now(UTC), body=b"{}", secrets=[])


@given(key=keys, text=st.text(), at=times)
def test_any_body_under_any_secret_is_signed_by_the_specification(
    key: bytes, text: str, at: datetime
) -> None:
    body = text.encode()

    headers = signed_headers(webhook_id="evt_1", at=at, body=body, secrets=[as_secret(key)])

    assert headers["webhook-timestamp"] == str(int(at.timestamp()))
    assert headers["webhook-signature"] == by_the_specification(key, headers, body)


@given(several=st.lists(keys, min_size=2, max_size=4, unique=True))
def test_each_secret_of_a_rotation_gives_its_signature_in_the_given_order(
    several: list[bytes],
) -> None:
    secrets = [as_secret(key) for key in several]

    headers = signed_headers(
        webhook_id="evt_1", at=datetime.now(UTC), body=KNOWN_BODY, secrets=secrets
    )

    assert headers["webhook-signature"].split(" ") == [
        by_the_specification(key, headers, KNOWN_BODY) for key in several
    ]


def test_new_secrets_hold_32_random_bytes() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
