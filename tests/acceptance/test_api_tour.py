"""docs/api.md: every command of the tour does what the page says, typed as it stands."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Site
from tests.test_docs import DOCS, section
from webhooks.receiving import Receiver

pytestmark = pytest.mark.acceptance

PAGE = DOCS / "api.md"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
#: Numbers that differ from one database to the next.
NUMBERS = {"id", "job_id", "total", "pages", "change_set"}
BLOCK = re.compile(r"```(bash|json|text|csv)\n(.*?)```", re.DOTALL)


@dataclass
class Step:
    """Commands, and what the page shows of their output."""

    commands: str
    shown: list[tuple[str, str]] = field(default_factory=list)
    output: str = ""


def tour() -> list[Step]:
    steps: list[Step] = []
    page = "".join(section(PAGE, heading) for heading in ("## A tour", "## Uploads in parts"))
    for language, text in BLOCK.findall(page):
        if language == "bash":
            steps.append(Step(text))
        else:
            steps[-1].shown.append((language, text))
    return steps


def typed(steps: list[Step], folder: Path, **variables: str) -> None:
    """Type all commands into one shell; each step gets its own output."""
    script = ["set -o pipefail"]
    for number, step in enumerate(steps):
        script.append(f"{{\n{step.commands}\n}} > out.{number} || exit $(({number} + 100))")
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    for number, step in enumerate(steps):
        step.output = (folder / f"out.{number}").read_text()


def documents(text: str) -> list[Any]:
    """One JSON value behind the other, as jq prints them."""
    found, decoder = [], json.JSONDecoder()
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


def like(shown: Any, real: Any, name: str = "") -> bool:
    """Whether an answer is the one that is shown, but for numbers, times and texts left out."""
    if isinstance(shown, dict):
        return (
            isinstance(real, dict)
            and list(shown) == list(real)
            and all(like(shown[key], real[key], key) for key in shown)
        )
    if isinstance(shown, list):
        same = isinstance(real, list) and len(shown) == len(real)
        return same and all(map(like, shown, real))
    if name in NUMBERS or name == "url":
        return type(shown) is type(real)
    if isinstance(shown, str) and isinstance(real, str):
        if TIME.fullmatch(shown):
            return bool(TIME.fullmatch(real))
        pattern = re.sub(r"\d+$", r"\\d+", re.escape(shown)).replace("…", ".*")
        return bool(re.fullmatch(pattern, real, re.DOTALL))
    return bool(shown == real)


def test_every_command_does_what_is_shown(site: Site, tmp_path: Path) -> None:
    site.start_worker()
    site.start_deliver()
    steps = tour()
    with Receiver() as receiver:
        for step in steps:
            step.commands = step.commands.replace("http://127.0.0.1:8000", site.url)
            step.commands = step.commands.replace("http://127.0.0.1:9000/", receiver.url)
        typed(steps, tmp_path, TOKEN=site.token())

    assert len(steps) > 10
    for step in steps:
        for language, text in step.shown:
            if language == "json":
                shown, real = documents(text), documents(step.output)
                assert len(shown) == len(real), (step.commands, step.output)
                assert all(map(like, shown, real)), (step.commands, step.output)
            else:
                line, last = text.splitlines()[-1], step.output.strip().splitlines()[-1]
                assert like(line, last), (step.commands, step.output)


def test_client_is_the_one_that_is_run(site: Site, tmp_path: Path) -> None:
    program = DOCS / "examples" / "api_client.py"
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown == program.read_text()
    site.start_worker()
    file = tmp_path / "prices.csv"
    file.write_text("sku,name,price\nC-1,One,1.00\nC-2,Two,x\n")
    environment = {**os.environ, "PRODUCTS_URL": site.url, "PRODUCTS_TOKEN": site.token("editor")}

    done = subprocess.run(
        [sys.executable, program, file],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("100 % ")
    assert list(site.catalog()) == ["c-1"]
