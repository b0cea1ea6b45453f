"""Who gets in where: every URL of the site, without a sign-in and with each role."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PUBLIC = {"/account/sign-in/", "/healthz", "/readyz", "/admin/login/"}
# Forward to a page that asks.
FORWARDED = {"/upload"}
FILLED = (
    (r"\(\?P<app_label>(\w+)[^)]*\)", r"\1"),
    (r"\(\?P<url>\.\*\)\$", "anything"),
    (r"<(\w+:)?\w+>", "1"),
    (r"[\^$]", ""),
)


def paths(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    """A path for every URL pattern, its parameters filled in."""
    for pattern in patterns:
        path = str(pattern.pattern)
        for placeholder, value in FILLED:
            path = re.sub(placeholder, value, path)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, prefix + path)
        else:
            assert isinstance(pattern, URLPattern)
            yield prefix + path


def test_all_urls_are_found() -> None:
    found = set(paths(get_resolver().url_patterns))

    assert found >= PUBLIC | FORWARDED | {
        "/products/", "/products/1/", "/imports/", "/imports/upload/", "/imports/1/events/",
        "/imports/1/rejected.csv", "/admin/catalog/product/1/change/", "/admin/anything",
    }  # fmt: skip
    assert [path for path in found if re.search(r"[<>()?^$\\]", path)] == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_but_the_public_pages_answers_without_a_sign_in(method: str) -> None:
    for path in set(paths(get_resolver().url_patterns)) - PUBLIC:
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


@pytest.fixture
def rows() -> dict[str, int]:
    """A product and a cancelled import, to be looked at by everybody."""
    product = apps.get_model("catalog", "Product").objects.create(sku="A-1", name="One")
    job = apps.get_model("imports", "ImportJob").objects.create(
        file_name="a.csv", state="cancelled", upload="imports/a", detected={}
    )
    return {"product": product.pk, "job": job.pk}


READ = ("/", "/products/", "/products/{product}/", "/imports/", "/imports/{job}/",
        "/imports/{job}/live/", "/imports/{job}/events/", "/imports/{job}/rejected.csv",
        "/imports/sample.csv")  # fmt: skip
CHANGE = (
    ("post", "/imports/upload/", 302),
    ("post", "/imports/{job}/cancel/", 302),
    ("get", "/imports/{job}/retry/", 200),
    ("post", "/imports/{job}/retry/", 302),
)


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


@pytest.mark.parametrize(
    ("role", "allowed"), [("viewer", False), ("editor", True), ("manager", True)]
)
def test_editors_and_managers_change_what_viewers_may_not(
    role: str, allowed: bool, rows: dict[str, int], request: pytest.FixtureRequest
) -> None:
    client = signed_in(request.getfixturevalue(role))
    jobs = apps.get_model("imports", "ImportJob").objects

    for method, path, status in CHANGE:
        file = SimpleUploadedFile("a.csv", b"sku,name\nA-1,One\n")
        data = {"file": file} if method == "post" else {}
        response = getattr(client, method)(path.format(**rows), data)
        assert response.status_code == (status if allowed else 403), path

    states = set(jobs.values_list("state", flat=True))
    assert states == ({"queued"} if allowed else {"cancelled"})
    assert jobs.count() == (2 if allowed else 1)


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
    jobs = apps.get_model("imports", "ImportJob").objects

    response = client.post(f"/imports/{rows['job']}/retry/")

    assert response.status_code == 403
    assert jobs.get().state == "cancelled"
