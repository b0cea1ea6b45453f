"""Our signatures before verifiers that nobody here wrote: PyPI's and npm's."""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webhooks.signing import new_secret, signed_headers
from webhooks.tests.javascript import NODE, node_modules

OLD, NEW, THIRD = new_secret(), new_secret(), new_secret()
BODY = '{"type": "product.updated", "data": {"name": "Größe 8 · ✓ 🔩"}}'.encode()
TOO_OLD = timedelta(minutes=5, seconds=30)
IN_A_ROTATION = (NEW, OLD)


@dataclass(frozen=True)
class Delivery:
    """A signed body, and the secret that its receiver has."""

    secret: str = OLD
    signed_with: tuple[str, ...] = (OLD,)
    age: timedelta = timedelta(0)
    body: bytes = BODY
    changed_to: bytes | None = None
    other_headers: dict[str, str] = field(default_factory=dict)

    @property
    def arrived(self) -> bytes:
        return self.body if self.changed_to is None else self.changed_to

    def headers(self) -> dict[str, str]:
        signed = signed_headers(
            webhook_id="evt_1",
            at=datetime.now(UTC) - self.age,
            body=self.body,
            secrets=self.signed_with,
        )
        return signed | self.other_headers


Verdict = tuple[bool, str, Any]
Verify = Callable[[Delivery], Verdict]


def by_pypi_standardwebhooks(delivery: Delivery) -> Verdict:
    webhook = standardwebhooks.Webhook(delivery.secret)
    try:
        return True, "", webhook.verify(delivery.arrived, delivery.headers())
    except standardwebhooks.WebhookVerificationError as error:
        return False, str(error), None


def by_pypi_svix(delivery: Delivery) -> Verdict:
    webhook = svix.webhooks.Webhook(delivery.secret)
    try:
        webhook.verify(delivery.arrived, delivery.headers())
    except svix.webhooks.WebhookVerificationError as error:
        return False, str(error), None
    return True, "", json.loads(delivery.arrived)


class Node:
    """One process for all cases of this file: a line in, a line out."""

    def __init__(self) -> None:
        script = node_modules().with_name("verify.mjs")
        self.process = subprocess.Popen(
            [NODE, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def verify(self, delivery: Delivery, *, library: str) -> Verdict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        case = {
            "library": library,
            "secret": delivery.secret,
            "headers": delivery.headers(),
            "body": base64.b64encode(delivery.arrived).decode(),
        }
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        verdict = json.loads(self.process.stdout.readline())
        return verdict["verified"], verdict["problem"], verdict["event"]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    node = Node()
    with node.process:
        yield node
        assert node.process.stdin is not None
        node.process.stdin.close()
        assert node.process.wait(timeout=10) == 0


@pytest.fixture(
    params=["pypi standardwebhooks", "pypi svix", "npm standardwebhooks", "npm svix"],
)
def verify(request: pytest.FixtureRequest) -> Verify:
    registry, library = request.param.split()
    if registry == "npm":
        node: Node = request.getfixturevalue("node")
        return lambda delivery: node.verify(delivery, library=library)
    return by_pypi_svix if library == "svix" else by_pypi_standardwebhooks


def test_signature_is_verified(verify: Verify) -> None:
    assert verify(Delivery()) == (True, "", json.loads(BODY))


@pytest.mark.parametrize("secret", [OLD, NEW], ids=["old", "new"])
def test_while_a_secret_rotates_the_old_and_the_new_one_verify(verify: Verify, secret: str) -> None:
    delivery = Delivery(secret=secret, signed_with=IN_A_ROTATION)

    assert verify(delivery) == (True, "", json.loads(BODY))


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(secret=NEW, signed_with=(OLD,)),
        Delivery(secret=OLD, signed_with=(NEW,)),
        Delivery(secret=THIRD, signed_with=IN_A_ROTATION),
        Delivery(changed_to=BODY + b" "),
        Delivery(secret=NEW, signed_with=IN_A_ROTATION, changed_to=BODY.replace(b"8", b"9")),
        Delivery(other_headers={"webhook-id": "evt_2"}),
    ],
    ids=[
        "not yet the new secret",
        "no more the old secret",
        "a third secret",
        "one more byte",
        "one byte changed",
        "another id",
    ],
)
def test_what_was_not_signed_is_refused(verify: Verify, delivery: Delivery) -> None:
    assert verify(delivery) == (False, "No matching signature found", None)


@pytest.mark.parametrize(("age", "problem"), [(TOO_OLD, "too old"), (-TOO_OLD, "too new")])
def test_time_far_from_now_is_refused(verify: Verify, age: timedelta, problem: str) -> None:
    delivery = Delivery(signed_with=IN_A_ROTATION, age=age)

    assert verify(delivery) == (False, f"Message timestamp {problem}", None)
    assert verify(replace(delivery, age=age * 0.9))[0] is True


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=5,
)
unchanged = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@unchanged
@given(event=st.dictionaries(st.text(), json_values), indented=st.booleans())
def test_any_event_is_verified(verify: Verify, event: dict[str, Any], indented: bool) -> None:
    text = json.dumps(event, ensure_ascii=False, indent=2 if indented else None)

    assert verify(Delivery(body=text.encode())) == (True, "", event)
