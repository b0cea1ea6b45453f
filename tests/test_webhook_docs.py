"""What docs/webhooks.md tells the writer of a receiver is what the product does."""

import base64
import hashlib
import hmac
import json
import re
import shlex
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import load_command_class
from django.db import connection
from pytest_django import Settings
from standardwebhooks import Webhook

from catalog import operations, products
from catalog.models import BulkOperation, ChangeSet, Product
from catalog.rules import FIELDS
from core.addresses import URL_LENGTH
from core.outbound import ERRORS, EXCERPT, Answer
from imports.tests.importing import completed, csv_of, imported
from tests.test_docs import DOCS, ROOT, fenced, section, settings_read
from webhooks import deliveries, endpoints, lanes, retries, trial
from webhooks.audience import EACH_MAX
from webhooks.bodies import BATCH_BYTES, BATCH_PRODUCTS
from webhooks.forms import HEADERS_MAX, RATE_MAX
from webhooks.models import BATCH, TEST, Endpoint, Event, EventType
from webhooks.templatetags.webhooks import SHORT, WORDS
from webhooks.tests.listening import endpoint, published

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PAGE = DOCS / "webhooks.md"
FORM = ChangeSet.Source.FORM
NUMBERS = {"id", "change_set", "import"}
TIMES = {"timestamp", "created_at", "updated_at"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SUMMARY = f"{BATCH} as a summary"


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a text, each as its rows without the head."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
        for table in found
    ]


def blocks(language: str, text: str = "") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text or PAGE.read_text(), re.DOTALL)


def codes(cells: list[str]) -> list[str]:
    """What stands as code in some cells."""
    return [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]


def examples() -> dict[str, dict[str, Any]]:
    """The bodies that the page shows, by their heading."""
    found = {}
    for part in section(PAGE, "## Events").split("\n### ")[1:]:
        (body,) = blocks("json", part)
        found[part.splitlines()[0].replace("`", "")] = json.loads(body)
    return found


def shape(value: Any, key: str = "") -> Any:
    """A body, with the kind in place of a value that differs from run to run; keys in order."""
    if isinstance(value, dict):
        return [(name, shape(each, name)) for name, each in value.items()]
    if isinstance(value, list):
        return [shape(each) for each in value]
    if key in TIMES:
        return bool(re.fullmatch(TIME, value))
    if key in NUMBERS and value is not None:
        return type(value)
    if key in {"url", "changes_url"} and value is not None:
        return re.sub(r"\d+", "N", value)
    return value


def a_life() -> Product:
    """A product that is made, changed and deleted, in the values of the examples."""
    product = products.create(
        source=FORM,
        actor=None,
        sku="BOLT-M8-50",
        name="Hexagon bolt M8 × 50",
        description="Zinc plated, full thread.",
        price=Decimal("12.90"),
    )
    products.update(product.pk, source=FORM, actor=None, price=Decimal("13.40"))
    products.delete(product.pk, source=FORM, actor=None)
    return product


