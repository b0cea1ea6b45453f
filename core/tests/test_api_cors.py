"""Pages of other sites: none calls the API unless its origin is named, and never with a session."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SHOP = "https://shop.example.com"
PRODUCTS = "/api/products"


def cors(response: Any) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in response.headers.items()
        if name.lower().startswith("access-control-")
    }


def preflight(path: str, *, origin: str = SHOP, headers: str = "authorization") -> Any:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
    }
    return Client().options(path, headers=asked)


def test_no_other_site_is_let_in_by_default(viewer_api: ApiClient) -> None:
    assert cors(viewer_api.get(PRODUCTS, headers={"Origin": SHOP})) == {}
    assert cors(preflight(PRODUCTS)) == {}


@pytest.fixture
def open_to_the_shop(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [SHOP]


@pytest.mark.usefixtures("open_to_the_shop")
def test_named_site_reads_the_answer_and_its_headers(viewer_api: ApiClient) -> None:
    response = viewer_api.get(PRODUCTS, headers={"Origin": SHOP})

    assert cors(response) == {
        "access-control-allow-origin": SHOP,
        "access-control-expose-headers": (
            "ETag, Idempotency-Replayed, Link, Location, Retry-After, X-Request-ID,"
            " Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version,"
            " Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, X-Job-Id"
        ),
    }
    assert "origin" in response["Vary"].lower()


@pytest.mark.usefixtures("open_to_the_shop")
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "http://shop.example.com", f"{SHOP}:8443", f"{SHOP}.evil", "null"],
)
def test_other_sites_read_nothing(viewer_api: ApiClient, origin: str) -> None:
    assert cors(viewer_api.get(PRODUCTS, headers={"Origin": origin})) == {}
    assert cors(preflight(PRODUCTS, origin=origin)) == {}


@pytest.mark.usefixtures("open_to_the_shop")
def test_preflight_allows_a_token_and_never_a_session() -> None:
    response = preflight(PRODUCTS, headers="authorization, content-type, idempotency-key, if-match")

    assert response.status_code == 200
    allowed = cors(response)
    assert allowed["access-control-allow-origin"] == SHOP
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(
        allowed["access-control-allow-methods"].split(", ")
    )
    assert {"authorization", "content-type", "idempotency-key", "if-match"} <= set(
        allowed["access-control-allow-headers"].split(", ")
    )
    assert "access-control-allow-credentials" not in allowed


@pytest.mark.usefixtures("open_to_the_shop")
def test_errors_are_readable_too(viewer_api: ApiClient) -> None:
    for response in (
        Client().get(PRODUCTS, headers={"Origin": SHOP}),
        viewer_api.get("/api/nothing", headers={"Origin": SHOP}),
        viewer_api.send("POST", PRODUCTS, {}, Origin=SHOP),
    ):
        assert response.status_code in {401, 403, 404}
        assert cors(response)["access-control-allow-origin"] == SHOP


@pytest.mark.usefixtures("open_to_the_shop")
@pytest.mark.parametrize(
    "path", ["/", "/products/", "/account/", "/upload/x", "/healthz", "/admin/"]
)
def test_pages_are_never_open_to_other_sites(viewer_client: Client, path: str) -> None:
    assert cors(viewer_client.get(path, headers={"Origin": SHOP})) == {}
    assert cors(preflight(path)) == {}
