"""Whatever dies on the way: every event arrives, under one id, in order, with all in the log."""

import itertools
import json
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.files import as_csv, products
from tests.faults.harness import Site, eventually
from tests.faults.listeners import BROKEN, Gate, Listener, Listeners, expect_log, listening
from tests.faults.outcome import imported
from webhooks.receiving import OK, Answer, Received
from webhooks.retries import SCHEDULE

pytestmark = pytest.mark.acceptance

ROWS = products(4200)


@pytest.fixture
def listen(site: Site) -> Iterator[Listeners]:
    """Makes listeners; a deliver process lives."""
    with listening(site) as listeners:
        yield listeners


def create(site: Site, sku: str) -> None:
    answer = site.browser().post("/products/new/", {"sku": sku, "name": "By hand", "price": "1.50"})
    assert answer.status_code == 302, answer.text


def slowly(received: Received) -> Answer:
    time.sleep(0.02)
    return OK


def every_third_fails() -> Iterator[Answer]:
    return itertools.cycle([OK, OK, BROKEN])


# --- the broker, the processes, the database ----------------------------------------------------


def test_changes_committed_without_a_broker_are_told_when_it_is_back(
    site: Site, listen: Listeners
) -> None:
    site.start_worker()
    site.quiet()
    listener = listen(ordered=True)
    with site.hold("finish") as held:
        job = site.browser().upload(as_csv(ROWS[:20]))
        held.wait()
        site.valkey.kill()
    assert site.finished(job)["state"] == "completed"
    create(site, "BY-HAND")
    assert site.value("SELECT count(*) FROM catalog_changeset WHERE published_at IS NULL") == 2
    assert listener.received == []
    site.valkey.start()
    listener.settled()
    listener.expect_told()
    assert len(listener.received) == 20 + 1 + 1


def test_delivery_that_its_process_died_of_is_made_again_under_the_same_id(
    site: Site, listen: Listeners
) -> None:
    gate = Gate()
    listener = listen(ordered=True, answers=gate)
    imported(site, ROWS[:5])
    gate.wait()
    site.kill("deliver")
    gate.open()
    site.start_deliver()
    listener.settled()
    listener.expect_told()
    expect_first_interrupted(listener)


def test_delivery_that_arrived_but_was_not_written_down_is_made_again_under_the_same_id(
    site: Site, listen: Listeners
) -> None:
    listener = listen(ordered=True)
    with site.hold("attempt") as held:
        imported(site, ROWS[:5])
        held.wait()
        site.kill("deliver")
    site.start_deliver()
    listener.settled()
    listener.expect_told()
    expect_first_interrupted(listener)


def expect_first_interrupted(listener: Listener) -> None:
    first, *others = listener.deliveries()
    assert [attempt["error"] for attempt in first.log] == ["interrupted", ""]
    assert [received.webhook_id for received in listener.received[:2]] == [first.webhook_id] * 2
    assert len(others) == 5
    assert {each.attempts for each in others} == {1}


def test_publisher_killed_in_its_second_page_goes_on_without_telling_anything_twice(
    site: Site, listen: Listeners
) -> None:
    in_batches, one_by_one = listen(bulk="batch"), listen(bulk="each", state="paused")
    with site.hold("publish") as held:
        imported(site, ROWS)
        held.wait()
        site.kill("deliver")
        # The first page is there whole, of the second nothing.
        assert len(one_by_one.deliveries()) == len(products_in(in_batches)) == 4000
    site.start_deliver()
    in_batches.settled()
    in_batches.expect_told()
    numbers = [row["sequence"] for row in site.rows("SELECT sequence FROM webhooks_event")]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    ids = sorted(row["id"] for row in site.rows("SELECT id FROM catalog_product"))
    assert sorted(products_in(in_batches)) == ids
    assert sorted(products_in(one_by_one)) == ids


def products_in(listener: Listener) -> list[int]:
    """The ids of products in all deliveries, as often as they stand there."""
    data = [json.loads(each.body)["data"] for each in listener.deliveries()]
    found = [product for each in data for product in each.get("products", [each])]
    return [product["id"] for product in found if "sku" in product]


def test_postgres_killed_in_the_middle_costs_no_event_and_no_attempt(
    site: Site, listen: Listeners
) -> None:
    # What deliver has committed is to be there after a crash, as in production.
    site.rows("ALTER DATABASE " + database(site) + " SET synchronous_commit = on")
    listener = listen(answers=slowly)
    ordered = listen(ordered=True, answers=slowly)
    try:
        imported(site, ROWS[:150])
        eventually(lambda: len(listener.received) > 40, what="some deliveries")
        assert len(ordered.received) < 150
        site.postgres.kill()
        site.postgres.start()
        for each in (listener, ordered):
            each.settled()
            each.expect_told()
    finally:
        site.rows("ALTER DATABASE " + database(site) + " RESET synchronous_commit")
    errors = {attempt["error"] for each in ordered.deliveries() for attempt in each.log}
    assert errors == {"", "interrupted"}


