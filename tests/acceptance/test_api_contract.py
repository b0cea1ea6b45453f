"""The running product does what the API's description says, whatever it is sent.

First every call is made once as it is meant, in an order in which each can succeed. Then
schemathesis makes up thousands of requests from the description, valid ones and ones that are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from schemathesis import checks, openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.specs.openapi import checks as conformance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.faults.files import as_csv, products
from tests.faults.harness import Site, eventually
from webhooks.receiving import Receiver

pytestmark = pytest.mark.acceptance

CHECKS = [
    checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
]
# Not positive_data_acceptance: that a URL leads somewhere, that a SKU is free, that a file has a
# header and that an import can be undone are no matters of shape, and are refused with 400 and 409.
OF_INPUT = [conformance.negative_data_rejection, conformance.unsupported_method]
#: Which row a number in a path is of.
ROWS_AT = (
    ("^/api/products/", "id", "product"),
    ("^/api/changesets/", "id", "change_set"),
    ("^/api/operations/", "id", "operation"),
    ("^/api/imports/.id", "id", "import"),
    ("^/api/imports/.job_id", "job_id", "task"),
    ("^/(status|api/uploads)/", "job_id", "task"),
    ("^/api/progress/", "task_id", "task"),
    ("^/api/webhooks/", "id", "webhook"),
    ("^/api/deliveries/", "id", "delivery"),
)
#: Calls after which there is little left for others to find: they come last.
LAST = [
    "act_on_products", "delete_all_products", "bulk_delete_all_products", "delete_product",
    "delete_webhook",
]  # fmt: skip
#: Second addresses of calls: the same views, which the walk and `tests/contract/` ask there too.
OTHER_SPELLINGS = "^/(upload$|status/|api/uploads/|api/products/bulk$)"
#: Calls that read a body as another call does, which is sent all that is wrong with one.
SAME_BODY = [
    "replace_product", "change_product", "change_source", "replace_webhook", "change_webhook",
]  # fmt: skip
UNEXPECTED = ["put", "delete", "trace"]
EXAMPLES = 3
GOOD = as_csv(products(1_001))
PARTLY = b"sku,name,price\nP-1,One,1.00\nP-2,,1.00\nP-3,Three,x\n"
BROKEN = b"no,such,columns\n1,2,3\n"


@dataclass
class Walk:
    """Makes calls by their operation ids, holds each answer against its description."""

    site: Site
    schema: OpenApiSchema
    token: str
    succeeded: set[str] = field(default_factory=set)

    def call(self, name: str, *, then: int = 0, **how: Any) -> Any:
        """The JSON of an answer, which has to be a success (or `then`)."""
        case = self.schema.find_operation_by_id(name).Case(
            **how, headers={"Authorization": f"Bearer {self.token}"}
        )
        response = case.call_and_validate(checks=CHECKS, timeout=60)
        assert response.status_code == then or response.status_code < 300, (name, response.text)
        assert not then or response.status_code == then, (name, response.text)
        self.succeeded.add(name)
        is_json = "application/json" in response.headers.get("content-type", ("",))[0]
        return response.json() if is_json and response.content else None

    def upload(self, content: bytes, *, name: str = "upload_file", **options: str) -> int:
        body = {"file": content, **options}
        return int(self.call(name, body=body, media_type="multipart/form-data")["job_id"])

    def imported(self, content: bytes, *, name: str = "upload_file") -> int:
        job = self.upload(content, name=name)
        self.site.finished(job)
        return job


def configuration(site: Site, phase: str, left_out: dict[str, Any]) -> dict[str, Any]:
    """What schemathesis is to do in a phase of its own; numbers in paths are those of rows.

    Coverage tries every border of every parameter on one row, and those of a body that several
    calls read from its wrong side once; fuzzing draws from the last rows, and one time in five from
    all numbers that may be.
    """
    known = {name: numbers for name, numbers in numbers_of(site).items() if numbers}
    methods = {"unexpected-methods": UNEXPECTED} if phase == "coverage" else {}
    valid_only = {"phases": {"coverage": {"generation": {"mode": "positive"}}}}

    def row_of(kind: str) -> Any:
        if phase == "coverage":
            return known[kind][0]
        return {"dictionary": kind, "probability": 0.8}

    return {
        "base-url": site.url,
        "headers": {"Authorization": f"Bearer {site.token()}"},
        "seed": 1,
        "continue-on-failure": True,
        "request-timeout": 60,
        "max-stream-events": 10,
        "generation": {
            "deterministic": True,
            "database": "none",
            "max-examples": EXAMPLES,
            "no-shrink": True,
            "with-security-parameters": False,
        },
        "phases": {
            "enabled": False,
            phase: {"enabled": True, "extra-data-sources": {"responses": False}, **methods},
        },
        "checks": {
            "enabled": False,
            **{check.__name__: {"enabled": True} for check in [*CHECKS, *OF_INPUT]},
        },
        "dictionaries": {name: {"values": numbers} for name, numbers in known.items()},
        "operations": [
            {"include-path-regex": pattern, "parameters": {f"path.{name}": row_of(kind)}}
            for pattern, name, kind in ROWS_AT
            if kind in known
        ]
        + [{"include-path-regex": OTHER_SPELLINGS, "enabled": False}]
        + [{"include-operation-id": SAME_BODY, **valid_only}]
        + ([{**left_out, "enabled": False}] if left_out else []),
    }


def numbers_of(site: Site) -> dict[str, list[Any]]:
    """The numbers of the last rows of each kind."""
    tables = {
        "product": "catalog_product",
        "change_set": "catalog_changeset",
        "operation": "catalog_bulkoperation",
        "import": "imports_importjob",
        "webhook": "webhooks_endpoint",
        "delivery": "webhooks_delivery",
    }
    found = {
        name: [row["id"] for row in site.rows(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 12")]
        for name, table in tables.items()
    }
    tasks = [f"{kind}-{pk}" for kind in ("import", "operation") for pk in found[kind]]
    return {**found, "task": tasks}


@pytest.fixture
def schema(site: Site) -> OpenApiSchema:
    return described(site)


def described(
    site: Site, phase: str = "coverage", left_out: dict[str, Any] | None = None
) -> OpenApiSchema:
    """The description as the running product gives it, in the words of schemathesis."""
    headers = {"Authorization": f"Bearer {site.token()}"}
    given = requests.get(f"{site.url}/api/schema", headers=headers, timeout=30).json()
    for path in given["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter.get("allowEmptyValue"):
                    blank = {"type": "string", "maxLength": 0}
                    parameter["schema"] = {"anyOf": [parameter["schema"], blank]}
            for response in operation["responses"].values():
                # It holds a schema against each event, where OpenAPI means the whole stream.
                events_in = response.get("content", {}).get("text/event-stream")
                if events_in:
                    events_in["schema"] = {"type": "object", "required": ["data"]}
    config = SchemathesisConfig.from_dict(configuration(site, phase, left_out or {}))
    return openapi.from_dict(given, config=config)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("127.0.0.1", answer=lambda _: (200, {}, b"taken")) as running:
        yield running


def walk_products(walk: Walk) -> None:
    """All calls of products, change sets and operations."""
    call = walk.call
    walk.imported(GOOD)
    product = call("create_product", body={"sku": "W-1", "name": "One", "price": "12.90"})
    one = {"id": product["id"]}
    call("list_products", query={"search": "W-1"})
    call("get_product", path_parameters=one)
    call("replace_product", path_parameters=one, body={"sku": "W-1", "name": "Two"})
    call("change_product", path_parameters=one, body={"price": 3.5, "active": False})
    call("list_product_changes", path_parameters=one)
    call("export_products", query={"search": "W-1"})
    call("act_on_products", body={"action": "activate", "ids": [product["id"]]})
    change_set = {"id": call("list_change_sets")["items"][0]["id"]}
    call("get_change_set", path_parameters=change_set)
    call("list_changes", path_parameters=change_set)
    call("preview_undo", path_parameters=change_set)
    call("undo_change_set", path_parameters=change_set)
    call("delete_product", path_parameters=one)
    for name in ("delete_all_products", "bulk_delete_all_products"):
        call(name, query={"confirm": True})


def walk_operations(walk: Walk) -> None:
    """Those of an operation and of an import that can't be applied for the moment."""
    call = walk.call
    walk.imported(GOOD)
    with walk.site.hold("merge"):
        task = call("delete_all_products", query={"confirm": True})["task_id"]
        operation = {"id": int(task.removeprefix("operation-"))}
        call("get_operation", path_parameters=operation)
        call("cancel_operation", path_parameters=operation)
        job = {"id": walk.upload(GOOD)}
        call("cancel_import", path_parameters=job)
    walk.site.finished(job["id"])
    call("preview_import", path_parameters=job)
    call("retry_import", path_parameters=job)


