"""What docs/api.md says of the API is what the API says of itself."""

import pytest

from accounts.roles import SCOPES
from config.api import METHODS, schema
from core.api.problems import KINDS
from core.api.serializers import Paging
from tests.test_docs import DOCS, section, settings_read
from tests.test_webhook_docs import codes, tables

PAGE = DOCS / "api.md"


def rows(heading: str) -> list[list[str]]:
    (table,) = tables(section(PAGE, heading))
    return table


def test_every_call_is_listed_with_its_scope() -> None:
    listed = {call: scope for calls, scope, _ in rows("## Calls") for call in codes([calls])}

    assert listed == {
        f"{method.upper()} {path}": operations[method]["x-scope"]
        for path, operations in schema()["paths"].items()
        for method in METHODS
        if method in operations
    }


def test_every_kind_of_problem_is_listed_with_its_status() -> None:
    listed = {codes([kind])[0]: int(status) for kind, status, _ in rows("## Problems")}

    assert listed == {kind: described.status for kind, described in KINDS.items()}


def test_scopes_are_those_of_tokens() -> None:
    assert codes([row[0] for row in rows("## Who may what")]) == list(SCOPES)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("API_REQUESTS_A_MINUTE", "1,000 requests a minute for each token"),
        ("API_STRANGERS_REQUESTS_A_MINUTE", "100 for each address"),
        ("IDEMPOTENCY_HOURS", "for 24 hours"),
    ],
)
def test_limits_are_the_defaults_of_the_settings(setting: str, words: str) -> None:
    text = " ".join(section(PAGE, "## What holds for every call").split())
    number = f"{int(settings_read()[setting]):,}"

    assert number in words
    assert words in text


def test_pages_are_as_long_as_is_said() -> None:
    assert f"`limit` from 1 to {Paging.MOST}, {Paging().fields['limit'].default} if left out" in (
        " ".join(section(PAGE, "## What holds for every call").split())
    )
