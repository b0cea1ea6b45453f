"""Programs that follow an import on a running site: with curl, in a browser, by asking again."""

import hashlib
import http.client
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from tests.acceptance.conftest import Visit
from tests.faults.files import as_csv, products
from tests.faults.harness import Site, eventually

pytestmark = pytest.mark.acceptance

ROWS = products(2000)
MIB = 1024**2
# Chromium's EventSource: CONNECTING, OPEN, CLOSED.
CLOSED = 2
LISTEN = """
(task) => {
  window.heard = [];
  window.source = new EventSource(`/api/progress/${task}`);
  window.source.onmessage = (event) => window.heard.push(event.data);
  window.source.onerror = () => window.heard.push("error");
}
"""


class Program:
    """Somebody's program, with a token."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.headers = {"Authorization": f"Bearer {site.token('editor', scope='write')}"}

    def upload(self, content: bytes, *, path: str = "/api/upload") -> Any:
        answer = requests.post(
            self.site.url + path,
            files={"file": ("products.csv", content, "text/csv")},
            headers=self.headers,
            timeout=60,
        )
        assert answer.status_code == 202, answer.text
        return answer.json()

    def asked(self, path: str) -> Any:
        answer = requests.get(self.site.url + path, headers=self.headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def curl(self, path: str, *more: str, output: Path) -> "subprocess.Popen[bytes]":
        header = f"Authorization: {self.headers['Authorization']}"
        with output.open("wb") as file:
            return subprocess.Popen(
                ["curl", "-N", "-sS", "-H", header, *more, self.site.url + path], stdout=file
            )


@pytest.fixture
def program(site: Site) -> Program:
    return Program(site)


def events(output: Path) -> list[Any]:
    """What curl wrote, in which no event has a name."""
    text = output.read_text()
    assert "event:" not in text
    lines = text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def never_falls(figures: list[int]) -> bool:
    return figures == sorted(figures)


def test_curl_follows_an_import_from_its_start_to_its_end(
    site: Site, program: Program, tmp_path: Path
) -> None:
    output = tmp_path / "events"
    with site.hold("copy") as reading, site.hold("insert") as merging:
        site.start_worker()
        task = program.upload(as_csv(ROWS))["task_id"]
        curl = program.curl(f"/api/progress/{task}", output=output)
        reading.wait()
        eventually(lambda: "Reading" in output.read_text(), what="the reading")
        reading.release()
        merging.wait()
        eventually(lambda: "Merging" in output.read_text(), what="the merge")
    assert curl.wait(timeout=30) == 0

    started, *processing, complete = events(output)
    assert started == {"status": "started", "message": "Processing started"}
    for event in processing:
        assert event.keys() == {"status", "current", "total", "percent", "message"}
        assert event["status"] == "processing"
    assert never_falls([event["percent"] for event in processing])
    assert never_falls([event["current"] for event in processing])
    assert processing[-1]["total"] == 2000
    assert complete == {
        "status": "complete",
        "imported": 2000,
        "errors": 0,
        "message": "Imported: 2,000 created.",
    }
    assert "\nid: end\n" in output.read_text()

    assert program.curl(f"/api/progress/{task}", output=output).wait(timeout=10) == 0
    assert events(output) == [complete]

    again = ["-H", "Last-Event-ID: end", "-w", "%{http_code}"]
    assert program.curl(f"/api/progress/{task}", *again, output=output).wait(timeout=10) == 0
    assert output.read_text() == "204"


def heard(page: Page) -> list[str]:
    found: list[str] = page.evaluate("() => window.heard")
    return found or [""]


def test_browser_hears_all_and_does_not_come_back_after_the_end(
    site: Site, program: Program, visit: Visit
) -> None:
    site.start_worker()
    page = visit("viewer")
    page.goto("/imports/")
    asked: list[int] = []
    page.on("response", lambda got: asked.append(got.status) if "/progress/" in got.url else None)
    with site.hold("insert") as held:
        task = program.upload(as_csv(ROWS))["task_id"]
        page.evaluate(LISTEN, task)
        held.wait()
        eventually(lambda: "Merging" in heard(page)[-1], what="the merge")
    eventually(lambda: page.evaluate("() => window.source.readyState") == CLOSED, what="the end")

    said = [json.loads(data)["status"] for data in heard(page) if data.startswith("{")]
    assert said[0] == "started"
    assert set(said[1:-1]) == {"processing"}
    assert said[-1] == "complete"
    assert asked == [200, 204]


def test_program_that_asks_again_and_again_sees_it_advance(site: Site, program: Program) -> None:
    with site.hold("copy") as reading, site.hold("insert") as merging:
        job = program.upload(as_csv(ROWS), path="/upload")["job_id"]
        path = f"/status/{job}"
        seen = [program.asked(path)]
        site.start_worker()
        reading.wait()
        seen.append(program.asked(path))
        reading.release()
        merging.wait()
        seen.append(program.asked(path))
    while seen[-1]["status"] not in ("completed", "failed"):
        seen.append(program.asked(path))

    states = list(dict.fromkeys(body["status"] for body in seen))
    assert states in (["pending", "processing", "completed"], ["processing", "completed"])
    assert [body["state"] for body in seen[1:3]] == ["reading", "merging"]
    assert never_falls([body["progress"] for body in seen])
    assert never_falls([body["processed"] for body in seen])
    assert (seen[-1]["progress"], seen[-1]["processed"], seen[-1]["total"]) == (100, 2000, 2000)
    assert (seen[-1]["created"], seen[-1]["created_by"]) == (2000, "editor")


def test_large_file_arrives_byte_by_byte(site: Site, program: Program) -> None:
    content = b"sku,name\n" + b"A-1,A product with a name of some length\n" * 600_000
    assert len(content) > 20 * MIB

    job = program.upload(content)["job_id"]

    body = program.asked(f"/api/uploads/{job}")
    assert (body["size"], body["file_name"]) == (len(content), "products.csv")
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    stop = requests.post(
        f"{site.url}/api/imports/{job}/cancel", headers=program.headers, timeout=30
    )
    assert stop.status_code in {200, 202}, stop.text
    assert site.finished(job)["state"] == "cancelled"


def test_file_beyond_the_limit_is_refused_before_it_is_sent(site: Site, program: Program) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.putrequest("POST", "/api/upload")
    for name, value in program.headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(300 * MIB))
    connection.endheaders()

    answer = connection.getresponse()

    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert json.load(answer)["type"] == "/api/docs#too-large"
    connection.close()
    assert site.value("SELECT count(*) FROM imports_importjob") == 0
