"""Files that are not what they say: each ends in words, never in a 5xx and never half imported."""

import random
import threading
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.faults.files import as_csv, products
from tests.faults.harness import Site
from tests.faults.outcome import expect, expect_true_log
from tests.oracle import Row

pytestmark = pytest.mark.acceptance

MIB = 1024**2


def outcome(site: Site, content: bytes, name: str = "file.csv") -> tuple[str, str, str]:
    """Upload; the state, the error's code and what the page says."""
    site.start_worker()
    browser = site.browser()
    answer = browser.send(content, name)
    assert answer.status_code in {202, 400}, answer.text
    if answer.status_code == 400:
        return "refused", "", answer.json()["detail"]
    job = answer.json()["job_id"]
    done = site.finished(job)
    for path in (f"/imports/{job}/", "/imports/", f"/imports/{job}/rejected.csv"):
        assert browser.get(path).status_code == 200
    page = browser.get(f"/imports/{job}/").text
    return done["state"], done["error_code"], page


def random_bytes() -> bytes:
    return random.Random(4).randbytes(300_000)  # noqa: S311


def png() -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + random_bytes()


def zipped() -> bytes:
    return b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml" + random_bytes()


@pytest.mark.parametrize("content", [random_bytes, png, zipped, lambda: b"\0" * 5000])
def test_binary_file_is_refused_in_words(site: Site, content: Callable[[], bytes]) -> None:
    state, code, page = outcome(site, content())
    assert state == "failed"
    assert code
    assert "Nothing was imported." in page
    assert site.catalog() == {}


def test_empty_file_is_refused_in_words(site: Site) -> None:
    state, _, words = outcome(site, b"")
    assert state == "refused"
    assert "empty" in words


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_text_in_any_claimed_encoding_is_imported_whole(site: Site, codec: str) -> None:
    rows = [Row(sku=f"É-{number}", name="Größe ½") for number in range(50)]
    text = as_csv(rows).decode()
    assert outcome(site, text.encode(codec))[0] == "completed"
    expect(site, rows)


def test_nul_in_a_cell_sets_one_row_aside(site: Site) -> None:
    rows = products(5)
    content = as_csv(rows).replace(rows[2].name.encode(), b"a\0b")
    state, _, page = outcome(site, content)
    assert state == "completed"
    assert "NUL character" in page
    assert len(site.catalog()) == 4


def test_line_that_holds_only_a_copy_terminator_ends_nothing(site: Site) -> None:
    rows = products(5)
    lines = as_csv(rows).splitlines(keepends=True)
    content = b"".join([*lines[:3], b"\\.\n", *lines[3:]])
    assert outcome(site, content)[0] == "completed"
    assert site.rows("SELECT rejected, created, read FROM imports_importjob") == [
        {"rejected": 1, "created": 5, "read": 6}
    ]
    expect(site, rows)


def test_terminator_inside_a_cell_stays_in_the_cell(site: Site) -> None:
    rows = [Row("A", "one", "\\."), Row("B", "two", "x\n\\.\ny"), Row("C", "\\.", "\\N")]
    assert outcome(site, as_csv(rows))[0] == "completed"
    expect(site, rows)


def test_byte_order_mark_and_mixed_line_ends(site: Site) -> None:
    content = b"\xef\xbb\xbfsku,name\r\nA,one\nB,two\r\nC,three\r\nD,four"
    assert outcome(site, content)[0] == "completed"
    expect(site, [Row("A", "one"), Row("B", "two"), Row("C", "three"), Row("D", "four")])


def test_spellings_of_a_sku_are_folded_by_the_database(site: Site) -> None:
    """Python folds İ to two characters, ß to ss and the Kelvin sign to k; PostgreSQL does not."""
    spellings = ["İ1", "i1", "ß1", "SS1", "ſ1", "s1", "\u212a1", "k1", "É1", "é1", "e\u03011"]
    assert outcome(site, as_csv([Row(sku, sku) for sku in spellings]))[0] == "completed"
    folded = {site.fold(sku) for sku in spellings if sku != "e\u03011"}
    assert set(site.catalog()) == folded
    job = site.rows("SELECT created, duplicates, rejected FROM imports_importjob")[0]
    assert job["created"] == len(folded)
    assert job["duplicates"] == len(spellings) - len(folded)
    # Both normal forms of é are one SKU, and the last line won.
    assert site.catalog()["é1"].name == "e\u03011"
    expect_true_log(site)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (",".join(f"column{number}" for number in range(10_000)), "column"),
        ("sku,name,sku", "sku"),
        ("name,description", "sku"),
        ("sku,price", "name"),
        ("A-1,Bolt,9.90", "header"),
    ],
    ids=["10,000 columns", "doubled", "no sku", "no name", "no header"],
)
def test_header_that_does_not_do_is_refused_by_name(site: Site, header: str, words: str) -> None:
    width = header.count(",")
    content = f"{header}\n{'x' + ',x' * width}\n".encode()
    state, code, page = outcome(site, content)
    assert (state, site.catalog()) == ("failed", {})
    assert code
    message = site.value("SELECT error_message FROM imports_importjob")
    assert words in message.lower()
    assert len(message) < 1000
    assert "Nothing was imported." in page


class Watch:
    """The most memory that a process holds while the block runs, in bytes."""

    def __init__(self, processes: list[psutil.Process]) -> None:
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.before = self.most = self._now()

    def _now(self) -> int:
        return max(int(process.memory_info().rss) for process in self._processes)

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            self.most = max(self.most, self._now())

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        return self.most - self.before


def one_line(size: int) -> bytes:
    return b"sku,name\nA-1," + b"x" * size


def unclosed(size: int) -> bytes:
    line = b"A-1,Bolt,9.90,yes,Box of 100\n"
    return b'sku,name,price,active,description\nA-0,"Nut,1.00,yes,x\n' + line * (size // len(line))


def in_little_memory(site: Site, content: bytes) -> dict[str, Any]:
    """Import what would fill a worker's memory if it were kept; returns the job's row."""
    # Warm: what a first import loads is no part of what the file takes.
    for rows in (products(3000), products(3000, seed=2)):
        assert outcome(site, as_csv(rows))[0] == "completed"
    pool = site.pool()
    for process in pool:
        limit = process.memory_info().vms + 100 * MIB
        process.rlimit(psutil.RLIMIT_AS, (limit, limit))
    job = site.browser().upload(content, timeout=120)
    with Watch(pool) as memory:
        done = site.finished(job, seconds=150)
    assert done["attempt"] == 1
    assert memory.growth < 60 * MIB, f"{memory.growth / MIB:.0f} MiB"
    assert {process.pid for process in site.pool()} == {process.pid for process in pool}
    site.kill("worker")
    return done


def test_200_mb_in_one_cell_are_refused_in_flat_memory(site: Site) -> None:
    done = in_little_memory(site, one_line(200 * MIB))
    assert done["state"] == "failed"
    assert "line" in done["error_message"].lower()


def test_quote_that_is_never_closed_rejects_its_row_in_flat_memory(site: Site) -> None:
    content = unclosed(20 * MIB)
    done = in_little_memory(site, content)
    assert done["state"] == "completed"
    rows = content.count(b"\n") - 1
    assert (done["read"], done["rejected"], done["duplicates"]) == (rows, 1, rows - 2)
