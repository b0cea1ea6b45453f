"""The state of one checkout in `.dev/`: who runs, at which URLs, which secrets and processes."""

import contextlib
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dev.processes import ProcessRecord

ROOT = Path(__file__).resolve().parent.parent
PASSED_THROUGH = ("DATABASE_URL", "REDIS_URL")


@dataclass(frozen=True)
class State:
    """What the owner of a checkout tells the others; `phase` is starting, up or stopping."""

    command: str
    pid: int
    phase: str
    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)


class Checkout:
    """The folder `.dev/` of a checkout, or the one that DEV_DIRECTORY names.

    One process at a time owns it, by a lock of the operating system that ends with the process
    however the process ends: there is no lock that could be stale.
    """

    def __init__(self, directory: Path | None = None) -> None:
        chosen = directory or Path(os.environ.get("DEV_DIRECTORY") or ROOT / ".dev")
        self.directory = chosen.absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.logs = self.directory / "log"
        self.logs.mkdir(exist_ok=True)
        self._lock: int | None = None

    def claim(self) -> bool:
        """Become the owner; False when another process is."""
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        (self.directory / "state.json").unlink(missing_ok=True)
        return True

    def release(self) -> None:
        """Stop being the owner."""
        (self.directory / "state.json").unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def publish(self, state: State) -> None:
        """Tell the others what is up, as the owner."""
        self._write("state.json", json.dumps(asdict(state)))

    def state(self) -> State | None:
        """What the owner told last."""
        try:
            return State(**json.loads((self.directory / "state.json").read_text()))
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def in_use(self, *, exclusive: bool = False) -> Iterator[None]:
        """Hold the services in use; with `exclusive`, first wait until nobody else does."""
        lock = os.open(self.directory / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
        finally:
            os.close(lock)

    def remember(self, records: Iterable[ProcessRecord]) -> None:
        """Note the processes that have to be ended if their owner can't do it any more."""
        self._write("processes.json", json.dumps([asdict(record) for record in records]))

    def remembered(self) -> list[ProcessRecord]:
        """The processes that the last owner noted and did not end."""
        try:
            rows = json.loads((self.directory / "processes.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return []
        return [ProcessRecord(**row) for row in rows]

    def secret(self, name: str) -> str:
        """A random secret that stays the same from start to start, readable by its owner only."""
        path = self.directory / name
        if not path.exists():
            self._write(name, secrets.token_urlsafe(24))
        return path.read_text().strip()

    def environment(self, services: Mapping[str, str]) -> dict[str, str]:
        """What a command gets: our own environment, the services' URLs and the dev switches."""
        binaries = str(Path(sys.executable).parent)
        return {
            **os.environ,
            "PATH": os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)]),
            "SECRET_KEY": os.environ.get("SECRET_KEY") or self.secret("secret_key"),
            "SECURE_TRANSPORT": "false",
            "STATIC_FROM_SOURCE": "true",
            "LOG_FORMAT": "text",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "PYTHONUNBUFFERED": "1",
            # Webhooks reach a receiver on this machine.
            "OUTBOUND_ALLOW_HTTP": "true",
            "OUTBOUND_ALLOW_PRIVATE": "true",
            **services,
        }

    def _write(self, name: str, text: str) -> None:
        """Write privately and at once: a reader sees the old text or the new one."""
        fresh = self.directory / f"{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(self.directory / name)


def given_urls() -> dict[str, str]:
    """DATABASE_URL and REDIS_URL as far as our own environment sets them."""
    return {name: os.environ[name] for name in PASSED_THROUGH if os.environ.get(name)}
