"""The pictures of webhooks: endpoints on this machine that hear of what is changed meanwhile."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from playwright.sync_api import Page

from dev.pictures import take
from webhooks.receiving import Answer, Received, Receiver

HOST = "127.0.0.1"
SECONDS_TO_FAIL = 60
PRODUCTS = ("product.created", "product.updated", "product.deleted")


@dataclass(frozen=True)
class Listener:
    """An endpoint as its form takes it, and how the receiver behind it answers."""

    port: int
    path: str
    form: str
    events: tuple[str, ...]
    status: int
    text: bytes
    seconds: float

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}{self.path}"

    def answer(self, received: Received) -> Answer:
        time.sleep(self.seconds)
        return self.status, {"Content-Type": "text/plain"}, self.text


LISTENERS = (
    Listener(9001, "/hooks/catalog", "In batches", PRODUCTS, HTTPStatus.OK, b"taken", 0.08),
    Listener(
        9002,
        "/pim/price-feed",
        "One by one",
        ("product.updated",),
        HTTPStatus.INTERNAL_SERVER_ERROR,
        b"price service: no connection to the database",
        0.2,
    ),
    Listener(
        9003,
        "/v2/reports",
        "As a summary",
        ("import.completed", "import.failed", "product.deleted"),
        HTTPStatus.ACCEPTED,
        b"queued",
        0.12,
    ),
)
FAILING = LISTENERS[1]


@contextmanager
def listening(page: Page) -> Iterator[None]:
    """Endpoints are there for the time of the context, and receivers behind them."""
    with ExitStack() as running:
        for each in LISTENERS:
            running.enter_context(Receiver(HOST, each.port, answer=each.answer, keep=False))
        made = [_add(page, each) for each in LISTENERS]
        yield
        for path in made:
            _delete(page, path)


def take_webhooks(page: Page) -> None:
    """The list with the result of a test, and the endpoint that fails with a delivery opened.

    Raises:
        TimeoutError: it did not come to fail.
    """
    failing = page.locator("tbody").filter(has_text=f"{HOST}:{FAILING.port}")
    page.goto("/webhooks/")
    ends = time.monotonic() + SECONDS_TO_FAIL
    while not failing.get_by_text(", next in").count():
        if time.monotonic() > ends:
            raise TimeoutError(f"{FAILING.url} is not called failing: is `deliver` at work?")
        page.wait_for_timeout(1000)
        page.reload()
    page.get_by_role("button", name=f"Test {HOST}:{LISTENERS[0].port}").click()
    page.get_by_text("Test arrived").wait_for()
    take(page, "webhooks.png", height=530)

    failing.get_by_role("link", name=FAILING.path).click()
    page.get_by_role("link", name="product.updated").last.click()
    page.get_by_role("heading", name="Tries").wait_for()
    page.goto(page.url.partition("#")[0])
    take(page, "webhook.png", height=860)


def _add(page: Page, listener: Listener) -> str:
    """Make an endpoint by its form; returns the address of its page."""
    page.goto("/webhooks/new/")
    page.get_by_label("URL").fill(listener.url)
    for box in page.locator('input[name="event_types"]').all():
        box.set_checked(box.get_attribute("value") in listener.events)
    page.get_by_text(listener.form, exact=True).click()
    page.get_by_role("button", name="Create endpoint").click()
    page.wait_for_url(re.compile(r"/webhooks/\d+/"))
    return page.url


def _delete(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name=re.compile("^Delete ")).click()
    page.wait_for_url("**/webhooks/")
