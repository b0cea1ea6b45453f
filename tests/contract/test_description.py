"""The API's description: what it says, that it is OpenAPI, and that no change of it goes unseen."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from accounts.models import User
from accounts.roles import SCOPES
from config.api import schema
from core.api.problems import KINDS

SNAPSHOT = Path(__file__).with_name("openapi.json")
REFRESH = (
    "The description differs from tests/contract/openapi.json. If that is meant, refresh it and"
    " look at the difference, which is what clients will see:\n"
    ".venv/bin/python -m dev exec python manage.py spectacular --validate --fail-on-warn"
    " --format openapi-json --file tests/contract/openapi.json"
)
#: The calls that clients rely on, in both spellings.
CALLS = """
GET POST DELETE /api/products
GET PUT PATCH DELETE /api/products/{id}
DELETE /api/products/bulk
POST /api/products/actions
GET /api/products/export
POST /api/upload
POST /upload
GET /api/progress/{task_id}
GET /api/uploads/{job_id}
GET /status/{job_id}
GET /api/imports
GET /api/imports/{job_id}
POST /api/imports/{id}/commit
POST /api/imports/{id}/cancel
POST /api/imports/{id}/retry
POST /api/imports/{id}/undo
GET /api/imports/{id}/preview
GET PATCH /api/imports/{id}/review
GET /api/imports/{id}/changes
GET /api/imports/{id}/rejected
GET /api/imports/{id}/rejected.csv
GET POST /api/webhooks
GET PUT PATCH DELETE /api/webhooks/{id}
POST /api/webhooks/{id}/test
GET /api/webhooks/{id}/logs
POST /api/webhooks/{id}/rotate-secret
POST /api/webhooks/{id}/replay
POST /api/deliveries/{id}/redeliver
GET /api/changesets
GET /api/changesets/{id}/changes
POST /api/changesets/{id}/undo
"""


def calls(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def test_description_is_the_one_in_the_repository() -> None:
    assert json.dumps(schema()) == json.dumps(json.loads(SNAPSHOT.read_text())), REFRESH


def test_command_that_refreshes_it_writes_it_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"

    call_command("spectacular", format="openapi-json", file=str(file))

    assert file.read_text() == SNAPSHOT.read_text(), REFRESH


def test_description_is_openapi_3_1() -> None:
    assert schema()["openapi"].startswith("3.1.")
    validate_schema(schema())  # type: ignore[no-untyped-call]


def test_nothing_had_to_be_guessed() -> None:
    schema.cache_clear()
    schema()

    assert not GENERATOR_STATS, [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]


def test_every_call_that_clients_rely_on_is_described() -> None:
    promised = {
        (method, line.split()[-1])
        for line in CALLS.strip().splitlines()
        for method in line.split()[:-1]
    }

    assert promised - {(method, path) for method, path, _ in calls(schema())} == set()


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [pytest.param(*call, id=call[2]["operationId"]) for call in calls(schema())],
)
def test_call_says_what_it_does_and_who_may(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert [tag for tag in operation["tags"] if tag in {each["name"] for each in schema()["tags"]}]
    assert operation["x-scope"] in SCOPES
    assert f"Scope: `{operation['x-scope']}`" in operation["description"]
    assert operation["security"] == [{"token": []}, {"session": []}]
    assert {"400", "401", "403", "429"} <= set(operation["responses"])
    assert any(status.startswith("2") for status in operation["responses"])
    assert ("404" in operation["responses"]) or "{" not in path
    if method == "POST":
        assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in calls(schema())]

    assert len(set(ids)) == len(ids)


def test_shapes_have_the_names_of_what_they_show() -> None:
    names = set(schema()["components"]["schemas"])

    assert {"Product", "ProductBody", "ProductChanges", "ProductPage", "Problem"} <= names
    assert [name for name in names if name.endswith(("Json", "Request", "Serializer"))] == []


@pytest.mark.integration
@pytest.mark.django_db
def test_schema_is_answered_to_whoever_is_signed_in(viewer_client: Client) -> None:
    response = viewer_client.get("/api/schema")

    assert response.status_code == 200
    assert response.json() == json.loads(json.dumps(schema()))


@pytest.mark.integration
@pytest.mark.django_db
def test_docs_list_every_call_and_every_problem_without_javascript(viewer_client: Client) -> None:
    page = viewer_client.get("/api/docs")

    assert page.status_code == 200
    text = page.content.decode()
    for method, path, operation in calls(schema()):
        assert f'<code class="method">{method}</code>' in text
        assert f'<code class="path">{path}</code>' in text
        assert operation["summary"].split("'")[0] in text
    for name, kind in KINDS.items():
        assert f'id="{name}"' in text
        assert kind.remedy, name


@pytest.mark.integration
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/docs", "/docs"])
def test_docs_ask_strangers_to_sign_in(path: str) -> None:
    response = Client().get(path)

    assert response.status_code == 302
    assert response["Location"] == f"/account/sign-in/?next={path}"


@pytest.mark.integration
@pytest.mark.django_db
def test_docs_need_a_role() -> None:
    client = Client()
    client.force_login(User.objects.create_user(username="nobody"))

    response = client.get("/api/docs")

    assert response.status_code == 403
    assert "no role" in response.content.decode()
    assert "/api/products" not in response.content.decode()


@pytest.mark.integration
@pytest.mark.django_db
def test_old_address_of_the_docs_leads_there(viewer_client: Client) -> None:
    response = viewer_client.get("/docs")

    assert response.status_code == 302
    assert response["Location"] == "/api/docs"
