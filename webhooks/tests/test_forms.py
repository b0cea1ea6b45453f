"""The form of an endpoint: what it takes, what it refuses and with which remedy."""

import html
import re
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from webhooks.forms import EndpointForm
from webhooks.models import Endpoint, Lane
from webhooks.tests.listening import endpoint

pytestmark = [pytest.mark.integration, pytest.mark.django_db, pytest.mark.usefixtures("local")]

VALUES: dict[str, Any] = {
    "url": "http://127.0.0.1:9000/hook",
    "description": "The shop",
    "event_types": ["product.deleted", "product.created"],
    "bulk": "each",
    "ordered": "on",
    "rate_per_hour": "20,000",
    "headers": "Authorization: Bearer abc:def\r\n\r\n  X-Shop:  eu \r\n",
}


@pytest.fixture
def local(settings: Settings) -> None:
    """Receivers on this machine may be named: looking them up needs no network."""
    settings.OUTBOUND_ALLOW_HTTP = settings.OUTBOUND_ALLOW_PRIVATE = True


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def form(*, of: Endpoint | None = None, **values: Any) -> EndpointForm:
    data = QueryDict(mutable=True)
    for name, value in {**VALUES, **values}.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return EndpointForm(data, endpoint=of)


def refusals(**values: Any) -> dict[str, list[str]]:
    return {name: list(map(str, errors)) for name, errors in form(**values).errors.items()}


