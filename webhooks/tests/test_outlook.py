"""What the page that deletes everything says of webhooks."""

import html
import re

import pytest
from django.test import Client

from accounts.models import User
from webhooks.models import Endpoint
from webhooks.outlook import deletion
from webhooks.tests.listening import created, endpoint

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def made(bulk: str, *, rate: int = 1000, **values: object) -> Endpoint:
    return endpoint("https://shop.example.com/hook", bulk=bulk, rate_per_hour=rate, **values)


def page(user: User) -> str:
    client = Client()
    client.force_login(user)
    content = client.get("/products/delete-all/").content.decode()
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content)))


def test_page_names_the_endpoints_that_will_hear_of_it(manager: User) -> None:
    for number in range(2):
        created(f"A-{number}")
    made("batch")
    made("batch")
    made("each")
    made("each", event_types=["product.created"])

    assert "3 endpoints receive product.deleted : 2 in batches, 1 one by one" in page(manager)


def test_catalog_without_listeners_says_nothing_of_them(manager: User) -> None:
    created("A-1")
    made("batch", event_types=["import.completed"])

    assert "product.deleted" not in page(manager)


@pytest.mark.parametrize(
    ("endpoints", "count", "words"),
    [
        ([("batch", 1000)], 500_000, "1 in batches"),
        ([("summary", 1000), ("batch", 1000)], 500_000, "1 in batches, 1 as a summary"),
        (
            [("each", 1000)],
            9_000,
            "1 one by one, which at its 1,000 an hour takes about 8 hours",
        ),
        (
            [("each", 100), ("each", 1000)],
            9_000,
            "2 one by one, the slowest of which at its 100 an hour takes about 4 days",
        ),
        (
            [("each", 1_000_000)],
            500_000,
            "1 one by one, which at its 1,000,000 an hour takes about 30 minutes",
        ),
        ([("each", 1000)], 1000, "1 one by one"),
        (
            [("each", 1000), ("batch", 1000)],
            500_000,
            "2 in batches (1 for want of a higher rate)",
        ),
        ([("batch", 1000)], 1, "1 one by one"),
    ],
)
def test_form_in_which_they_hear_is_told_with_the_time_that_it_takes(
    endpoints: list[tuple[str, int]], count: int, words: str
) -> None:
    for bulk, rate in endpoints:
        made(bulk, rate=rate)

    assert deletion(count).in_words == words


def test_paused_endpoint_hears_of_it_and_a_disabled_one_does_not() -> None:
    made("batch")
    paused, disabled = made("batch"), made("batch")
    Endpoint.objects.filter(pk=paused.pk).update(state="paused")
    Endpoint.objects.filter(pk=disabled.pk).update(state="disabled")

    assert deletion(10).in_words == "2 in batches"