def walk_imports(walk: Walk) -> None:
    """All calls of imports: of one that ended well, of one with rejected rows."""
    call = walk.call
    job = {"id": walk.imported(PARTLY, name="upload")}
    for name in ("get_upload", "get_status", "get_import"):
        call(name, path_parameters={"job_id": str(job["id"])})
    call("follow_progress", path_parameters={"task_id": f"import-{job['id']}"})
    call("list_imports")
    for name in ("list_import_changes", "list_rejected_rows", "download_rejected_rows"):
        call(name, path_parameters=job)
    rows = call("list_rejected_rows", path_parameters=job)["items"]
    cells = [{"row": rows[0]["row"], "column": "name", "value": "Two"}]
    made = call("repair_import", path_parameters=job, body={"cells": cells})
    walk.site.finished(made["job_id"])
    call("undo_import", path_parameters=job)
    walk_review(walk)


def walk_review(walk: Walk) -> None:
    """All calls of an import that waits for its review."""
    call = walk.call
    job = {"id": walk.upload(GOOD, review="always")}
    eventually(lambda: walk.site.job(job["id"])["state"] == "review", what="the review")
    call("preview_import", path_parameters=job)
    call("follow_progress", path_parameters={"task_id": f"import-{job['id']}"})
    call("list_review_rows", path_parameters=job, query={"class": "new"})
    call("decide_review", path_parameters=job, body={"lines": [2], "include": False})
    call("commit_import", path_parameters=job, body={})
    walk.site.finished(job["id"])


