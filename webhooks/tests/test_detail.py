"""The page of one endpoint: notices, log, one delivery opened, and what htmx gets of it."""

import datetime
import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from catalog.models import ChangeSet
from core.encryption import EncryptedField
from webhooks import endpoints, events
from webhooks.models import BATCH, Attempt, Delivery, Endpoint, Event, EventType, Lane
from webhooks.receiving import Received, Receiver
from webhooks.tests.javascript import NODE, node_modules
from webhooks.tests.listening import created, endpoint, published, sent
from webhooks.trial import request_test

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HTMX = {"HX-Request": "true"}
HOSTILE = "</pre><script>alert(1)</script>\"'{{ 7 }}"


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def delivery(of: Endpoint, **values: Any) -> Delivery:
    """A delivery of one updated product, unless told otherwise."""
    event = {
        "type": EventType.PRODUCT_UPDATED,
        "subject": "A-1",
        "count": 1,
        "body": '{"type":"product.updated","data":{"sku":"A-1"}}',
        **values.pop("event", {}),
    }
    return Delivery.objects.create(event=Event.objects.create(**event), endpoint=of, **values)


def attempt(of: Delivery, **values: Any) -> Attempt:
    return Attempt.objects.create(
        **{"delivery": of, "number": 1, "at": now(), "milliseconds": 212, "status": 503, **values}
    )


def lane(of: Endpoint, **values: Any) -> None:
    Lane.objects.filter(pk=of.pk).update(**values)


def page_of(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, path
    return answer.content.decode()


def detail(of: Endpoint) -> str:
    return reverse("webhooks:detail", args=[of.pk])


def opened(of: Delivery) -> str:
    return reverse("webhooks:delivery", args=[of.endpoint_id, of.pk])


def words(page: str) -> str:
    """The text of the page, spaces as one sees them."""
    main = page[page.index("<main") :]
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))
    return re.sub(r" ([,.:])", r"\1", text)


def test_new_endpoint_says_what_it_hears_and_that_nothing_was_sent(client: Client) -> None:
    listening = endpoint("https://shop.example.com:8443/hooks/in?key=1", description="The shop")

    page = page_of(client, detail(listening))

    shown = words(page)
    assert "<h1><b>shop.example.com</b>:8443<wbr>/hooks<wbr>/in?…</h1>" in page
    assert "key=1" not in page
    assert "The shop" in shown
    assert "product.created product.updated product.deleted bulk changes in batches" in shown
    assert "1,000 an hour four at a time" in shown
    assert "Nothing has been sent yet" in shown
    assert "No delivery is open" in shown
    assert listening.secret not in page
    assert "every " not in page


def test_deleted_endpoint_and_delivery_of_another_are_not_found(client: Client) -> None:
    gone, other = endpoint(), endpoint()
    of_other = delivery(other)
    endpoints.delete(gone, actor=None)

    assert client.get(detail(gone)).status_code == 404
    assert client.get(f"/webhooks/{gone.pk}/deliveries/{of_other.pk}/").status_code == 404
    assert client.get(opened(of_other)).status_code == 200


def test_failing_endpoint_says_how_often_what_waits_and_when_it_is_tried(client: Client) -> None:
    failing = endpoint()
    due = now() + datetime.timedelta(minutes=94, seconds=30)
    oldest = delivery(failing, state="retrying", due_at=due, tries=4, attempts=4, status=503)
    second = delivery(failing)
    since = now() - datetime.timedelta(hours=7)
    lane(failing, failures=9, failing_since=since, due_at=due)

    page = page_of(client, opened(second))

    shown = words(page)
    assert "9 failures in a row. 2 deliveries wait; only the oldest is tried" in shown
    assert "next in 1 h 34 min" in shown
    ends = (since + datetime.timedelta(days=5)).strftime("%-d %b, %H:%M UTC")
    assert f"Nothing but failure until {ends} disables the endpoint." in shown
    assert f'href="{opened(oldest)}">the oldest</a>' in page
    assert "Next try once the oldest has arrived, number 1 of 10" in shown
    assert "Failing" in shown
    # The next look is when the time for the next try comes.
    assert re.search(r'hx-trigger="every 5[56]\d\ds, refresh"', page)


