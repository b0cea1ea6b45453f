"""Requests to endpoints are counted by what came of them."""

import pytest

from core.tests.counting import told
from dev.valkey import free_port
from webhooks import metrics
from webhooks.models import Attempt
from webhooks.tests.answering import Answering, in_turn, says
from webhooks.tests.listening import endpoint, sent
from webhooks.tests.queueing import queued

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def test_requests_are_counted_by_outcome_and_class_of_status(answering: Answering) -> None:
    for url in (
        answering(says(204)).url,
        answering(says(404)).url,
        answering(in_turn(503)).url,
        f"http://127.0.0.1:{free_port()}/",
    ):
        queued(endpoint(url))
    sent()

    found = told(metrics.KEPT)

    assert {
        name: value for name, value in found.items() if name.startswith("delivery_attempts")
    } == {
        "delivery_attempts_total arrived 2xx": 1,
        "delivery_attempts_total failed 4xx": 1,
        "delivery_attempts_total failed 5xx": 1,
        "delivery_attempts_total failed none": 1,
    }
    assert found["delivery_seconds_count arrived"] == 1
    assert found["delivery_seconds_count failed"] == 3


def test_requests_of_one_turn_all_count(answering: Answering) -> None:
    queued(endpoint(answering(says(200)).url), count=25)
    sent()

    assert told(metrics.KEPT)["delivery_attempts_total arrived 2xx"] == 25
    assert Attempt.objects.count() == 25
