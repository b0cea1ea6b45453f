"""`make run`: services, database, user, sample catalog, then every process of the Procfile."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from dev import procfile, sample
from dev.checkout import ROOT, Checkout, State, given_urls
from dev.processes import ProcessRecord, end_leftovers, spawn, stop_all
from dev.servers import ServiceError, Services
from dev.stopping import Failed, Stopped, StopRequest, say
from dev.valkey import tail

HOST = "127.0.0.1"
USER = "admin"
SAMPLE_PRODUCTS = 10_000
SECONDS_TO_READY = 120
RECEIVER = (
    "webhooks: `.venv/bin/python -m dev exec python manage.py webhook_receiver`"
    " prints what is sent to http://127.0.0.1:9000/"
)
# Together below the ten seconds that most supervisors wait before they kill.
SECONDS_TO_STOP_PROCESSES = 6
SECONDS_TO_STOP_SERVICES = 3


def run(*, with_parent: bool = False) -> int:
    """Run the product until a signal comes; the exit status is 1 if something failed."""
    stop = StopRequest(with_parent=with_parent)
    checkout = Checkout()
    try:
        port = wanted_port()
        own(checkout, stop)
        try:
            refuse_taken(port)
            Run(checkout, stop=stop, port=port).until_stopped()
        finally:
            checkout.release()
    except Stopped:
        return 0
    except (Failed, ServiceError) as error:
        if stop.requested:
            return 0
        say(f"error: {error}")
        return 1
    return 0


def wanted_port() -> int:
    """PORT, or 8000; raises Failed for what is no port."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        message = f"PORT={text} is not a port: give a number from 1 to 65535"
        raise Failed(message)
    return int(text)


def own(checkout: Checkout, stop: StopRequest) -> None:
    """Become the only runner of this checkout; waits for one that is just stopping."""
    deadline = time.monotonic() + 15
    while not checkout.claim():
        state = checkout.state()
        starting_or_stopping = state is None or state.phase == "stopping"
        if starting_or_stopping and time.monotonic() < deadline:
            stop.sleep(0.1)
            continue
        if state is not None and state.command == "run":
            message = f"already running at {state.url} (process {state.pid})"
        else:
            message = (
                f"the services of {checkout.directory} are in use by `python -m dev exec`"
                f" (process {state.pid if state else 'unknown'}): let it finish first"
            )
        raise Failed(message)