def test_disabled_endpoint_says_why_and_offers_what_failed(client: Client) -> None:
    disabled = endpoint()
    lane(disabled, failures=7, failing_since=now() - datetime.timedelta(hours=1))
    delivery(disabled, state="failed", finished_at=now())
    delivery(disabled, state="failed", finished_at=now() - datetime.timedelta(hours=2))
    waits = delivery(disabled)
    Endpoint.objects.filter(pk=disabled.pk).update(state="disabled", reason="gone")

    shown = words(page_of(client, opened(waits)))

    assert ": it answered 410 Gone." in shown
    assert "1 delivery waits until it is enabled; what is older than 14 days goes." in shown
    assert "Enable it and send the 1 that failed" in shown
    assert "Next try once the endpoint is enabled" in shown


def test_paused_endpoint_says_what_waits_and_for_how_long_that_is_kept(client: Client) -> None:
    paused = endpoint()
    delivery(paused)
    endpoints.pause(paused, actor=None)

    page = page_of(client, detail(paused))

    assert "1 delivery waits until it is enabled. What waits longer than 14 days goes." in words(
        page
    )
    assert 'id="enable"' in page
    assert 'id="pause"' not in page
    assert "every " not in page


def test_strict_order_names_what_holds_the_others_back(client: Client) -> None:
    ordered = endpoint(ordered=True)
    delivery(ordered, state="retrying", tries=3, due_at=now() + datetime.timedelta(hours=2))
    delivery(ordered)
    delivery(ordered)

    shown = words(page_of(client, detail(ordered)))

    assert "2 deliveries are held back." in shown
    assert "until product.updated A-1 arrives or is given up; it has failed 3 times" in shown


def test_change_set_too_large_for_one_by_one_names_the_rate_it_needs(client: Client) -> None:
    slow = endpoint(bulk="each")
    quick = endpoint(bulk="each", rate_per_hour=25_000)
    change_set = ChangeSet.objects.create(source="import", updated=20_000)
    event = Event.objects.create(type=BATCH, body="{}", change_set=change_set, sequence=1)
    for each in (slow, quick):
        Delivery.objects.create(event=event, endpoint=each, state="arrived")

    shown = words(page_of(client, detail(slow)))

    assert "20,000 products came in batches, not one by one." in shown
    assert "One by one they need a rate of 20,000." in shown
    assert "came in batches" not in page_of(client, detail(quick))