@pytest.mark.django_db(transaction=True)
def test_every_body_is_shown_as_it_is_sent(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://products.example.com"
    batches = endpoint(event_types=list(EventType))
    a_life()
    completed(
        csv_of(
            "NUT-M8,Hexagon nut M8,,4.20,yes",
            "WASHER-M8,Washer M8,,0.40,yes",
            "WASHER-M8,Washer M8,,0.45,yes",
            "PIN-8,,,1.10,yes",
        ),
        name="prices-w47.csv",
    )
    imported(b"%PDF-1.7\n" + bytes(100), name="prices-w47.pdf")
    published()
    endpoints.delete(batches, actor=None)
    three = [
        products.create(source=FORM, actor=None, sku=sku, name=sku).pk for sku in ("A", "B", "C")
    ]
    summary = endpoint(bulk=Endpoint.Bulk.SUMMARY)
    operations.start(BulkOperation.Kind.DEACTIVATE, actor=None, ids=three)
    trial.request_test(summary, actor=None)

    sent = published()

    real = {
        SUMMARY if body["type"] == BATCH and "products" not in body["data"] else body["type"]: body
        for body in sent
    }
    assert len(real) == len(sent)
    assert {name: shape(body) for name, body in examples().items()} == {
        name: shape(body) for name, body in real.items()
    }


def test_every_type_of_event_is_listed_and_shown() -> None:
    types = [*EventType, BATCH, TEST]

    assert set(codes([row[0] for row in tables(section(PAGE, "## Events"))[0]])) == set(types)
    assert examples().keys() == {*types, SUMMARY}


def test_every_key_of_a_product_is_explained() -> None:
    shown = examples()
    keys = {key for kind in list(EventType)[:3] for key in shown[kind]["data"]}

    explained = codes([row[0] for row in tables(section(PAGE, "## Events"))[1]])

    assert set(explained) == keys | {"import", "url", "changes_url"}
    assert keys == {"id", *FIELDS, "created_at", "updated_at", "changed", "change_set"}


def test_a_product_that_an_undo_brings_back_has_its_id_and_a_higher_change_set() -> None:
    endpoint()
    product = a_life()
    operations.start_undo(ChangeSet.objects.latest("pk"), actor=None)

    *_, deleted, restored = published()

    assert (deleted["type"], restored["type"]) == ("product.deleted", "product.created")
    assert restored["data"]["id"] == product.pk
    assert restored["data"]["change_set"] > deleted["data"]["change_set"]


def test_forms_are_those_of_the_endpoint() -> None:
    forms = [row[0] for row in tables(section(PAGE, "## In which form changes come"))[0]]

    assert forms == Endpoint.Bulk.labels


def test_headers_are_those_of_a_request() -> None:
    sent = deliveries.request_headers(endpoint(), "msg_1", datetime.now(UTC), b"{}")
    rows = tables(section(PAGE, "## Headers"))[0]
    (example,) = blocks("http")
    shown = dict(re.findall(r"^([\w-]+): (.+)$", example.split("\n\n")[0], re.MULTILINE))

    assert codes([row[0] for row in rows]) == list(sent)
    assert [name.lower() for name in shown] == ["host", *sent]
    for name in ("content-type", "user-agent"):
        assert f"| `{name}` | `{sent[name]}` |" in PAGE.read_text()
        assert sent[name] in shown.values()


def test_request_that_is_shown_is_signed_with_the_secret_that_is_shown() -> None:
    (example,) = blocks("http")
    head, _, body = example.strip().partition("\n\n")
    headers = dict(re.findall(r"^([\w-]+): (.+)$", head, re.MULTILINE))
    by_hand = section(PAGE, "## Verify").split("**By hand.**")[1]
    secret = re.findall(r"`(whsec_\S+)`", by_hand)[-1]
    at = datetime.fromtimestamp(int(headers["Webhook-Timestamp"]), UTC)

    # As the page tells it, and by the package.
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.{body}".encode()
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

    assert headers["Webhook-Signature"] == f"v1,{signature}"
    assert headers["Webhook-Signature"] == Webhook(secret).sign(headers["Webhook-Id"], at, body)
    assert json.loads(body) == examples()[TEST]


@pytest.mark.parametrize(
    ("language", "file"),
    [("python", "receive_webhooks.py"), ("javascript", "receive_webhooks.mjs")],
)
def test_programs_are_the_ones_that_are_run(language: str, file: str) -> None:
    assert blocks(language) == [(DOCS / "examples" / file).read_text()]


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=lambda page: page.name)
def test_receiver_is_started_with_options_that_it_has(page: Any) -> None:
    parser = load_command_class("webhooks", "webhook_receiver").create_parser(
        "manage.py", "webhook_receiver"
    )
    commands = [line for line in fenced(page, "console") if "webhook_receiver" in line]

    assert len(commands) == (4 if page == PAGE else 2)
    for command in commands:
        parser.parse_args(shlex.split(command.split("webhook_receiver", 1)[1]))


def test_answers_lead_to_what_is_said() -> None:
    text = section(PAGE, "## What to answer")
    rows = {row[0]: row[1] for row in tables(text)[0]}
    overloaded, at_least = next(
        (row, then) for row, then in rows.items() if row.endswith("or none in time")
    )

    assert {int(status) for status in re.findall(r"\d{3}", overloaded)} == retries.OVERLOADED
    assert f"at least {retries.PAUSE_SECONDS:g} seconds" in at_least
    assert str(deliveries.GONE) in rows
    assert [retries.is_success(status, "") for status in (199, 200, 299, 300)] == [
        False,
        True,
        True,
        False,
    ]
    assert f"**Within {settings_read()['OUTBOUND_DEADLINE_SECONDS']} seconds in all**" in text
    assert f"first {deliveries.BODY_KEPT // 1024} KiB" in text
    assert f"up to {deliveries.HEADERS_KEPT} headers" in text
    assert f"At most {EXCERPT // 1024} KiB are read" in text
    assert retries.TRIES - 1 == 9
    assert "brings it back nine times" in text


