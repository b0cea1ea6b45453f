"""Web processes of the project, on a port of their own, and somebody who is signed in."""

import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import requests

from benchmarks.server import ROOT, Server
from dev.valkey import free_port

START_SECONDS = 30.0


@dataclass
class Web:
    """The processes behind one port, and the session to ask them with."""

    port: int
    session: str
    process: psutil.Process
    _local: threading.local = field(default_factory=threading.local)
    _numbers: "itertools.cycle[int]" = field(
        default_factory=lambda: itertools.cycle(range(10, 100))
    )

    def ask(self, path: str) -> float:
        """Ask for a page; milliseconds. `{n}` in the path is another number each time.

        Raises:
            requests.HTTPError: the page failed.
        """
        path = path.format(n=next(self._numbers))
        if not hasattr(self._local, "client"):
            self._local.client = requests.Session()
            self._local.client.cookies["sessionid"] = self.session
        began = time.perf_counter()
        answer = self._local.client.get(
            f"http://127.0.0.1:{self.port}{path}", timeout=60, allow_redirects=False
        )
        taken = time.perf_counter() - began
        answer.raise_for_status()
        if answer.status_code != 200:
            raise requests.HTTPError(f"{path} answered {answer.status_code}")
        return 1000 * taken

    def memory(self) -> int:
        """Bytes that the web processes hold, without the one that watches over them."""
        return sum(child.memory_info().rss for child in self.process.children(recursive=True))


@contextmanager
def web(server: Server, database: str, *, processes: int) -> Iterator[Web]:
    """Web processes on a migrated database for the time of the block."""
    port = free_port()
    environment = {
        **server.environment(database),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_TRANSPORT": "false",
        "STATIC_FROM_SOURCE": "true",
        "DATABASE_POOL_MAX": "10",
        "WEB_CONCURRENCY": str(processes),
        "LOG_LEVEL": "WARNING",
    }
    signed_in = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", "sign-in"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    session = json.loads(signed_in.stdout.splitlines()[-1])["session"]
    command = ["-m", "gunicorn", "config.asgi:application", "--config", "gunicorn.conf.py"]
    gunicorn = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield Web(port, session, psutil.Process(gunicorn.pid))
    finally:
        gunicorn.terminate()
        gunicorn.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the web process did not start")