def test_secret_that_can_not_be_read_stands_on_the_page_with_its_remedy(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = endpoint()
    monkeypatch.setattr(EncryptedField, "from_db_value", lambda *_: None)

    shown = words(page_of(client, detail(unreadable)))

    assert "Nothing can be sent: the signing secret can't be read." in shown
    assert "Reveal" not in shown


def test_delivery_that_failed_and_came_again_shows_both_tries(
    client: Client, local_receivers: None
) -> None:
    answers = [(503, {"X-Reason": "tired"}, HOSTILE.encode()), (200, {}, b"thanks")]
    with Receiver(answer=lambda _: answers.pop(0)) as receiver:
        listening = endpoint(receiver.url + "in", headers={"X-Token": "hidden-from-all"})
        created("A-1")
        published()
        sent()
        found = Delivery.objects.get()
        Delivery.objects.update(due_at=now() - datetime.timedelta(hours=1))
        lane(listening, due_at=now())
        sent()

    page = page_of(client, opened(found))

    shown = words(page)
    assert f"Id {found.event.webhook_id}" in shown
    assert f"From Change set #{found.event.change_set_id:,}, command line" in shown
    assert "after 2 tries" in shown
    assert "thanks" in shown
    assert "x-reason: tired" in shown
    assert html.escape(HOSTILE) in page
    assert "<script>alert" not in page
    assert "POST /in" in shown
    assert "x-token: ••••••" in shown
    assert "hidden-from-all" not in page
    assert f"webhook-id: {found.event.webhook_id}" in shown
    assert f"curl {receiver.url}in" in shown
    assert '"sku": "A-1"' in shown
    assert f'id="send-again" form="act" formaction="{opened(found)}again/' in page


def test_delivery_that_was_not_tried_says_so(client: Client) -> None:
    waits = delivery(endpoint())

    shown = words(page_of(client, opened(waits)))

    assert "It has not been tried yet." in shown
    assert "They are made when it is sent." in shown


def test_batch_shows_its_first_products_and_the_size_of_all(client: Client) -> None:
    products = [{"sku": f"A-{number}", "name": "…"} for number in range(40)]
    body = json.dumps({"type": BATCH, "data": {"count": 40, "products": products}})
    batch = delivery(
        endpoint(),
        event={"type": BATCH, "about": "product.updated", "count": 40, "subject": "", "body": body},
    )

    page = page_of(client, opened(batch))

    shown = words(page)
    assert f"{len(body.encode()) / 1024:.1f} KB, the first 3 of 40 products" in shown
    assert '"sku": "A-2"' in shown
    assert '"sku": "A-3"' not in shown
    assert "\n      …\n    ]" in html.unescape(page)
    assert "product.batch 40 products" in shown


def test_body_is_sent_whole_as_text_that_no_browser_runs(client: Client) -> None:
    body = f'{{"data":"{HOSTILE}"}}'
    found = delivery(endpoint(), event={"body": body})

    answer = client.get(opened(found), {"raw": "1"})

    assert answer.content.decode() == body
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == (f'inline; filename="{found.event.webhook_id}.json"')


@pytest.mark.parametrize("body", ["no JSON", "[" * 100_000, '{"data":[1]}', "[]", '"text"'])
def test_body_of_any_shape_is_shown(client: Client, body: str) -> None:
    found = delivery(endpoint(), event={"body": body, "type": "webhook.test"}, is_test=True)

    assert "Request body" in words(page_of(client, opened(found)))


def test_import_that_failed_leads_to_its_page(client: Client) -> None:
    body = json.dumps({"type": "import.failed", "data": {"import": 12, "file": "a.csv"}})
    found = delivery(
        endpoint(), event={"type": "import.failed", "subject": "a.csv", "count": 0, "body": body}
    )

    assert '<a href="/imports/12/">a.csv</a>' in page_of(client, opened(found))


def test_htmx_gets_what_has_changed_and_nothing_else(client: Client) -> None:
    listening = endpoint()
    found = delivery(listening, state="sending", attempts=1, tries=1)
    lane(listening, due_at=now())
    poll = re.search(r'id="poll"[^>]*hx-get="([^"]+)"', page_of(client, opened(found)))
    assert poll

    quiet = client.get(html.unescape(poll[1]), headers=HTMX).content.decode()
    attempt(found, status=200, request_headers={"webhook-id": found.event.webhook_id})
    Delivery.objects.update(state="arrived", status=200, finished_at=now())
    lane(listening, due_at=None)
    moved = client.get(html.unescape(poll[1]), headers=HTMX).content.decode()

    assert re.findall(r' id="([a-z-]+)"', quiet) == ["poll"]
    assert 'hx-trigger="every 2s, refresh"' in quiet
    assert set(re.findall(r'<(?:div|span|dl) [^>]*?id="([a-z]+)"', moved)) == {
        "poll", "again", "states", "log", "outcome", "facts", "tries", "sent",
    }  # fmt: skip
    assert 'data-told="product.updated has arrived"' in moved
    assert 'hx-trigger="refresh"' in moved


def test_page_goes_on_looking_while_a_change_set_is_still_published(client: Client) -> None:
    one = endpoint()
    created("A-1")
    url = reverse("webhooks:detail", args=[one.pk])

    # Nothing is due at the lane, since its deliveries are still to come.
    assert 'hx-trigger="every 2s, refresh"' in client.get(url).content.decode()

    ChangeSet.objects.update(published_at=now())
    assert "every " not in client.get(url).content.decode()


def test_page_goes_on_looking_after_a_delivery_that_was_sent_as_it_was_read(client: Client) -> None:
    one = endpoint()
    created("A-1")
    published()
    Lane.objects.update(due_at=None)

    page = client.get(reverse("webhooks:detail", args=[one.pk])).content.decode()

    assert 'hx-trigger="every 2s, refresh"' in page


def test_link_in_the_log_gets_the_delivery_whole(client: Client) -> None:
    listening = endpoint()
    found = delivery(listening)

    fragment = client.get(opened(found), headers=HTMX).content.decode()

    assert "<html" not in fragment
    assert fragment.count('id="delivery"') == 1
    assert fragment.count('id="tries"') == 1
    assert fragment.count('<tr class="sel">') == 1


def test_page_takes_as_many_statements_for_many_deliveries_as_for_one(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    listening = endpoint()
    found = delivery(listening)
    for _ in range(30):
        delivery(listening, state="arrived")

    # Session, user, rights; endpoint, delivery, attempts; the log and three counts; figures.
    with django_assert_max_num_queries(20):
        client.get(opened(found))


def test_one_delivery_is_sent_again_and_the_page_says_so(client: Client) -> None:
    found = delivery(endpoint(), state="failed", finished_at=now(), attempts=10, tries=10)

    answer = client.post(f"{opened(found)}again/?state=open", follow=True)

    found.refresh_from_db()
    assert (found.state, found.urgent, found.tries) == ("waiting", True, 0)
    assert answer.redirect_chain == [(f"{opened(found)}?state=open", 302)]
    assert "It is sent again now." in answer.content.decode()
    assert AuditEntry.objects.filter(action="deliveries_resent").count() == 1


def test_delivery_that_is_being_sent_and_a_test_are_not_sent_again(client: Client) -> None:
    listening = endpoint()
    sending = delivery(listening, state="sending")
    test = request_test(listening, actor=None)
    Delivery.objects.filter(pk=test.pk).update(state="failed")

    said = [
        client.post(f"{opened(each)}again/", headers=HTMX).content.decode()
        for each in (sending, test)
    ]

    assert 'data-said="It is being sent at this moment' in said[0]
    assert 'data-said="A test is not sent again' in said[1]
    assert not AuditEntry.objects.filter(action="deliveries_resent").exists()


def test_what_waits_is_tried_now_and_the_open_delivery_stays_open(client: Client) -> None:
    later = now() + datetime.timedelta(hours=5)
    found = delivery(endpoint(), state="retrying", due_at=later)

    fragment = client.post(
        f"/webhooks/{found.endpoint_id}/try/?open={found.pk}", headers=HTMX
    ).content.decode()

    found.refresh_from_db()
    assert found.due_at < later
    assert 'data-said="1 delivery is tried now."' in fragment
    assert found.event.webhook_id in fragment


def test_replay_says_how_many_before_it_sends_them(client: Client) -> None:
    listening = endpoint()
    old = delivery(listening, state="failed", finished_at=now())
    Delivery.objects.update(created_at=now() - datetime.timedelta(days=2))
    new = delivery(listening, state="failed", finished_at=now())
    fine = delivery(listening, state="arrived", finished_at=now())
    path = f"/webhooks/{listening.pk}/replay/"
    since = (now() - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")

    assert "Send 2 again" in page_of(client, path)
    assert "Send 1 again" in page_of(client, path, since=since)
    assert "Send 2 again" in page_of(client, path, since=since, state="all")
    assert "Write a day and a time" in page_of(client, path, since="yesterday")
    answer = client.post(path, {"since": since, "state": "failed"}, follow=True)

    assert "1 delivery is sent again." in answer.content.decode()
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {old.pk: "failed", new.pk: "waiting", fine.pk: "arrived"}


def test_replay_of_a_time_that_is_none_sends_nothing(client: Client) -> None:
    found = delivery(endpoint(), state="failed", finished_at=now())

    answer = client.post(f"/webhooks/{found.endpoint_id}/replay/", {"since": "x", "state": "all"})

    found.refresh_from_db()
    assert (answer.status_code, found.state) == (400, "failed")


def code_and_request(client: Client, language: str) -> tuple[str, str, Received]:
    """The page's code for verifying, the secret, and a request that was signed with it."""
    with Receiver() as receiver:
        listening = endpoint(receiver.url)
        created("A-1")
        published()
        sent()
    found = re.search(
        rf'id="verify-{language}"[^>]*>(.*?)</pre>', page_of(client, detail(listening)), re.DOTALL
    )
    assert found
    (received,) = receiver.received
    return html.unescape(found[1]), listening.secret, received


def test_python_of_the_page_verifies_what_is_sent(
    client: Client, local_receivers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, secret, got = code_and_request(client, "python")
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    names: dict[str, Any] = {}

    exec(code, names)  # noqa: S102

    assert names["verified"](got.body, got.headers)["data"]["sku"] == "A-1"
    assert names["verified"](got.body + b" ", got.headers) is None


def test_javascript_of_the_page_verifies_what_is_sent(
    client: Client, local_receivers: None, tmp_path: Path
) -> None:
    code, secret, got = code_and_request(client, "javascript")
    (tmp_path / "node_modules").symlink_to(node_modules())
    request = json.dumps([got.body.decode(), got.headers])
    ask = (
        f"const [body, headers] = {request};"
        ' console.log(verified(body, headers).data.sku, verified(body + " ", headers));'
    )
    (tmp_path / "verify.mjs").write_text(f"{code}\n{ask}")

    done = subprocess.run(
        [NODE, tmp_path / "verify.mjs"],
        env={"WEBHOOK_SECRET": secret},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == ("A-1 null\n", "")


def test_events_of_a_running_publication_do_not_disturb_the_page(client: Client) -> None:
    listening = endpoint()
    created("A-1")
    events.publish_pending(seconds=5)

    assert "product.created A-1" in words(page_of(client, detail(listening)))