def walk_sources(walk: Walk) -> None:
    """All calls of sources; the address is one that nobody answers."""
    call = walk.call
    schedule = {"cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin"}
    body = {"name": "Supplier", "url": "http://127.0.0.1:8999/prices.csv", "schedule": schedule}
    source = {"id": call("create_source", body=body)["id"]}
    call("list_sources")
    call("get_source", path_parameters=source)
    call("change_source", path_parameters=source, body={"enabled": False})
    call("fetch_source", path_parameters=source)
    call("list_fetches", path_parameters=source)
    # One that is under way for as long as it takes to ask for its end.
    walk.site.rows(
        "UPDATE imports_fetch SET state = 'fetching', leased_until = now() + interval '1 hour',"
        " lease_token = gen_random_uuid(), finished_at = NULL RETURNING id"
    )
    call("cancel_fetch", path_parameters=source)
    call("delete_source", path_parameters=source)


def walk_webhooks(walk: Walk, receiver: Receiver) -> None:
    """All calls of webhooks and deliveries."""
    call = walk.call
    body = {"url": receiver.url, "event_types": ["product.created"]}
    webhook = {"id": call("create_webhook", body=body)["id"]}
    call("create_product", body={"sku": "W-2", "name": "Two"})
    eventually(lambda: receiver.received, what="a delivery")
    call("list_webhooks")
    call("get_webhook", path_parameters=webhook)
    call("replace_webhook", path_parameters=webhook, body=body)
    call("change_webhook", path_parameters=webhook, body={"enabled": False})
    call("enable_webhook", path_parameters=webhook, body={})
    call("test_webhook", path_parameters=webhook, body={"payload": {"a": 1}})
    delivery = {"id": call("list_webhook_attempts", path_parameters=webhook)[-1]["delivery"]}
    call("get_delivery", path_parameters=delivery)
    call("redeliver", path_parameters=delivery)
    call("replay_webhook", path_parameters=webhook, body={"state": "all"})
    call("try_webhook_now", path_parameters=webhook)
    call("rotate_webhook_secret", path_parameters=webhook)
    call("end_webhook_rotation", path_parameters=webhook)
    call("delete_webhook", path_parameters=webhook)


def test_every_call_succeeds_as_it_is_described(
    site: Site, schema: OpenApiSchema, receiver: Receiver
) -> None:
    site.start_worker()
    site.start_deliver()
    walk = Walk(site, schema, site.token())

    walk_products(walk)
    walk_operations(walk)
    walk_imports(walk)
    walk_webhooks(walk, receiver)
    walk_sources(walk)

    ids = {
        operation["operationId"]
        for path in schema.raw_schema["paths"].values()
        for operation in path.values()
    }
    assert ids - walk.succeeded == set()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("phase", ["coverage", "fuzzing"])
def test_no_request_is_answered_otherwise_than_described(
    site: Site, schema: OpenApiSchema, receiver: Receiver, phase: str
) -> None:
    site.start_worker()
    site.start_deliver()
    prepare(Walk(site, schema, site.token()), receiver)

    problems = [
        *found_wrong(described(site, phase, {"include-operation-id": LAST})),
        *found_wrong(described(site, phase, {"exclude-operation-id": LAST})),
    ]

    assert problems == [], "\n\n".join(problems)


def prepare(walk: Walk, receiver: Receiver) -> None:
    """A row of every kind."""
    call = walk.call
    walk.imported(GOOD)
    walk.imported(PARTLY)
    walk.imported(BROKEN)
    call("create_webhook", body={"url": receiver.url, "event_types": ["product.created"]})
    call("create_product", body={"sku": "W-2", "name": "Two"})
    eventually(lambda: receiver.received, what="a delivery")
    task = call("delete_all_products", query={"confirm": True})["task_id"]
    walk.site.done(int(task.removeprefix("operation-")))
    for number in range(12):
        call("create_product", body={"sku": f"Z-{number}", "name": "One"})


def found_wrong(schema: OpenApiSchema) -> Iterator[str]:
    """Each failed check with the request that shows it."""
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            yield f"{event.label}: {event.value!r}"
        if isinstance(event, events.ScenarioFinished):
            for nodes in event.recorder.checks.values():
                for node in nodes:
                    if node.failure_info is not None:
                        failure = node.failure_info
                        yield f"{event.label}: {failure.failure}\n{failure.code_sample}"
