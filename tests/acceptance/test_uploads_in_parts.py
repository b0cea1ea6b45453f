"""A large file from the page: it goes up in parts, and goes on where it stopped."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.acceptance.conftest import Complaints, Visit
from tests.acceptance.imports_page import FILE
from tests.faults.files import as_csv, products
from tests.faults.harness import PATIENCE, Site

pytestmark = pytest.mark.acceptance

MIB = 1024**2
# What the browser itself writes about requests that break off.
BROKEN_OFF = ("net::ERR_",)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB, most of them one product again and again."""
    file = tmp_path_factory.mktemp("large") / "supplier.csv"
    lines = as_csv(products(200)).splitlines(keepends=True)
    padding = b'P-1,"' + b"x" * 180 + b'",,,\n'
    file.write_bytes(lines[0] + b"".join(lines[1:]) + padding * (20 * 10**6 // len(padding)))
    return file


def upload(page: Page, file: Path) -> None:
    page.get_by_label(FILE).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()


class Line:
    """The connection of a page, cut while `parts` of a file have gone through it."""

    def __init__(self, page: Page, *, parts: int) -> None:
        self.left = parts
        self.cut = 0
        page.route("**/api/uploads/*", self._pass)

    def mend(self) -> None:
        self.left = 1_000_000

    def _pass(self, route: Route) -> None:
        if route.request.method == "PATCH" and not self.left:
            self.cut += 1
            route.abort("connectionreset")
            return
        self.left -= route.request.method == "PATCH"
        route.continue_()


def test_lost_connection_is_taken_up_again_by_itself(
    site: Site, page: Page, complaints: Complaints, large: Path
) -> None:
    complaints.expected = BROKEN_OFF
    site.start_worker()
    line = Line(page, parts=1)
    page.goto("/imports/")

    upload(page, large)

    card = page.locator("#upload")
    words = "The connection was lost at 8 MB. It is tried again by itself."
    expect(card).to_contain_text(words, timeout=PATIENCE * 1000)
    expect(card).to_contain_text(re.compile(r"\d+ %, [\d.]+ MB of 19\.\d MB"))
    for part in ("speed", "left"):
        expect(card.locator(f'[data-part="{part}"]')).to_have_text("")
    line.mend()
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    assert line.cut >= 1
    size = site.value("SELECT size FROM imports_importjob")
    assert size == large.stat().st_size


def test_closed_tab_goes_on_when_the_file_is_dropped_again(
    site: Site, page: Page, complaints: Complaints, large: Path
) -> None:
    complaints.expected = BROKEN_OFF
    site.start_worker()
    Line(page, parts=1)
    page.goto("/imports/")
    upload(page, large)
    words = "The connection was lost at 8 MB"
    expect(page.locator("#upload")).to_contain_text(words, timeout=PATIENCE * 1000)
    page.close()

    again = page.context.new_page()
    sent: list[int] = []
    again.on(
        "request",
        lambda request: (
            sent.append(int(request.headers["upload-offset"]))
            if request.method == "PATCH"
            else None
        ),
    )
    again.goto("/imports/")
    waiting = again.get_by_role("list", name="Uploads that can go on")
    expect(waiting).to_contain_text(re.compile(r"supplier\.csv, 4\d % of 19\.\d MB received"))
    upload(again, large)

    again.wait_for_url(re.compile(r"/imports/\d+/$"))
    assert sent[0] == 8 * MIB
    again.goto("/imports/")
    expect(again.get_by_role("list", name="Uploads that can go on")).to_have_count(0)


def test_cancelled_upload_leaves_nothing_behind(site: Site, page: Page, large: Path) -> None:
    held: list[Route] = []
    page.route(
        "**/api/uploads/*",
        lambda route: held.append(route) if route.request.method == "PATCH" else route.continue_(),
    )
    page.goto("/imports/")
    with page.expect_request(lambda request: request.method == "PATCH"):
        upload(page, large)
    expect(page.get_by_role("progressbar", name="Upload of supplier.csv")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.locator("#upload")).to_be_hidden()
    assert site.value("SELECT count(*) FROM imports_resumableupload") == 0
    assert site.value("SELECT count(*) FROM imports_storedfile") == 0


def test_upload_that_is_cancelled_before_it_has_an_address_leaves_nothing_behind(
    site: Site, page: Page, large: Path
) -> None:
    held: list[Route] = []
    page.route(
        "**/api/uploads/",
        lambda route: held.append(route) if route.request.method == "POST" else route.continue_(),
    )
    page.goto("/imports/")
    with page.expect_request(lambda request: request.method == "POST"):
        upload(page, large)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#upload")).to_be_hidden()

    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        held[0].continue_()

    assert site.value("SELECT count(*) FROM imports_resumableupload") == 0


def test_refused_upload_says_why_in_the_servers_words(
    site: Site, visit: Visit, complaints: Complaints, large: Path
) -> None:
    complaints.expected = ("413",)
    page = visit()
    site.rows(
        "INSERT INTO imports_resumableupload"
        ' (id, created_by_id, file_name, length, "offset", metadata, options, created_at,'
        " expires_at)"
        " SELECT gen_random_uuid(), id, 'large.csv', 10737418240, 0, '', '{}', now(),"
        " now() + interval '1 day' FROM accounts_user WHERE username = 'editor'"
    )
    page.goto("/imports/")

    upload(page, large)

    expect(page.locator("#upload")).to_contain_text("Your uploads fill 10.0 of 10.0 GiB.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("button", name="Discard large.csv").click()
    expect(page.get_by_text("The upload of large.csv was discarded.")).to_be_visible()
    assert site.value("SELECT count(*) FROM imports_resumableupload") == 0
