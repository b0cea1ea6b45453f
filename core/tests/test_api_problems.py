"""Every error of the API is a problem of RFC 9457: what is wrong and what to do about it."""

import json
import logging
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from conftest import ApiClient
from core.api.problems import KINDS

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Product = apps.get_model("catalog", "Product")
PRODUCTS = "/api/products"
NEW = {"sku": "A-1", "name": "One"}


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a defect of ours")


broken.login_required = False  # type: ignore[attr-defined]
handler500 = "core.api.problems.server_error"
urlpatterns = [path("api/broken", broken), path("broken", broken), path("", include("config.urls"))]


def problem(response: Any, kind: str) -> dict[str, Any]:
    """The answer, which must be that kind of problem."""
    assert response.status_code == KINDS[kind].status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"/api/docs#{kind}"
    assert body["title"] == KINDS[kind].title
    assert body["status"] == response.status_code
    assert body["detail"]
    assert response["X-Request-ID"]
    return body


def post(api: ApiClient, body: bytes, content_type: str = "application/json") -> Any:
    response = api.generic("POST", PRODUCTS, body, content_type)
    assert not Product.objects.exists()
    return response


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"sku": "A-1", ', "The body is not JSON: Expecting property name"),
        (b"\xff\xfe", "The body is not UTF-8."),
        (b'{"price": NaN}', "The body is not JSON: NaN is no number in JSON."),
        (b'{"price": -Infinity}', "The body is not JSON: -Infinity is no number in JSON."),
        (b"[" * 100_000, "The body is nested too deeply."),
        (b'{"sku": ' * 100_000, "The body is nested too deeply."),
        (b"1" * 5000, "The body is not JSON: Exceeds the limit"),
        (b'{"sku": "\\ud800"}', "The body has half of a pair of \\u escapes, which is no text."),
        (b'{"\\udfff": 1}', "The body has half of a pair of \\u escapes, which is no text."),
    ],
)
def test_body_that_can_not_be_read_says_why(
    editor_api: ApiClient, body: bytes, detail: str
) -> None:
    assert problem(post(editor_api, body), "malformed")["detail"].startswith(detail)


@pytest.mark.parametrize("depth", range(880, 1000, 10))
def test_no_depth_breaks_a_call_with_a_key(editor_api: ApiClient, depth: int) -> None:
    body = b'{"sku": ' + b"[" * depth + b"]" * depth + b', "\\u00e9": 1}'
    headers = {"Idempotency-Key": "deep"}

    response = editor_api.generic("POST", PRODUCTS, body, "application/json", headers=headers)

    assert response.status_code == 400


def test_pair_of_escapes_is_text(editor_api: ApiClient) -> None:
    body = b'{"sku": "A-1", "name": "\\ud83d\\udce6"}'

    response = editor_api.generic("POST", PRODUCTS, body, "application/json")

    assert response.json()["name"] == "📦"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ["sku", "name"]),
        (b"{}", ["sku", "name"]),
        (b"null", [""]),
        (b"[]", [""]),
        (b'[{"sku": "A-1", "name": "One"}]', [""]),
        (b'"A-1"', [""]),
        (b"7", [""]),
        (b'{"sku": "A-1", "name": "One", "stock": 7}', ["stock"]),
        (b'{"sku": "A-1", "name": "One", "\\u0000": 7}', ["\0"]),
        (b'{"sku": 7, "name": true}', ["sku", "name"]),
        (b'{"sku": "A-1", "name": "a\\u0000b"}', ["name"]),
        (b'{"sku": "A-1", "name": "One", "price": 1e400}', ["price"]),
        (b'{"sku": "A-1", "name": "One", "active": "yes"}', ["active"]),
    ],
)
def test_values_that_are_not_valid_are_named(
    editor_api: ApiClient, body: bytes, fields: list[str]
) -> None:
    errors = problem(post(editor_api, body), "invalid")["errors"]

    assert [each["field"] for each in errors] == fields
    assert all(each["message"] for each in errors)


def test_message_of_an_unknown_field_names_the_known_ones(editor_api: ApiClient) -> None:
    body = problem(editor_api.send("POST", PRODUCTS, {**NEW, "stock": 1}), "invalid")

    assert body["detail"] == (
        "There is no “stock” here. There is sku, name, description, price, active."
    )


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("sort=sku", "sort", "There is no “sort” here."),
        ("page=1&page=2", "page", "It is given more than once."),
        ("page=0", "page", "Ensure this value is greater than or equal to 1."),
        ("page=two", "page", "A valid integer is required."),
        ("limit=100000", "limit", "Ensure this value is less than or equal to 250."),
        ("page=" + "9" * 5000, "page", ""),
        ("%ff=1", "\ufffd", "There is no “\ufffd” here."),
    ],
)
def test_parameters_are_judged_too(
    viewer_api: ApiClient, query: str, field: str, message: str
) -> None:
    (error,) = problem(viewer_api.get(f"{PRODUCTS}?{query}"), "invalid")["errors"]

    assert error["field"] == field
    assert error["message"].startswith(message)