def test_retries_are_those_of_the_schedule() -> None:
    text = section(PAGE, "## Retries")
    units = {"s": 1, "min": 60, "h": 3600}
    waits = [row[1] for row in tables(text)[0]]
    seconds = [
        0 if wait == "at once" else int(wait.split()[0]) * units[wait.split()[1]] for wait in waits
    ]

    assert tuple(seconds) == retries.SCHEDULE
    assert [row[0] for row in tables(text)[0]] == [str(n + 1) for n in range(retries.TRIES)]
    assert f"±{retries.JITTER:.0%}".replace("%", " %") in text
    assert f"about\n{sum(retries.SCHEDULE) // 3600} hours" in text
    assert f"After {retries.BREAKER} failures in a row" in text
    assert f"After {retries.GIVE_UP_AFTER.days} days of nothing" in text
    assert f"waited for {settings_read()['WEBHOOK_RETENTION_DAYS']} days" in text


def test_rotation_lasts_as_long_as_is_said() -> None:
    text = section(PAGE, "## Verify")

    assert f"For {settings_read()['WEBHOOK_ROTATION_HOURS']} hours" in text


def test_limits_are_those_of_the_code() -> None:
    defaults = settings_read()
    rate = Endpoint._meta.get_field("rate_per_hour").get_default()

    assert [row[1] for row in tables(section(PAGE, "## Limits"))[0]] == [
        f"{BATCH_PRODUCTS:,}",
        f"{BATCH_BYTES // 1024} KiB",
        f"{EACH_MAX:,}",
        str(lanes.WIDTH),
        f"{rate:,}",
        f"{RATE_MAX:,}",
        f"{lanes.BURST:,}",
        defaults["OUTBOUND_DEADLINE_SECONDS"],
        str(trial.TESTS_A_MINUTE),
        f"{URL_LENGTH:,}",
        str(HEADERS_MAX),
        defaults["WEBHOOK_RETENTION_DAYS"],
    ]
    forms = section(PAGE, "## In which form changes come")
    assert f"at most {BATCH_PRODUCTS:,} products and {BATCH_BYTES // 1024} KiB" in forms
    assert f"up to {EACH_MAX:,} products" in forms


def test_every_error_has_a_remedy() -> None:
    rows = tables(section(PAGE, "## When a delivery does not arrive"))[0]
    short = {row[0].strip("`"): row[1] for row in rows}
    words = {row[0].strip("`"): row[2] for row in rows}

    unsent = {value.error for value in vars(deliveries).values() if isinstance(value, Answer)}

    assert short.keys() == {*ERRORS, lanes.INTERRUPTED, *unsent}
    assert short == SHORT
    assert words == WORDS


def test_receiver_keeps_the_newest_whatever_comes_first() -> None:
    (keep,) = blocks("sql", section(PAGE, "## Order"))
    endpoint()
    product = a_life()
    bodies = published()
    operations.start_undo(ChangeSet.objects.latest("pk"), actor=None)
    restored = published()[-1]

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE their_product (id bigint PRIMARY KEY, sku text, name text,"
            " price numeric, active boolean, change_set bigint, deleted boolean)"
        )

        def take(body: dict[str, Any]) -> tuple[Any, ...]:
            deleted = body["type"] == EventType.PRODUCT_DELETED
            cursor.execute(keep, {**body["data"], "deleted": deleted})
            cursor.execute("SELECT id, price, deleted FROM their_product")
            (row,) = cursor.fetchall()
            return tuple(row)

        made, changed, deleted = bodies
        now = [take(body) for body in (changed, made, deleted, changed, restored, deleted)]

    price = Decimal("13.40")
    gone = [False, False, True, True, False, False]
    assert now == [(product.pk, price, deleted) for deleted in gone]


def test_receiver_takes_an_id_once() -> None:
    (note,) = blocks("sql", section(PAGE, "## At least once"))
    endpoint()
    a_life()
    published()
    first, second = [event.webhook_id for event in Event.objects.all()[:2]]

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE their_webhook (id text PRIMARY KEY)")
        inserted = []
        for webhook_id in (first, second, first):
            cursor.execute(note, {"webhook_id": webhook_id})
            inserted.append(cursor.rowcount)

    assert inserted == [1, 1, 0]
