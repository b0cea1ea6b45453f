"""Times are shown in the zone of the person who looks."""

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.models import User, validate_time_zone

MOMENT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "UTC", "Europe/Berlin", "Asia/Kathmandu"])
def test_zones_that_exist_are_taken(name: str) -> None:
    validate_time_zone(name)


@pytest.mark.parametrize("name", ["Berlin", "Europe/Nowhere", "../etc/passwd", "+02:00"])
def test_zones_that_do_not_exist_are_refused_in_words(name: str) -> None:
    with pytest.raises(
        ValidationError, match=r"is not a time zone\. Write it like Europe/Berlin\."
    ):
        validate_time_zone(name)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("", "1 Jul 2026, 22:30:00 UTC"),
        ("Europe/Berlin", "2 Jul 2026, 00:30:00 CEST"),
        ("Asia/Kathmandu", "2 Jul 2026, 04:15:00 +0545"),
    ],
)
def test_page_shows_times_in_the_users_zone(viewer: User, zone: str, shown: str) -> None:
    products = apps.get_model("catalog", "Product").objects
    product = products.create(sku="A-1", name="One")
    products.update(created_at=MOMENT)
    viewer.time_zone = zone
    viewer.save()
    client = Client()
    client.force_login(viewer)

    page = client.get(f"/products/{product.pk}/").content.decode()

    assert f'<time datetime="2026-07-01T22:30:00Z" title="{shown}">' in page
    assert timezone.get_current_timezone_name() == "UTC"