def refuse_taken(port: int) -> None:
    """Raise Failed if something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = (
                f"port {port} can't be used ({error.strerror}):"
                f" stop what listens there, or choose another with PORT={port + 1} make run"
            )
            raise Failed(message) from error


class Run:
    """One run of the product, from nothing to ready to nothing."""

    def __init__(self, checkout: Checkout, *, stop: StopRequest, port: int) -> None:
        self.checkout = checkout
        self.stop = stop
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.given = given_urls()
        self.services = Services(
            checkout.directory,
            with_postgres="DATABASE_URL" not in self.given,
            with_valkey="REDIS_URL" not in self.given,
        )
        entries = {entry.name: entry for entry in procfile.read(ROOT / "Procfile")}
        self.release = entries.pop("release")
        self.entries = list(entries.values())
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.state = State(command="run", pid=os.getpid(), phase="starting", url=self.url)
        self.environment: dict[str, str] = {}

    def until_stopped(self) -> None:
        """Start everything, say ready, watch; ends with Stopped or Failed, and nothing running."""
        self.checkout.publish(self.state)
        try:
            self._start_services()
            # The web process needs a second and a half of one core before it asks for the database,
            # as migrate does: side by side they save that on every start.
            self._start_processes(["web"])
            self._prepare_database()
            self._start_processes([entry.name for entry in self.entries if entry.name != "web"])
            self._wait_ready()
            say(f"logs are in {self.checkout.logs}")
            say(RECEIVER)
            print(self._ready_line(), flush=True)
            while True:
                self.stop.sleep(0.2)
                self._check_alive()
        finally:
            self._stop_everything()

    def _start_services(self) -> None:
        for left in end_leftovers(self.checkout.remembered()):
            say(f"ended {left.name} (process {left.pid}), left behind by a runner that was killed")
        say("starting services")
        self.services.start()
        self._remember()
        urls = {
            **self.given,
            **self.services.environment(),
            "PUBLIC_URL": os.environ.get("PUBLIC_URL") or self.url,
        }
        self.environment = {
            # An import that runs gets a moment to hand itself back before its worker is killed.
            "WORKER_SOFT_SHUTDOWN_TIMEOUT": "3",
            **self.checkout.environment(urls),
            "HOST": HOST,
            "PORT": str(self.port),
        }
        self.state = replace(self.state, phase="up", environment=urls)
        self.checkout.publish(self.state)

    def _prepare_database(self) -> None:
        """Migrate; in a database of our own also add, once, the user and the sample catalog."""
        say("migrating")
        release = self.release
        self._complete(release.name, release.command, variables=release.variables)
        if self.services.postgres is None:
            return
        done = self.services.postgres.directory
        if not (done / "has-user").exists():
            self._add_user()
            (done / "has-user").touch()
        if not (done / "has-sample").exists():
            say(f"importing a sample catalog of {SAMPLE_PRODUCTS:,} products")
            file = self.checkout.directory / "sample.csv"
            sample.write_csv(file, SAMPLE_PRODUCTS)
            command = ["python", "manage.py", "import_products", str(file), "--user", USER]
            self._complete("sample", command)
            (done / "has-sample").touch()

    def _add_user(self) -> None:
        say(f"adding the user {USER}")
        command = ["python", "manage.py", "createsuperuser", "--noinput", "--username", USER]
        try:
            self._complete(
                "user",
                [*command, "--email", "admin@localhost"],
                variables={"DJANGO_SUPERUSER_PASSWORD": self.checkout.secret("admin_password")},
            )
        except Failed as error:
            # A start that was broken off right here had added the user with this very password.
            if "already taken" not in str(error):
                raise

    def _start_processes(self, names: list[str]) -> None:
        say(f"starting {', '.join(names)}")
        for entry in self.entries:
            if entry.name in names:
                self._spawn(entry.name, entry.command, variables=entry.variables)
        self._remember()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_READY
        while not self._is_ready():
            self._check_alive()
            if time.monotonic() > deadline:
                log = self._log("web")
                message = (
                    f"{self.url}/readyz did not answer 200 within {SECONDS_TO_READY} s;"
                    f" the end of {log}:\n{tail(log)}"
                )
                raise Failed(message)
            self.stop.sleep(0.05)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

    def _ready_line(self) -> str:
        if self.services.postgres is None:
            return f"ready {self.url}"
        return f"ready {self.url} user={USER} password={self.checkout.secret('admin_password')}"

    def _check_alive(self, *, apart_from: str = "") -> None:
        for name, child in self.children.items():
            if name != apart_from and child.poll() is not None:
                raise Failed(self._obituary(name, child.returncode))
        if log := self.services.dead():
            message = f"a service ended by itself; the end of {log}:\n{tail(Path(log))}"
            raise Failed(message)

    def _complete(
        self, name: str, command: list[str], *, variables: dict[str, str] | None = None
    ) -> None:
        """Run a command to its end; raises Failed with the end of its log, or Stopped."""
        child = self._spawn(name, command, variables=variables)
        self._remember()
        while child.poll() is None:
            self.stop.sleep(0.02)
            self._check_alive(apart_from=name)
        del self.children[name]
        if child.returncode != 0:
            raise Failed(self._obituary(name, child.returncode))

    def _spawn(
        self, name: str, command: list[str], *, variables: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        log = self._log(name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        environment = {**self.environment, **(variables or {})}
        with log.open("wb") as output:
            # Looked up by hand: Popen would search the PATH of the runner, not the child's.
            program = find_program(command[0], environment["PATH"])
            child = spawn(
                [program, *command[1:]], environment=environment, output=output, directory=ROOT
            )
        self.children[name] = child
        return child

    def _remember(self) -> None:
        records = self.services.records()
        for name, child in self.children.items():
            with contextlib.suppress(ProcessLookupError):
                records.append(ProcessRecord.of(name, child.pid))
        self.checkout.remember(records)

    def _stop_everything(self) -> None:
        self.state = replace(self.state, phase="stopping")
        self.checkout.publish(self.state)
        stop_all(list(self.children.values()), seconds=SECONDS_TO_STOP_PROCESSES)
        self.services.stop(seconds=SECONDS_TO_STOP_SERVICES)
        self.checkout.remember([])

    def _obituary(self, name: str, status: int) -> str:
        log = self._log(name)
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"{name} {how}; the end of {log}:\n{tail(log)}"

    def _log(self, name: str) -> Path:
        return self.checkout.logs / f"{name}.log"


def find_program(name: str, path: str) -> str:
    """The full path of a program; raises Failed if no folder of `path` has it."""
    program = shutil.which(name, path=path)
    if program is None:
        message = f"{name} is not installed: run `make .venv`"
        raise Failed(message)
    return program