def test_call_without_parameters_takes_none(viewer_api: ApiClient) -> None:
    body = problem(viewer_api.get(f"{PRODUCTS}/1?verbose=1"), "invalid")

    assert body["errors"] == [
        {"field": "verbose", "message": "There is no parameter “verbose” here."}
    ]


def test_stranger_is_told_how_to_sign_in(db: None) -> None:
    response = Client().get(PRODUCTS)

    body = problem(response, "not-signed-in")
    assert "Send Authorization: Bearer with a token" in body["detail"]
    assert response["WWW-Authenticate"] == "Bearer"


def test_role_that_does_not_suffice_is_said(viewer_api: ApiClient) -> None:
    body = problem(viewer_api.send("POST", PRODUCTS, NEW), "not-allowed")

    assert body["detail"] == (
        "Your role does not allow this. Ask a manager to do it, or to change your role."
    )
    assert not Product.objects.exists()


@pytest.mark.parametrize("pk", ["1", "0", str(2**63), "9" * 100])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_number_that_nothing_has_is_not_found(editor_api: ApiClient, pk: str, method: str) -> None:
    problem(editor_api.send(method, f"{PRODUCTS}/{pk}", NEW), "not-found")


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/api", False),
        ("/api/nothing", False),
        ("/api/products/", True),
        ("/api/products/abc", False),
        ("/api/products/-1", False),
        (f"/api/products/{'9' * 5000}", False),
        ("/status/a/b/c", False),
    ],
)
def test_address_that_does_not_exist_is_a_problem_and_no_page(
    viewer_api: ApiClient, path: str, hint: bool
) -> None:
    for client in (viewer_api, Client()):
        detail = problem(client.get(path), "not-found")["detail"]
        assert detail.startswith(f"There is nothing at {path}.")
        assert ("Leave out the slash at the end." in detail) == hint


def test_page_that_does_not_exist_stays_a_page(viewer_client: Client) -> None:
    response = viewer_client.get("/nothing")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_method_that_the_address_does_not_know_is_refused(
    manager_api: ApiClient, method: str
) -> None:
    response = manager_api.generic(method, "/api/schema")

    body = problem(response, "method-not-allowed")
    assert body["detail"].endswith("The Allow header says which methods there are.")
    assert {each.strip() for each in response["Allow"].split(",")} >= {"GET"}
    assert method not in response["Allow"]


def test_json_has_a_most(editor_api: ApiClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    fits = json.dumps({**NEW, "description": "x" * 100}).encode()
    too_long = fits + b" " * (2001 - len(fits))

    body = problem(post(editor_api, too_long), "too-large")

    assert body["detail"] == "A JSON body has at most 2,000 bytes."
    assert editor_api.generic(
        "POST", PRODUCTS, too_long[:2000], "application/json"
    ).status_code == (201)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
    ],
)
def test_body_of_another_format_is_refused(editor_api: ApiClient, content_type: str) -> None:
    problem(post(editor_api, b"sku=A-1&name=One", content_type), "unsupported-media-type")


def test_form_of_a_session_that_is_too_large_is_a_problem(
    editor_client: Client, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    client = Client(enforce_csrf_checks=True)
    client.cookies = editor_client.cookies

    response = client.post(PRODUCTS, {"sku": "x" * 200}, "application/x-www-form-urlencoded")

    assert response.status_code in {403, 413, 415}
    assert response["Content-Type"] == "application/problem+json"


def test_answer_is_json_whatever_is_accepted(viewer_api: ApiClient) -> None:
    for accepted in ("text/html", "text/event-stream", "application/xml", "nonsense"):
        response = viewer_api.get(PRODUCTS, headers={"Accept": accepted})
        assert response["Content-Type"] == "application/json"


def test_defect_of_ours_is_logged_and_says_what_to_quote(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)

    response = client.get("/api/broken", headers={"X-Request-ID": "my-id-7"})

    body = problem(response, "error")
    assert "a defect of ours" not in str(body)
    assert "X-Request-ID" in body["detail"]
    assert response["X-Request-ID"] == "my-id-7"
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "a defect of ours" in str(record.exc_info)
    assert client.get("/broken")["Content-Type"].startswith("text/html")


def test_host_that_is_not_ours_is_a_problem(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["products.example.com"]

    problem(Client().get(PRODUCTS, headers={"Host": "evil.example"}), "malformed")


@pytest.mark.parametrize("sent", ["my-id-7", "", "x" * 2000, "ä", "a b; c=<d>"])
def test_request_id_comes_back_as_it_was_sent(editor_api: ApiClient, sent: str) -> None:
    response = editor_api.send("POST", PRODUCTS, NEW, X_Request_ID=sent)

    assert response.status_code == 201, response.content
    assert response["X-Request-ID"] == sent or (not sent and len(response["X-Request-ID"]) >= 32)


def test_every_kind_says_its_class_in_its_title() -> None:
    assert all(400 <= kind.status < 600 and kind.title for kind in KINDS.values())
    assert configured.REST_FRAMEWORK["EXCEPTION_HANDLER"] == "core.api.problems.answer"