def database(site: Site) -> str:
    return f'"{site.value("SELECT current_database()")}"'


def test_two_processes_never_send_to_one_endpoint_at_once(site: Site, listen: Listeners) -> None:
    site.start_deliver("deliver2")
    listeners = [listen(ordered=True, answers=slowly) for _ in range(4)]
    imported(site, ROWS[:40])
    while any(len(each.received) < 41 for each in listeners):
        # Both processes are told again and again that there is something to do.
        site.wake(4, task="webhooks.drain", queue="webhooks")
        time.sleep(0.2)
    for each in listeners:
        each.settled()
        each.expect_told()
        assert len(each.received) == 41
    for name in ("deliver", "deliver2"):
        assert "webhooks.drain" in (site.folder / f"{name}.log").read_text()


def test_deploy_lets_what_is_under_way_end_and_sends_nothing_twice(
    site: Site, listen: Listeners
) -> None:
    gate = Gate()
    listener = listen(answers=gate)
    imported(site, ROWS[:40])
    for _ in range(4):
        gate.wait()
    deliver = site.children.pop("deliver")
    deliver.terminate()
    time.sleep(0.3)
    gate.open()
    assert deliver.wait(timeout=10) == 0, site.log("deliver")
    ended = len(listener.received)
    assert 4 <= ended < 41
    assert {each.state for each in listener.deliveries()} == {"arrived", "waiting"}
    assert listener.lane()["lease_token"] is None
    site.start_deliver()
    listener.settled()
    listener.expect_told()
    assert len(listener.received) == 41
    assert {each.attempts for each in listener.deliveries()} == {1}


# --- endpoints that fail ------------------------------------------------------------------------


def test_endpoint_that_is_dead_for_a_day_gets_everything_in_order(
    site: Site, listen: Listeners
) -> None:
    ordered = listen(ordered=True, answers=lambda received: BROKEN)
    parallel = listen(answers=lambda received: BROKEN)
    imported(site, ROWS[:15])
    for each in (ordered, parallel):
        eventually(lambda: each.received, what="a first try")  # noqa: B023
        each.resting()
    once = [delivery.attempts for delivery in parallel.deliveries()]
    # Four at a time until five have failed: the breaker is open before all were tried.
    assert once[0] == 1
    assert 0 in once
    assert parallel.lane()["failures"] >= 5
    for each, others in ((ordered, [0] * 15), (parallel, once[1:])):
        for tries in range(1, 7):
            next_try(each, tries)
            assert [delivery.attempts for delivery in each.deliveries()[1:]] == others
    for each in (ordered, parallel):
        tried = len(each.received)
        # It came back after a day, and is asked when the next try is due.
        each.answers = lambda received: OK
        each.time_passes(6.4 * 3600)
        assert each.deliveries()[0].state == "retrying"
        each.time_passes(SCHEDULE[7] * 1.2 - 6.4 * 3600)
        each.settled()
        each.expect_told()
        first = each.deliveries()[0]
        assert each.received[tried].webhook_id == first.webhook_id
        assert [attempt["status"] for attempt in first.log] == [500] * 7 + [200]
        assert each.lane()["failing_since"] is None


def next_try(listener: Listener, tries: int) -> None:
    """The oldest delivery has had so many tries: check when it is due, and let it fail again."""
    listener.resting()
    (oldest, *_) = (each for each in listener.deliveries() if each.state == "retrying")
    assert oldest.tries == tries
    wait = listener.seconds_to(oldest.due_at)
    assert 0.8 * SCHEDULE[tries] - 3 < wait <= 1.2 * SCHEDULE[tries]
    listener.time_passes(wait)
    eventually(lambda: attempts_of(listener, oldest.id) == oldest.attempts + 1, what="a try")


def attempts_of(listener: Listener, delivery: int) -> int:
    return int(
        listener.site.value(
            "SELECT count(*) FROM webhooks_attempt WHERE delivery_id = %s", [delivery]
        )
    )


