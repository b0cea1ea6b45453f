"""Who may call what: every call of the API, without a token, with each role and with each scope."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts import tokens
from accounts.models import User
from accounts.roles import SCOPES
from conftest import ApiClient
from tests.whole_site import METHODS, UPLOAD, api_calls, some_rows, state_of_everything

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

# Leads people to a page, which asks.
FORWARDED = {("GET", "/upload")}
PRODUCT = {"sku": "B-1", "name": "Two"}
ENDPOINT = {"url": "https://1.1.1.1/new", "event_types": ["product.created"]}
SOURCE = {"name": "B", "url": "https://1.1.1.1/b.csv"}
FILE = b"sku,name\nC-1,Three\n"


@dataclass(frozen=True)
class Call:
    """A call and what it answers to those who may."""

    method: str
    path: str
    status: int
    body: Any = None


READ = (
    Call("GET", "/api/schema", 200),
    Call("GET", "/api/products", 200),
    Call("GET", "/api/products/export", 200),
    Call("GET", "/api/products/{product}", 200),
    Call("GET", "/api/products/{product}/changes", 200),
    Call("GET", "/api/changesets", 200),
    Call("GET", "/api/changesets/{change_set}", 200),
    Call("GET", "/api/changesets/{change_set}/changes", 200),
    Call("GET", "/api/operations/{operation}", 200),
    Call("GET", "/api/progress/{job}", 200),
    Call("GET", "/api/imports", 200),
    Call("GET", "/api/imports/{job}", 200),
    Call("GET", "/api/uploads/{job}", 200),
    Call("GET", "/status/{job}", 200),
    Call("GET", "/api/imports/{job}/changes", 200),
    Call("GET", "/api/imports/{job}/review", 409),
    Call("GET", "/api/imports/{job}/rejected", 200),
    Call("GET", "/api/imports/{job}/rejected.csv", 200),
    Call("GET", "/api/sources", 200),
    Call("GET", "/api/sources/{source}", 200),
    Call("GET", "/api/sources/{source}/fetches", 200),
)
WRITE = (
    Call("POST", "/api/products", 201, PRODUCT),
    Call("PUT", "/api/products/{product}", 200, {"sku": "A-1", "name": "Three"}),
    Call("PATCH", "/api/products/{product}", 200, {"name": "Four"}),
    Call("POST", "/api/products/actions", 200, {"action": "deactivate", "filter": {}}),
    Call("POST", "/api/operations/{operation}/cancel", 409),
    Call("GET", "/api/changesets/{change_set}/undo", 200),
    Call("POST", "/api/changesets/{change_set}/undo", 200),
    Call("POST", "/api/upload", 202, FILE),
    Call("POST", "/upload", 202, FILE),
    # Uploads in parts: these calls say no version of their protocol.
    Call("POST", "/api/uploads/", 412),
    Call("PATCH", "/api/uploads/{upload}", 412),
    Call("DELETE", "/api/uploads/{upload}", 412),
    Call("GET", "/api/imports/{job}/preview", 409),
    Call("PATCH", "/api/imports/{job}/review", 409, {"lines": [2], "include": False}),
    Call("POST", "/api/imports/{job}/commit", 409),
    Call("POST", "/api/imports/{job}/cancel", 409),
    Call("POST", "/api/imports/{job}/undo", 409),
    Call("POST", "/api/imports/{job}/repair", 409, {"code": "name_empty"}),
    Call("POST", "/api/imports/{job}/retry", 202),
    Call("POST", "/api/sources", 201, SOURCE),
    Call("PATCH", "/api/sources/{source}", 200, {"name": "C"}),
    Call("POST", "/api/sources/{source}/fetch", 202),
    Call("POST", "/api/sources/{source}/cancel", 200),
    # Last: they take away what the others need.
    Call("DELETE", "/api/sources/{source}", 200),
    Call("DELETE", "/api/products/{product}", 200),
)
MANAGE = (
    Call("GET", "/api/webhooks", 200),
    Call("POST", "/api/webhooks", 201, ENDPOINT),
    Call("GET", "/api/webhooks/{endpoint}", 200),
    Call("PUT", "/api/webhooks/{endpoint}", 200, ENDPOINT),
    Call("PATCH", "/api/webhooks/{endpoint}", 200, {"enabled": False}),
    Call("POST", "/api/webhooks/{endpoint}/enable", 200),
    Call("POST", "/api/webhooks/{endpoint}/rotate-secret", 200),
    Call("POST", "/api/webhooks/{endpoint}/end-rotation", 200),
    Call("POST", "/api/webhooks/{endpoint}/replay", 202, {"state": "failed"}),
    Call("POST", "/api/webhooks/{endpoint}/try-now", 202),
    Call("POST", "/api/webhooks/{endpoint}/test", 202),
    Call("GET", "/api/webhooks/{endpoint}/logs", 200),
    Call("GET", "/api/deliveries/{delivery}", 200),
    Call("POST", "/api/deliveries/{delivery}/redeliver", 202),
    Call("DELETE", "/api/webhooks/{endpoint}", 200),
    Call("DELETE", "/api/products?confirm=true", 202),
    Call("DELETE", "/api/products/bulk?confirm=true", 202),
)
LEVELS = {"read": READ, "write": WRITE, "manage": MANAGE}
ROLES = {"viewer": "read", "editor": "write", "manager": "manage"}


@pytest.fixture
def rows() -> dict[str, int]:
    return some_rows()


@pytest.fixture(autouse=True)
def no_wait_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of an endpoint answers 202 at once instead of after ten seconds."""
    monkeypatch.setattr("webhooks.api.deliveries.WAIT_SECONDS", 0)


