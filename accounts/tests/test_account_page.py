"""The account page: tokens made, seen once and revoked; the time zone."""

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import limits, tokens
from accounts.models import ApiToken, AuditEntry, User
from conftest import ApiClient
from core.limits import _client as valkey

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PAGE = "/account/"
NEW = {"name": "Nightly import", "scope": "read", "lifetime": "90"}
SECRET = re.compile(r"pi_[0-9a-f]{80}")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def secret_in(page: str) -> str:
    (secret,) = set(SECRET.findall(page))
    return str(secret)


def asked(secret: str) -> int:
    answer = Client().get("/api/products", headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code


def test_account_is_for_whoever_is_signed_in() -> None:
    response = Client().get(PAGE)

    assert (response.status_code, response["Location"]) == (302, "/account/sign-in/?next=/account/")


def test_page_says_who_you_are(viewer_client: Client) -> None:
    page = viewer_client.get(PAGE).content.decode()

    assert "<dd>viewer</dd>" in page
    assert "sees products, imports and what changed" in page
    assert "No tokens yet" in page


def test_secret_is_shown_once_and_kept_nowhere(viewer: User) -> None:
    client = client_of(viewer)

    response = client.post(PAGE, NEW)

    page = response.content.decode()
    secret = secret_in(page)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert f"curl -H &quot;Authorization: Bearer {secret}&quot;" in page or (
        f'curl -H "Authorization: Bearer {secret}"' in page
    )
    assert "http://testserver/api/products?limit=5" in page
    assert secret not in str(response.cookies) + str(dict(client.session))
    token = ApiToken.objects.get()
    assert (token.user, token.name, token.scope) == (viewer, "Nightly import", "read")
    assert secret not in str(ApiToken.objects.values().get())
    assert asked(secret) == 200
    again = client.get(PAGE)
    assert token.token_key in again.content.decode()
    assert SECRET.search(again.content.decode()) is None
    assert "no-store" in again["Cache-Control"]


def test_form_sent_twice_makes_one_token(viewer_client: Client) -> None:
    viewer_client.post(PAGE, NEW)

    response = viewer_client.post(PAGE, NEW | {"name": "nightly IMPORT"})

    assert response.status_code == 422
    assert "You have a token with this name. Choose another." in response.content.decode()
    assert SECRET.search(response.content.decode()) is None
    assert ApiToken.objects.count() == 1


def test_names_of_others_may_be_taken(viewer: User, editor: User) -> None:
    client_of(viewer).post(PAGE, NEW)

    assert client_of(editor).post(PAGE, NEW).status_code == 200
    assert ApiToken.objects.count() == 2


def test_htmx_gets_the_tokens_alone(viewer_client: Client) -> None:
    response = viewer_client.post(PAGE, NEW, headers={"HX-Request": "true"})

    page = response.content.decode()
    assert page.strip().startswith('<div class="stack" id="tokens">')
    assert secret_in(page)
    assert "<html" not in page


@pytest.mark.parametrize(("days", "ends"), [("30", 30), ("90", 90), ("365", 365), ("never", None)])
def test_token_lives_as_long_as_was_chosen(
    viewer_client: Client, days: str, ends: int | None
) -> None:
    viewer_client.post(PAGE, NEW | {"lifetime": days})

    expiry = ApiToken.objects.get().expiry
    if ends is None:
        assert expiry is None
    else:
        assert abs(expiry - timezone.now() - timedelta(days=ends)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("viewer", ["read"]),
        ("editor", ["read", "write"]),
        ("manager", ["read", "write", "manage"]),
    ],
)
def test_role_offers_the_scopes_that_it_can_fill(
    role: str, offered: list[str], request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(role))
    page = client.get(PAGE).content.decode()

    assert re.findall(r'name="scope" value="(\w+)"', page) == offered
    for scope in {"read", "write", "manage"} - set(offered):
        response = client.post(PAGE, NEW | {"scope": scope})
        assert response.status_code == 422
        assert "Your role does not allow this scope." in response.content.decode()
    assert not ApiToken.objects.exists()


def test_superuser_may_give_every_scope(db: None) -> None:
    root = User.objects.create_superuser("root", password="correct horse")

    assert client_of(root).post(PAGE, NEW | {"scope": "manage"}).status_code == 200


def test_user_without_a_role_makes_no_token(db: None) -> None:
    client = client_of(User.objects.create_user("nobody", password="correct horse"))

    page = client.get(PAGE)
    refused = client.post(PAGE, NEW)

    assert "Your account has no role yet" in page.content.decode()
    assert 'id="new-token"' not in page.content.decode()
    assert refused.status_code == 403
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": " "}, "The name is empty. Say which program the token is for."),
        ({"name": "x" * 101}, "The name is longer than 100 characters."),
        ({"name": "a\0b"}, "Null characters are not allowed."),
        ({"scope": ""}, "Choose what the token may do."),
        ({"lifetime": "36500"}, "Choose one of these lifetimes."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    viewer_client: Client, wrong: dict[str, str], message: str
) -> None:
    response = viewer_client.post(PAGE, NEW | wrong)

    assert response.status_code == 422
    assert message in response.content.decode()
    assert not ApiToken.objects.exists()
    assert not AuditEntry.objects.filter(action="token_created").exists()


