"""A checkout with the real development runner and a stand-in for the product."""

import contextlib
import http.client
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil

from dev.valkey import free_port

ROOT = Path(__file__).resolve().parent.parent

WEB = """
    import http.server, os, subprocess, sys
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""
STUBBORN = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
"""
SHORT_LIVED = """
    import time
    time.sleep(1)
    raise SystemExit("out of nails")
"""
MANAGE = """
    import os, sys
    with open("manage.log", "a") as log:
        print(*sys.argv[1:], file=log)
"""


class Stand:
    """A checkout with `dev/`, a Procfile and stand-ins for what the Procfile names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self.started: list[subprocess.Popen[str]] = []
        shutil.copytree(ROOT / "dev", root / "dev", ignore=shutil.ignore_patterns("__pycache__"))
        self.write("manage.py", MANAGE)
        self.write("web.py", WEB)
        self.write("worker.py", "import time; time.sleep(600)")
        self.write("stubborn.py", STUBBORN)
        self.write("short_lived.py", SHORT_LIVED)
        self.procfile(worker="python worker.py")

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(textwrap.dedent(text))

    def procfile(self, **processes: str) -> None:
        entries = {"release": "python manage.py migrate", "web": "python web.py", **processes}
        lines = [f"{name}: {command}\n" for name, command in entries.items()]
        (self.root / "Procfile").write_text("".join(lines))

    def environment(self, *, services: bool) -> dict[str, str]:
        without = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEV_DIRECTORY", "PUBLIC_URL"}
        own = {name: value for name, value in os.environ.items() if name not in without}
        given = (
            {} if services else {"DATABASE_URL": "postgres://far/away", "REDIS_URL": "redis://x"}
        )
        return {**own, **given, "PORT": str(self.port)}

    def dev(self, *arguments: str, services: bool = False) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dev", *arguments],
            cwd=self.root,
            env=self.environment(services=services),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *, services: bool = False) -> tuple[subprocess.Popen[str], str]:
        """Start `dev run`; returns it with its first line of output."""
        process = self.dev("run", services=services)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def processes(self) -> list[psutil.Process]:
        """Whatever works for this checkout: by its folder, or by a file of it as an argument."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = [process.cwd(), *process.cmdline()]
                if process.status() != psutil.STATUS_ZOMBIE and any(
                    word.startswith(str(self.root)) for word in words
                ):
                    found.append(process)
        return found

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
