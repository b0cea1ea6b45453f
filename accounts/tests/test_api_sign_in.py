"""Who calls the API and what he may: tokens, their scopes, sessions."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.api.authentication import REFUSED
from accounts.models import ApiToken, User
from accounts.roles import ROLES, SCOPES, scope_for
from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Product = apps.get_model("catalog", "Product")
PRODUCTS = "/api/products"
NEW = {"sku": "A-1", "name": "One"}


def ask(header: str | None) -> Any:
    headers = {} if header is None else {"Authorization": header}
    return Client().get(PRODUCTS, headers=headers)


def made(user: User, *, scope: str = "read") -> tuple[ApiToken, str]:
    return tokens.create(user=user, name="CI", scope=scope, days=30)


def test_token_is_kept_as_a_digest(viewer: User) -> None:
    token, secret = made(viewer)

    assert re.fullmatch("pi_[0-9a-f]{80}", secret)
    assert secret.startswith(token.token_key)
    assert len(token.token_key) == 15
    kept = str(ApiToken.objects.values().get())
    assert secret not in kept
    assert secret.removeprefix(token.token_key) not in kept
    assert re.fullmatch("[0-9a-f]{128}", token.digest)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_right_token_is_let_in(viewer: User, scheme: str) -> None:
    _, secret = made(viewer)

    assert ask(f"{scheme} {secret}").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer pi_0",
        "Bearer a b",
        "Bearer " + "x" * 5000,
        "Bearer pi_\xff\xfe\xe4",
        "Bearer \xc3\xa4",
        "Bearer pi_\0",
        "Bearer\0",
        "Basic dmlld2VyOmNvcnJlY3QgaG9yc2U=",
        "Token pi_0",
        "nonsense",
        "",
        None,
    ],
)
def test_anything_else_is_refused_with_how_to_sign_in(viewer: User, header: str | None) -> None:
    response = ask(header)

    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == "Bearer"


def test_token_with_another_end_is_refused(viewer: User) -> None:
    token, secret = made(viewer)
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")

    response = ask(f"Bearer {other}")

    assert (response.status_code, response.json()["detail"]) == (401, REFUSED)
    token.refresh_from_db()
    assert token.last_used_at is None


def test_the_beginning_and_the_digest_open_nothing(viewer: User) -> None:
    token, _ = made(viewer)

    assert ask(f"Bearer {token.token_key}").status_code == 401
    assert ask(f"Bearer {token.digest}").status_code == 401


def test_expired_token_is_refused_and_stays(viewer: User) -> None:
    token, secret = made(viewer)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    response = ask(f"Bearer {secret}")

    assert (response.status_code, response.json()["detail"]) == (401, REFUSED)
    assert list(tokens.of(viewer)) == [token]
    ApiToken.objects.update(expiry=None)
    assert ask(f"Bearer {secret}").status_code == 200


def test_expired_token_of_the_same_user_is_not_removed_by_another(viewer: User) -> None:
    old, _ = made(viewer)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(days=1))
    _, secret = made(viewer)

    assert ask(f"Bearer {secret}").status_code == 200
    assert ApiToken.objects.filter(pk=old.pk).exists()


def test_revoked_token_is_refused(viewer: User) -> None:
    token, secret = made(viewer)
    tokens.revoke(token, actor=viewer)

    assert ask(f"Bearer {secret}").status_code == 401


def test_token_of_a_user_who_was_switched_off_or_removed_is_refused(viewer: User) -> None:
    _, secret = made(viewer)
    User.objects.update(is_active=False)
    response = ask(f"Bearer {secret}")
    assert (response.status_code, response.json()["detail"]) == (401, REFUSED)
    User.objects.update(is_active=True)
    assert ask(f"Bearer {secret}").status_code == 200

    viewer.delete()

    assert ask(f"Bearer {secret}").status_code == 401


def test_last_use_is_noted_once_a_minute(viewer: User) -> None:
    token, secret = made(viewer)
    ask(f"Bearer {secret}")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    assert timezone.now() - first < timedelta(seconds=10)

    ask(f"Bearer {secret}")
    token.refresh_from_db()
    assert token.last_used_at == first
    earlier = first - timedelta(seconds=tokens.USE_NOTED_SECONDS + 1)
    ApiToken.objects.update(last_used_at=earlier)
    ask(f"Bearer {secret}")

    assert ApiToken.objects.filter(last_used_at__gte=first).exists()


CALLS = (
    ("GET", PRODUCTS, None, "read"),
    ("HEAD", PRODUCTS, None, "read"),
    ("GET", "/api/schema", None, "read"),
    ("POST", PRODUCTS, NEW, "write"),
    ("PATCH", f"{PRODUCTS}/1", {"name": "Two"}, "write"),
    ("PUT", f"{PRODUCTS}/1", NEW, "write"),
    ("DELETE", f"{PRODUCTS}/1", None, "write"),
)


@pytest.mark.parametrize("scope", ["read", "write", "manage"])
@pytest.mark.parametrize(("method", "path", "body", "needed"), CALLS)
def test_scope_decides_how_far_a_token_reaches(
    manager: User, scope: str, method: str, path: str, body: Any, needed: str
) -> None:
    order = list(SCOPES)
    response = ApiClient(manager, scope=scope).send(method, path, body)

    if order.index(scope) >= order.index(needed):
        assert response.status_code in {200, 201, 404}
        return
    assert response.status_code == 403
    assert response.json()["detail"] == (
        f"The token's scope is {scope}, and this needs {needed}. Make a token with that scope on"
        " the account page."
    )
    assert not Product.objects.exists()


def test_scope_beyond_the_role_gives_nothing_more(viewer: User) -> None:
    api = ApiClient(viewer, scope="manage")

    assert api.get(PRODUCTS).status_code == 200
    assert api.send("POST", PRODUCTS, NEW).status_code == 403
    assert not Product.objects.exists()


def test_role_that_was_taken_away_takes_its_tokens_power(editor: User) -> None:
    api = ApiClient(editor)
    editor.groups.clear()

    assert api.get(PRODUCTS).status_code == 403


def test_every_permission_of_a_role_has_a_scope() -> None:
    found = {scope_for(each) for names in ROLES.values() for each in names}

    assert found == set(SCOPES) == set(ApiToken.Scope.values)


def test_session_reads_and_with_its_csrf_token_changes(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    assert client.get(PRODUCTS).status_code == 200

    refused = client.post(PRODUCTS, NEW, "application/json")
    assert refused.status_code == 403
    assert refused.json()["detail"] == (
        "With a session the CSRF token is needed, in the header X-CSRFToken. Programs send a token"
        " in Authorization instead."
    )
    assert not Product.objects.exists()
    page = client.get("/account/").content.decode()
    token = re.findall(r'"X-CSRFToken": "(\w+)"', page)[0]
    done = client.post(PRODUCTS, NEW, "application/json", headers={"X-CSRFToken": token})

    assert done.status_code == 201
    assert Product.objects.count() == 1


def test_token_needs_no_csrf_token_even_beside_a_session(editor: User) -> None:
    _, secret = made(editor, scope="write")
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    response = client.post(
        PRODUCTS, NEW, "application/json", headers={"Authorization": f"Bearer {secret}"}
    )

    assert response.status_code == 201


def test_wrong_token_is_refused_even_beside_a_session(editor_client: Client) -> None:
    response = editor_client.get(PRODUCTS, headers={"Authorization": "Bearer pi_wrong"})

    assert response.status_code == 401


def test_session_of_a_user_who_was_switched_off_is_refused(editor: User) -> None:
    client = Client()
    client.force_login(editor)
    User.objects.update(is_active=False)

    assert client.get(PRODUCTS).status_code == 401
