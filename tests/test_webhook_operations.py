"""What docs/operations.md tells whoever runs the sending side of webhooks."""

import re
import shlex
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from catalog import products
from catalog.models import ChangeSet
from dev import procfile
from tests.test_docs import DOCS, ROOT, section
from tests.test_webhook_docs import blocks
from webhooks import deliveries, lanes, retries
from webhooks.models import Endpoint
from webhooks.tests.listening import endpoint, published
from webhooks.wakeups import LANES

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

OPERATIONS = DOCS / "operations.md"


def test_operators_see_what_waits_by_the_statements_they_are_given() -> None:
    unpublished, waiting, disabled = blocks("sql", section(OPERATIONS, "### Worth watching"))
    one, other = endpoint(), endpoint()
    Endpoint.objects.filter(pk=other.pk).update(state="disabled", reason="gone")

    def asked(statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [row[:2] for row in cursor.fetchall()]

    products.create(source=ChangeSet.Source.FORM, actor=None, sku="A", name="A")
    change_set = ChangeSet.objects.get()
    before = asked(unpublished), asked(waiting)
    published()

    assert before == ([(1, change_set.created_at)], [])
    assert (asked(unpublished), asked(waiting)) == ([(0, None)], [(one.pk, 1)])
    assert asked(disabled) == [(other.pk, "gone")]


def test_secrets_outlive_a_new_secret_key_by_the_command_that_is_given(settings: Settings) -> None:
    (command,) = blocks("console", section(OPERATIONS, "### A new SECRET_KEY"))
    *start, code = shlex.split(command)
    known = endpoint(headers={"Authorization": "Bearer 1"})
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another key " * 5

    settings.SECRET_KEY_FALLBACKS = [former]
    exec(code, {"Endpoint": Endpoint})  # noqa: S102
    settings.SECRET_KEY_FALLBACKS = []

    assert start == ["python", "manage.py", "shell", "-c"]
    again = Endpoint.objects.get()
    assert (again.secret, again.headers) == (known.secret, known.headers)


def test_without_the_command_a_new_secret_key_makes_secrets_unreadable(settings: Settings) -> None:
    endpoint()
    settings.SECRET_KEY = "another key " * 5

    assert Endpoint.objects.get().secret is None


def test_queues_and_figures_of_operations_are_those_of_the_code(settings: Settings) -> None:
    text = section(OPERATIONS, "## Webhooks")
    routes = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}

    assert set(re.findall(r"--queues (\w+)", text)) == {q for q in routes if "webhooks" in q}
    assert f"up to {LANES[False]} endpoints at once and on {LANES[True]} slow ones" in text
    assert lanes.WIDTH == 4
    assert "with four requests each" in text
    assert f"took more than {lanes.SLOW_MILLISECONDS // 1000} seconds" in text


def test_threads_are_left_to_publish_when_all_lanes_are_busy() -> None:
    (deliver,) = (each for each in procfile.read(ROOT / "Procfile") if each.name == "deliver")
    threads = int(deliver.command[deliver.command.index("--concurrency") + 1])

    assert sum(LANES.values()) + 2 <= threads


def test_guide_says_when_an_endpoint_is_disabled() -> None:
    text = section(DOCS / "guide.md", "## Webhooks")

    assert f"fails {retries.BREAKER} times in a row" in text
    assert f"fail for {retries.GIVE_UP_AFTER.days} days, or answers {deliveries.GONE}" in text
