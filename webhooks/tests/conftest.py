"""Receivers of these tests listen on this machine, by plain http."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from webhooks.receiving import Answer, Received, Receiver
from webhooks.tests.answering import Answering


@pytest.fixture
def local_receivers(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_HTTP = settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.OUTBOUND_DEADLINE_SECONDS = 15.0


@pytest.fixture
def receiver(local_receivers: None) -> Iterator[Receiver]:
    with Receiver("127.0.0.1") as running:
        yield running


@pytest.fixture
def answering(local_receivers: None) -> Iterator[Answering]:
    """Start receivers that answer by a function."""
    running = []

    def start(answer: Callable[[Received], Answer]) -> Receiver:
        receiver = Receiver("127.0.0.1", answer=answer)
        receiver.start()
        running.append(receiver)
        return receiver

    yield start
    for receiver in running:
        receiver.stop()
