"""An htmx request without a session is sent to sign-in as a page, not into a table."""

from urllib.parse import urlencode

import pytest
from django.test import Client

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HTMX = {"HX-Request": "true"}


def test_htmx_request_without_a_session_is_redirected_by_the_browser() -> None:
    response = Client().get(
        "/products/", headers={**HTMX, "HX-Current-URL": "http://testserver/products/"}
    )

    assert response.status_code == 200
    assert response["HX-Redirect"] == "/account/sign-in/?next=/products/"
    assert response.content == b""


def test_way_back_leads_to_the_page_that_asked_with_its_filters() -> None:
    page = "/products/?search=a+b&page=2"

    response = Client().get(
        "/products/", headers={**HTMX, "HX-Current-URL": f"http://testserver{page}"}
    )

    assert response["HX-Redirect"] == f"/account/sign-in/?{urlencode({'next': page}, safe='/')}"


def test_plain_request_without_a_session_gets_a_plain_redirect() -> None:
    response = Client().get("/products/")

    assert response.status_code == 302
    assert response["Location"] == "/account/sign-in/?next=/products/"
    assert "HX-Redirect" not in response


def test_other_redirects_are_left_to_htmx(viewer_client: Client) -> None:
    response = viewer_client.get("/upload", headers=HTMX)

    assert response.status_code == 302
    assert response["Location"] == "/imports/"