def text(response: Any) -> str:
    page = re.sub(r"<svg.*?</svg>", "", response.content.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_what_is_filled_in_becomes_an_endpoint(client: Client, manager: User) -> None:
    response = client.post("/webhooks/new/", VALUES)

    made = Endpoint.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/webhooks/{made.pk}/"
    assert (made.url, made.description, made.bulk) == (
        "http://127.0.0.1:9000/hook", "The shop", "each",
    )  # fmt: skip
    assert made.event_types == ["product.created", "product.deleted"]
    assert (made.ordered, made.rate_per_hour) == (True, 20_000)
    assert made.headers == {"Authorization": "Bearer abc:def", "X-Shop": "eu"}
    assert made.created_by == manager
    assert made.secret.startswith("whsec_")
    assert Lane.objects.filter(pk=made.pk).exists()
    assert AuditEntry.objects.filter(action="endpoint_created", target="127.0.0.1:9000").exists()
    assert made.secret not in response.content.decode()


def test_form_of_a_new_endpoint_proposes_what_most_want(client: Client) -> None:
    page = client.get("/webhooks/new/").content.decode()

    assert re.findall(r'name="event_types" value="([\w.]+)" checked', page) == [
        "product.created", "product.updated", "product.deleted",
    ]  # fmt: skip
    assert re.findall(r'name="bulk" value="(\w+)"[^>]* checked', page) == ["batch"]
    assert 'name="rate_per_hour" value="1000"' in page
    assert 'name="ordered" aria-describedby="ordered-hint">' in page


def test_what_was_refused_is_shown_again_with_the_reason(client: Client) -> None:
    response = client.post(
        "/webhooks/new/", {**VALUES, "url": "ftp://example.com/", "event_types": []}
    )

    page = response.content.decode()
    assert response.status_code == 422
    assert "Not saved. 2 fields need a change." in text(response)
    assert "The URL does not start with https://." in text(response)
    assert "Choose at least one event. Without one nothing is sent." in text(response)
    assert 'value="ftp://example.com/"' in page
    assert re.search(r'id="url" [^>]*aria-invalid="true"[^>]* autofocus', page)
    assert "Bearer abc:def" in page
    assert not Endpoint.objects.exists()
    assert not AuditEntry.objects.filter(action="endpoint_created").exists()


@pytest.mark.parametrize(
    ("values", "name", "said"),
    [
        ({"url": ""}, "url", "The URL is empty. It looks like https://shop.example.com/path."),
        ({"url": "https://u:p@127.0.0.1/"}, "url",
         "The URL has a user name or a password in it. Leave out what stands before the @."),
        ({"url": f"https://127.0.0.1/{'x' * 2000}"}, "url",
         "The URL is longer than 2,000 characters."),
        ({"rate_per_hour": "0"}, "rate_per_hour",
         "The rate is too low. Write a number from 1 to 1,000,000."),
        ({"rate_per_hour": "1,000,001"}, "rate_per_hour",
         "The rate is too high. Write a number from 1 to 1,000,000."),
        ({"rate_per_hour": "1.5"}, "rate_per_hour",
         "The rate is no whole number. Write one from 1 to 1,000,000."),
        ({"rate_per_hour": "10,00"}, "rate_per_hour",
         "The rate is no whole number. Write one from 1 to 1,000,000."),
        ({"bulk": "flood"}, "bulk",
         "Select a valid choice. flood is not one of the available choices."),
        ({"event_types": ["product.batch"]}, "event_types",
         "Select a valid choice. product.batch is not one of the available choices."),
    ],
)  # fmt: skip
def test_value_is_refused_with_the_remedy(values: dict[str, Any], name: str, said: str) -> None:
    assert refusals(**values) == {name: [said]}


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/"])
def test_private_address_is_refused_with_the_setting_that_allows_it(
    settings: Settings, url: str
) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = False
    host = url.removeprefix("https://").strip("/[]")

    assert refusals(url=url) == {
        "url": [
            f"{host} is not an address of the public internet, and only those are called. "
            "The operator can allow others with OUTBOUND_ALLOW_PRIVATE."
        ]
    }


def test_name_that_leads_nowhere_is_refused() -> None:
    assert refusals(url="https://no-such-name.invalid/") == {
        "url": ["The name no-such-name.invalid was not found. Check how it is spelled."]
    }


def test_url_that_stands_already_is_not_looked_up_again() -> None:
    made = endpoint("https://no-such-name.invalid/hook")

    assert form(of=made, url="https://no-such-name.invalid/hook").is_valid()
    assert not form(of=made, url="https://no-such-name.invalid/other").is_valid()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Authorization", "there is no colon. Write it as Name: value."),
        (": x", "“” is no name of a header. Use letters, digits and hyphens."),
        ("X Shop: eu", "“X Shop” is no name of a header. Use letters, digits and hyphens."),
        ("X-Größe: 1", "“X-Größe” is no name of a header. Use letters, digits and hyphens."),
        ("Host: other.example.com", "Host is set by the sender. Leave it out."),
        ("WEBHOOK-ID: 1", "WEBHOOK-ID is set by the sender. Leave it out."),
        ("Content-Length: 0", "Content-Length is set by the sender. Leave it out."),
        ("transfer-encoding: chunked", "transfer-encoding is set by the sender. Leave it out."),
        ("User-Agent: x", "User-Agent is set by the sender. Leave it out."),
        ("Connection: close", "Connection is set by the sender. Leave it out."),
        ("Accept-Encoding: gzip", "Accept-Encoding is set by the sender. Leave it out."),
        ("X-Forwarded-For: 1.2.3.4", "X-Forwarded-For is set by the sender. Leave it out."),
        ("X-Shop:", "X-Shop has no value. Write one behind the colon, or leave the line out."),
        ("X-Shop: Größe",
         "the value of X-Shop has a character that no header can carry. Use plain ASCII."),
        ("X-Shop: a\x0bb",
         "the value of X-Shop has a character that no header can carry. Use plain ASCII."),
        (f"X-Shop: {'x' * 1001}", "the value of X-Shop is longer than 1,000 characters."),
        ("X-Shop: ••••••", "the value of X-Shop is not known. Type it."),
    ],
)  # fmt: skip
def test_header_that_can_not_be_sent_is_refused(line: str, said: str) -> None:
    assert refusals(headers=f"X-First: 1\n{line}") == {"headers": [f"Line 2: {said}"]}


