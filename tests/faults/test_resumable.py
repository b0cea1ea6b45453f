"""Uploads in parts, cut, slowed down and killed: what arrived is kept, nothing half is read."""

import contextlib
import hashlib
import socket
import time
from collections.abc import Iterator

import pytest
import requests

from tests.faults.files import as_csv, products
from tests.faults.harness import Site, eventually
from tests.faults.outcome import expect

pytestmark = pytest.mark.acceptance

ROWS = products(60_000)
CONTENT = as_csv(ROWS)
MIB = 1024**2
CUT_AT = 2 * MIB + 12_345


class Client:
    """Speaks tus over plain sockets, which can be cut at any byte."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.headers = {
            "Authorization": f"Bearer {site.token('editor', scope='write')}",
            "Tus-Resumable": "1.0.0",
        }

    def begin(self, length: int = len(CONTENT)) -> str:
        answer = requests.post(
            f"{self.site.url}/api/uploads/",
            headers={**self.headers, "Upload-Length": str(length)},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def offset(self, path: str) -> int:
        answer = requests.head(self.site.url + path, headers=self.headers, timeout=30)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])

    def patch(self, path: str, offset: int, data: bytes | Iterator[bytes]) -> requests.Response:
        headers = {
            **self.headers,
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
        }
        return requests.patch(self.site.url + path, data=data, headers=headers, timeout=60)

    def open(self, path: str, length: int, sent: bytes) -> socket.socket:
        """A PATCH that announces `length` bytes and has sent some."""
        lines = [
            f"PATCH {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/offset+octet-stream",
            f"Content-Length: {length}",
            "Upload-Offset: 0",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        stream = socket.create_connection(("127.0.0.1", self.site.port), timeout=30)
        stream.sendall("\r\n".join([*lines, "", ""]).encode() + sent)
        return stream

    def go_on(self, path: str) -> int:
        """Send what is missing; returns the import."""
        offset = self.offset(path)
        answer = self.patch(path, offset, CONTENT[offset:])
        assert answer.status_code == 204, answer.text
        return int(answer.headers["X-Job-Id"])


@pytest.fixture
def client(site: Site) -> Client:
    return Client(site)


def expect_whole(site: Site, job: int) -> None:
    done = site.finished(job)
    assert done["state"] == "completed"
    assert (done["size"], done["sha256"]) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    expect(site, ROWS)


def test_cut_upload_goes_on_where_it_was_cut(site: Site, client: Client) -> None:
    site.start_worker()
    path = client.begin()

    client.open(path, len(CONTENT), CONTENT[:CUT_AT]).close()

    eventually(lambda: client.offset(path) == CUT_AT, seconds=20, what="all that was sent")
    assert site.value("SELECT count(*) FROM imports_importjob") == 0
    expect_whole(site, client.go_on(path))


def test_killed_web_process_loses_at_most_the_last_piece(site: Site, client: Client) -> None:
    site.start_worker()
    path = client.begin()
    with contextlib.closing(client.open(path, len(CONTENT), CONTENT[:CUT_AT])):
        eventually(lambda: client.offset(path) >= 2 * MIB, seconds=20, what="two pieces")
        site.kill("web")
    site.start_web()

    assert 2 * MIB <= client.offset(path) <= CUT_AT
    # The lease of the killed one runs out: 3 s in these tests.
    eventually(
        lambda: client.patch(path, client.offset(path), b"").status_code == 204,
        seconds=20,
        what="the right to write",
    )
    expect_whole(site, client.go_on(path))


def test_upload_does_not_hold_up_a_deploy_and_goes_on_behind_it(site: Site, client: Client) -> None:
    site.start_worker()
    path = client.begin()
    with contextlib.closing(client.open(path, len(CONTENT), CONTENT[:CUT_AT])) as stream:
        eventually(lambda: client.offset(path) >= 2 * MIB, seconds=20, what="two pieces")
        # gunicorn would wait for it for 20 s.
        assert site.terminate("web", seconds=15) < 10
        answer = stream.recv(65_536)
    site.start_web()

    assert answer.startswith(b"HTTP/1.1 503")
    assert f"upload-offset: {CUT_AT}".encode() in answer.lower()
    assert client.offset(path) == CUT_AT
    expect_whole(site, client.go_on(path))


def test_body_without_a_length_is_kept_as_it_comes(site: Site, client: Client) -> None:
    site.start_worker()
    path = client.begin()

    def portions() -> Iterator[bytes]:
        for at in range(0, len(CONTENT), 300_000):
            yield CONTENT[at : at + 300_000]

    answer = client.patch(path, 0, portions())

    assert answer.status_code == 204, answer.text
    expect_whole(site, int(answer.headers["X-Job-Id"]))


def test_slow_clients_hold_no_connection_of_the_database(site: Site, client: Client) -> None:
    paths = [client.begin() for _ in range(30)]
    with contextlib.ExitStack() as stack:
        for path in paths:
            stream = client.open(path, len(CONTENT), CONTENT[:1000])
            stack.enter_context(contextlib.closing(stream))
        locked = "SELECT count(*) FROM imports_resumableupload WHERE lease_token IS NOT NULL"
        eventually(lambda: site.value(locked) == 30, seconds=30, what="30 that write")
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'product-importer'"
            " AND state <> 'idle'"
        )
        eventually(lambda: site.value(busy) == 0, seconds=20, what="connections at rest")
        began = time.monotonic()
        page = site.browser().get("/imports/")

        assert page.status_code == 200
        assert time.monotonic() - began < 10
    eventually(
        lambda: (
            site.value('SELECT count(*) FROM imports_resumableupload WHERE "offset" = 1000') == 30
        ),
        seconds=20,
        what="what they sent",
    )
