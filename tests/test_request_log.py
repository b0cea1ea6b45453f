"""Every request of a person or a program is logged in one line."""

import pytest
from django.test import Client

from accounts.models import User
from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def http_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    names = ("method", "path", "status", "user_id")
    return [
        {name: vars(line).get(name) for name in names}
        for line in caplog.records
        if line.name == "http"
    ]


def test_request_is_logged_in_one_line_without_its_query(
    viewer: User, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    client.force_login(viewer)

    client.get("/products/?search=secret")
    client.post("/no/such%0apage")

    assert http_lines(caplog) == [
        {"method": "GET", "path": "/products/", "status": 200, "user_id": viewer.pk},
        {"method": "POST", "path": "/no/such%0Apage", "status": 404, "user_id": viewer.pk},
    ]
    assert "secret" not in caplog.text


def test_program_is_logged_by_the_user_of_its_token(
    viewer_api: ApiClient, viewer: User, caplog: pytest.LogCaptureFixture
) -> None:
    viewer_api.get("/api/products")

    (line,) = http_lines(caplog)
    assert (line["status"], line["user_id"]) == (200, viewer.pk)
    assert viewer_api.token.token_key not in caplog.text


def test_machines_that_look_after_the_site_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/static/css/app.css"):
        Client().get(path).close()

    assert http_lines(caplog) == []
