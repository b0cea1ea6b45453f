"""Procfile, compose.yaml, render.yaml and Dockerfile start the same processes in the same way."""

import json
from pathlib import Path

import yaml

from dev import procfile

ROOT = Path(__file__).resolve().parent.parent
SERVERS = {"postgres", "valkey"}


def processes_of_procfile() -> dict[str, str]:
    return {entry.name: " ".join(entry.command) for entry in procfile.read(ROOT / "Procfile")}


def test_compose_runs_what_the_procfile_names() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

    commands = {name: services[name]["command"] for name in services.keys() - SERVERS}

    assert commands == processes_of_procfile()


def test_render_runs_what_the_procfile_names() -> None:
    services = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    ours = {service["name"]: service for service in services if service["type"] != "keyvalue"}

    commands = {
        name.removeprefix("product-importer").removeprefix("-") or "web": service["dockerCommand"]
        for name, service in ours.items()
    }

    release = ours["product-importer"]["preDeployCommand"]
    assert commands | {"release": release} == processes_of_procfile()


def test_image_runs_the_web_process_unless_told_otherwise() -> None:
    words = processes_of_procfile()["web"].split()

    assert (ROOT / "Dockerfile").read_text().splitlines()[-1] == f"CMD {json.dumps(words)}"


def test_sigterm_gives_imports_a_grace_and_lets_deliveries_end_wherever_they_run() -> None:
    """Deliveries end by themselves; during Celery's own grace they would not know of it."""
    entries = {entry.name: entry for entry in procfile.read(ROOT / "Procfile")}
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    rendered = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    (deliver,) = (each for each in rendered if each["name"] == "product-importer-deliver")

    assert entries["worker"].variables == {"REMAP_SIGTERM": "SIGQUIT"}
    assert entries["deliver"].variables == {}
    assert "REMAP_SIGTERM=SIGQUIT" in (ROOT / "Dockerfile").read_text()
    assert composed["deliver"]["environment"] == {
        **composed["worker"]["environment"],
        "REMAP_SIGTERM": "SIGTERM",
    }
    assert {"key": "REMAP_SIGTERM", "value": "SIGTERM"} in deliver["envVars"]