def test_same_header_twice_is_refused_whatever_its_case() -> None:
    assert refusals(headers="X-Shop: 1\nx-shop: 2") == {
        "headers": ["Line 2: x-shop stands here twice. Leave one out."]
    }


def test_twenty_headers_are_taken_and_no_more() -> None:
    lines = [f"X-{number}: {number}" for number in range(21)]

    assert form(headers="\n".join(lines[:20])).is_valid()
    assert refusals(headers="\n".join(lines)) == {
        "headers": ["There are 21 headers. At most 20 can be sent."]
    }


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_line_end_makes_another_header_never_a_longer_one(end: str) -> None:
    filled = form(headers=f"X-A: 1{end}X-B: 2")

    assert filled.is_valid()
    assert filled.values()["headers"] == {"X-A": "1", "X-B": "2"}


def test_stored_headers_are_kept_without_being_shown(client: Client) -> None:
    made = endpoint("http://127.0.0.1:9000/hook", headers={"X-Key": "secret", "X-Shop": "eu"})

    page = client.get(f"/webhooks/{made.pk}/edit/").content.decode()
    assert "X-Key: ••••••\nX-Shop: ••••••</textarea>" in page
    assert "secret" not in page.replace("signing secret", "")

    response = client.post(
        f"/webhooks/{made.pk}/edit/",
        {**VALUES, "headers": "x-key: ••••••\nX-Shop: us\nX-New: ••••••"},
    )
    assert response.status_code == 422
    assert "Line 3: the value of X-New is not known. Type it." in text(response)
    made.refresh_from_db()
    assert made.headers == {"X-Key": "secret", "X-Shop": "eu"}

    client.post(f"/webhooks/{made.pk}/edit/", {**VALUES, "headers": "x-key: ••••••\nX-Shop: us"})
    made.refresh_from_db()
    assert made.headers == {"x-key": "secret", "X-Shop": "us"}


def test_edit_changes_what_differs_and_names_it_in_the_audit(client: Client) -> None:
    made = endpoint("http://127.0.0.1:9000/hook")
    values = {
        "url": made.url, "description": "", "event_types": made.event_types, "bulk": "batch",
        "rate_per_hour": "500", "headers": "",
    }  # fmt: skip

    response = client.post(f"/webhooks/{made.pk}/edit/", values)

    assert response["Location"] == f"/webhooks/{made.pk}/"
    made.refresh_from_db()
    assert made.rate_per_hour == 500
    entry = AuditEntry.objects.get(action="endpoint_changed")
    assert (entry.target, entry.details) == ("127.0.0.1:9000", {"fields": ["rate_per_hour"]})


def test_endpoint_that_is_gone_can_not_be_edited(client: Client) -> None:
    made = endpoint()
    Endpoint.objects.update(state="deleted")

    assert client.get(f"/webhooks/{made.pk}/edit/").status_code == 404
    assert client.post(f"/webhooks/{made.pk}/edit/", VALUES).status_code == 404


def checked(client: Client, url: str) -> str:
    response = client.post("/webhooks/check/", {"url": url}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert response.content.decode().strip().startswith('<div id="url-check" role="status">')
    return text(response).strip()


def test_url_is_checked_while_the_form_is_filled_in(client: Client) -> None:
    assert checked(client, " http://127.0.0.1:9000/ ") == "The address was found and may be called."
    assert checked(client, "example.com") == "The URL does not start with https://."
    assert checked(client, "https://no-such-name.invalid/") == (
        "The name no-such-name.invalid was not found. Check how it is spelled."
    )
    assert checked(client, "").startswith("Each event is a POST to this address")


def test_url_is_checked_by_post_alone_for_it_may_hold_a_secret(client: Client) -> None:
    assert client.get("/webhooks/check/?url=https://example.com/").status_code == 405