def test_tokens_are_made_a_few_at_a_time(
    viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOKENS_AN_HOUR", 2)
    for number in range(2):
        assert viewer_client.post(PAGE, NEW | {"name": str(number)}).status_code == 200

    response = viewer_client.post(PAGE, NEW)

    assert response.status_code == 429
    assert 3590 <= int(response["Retry-After"]) <= 3600
    assert "You have made many tokens. Wait 60 minutes." in response.content.decode()
    assert ApiToken.objects.count() == 2
    assert list(valkey().scan_iter("limit:token:*"))


def test_revoked_token_is_refused_at_once(viewer: User) -> None:
    token, secret = tokens.create(user=viewer, name="CI", scope="read", days=30)
    client = client_of(viewer)
    path = f"/account/tokens/{token.pk}/revoke/"
    question = client.get(path)
    assert "Revoke this token?" in question.content.decode()
    assert asked(secret) == 200

    response = client.post(path)

    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert asked(secret) == 401
    assert "Revoked CI." in client.get(PAGE).content.decode()


def test_only_own_tokens_are_revoked(viewer: User, manager: User) -> None:
    token, secret = tokens.create(user=viewer, name="CI", scope="read", days=30)
    client = client_of(manager)

    assert client.get(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert client.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert "CI" not in client.get(PAGE).content.decode()
    assert asked(secret) == 200


def test_expired_token_stays_listed_until_it_is_removed(viewer: User) -> None:
    token, secret = tokens.create(user=viewer, name="Old", scope="read", days=30)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    client = client_of(viewer)
    assert asked(secret) == 401

    page = client.get(PAGE).content.decode()
    assert "Expired" in page
    assert 'aria-label="Remove Old"' in page
    response = client.post(f"/account/tokens/{token.pk}/revoke/")

    assert [str(each) for each in get_messages(response.wsgi_request)] == ["Removed Old."]
    assert not ApiToken.objects.exists()


def test_tokens_stand_in_the_activity(manager: User) -> None:
    client = client_of(manager)
    client.post(PAGE, NEW)
    client.post(PAGE, NEW | {"name": "For ever", "lifetime": "never", "scope": "manage"})
    client.post(f"/account/tokens/{ApiToken.objects.get(name='For ever').pk}/revoke/")

    page = client.get("/activity/").content.decode()

    assert "Created the API token Nightly import" in page
    assert "read, for 90 days" in page
    assert "manage, without an end" in page
    assert "Revoked the API token For ever" in page


@pytest.mark.parametrize(
    ("typed", "kept"), [("Europe/Berlin", "Europe/Berlin"), ("  UTC ", "UTC"), ("", "")]
)
def test_time_zone_is_changed(viewer: User, typed: str, kept: str) -> None:
    viewer.time_zone = "Asia/Kathmandu"
    viewer.save()
    client = client_of(viewer)

    response = client.post("/account/time-zone/", {"time_zone": typed, "is_superuser": "on"})

    assert (response.status_code, response["Location"]) == (302, PAGE)
    viewer.refresh_from_db()
    assert (viewer.time_zone, viewer.is_superuser) == (kept, False)


def test_time_zone_that_does_not_exist_is_refused(viewer: User, settings: Settings) -> None:
    client = client_of(viewer)

    response = client.post("/account/time-zone/", {"time_zone": "Berlin"})

    assert response.status_code == 422
    page = response.content.decode()
    assert "“Berlin” is not a time zone. Write it like Europe/Berlin." in page
    assert 'value="Berlin"' in page
    viewer.refresh_from_db()
    assert viewer.time_zone == ""


def test_table_of_tokens_costs_one_query(
    viewer: User, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    client = client_of(viewer)
    for number in range(5):
        tokens.create(user=viewer, name=str(number), scope="read", days=None)

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        client.get(PAGE)


# --- In the admin ---------------------------------------------------------------------------


@pytest.fixture
def staff(manager: User) -> Client:
    manager.is_staff = True
    manager.save()
    return client_of(manager)


def revoke(client: Client, *chosen: ApiToken) -> int:
    form = {"action": "revoke", "_selected_action": [str(each.pk) for each in chosen]}
    return client.post("/admin/accounts/apitoken/", form).status_code


def test_staff_sees_all_tokens_and_no_digest(viewer: User, staff: Client) -> None:
    token, _ = tokens.create(user=viewer, name="CI", scope="read", days=30)

    listed = staff.get("/admin/accounts/apitoken/").content.decode()
    page = staff.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()

    assert token.token_key in listed
    assert token.token_key in page
    assert token.digest not in listed + page
    assert 'name="_save"' not in page


def test_manager_on_the_staff_revokes_tokens_of_others(viewer: User, staff: Client) -> None:
    token, secret = tokens.create(user=viewer, name="CI", scope="read", days=30)

    assert revoke(staff, token) == 302

    assert asked(secret) == 401
    entry = AuditEntry.objects.get(action="token_revoked")
    assert (entry.actor_name, entry.target, entry.details) == ("manager", "CI", {"of": "viewer"})


def test_tokens_of_superusers_are_for_superusers(staff: Client) -> None:
    root = User.objects.create_superuser("root", password="correct horse")
    token, secret = tokens.create(user=root, name="Root", scope="manage", days=30)

    revoke(staff, token)
    assert asked(secret) == 200
    revoke(client_of(root), token)
    assert asked(secret) == 401


def test_staff_without_the_right_sees_no_tokens(editor: User) -> None:
    editor.is_staff = True
    editor.save()
    token, secret = tokens.create(user=editor, name="CI", scope="read", days=30)
    client = client_of(editor)

    assert client.get("/admin/accounts/apitoken/").status_code == 403
    assert revoke(client, token) == 403
    assert asked(secret) == 200


def test_tokens_of_a_user_who_was_switched_off_end_at_once(viewer: User, staff: Client) -> None:
    api = ApiClient(viewer)
    assert api.get("/api/products").status_code == 200

    User.objects.filter(pk=viewer.pk).update(is_active=False)

    assert api.get("/api/products").status_code == 401