def test_endpoint_that_fails_for_five_days_is_given_up_and_disabled(
    site: Site, listen: Listeners
) -> None:
    listener = listen(ordered=True, answers=lambda received: BROKEN)
    imported(site, ROWS[:2])
    eventually(lambda: listener.received, what="a first try")
    for tries in range(1, 10):
        next_try(listener, tries)
    listener.resting()
    first, second, third = listener.deliveries()
    expect_log(first)
    assert (first.state, first.attempts) == ("failed", 10)
    assert (second.state, third.state) == ("retrying", "waiting")
    assert endpoint(listener)["state"] == "active"
    for tries in range(1, 10):
        if endpoint(listener)["state"] != "active":
            break
        next_try(listener, tries)
    five_days = 5 * 24 * 3600
    assert -listener.seconds_to(listener.lane()["failing_since"]) > five_days
    row = endpoint(listener)
    assert (row["state"], row["reason"]) == ("disabled", "failing")
    (entry,) = site.rows(
        "SELECT actor_name, target, details FROM accounts_auditentry"
        " WHERE action = 'endpoint_disabled' AND target = %s",
        [f"127.0.0.1:{listener.receiver.port}"],
    )
    assert entry["details"] == {"reason": "failing"}
    tried = len(listener.received)
    other = listen()
    create(site, "LATER")
    other.settled()
    assert len(other.received) == 1
    assert len(listener.deliveries()) == 3
    assert len(listener.received) == tried
    for delivery in listener.deliveries():
        expect_log(delivery)


def endpoint(listener: Listener) -> dict[str, object]:
    (row,) = listener.site.rows(
        "SELECT state, reason FROM webhooks_endpoint WHERE id = %s", [listener.id]
    )
    return row


@pytest.mark.parametrize("ordered", [True, False])
def test_endpoint_that_fails_every_third_time_gets_everything(
    site: Site, listen: Listeners, ordered: bool
) -> None:
    outcomes, lock = every_third_fails(), threading.Lock()

    def answer(received: Received) -> Answer:
        with lock:
            return next(outcomes)

    listener = listen(ordered=ordered, answers=answer)
    imported(site, ROWS[:9])
    while any(each.state != "arrived" for each in listener.deliveries()) or not listener.received:
        # Longer than the first waits: 5 s, and a fifth of it at most.
        listener.time_passes(6)
    listener.settled()
    listener.expect_told()
    # Ten events, of which every third request failed.
    assert len(listener.received) == 14
    answers = [attempt["status"] for each in listener.deliveries() for attempt in each.log]
    assert sorted(answers) == [200] * 10 + [500] * 4


@pytest.mark.parametrize("deed", ["pause", "delete"])
def test_endpoint_that_is_paused_or_deleted_gets_nothing_more(
    site: Site, listen: Listeners, deed: str
) -> None:
    listener = listen(answers=slowly)
    imported(site, ROWS[:200])
    eventually(lambda: len(listener.received) > 10, what="some deliveries")
    change(listener, deed)
    sent = len(listener.received)
    assert sent < 201
    eventually(lambda: listener.lane()["lease_token"] is None, what="the lane to be let go")
    # Those that were under way, four at most.
    stopped = len(listener.received)
    assert stopped <= sent + 4
    other = listen()
    create(site, "LATER")
    other.settled()
    assert len(listener.received) == stopped
    # One that is paused hears of it later, one that is deleted never.
    assert len(listener.deliveries()) == (202 if deed == "pause" else 201)
    if deed == "pause":
        change(listener, "enable")
        listener.settled()
        listener.expect_told()
        assert len(listener.received) == 202


def change(listener: Listener, deed: str) -> None:
    """What a button of the endpoint's page does."""
    answer = listener.site.browser().post(f"/webhooks/{listener.id}/{deed}/", page="/webhooks/")
    assert answer.status_code == 302, answer.text[:500]


def test_ten_endpoints_that_hang_do_not_keep_the_others_waiting(
    site: Site, listen: Listeners
) -> None:
    gates = [Gate() for _ in range(10)]
    hanging = [listen(answers=gate) for gate in gates]
    good = [listen() for _ in range(3)]
    create(site, "FIRST")
    for gate in gates:
        gate.wait()
    for each in good:
        eventually(lambda: each.received, seconds=2, what="a delivery")  # noqa: B023
    # Not one of the others had ended by then: they hang until the deadline.
    given_up = site.value(
        "SELECT count(*) FROM webhooks_attempt AS attempt"
        " JOIN webhooks_delivery AS delivery ON delivery.id = attempt.delivery_id"
        " WHERE delivery.endpoint_id = ANY(%s)",
        [[each.id for each in hanging]],
    )
    assert given_up == 0
    for each in good:
        each.settled()
        each.expect_told()
    for gate in gates:
        gate.open()