def asked(client: Client, call: Call, rows: dict[str, int]) -> Any:
    path = call.path.format(**rows)
    if isinstance(call.body, bytes):
        return client.post(path, {"file": SimpleUploadedFile("a.csv", call.body)})
    assert isinstance(client, ApiClient)
    return client.send(call.method, path, call.body)


def test_every_call_is_in_the_matrix() -> None:
    """A call that is added says here who may."""
    known = [
        (
            call.method,
            re.sub(r"\{\w+\}", "1", call.path.replace("{upload}", UPLOAD)).partition("?")[0],
        )
        for calls in LEVELS.values()
        for call in calls
    ]

    assert len(known) == len(set(known))
    assert set(known) == api_calls() - FORWARDED


def refused(response: Any) -> bool:
    told = (response.status_code, response["Content-Type"], response.get("WWW-Authenticate"))
    return told == (401, "application/problem+json", "Bearer")


def test_no_call_answers_without_a_token(rows: dict[str, int], settings: Settings) -> None:
    settings.API_STRANGERS_REQUESTS_A_MINUTE = 10_000
    before = state_of_everything()

    for path in sorted({path for _, path in api_calls()}):
        for method in METHODS:
            if (method.upper(), path) not in FORWARDED:
                assert refused(Client().generic(method.upper(), path)), (method, path)

    assert state_of_everything() == before


@pytest.mark.parametrize("header", ["Bearer pi_nobody", "Bearer ", "Bearer a b", "Basic dTpw", "é"])
def test_header_that_holds_no_token_opens_nothing(header: str) -> None:
    assert refused(Client(headers={"Authorization": header}).get("/api/products"))


# Streams give their connection back, and with it a test's open transaction would go.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("role", "scope"),
    [
        ("viewer", "manage"),
        ("editor", "manage"),
        ("manager", "manage"),
        ("manager", "write"),
        ("manager", "read"),
        ("editor", "read"),
    ],
)
def test_call_is_for_roles_and_scopes_that_reach_so_far(
    role: str, scope: str, level: str, rows: dict[str, int], request: pytest.FixtureRequest
) -> None:
    client = ApiClient(request.getfixturevalue(role), scope=scope)
    order = list(SCOPES)
    allowed = order.index(level) <= min(order.index(ROLES[role]), order.index(scope))
    before = state_of_everything()

    for call in LEVELS[level]:
        response = asked(client, call, rows)
        expected = call.status if allowed else 403
        assert response.status_code == expected, (call, getattr(response, "content", b""))
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json", call
        response.close()

    assert (state_of_everything() != before) == (allowed and level != "read")


def test_user_without_a_role_may_call_nothing(rows: dict[str, int]) -> None:
    client = ApiClient(User.objects.create_user("nobody"))

    for calls in LEVELS.values():
        for call in calls:
            if call.path != "/api/schema":
                assert asked(client, call, rows).status_code == 403, call


def test_user_who_was_switched_off_is_out_at_once(viewer: User, viewer_api: ApiClient) -> None:
    assert viewer_api.get("/api/products").status_code == 200

    User.objects.filter(pk=viewer.pk).update(is_active=False)

    assert viewer_api.get("/api/products").status_code == 401


def test_token_that_is_revoked_is_out_at_once(viewer: User, viewer_api: ApiClient) -> None:
    tokens.revoke(viewer_api.token, actor=viewer)

    assert viewer_api.get("/api/products").status_code == 401


def test_session_of_a_page_calls_with_its_role_and_its_csrf_token(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    def post(**headers: str) -> Any:
        return client.post(
            "/api/products", PRODUCT, content_type="application/json", headers=headers
        )

    assert client.get("/api/products").status_code == 200
    assert post().status_code == 403
    client.get("/products/new/")
    assert post(**{"X-CSRFToken": client.cookies["csrftoken"].value}).status_code == 201
    assert client.get("/api/webhooks").status_code == 403
