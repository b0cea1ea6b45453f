"""Uploads in parts by clients that nobody here wrote: tuspy and tus-js-client."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from tests.faults.files import as_csv, products
from tests.faults.harness import Site
from tests.faults.outcome import expect
from webhooks.tests.javascript import NODE, node_modules

pytestmark = pytest.mark.acceptance

ROWS = products(30_000)
CHUNK = 700_000


@pytest.fixture
def python(site: Site) -> TusClient:
    headers = {"Authorization": f"Bearer {site.token('editor', scope='write')}"}
    return TusClient(f"{site.url}/api/uploads/", headers=headers)


def job_of(client: TusClient, url: str | None) -> int:
    assert url
    headers = {**client.headers, "Tus-Resumable": "1.0.0"}
    return int(requests.head(url, headers=headers, timeout=30).headers["X-Job-Id"])


@pytest.mark.parametrize("chunk", [CHUNK, 2**31])
def test_tuspy_uploads_in_parts_or_in_one_piece(site: Site, python: TusClient, chunk: int) -> None:
    site.start_worker()
    uploader = python.uploader(
        file_stream=io.BytesIO(as_csv(ROWS)),
        chunk_size=chunk,
        metadata={"filename": "by-tuspy.csv", "delimiter": ","},
        upload_checksum=True,
    )

    uploader.upload()

    done = site.finished(job_of(python, uploader.url))
    assert (done["state"], done["file_name"]) == ("completed", "by-tuspy.csv")
    assert done["delimiter"] == ","
    expect(site, ROWS)


def test_tuspy_goes_on_where_another_one_stopped(site: Site, python: TusClient) -> None:
    site.start_worker()
    content = as_csv(ROWS)
    first = python.uploader(file_stream=io.BytesIO(content), chunk_size=CHUNK)
    first.upload_chunk()  # type: ignore[no-untyped-call]

    second = python.uploader(file_stream=io.BytesIO(content), chunk_size=CHUNK, url=first.url)
    assert second.offset == CHUNK
    second.upload()

    assert site.finished(job_of(python, first.url))["state"] == "completed"
    expect(site, ROWS)


def test_tuspy_is_told_why_it_is_refused(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.token('viewer', scope='write')}"}
    client = TusClient(f"{site.url}/api/uploads/", headers=headers)

    with pytest.raises(TusCommunicationError) as refused:
        client.uploader(file_stream=io.BytesIO(b"sku,name\n")).upload()

    assert refused.value.status_code == 403
    assert b"Your role does not allow this" in refused.value.response_content


def test_tuspy_with_another_file_does_not_mix_the_two(site: Site, python: TusClient) -> None:
    first = python.uploader(file_stream=io.BytesIO(as_csv(ROWS)), chunk_size=CHUNK)
    first.upload_chunk()  # type: ignore[no-untyped-call]
    longer = python.uploader(
        file_stream=io.BytesIO(as_csv(ROWS) + b"Z-1,More\n"), chunk_size=2**31, url=first.url
    )

    with pytest.raises(TusUploadFailed) as refused:
        longer.upload()

    assert refused.value.status_code == 413
    assert site.value("SELECT count(*) FROM imports_importjob") == 0


def by_tus_js(site: Site, content: bytes, folder: Path, **how: Any) -> dict[str, Any]:
    node_modules()
    file = folder / "by-tus-js.csv"
    file.write_bytes(content)
    asked = {
        "endpoint": f"{site.url}/api/uploads/",
        "token": site.token("editor", scope="write"),
        "file": str(file),
        "metadata": {"filename": file.name, "filetype": "text/csv"},
        **how,
    }
    done = subprocess.run(
        [NODE, Path(__file__).parent.parent / "javascript" / "upload.mjs"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    "how", [{"stopAt": 1e12}, {"chunkSize": CHUNK, "stopAt": CHUNK}], ids=["at once", "stopped"]
)
def test_tus_js_client_uploads_and_goes_on(
    site: Site, tmp_path: Path, how: dict[str, float]
) -> None:
    site.start_worker()

    answer = by_tus_js(site, as_csv(ROWS), tmp_path, **how)

    done = site.finished(int(answer["job"]))
    assert (done["state"], done["file_name"]) == ("completed", "by-tus-js.csv")
    expect(site, ROWS)
