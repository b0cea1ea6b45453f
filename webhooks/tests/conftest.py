"""Receivers of these tests listen on this machine, by plain http."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from webhooks.receiving import Receiver


@pytest.fixture
def local_receivers(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_HTTP = settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.OUTBOUND_DEADLINE_SECONDS = 2.0


@pytest.fixture
def receiver(local_receivers: None) -> Iterator[Receiver]:
    with Receiver("127.0.0.1") as running:
        yield running
