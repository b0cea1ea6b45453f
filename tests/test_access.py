"""Who gets in where: every URL of the site, without a sign-in and with each role."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver

from accounts.models import User
from imports.models import ImportJob
from tests.whole_site import UPLOAD, found, pages, some_rows, state_of_everything

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PUBLIC = {"/account/sign-in/", "/healthz", "/readyz", "/admin/login/"}
# For whoever is signed in, whatever the role: what is their own.
OWN = {"/account/", "/account/time-zone/", "/account/tokens/1/revoke/", "/account/sign-out/"}
# Has a token and a list of addresses of its own.
KEYED = {"/metrics"}
# Leads to a page that asks.
FORWARDED = {"/docs"}


@pytest.fixture
def rows() -> dict[str, int]:
    return some_rows()


def test_all_urls_are_found() -> None:
    every = {path for path, _ in found(get_resolver().url_patterns)}

    assert every >= PUBLIC | OWN | KEYED | FORWARDED | {
        "/products/", "/products/1/", "/imports/", "/imports/upload/", "/imports/1/events/",
        "/imports/1/rejected.csv", "/admin/catalog/product/1/change/", "/admin/anything",
    }  # fmt: skip
    assert [path for path in every if re.search(r"[<>()?^$\\]", path)] == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_but_the_public_pages_answers_without_a_sign_in(method: str) -> None:
    for path in pages() - PUBLIC:
        response = getattr(Client(), method)(path)

        assert response.status_code in {302, 301, 401, 403}, path
        if response.status_code in {301, 302}:
            target = response["Location"]
            assert target.startswith(("/account/sign-in/", "/admin/login/")), (path, target)


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_public_page_answers_without_a_sign_in(path: str) -> None:
    response = Client().get(path)

    # The admin's own sign-in page may send people to the site's.
    assert response.status_code == 200


def test_styles_and_scripts_need_no_sign_in() -> None:
    response = Client().get("/static/css/app.css")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")
    response.close()


def test_page_that_does_not_exist_tells_strangers_nothing() -> None:
    assert Client().get("/no/such/page").status_code == 404


READ = (
    "/", "/products/", "/products/{product}/", "/products/export.csv",
    "/products/operations/{operation}/", "/products/operations/{operation}/live/",
    "/products/operations/{operation}/events/",
    "/activity/", "/activity/{change_set}/", "/api/docs",
    "/imports/", "/imports/{job}/", "/imports/{job}/live/", "/imports/{job}/events/",
    "/imports/{job}/rejected.csv", "/imports/sample.csv",
    "/imports/sources/", "/imports/sources/{source}/", "/imports/mappings/",
)  # fmt: skip

SOURCE = {"name": "B", "url": "https://1.1.1.1/b.csv"}
NEW_ENDPOINT = {
    "url": "https://1.1.1.1/new",
    "event_types": "product.created",
    "bulk": "batch",
    "rate_per_hour": "100",
}

# Who may: method, path, what is sent, the answer to who may.
EDITOR_ONLY: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("get", "/products/new/", {}, 200),
    ("post", "/products/new/", {"sku": "B-1", "name": "Two"}, 302),
    ("get", "/products/{product}/edit/", {}, 200),
    ("post", "/products/{product}/edit/", {"sku": ""}, 400),
    ("get", "/products/{product}/row/", {}, 302),
    ("post", "/products/{product}/row/", {"sku": ""}, 302),
    ("post", "/products/{product}/active/", {}, 302),
    ("get", "/products/{product}/delete/", {}, 200),
    ("post", "/products/bulk/", {"action": "activate", "ids": "{product}"}, 302),
    ("post", "/products/operations/{operation}/cancel/", {}, 302),
    ("get", "/activity/{change_set}/undo/", {}, 200),
    ("post", "/imports/upload/", {"file": "a file"}, 302),
    # Nobody has it: an upload in parts is there for whoever began it.
    ("post", "/imports/uploads/{upload}/discard/", {}, 404),
    ("post", "/imports/{job}/cancel/", {}, 302),
    ("get", "/imports/{job}/repair/?code=name_empty", {}, 302),
    ("post", "/imports/{job}/repair/", {"code": "name_empty"}, 302),
    ("post", "/imports/{job}/correct/", {}, 422),
    ("post", "/imports/{job}/review/", {}, 302),
    ("post", "/imports/{job}/apply/", {}, 302),
    ("post", "/imports/{job}/review-anew/", {}, 302),
    ("get", "/imports/{job}/retry/", {}, 200),
    ("post", "/imports/{job}/retry/", {}, 302),
    ("post", "/imports/{job}/read-again/", {}, 302),
    ("post", "/imports/{job}/use-mapping/", {"mapping": "A"}, 302),
    ("post", "/imports/{job}/save-mapping/", {"name": "B"}, 302),
    ("post", "/imports/mappings/{mapping}/delete/", {}, 302),
    ("post", "/imports/fetch/", {"url": "https://1.1.1.1/c.csv"}, 302),
    ("get", "/imports/sources/new/", {}, 200),
    ("post", "/imports/sources/new/", SOURCE, 302),
    ("get", "/imports/sources/{source}/edit/", {}, 200),
    ("post", "/imports/sources/{source}/edit/", {**SOURCE, "name": "C"}, 302),
    ("post", "/imports/sources/{source}/fetch/", {}, 302),
    ("post", "/imports/sources/{source}/cancel/", {}, 302),
    ("get", "/imports/sources/{source}/delete/", {}, 200),
    # Last: they take away what the others need.
    ("post", "/imports/sources/{source}/delete/", {}, 302),
    ("post", "/products/{product}/delete/", {}, 302),
    ("post", "/activity/{change_set}/undo/", {}, 302),
)
MANAGER_ONLY: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("get", "/products/delete-all/", {}, 200),
    ("post", "/products/delete-all/", {"phrase": "delete all products"}, 302),
    ("get", "/webhooks/", {}, 200),
    ("get", "/webhooks/new/", {}, 200),
    ("post", "/webhooks/new/", NEW_ENDPOINT, 302),
    ("post", "/webhooks/check/", {"url": "https://1.1.1.1/"}, 200),
    ("get", "/webhooks/{endpoint}/", {}, 200),
    ("get", "/webhooks/{endpoint}/edit/", {}, 200),
    ("post", "/webhooks/{endpoint}/edit/", NEW_ENDPOINT, 302),
    ("post", "/webhooks/{endpoint}/pause/", {}, 302),
    ("post", "/webhooks/{endpoint}/enable/", {}, 302),
    ("post", "/webhooks/{endpoint}/test/", {}, 302),
    ("get", "/webhooks/{endpoint}/tests/{trial}/", {}, 200),
    ("get", "/webhooks/{endpoint}/deliveries/{delivery}/", {}, 200),
    ("post", "/webhooks/{endpoint}/deliveries/{delivery}/again/", {}, 302),
    ("get", "/webhooks/{endpoint}/replay/", {}, 200),
    ("post", "/webhooks/{endpoint}/replay/", {"state": "all"}, 302),
    ("post", "/webhooks/{endpoint}/try/", {}, 302),
    ("post", "/webhooks/{endpoint}/reveal/", {}, 200),
    ("get", "/webhooks/{endpoint}/rotate/", {}, 200),
    ("post", "/webhooks/{endpoint}/rotate/", {}, 302),
    ("post", "/webhooks/{endpoint}/end-rotation/", {}, 302),
    ("get", "/webhooks/{endpoint}/delete/", {}, 200),
    ("post", "/webhooks/{endpoint}/delete/", {}, 302),
)
ROLES = ("viewer", "editor", "manager")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# Streams give their connection back, and with it a test's open transaction would go.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["viewer", "editor", "manager"])
def test_every_role_reads_every_page(
    role: str, rows: dict[str, int], request: pytest.FixtureRequest
) -> None:
    client = signed_in(request.getfixturevalue(role))

    for path in READ:
        response = client.get(path.format(**rows))
        assert response.status_code == 200, path
        response.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("role", "calls", "allowed"),
    [
        ("viewer", EDITOR_ONLY, False),
        ("editor", EDITOR_ONLY, True),
        ("manager", EDITOR_ONLY, True),
        ("viewer", MANAGER_ONLY, False),
        ("editor", MANAGER_ONLY, False),
        ("manager", MANAGER_ONLY, True),
    ],
)
def test_role_changes_what_it_may_and_nothing_else(
    role: str,
    calls: tuple[tuple[str, str, dict[str, Any], int], ...],
    allowed: bool,
    rows: dict[str, int],
    request: pytest.FixtureRequest,
) -> None:
    client = signed_in(request.getfixturevalue(role))
    before = state_of_everything()

    for method, path, sent, status in calls:
        data = {
            name: SimpleUploadedFile("a.csv", b"sku,name\nA-1,One\n")
            if name == "file"
            else value.format(**rows)
            for name, value in sent.items()
        }
        response = getattr(client, method)(path.format(**rows), data)
        assert response.status_code == (status if allowed else 403), (method, path)

    assert (state_of_everything() != before) == allowed


def test_every_url_of_the_site_is_in_the_matrix_of_roles() -> None:
    """A page that is added asks here who may see it."""
    asked = set(READ) | {path for _, path, _, _ in EDITOR_ONLY + MANAGER_ONLY}
    known = {re.sub(r"\{\w+\}", "1", path.replace("{upload}", UPLOAD)) for path in asked}
    of_the_site = {path for path in pages() if not path.startswith("/admin/")}

    assert of_the_site - known == (PUBLIC | OWN | KEYED | FORWARDED) - {"/admin/login/"}


def test_user_without_a_role_reads_nothing(rows: dict[str, int]) -> None:
    client = signed_in(User.objects.create_user("nobody", password="correct horse"))

    for path in READ:
        assert client.get(path.format(**rows)).status_code == 403, path


@pytest.mark.parametrize("role", ["viewer", "editor", "manager"])
def test_role_alone_opens_no_admin(role: str, request: pytest.FixtureRequest) -> None:
    response = signed_in(request.getfixturevalue(role)).get("/admin/")

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_user_who_was_switched_off_is_out_at_once(viewer: User) -> None:
    client = signed_in(viewer)
    assert client.get("/products/").status_code == 200

    User.objects.filter(pk=viewer.pk).update(is_active=False)

    assert client.get("/products/").status_code == 302


def test_form_without_its_token_is_refused(editor: User, rows: dict[str, int]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    jobs = ImportJob.objects

    response = client.post(f"/imports/{rows['job']}/retry/")

    assert response.status_code == 403
    assert jobs.get().state == "cancelled"
