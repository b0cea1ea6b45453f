"""The whole product as child processes of a test, to be killed at a chosen moment.

A Site has its own PostgreSQL, Valkey, gunicorn, Celery workers and beat, by the lines of the
Procfile, with leases and ticks of seconds. A test holds an import at a stop point (`hold`) rather
than sleep for it. Nothing is killed but what the Site started.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
import requests
from celery import Celery
from knox.models import get_digest_token

from catalog.locks import CATALOG_LOCK
from core.remembering import RETRY_SECONDS
from dev import procfile
from dev.borrowing import FAST
from dev.checkout import ROOT
from dev.processes import members, spawn, stop_all, wait_until
from dev.servers import Services
from dev.valkey import free_port, tail
from tests.faults.browser import Browser
from tests.faults.database import Database, Parameters
from tests.faults.prepare import STOPS
from tests.oracle import Row

SHORT_LIMITS = {
    "LEASE_SECONDS": "3",
    "HEARTBEAT_SECONDS": "0.5",
    "REAPER_SECONDS": "2",
    "WORKER_SOFT_SHUTDOWN_TIMEOUT": "4",
    "STREAM_HEARTBEAT_SECONDS": "2",
    "STREAM_MAX_SECONDS": "60",
    "UPLOADS_A_MINUTE": "10000",
    "UPLOAD_MAX_BYTES": str(250 * 1024**2),
    "WEBHOOK_TICK_SECONDS": "1",
    "WEBHOOK_YIELD_SECONDS": "5",
    "OUTBOUND_DEADLINE_SECONDS": "2",
    # Receivers of tests listen on this machine, by plain http.
    "OUTBOUND_ALLOW_HTTP": "true",
    "OUTBOUND_ALLOW_PRIVATE": "true",
    # A test of the whole API asks as often as it can; the limits have tests of their own.
    "API_REQUESTS_A_MINUTE": "1000000",
}
FINISHED = ("completed", "failed", "cancelled")
PATIENCE = 90.0


def eventually(condition: Any, *, seconds: float = PATIENCE, what: str = "") -> None:
    """Wait until `condition()` is true; fails the test when it stays false."""
    assert wait_until(condition, seconds=seconds), f"not within {seconds:g} s: {what}"


class Held:
    """A stop point that is closed: whoever reaches it waits until `release`."""

    def __init__(self, site: "Site", key: int) -> None:
        self._site = site
        self._key = key
        self._connection = psycopg.connect(site.dsn, autocommit=True)
        self._connection.execute("SELECT pg_advisory_lock(%s)", [key])
        self._seen: set[int] = set()

    def wait(self) -> int:
        """Wait until a backend newly stands at the stop point; returns its process id."""
        eventually(lambda: self._waiters() - self._seen, what="somebody at the stop point")
        arrived = self._waiters() - self._seen
        self._seen |= arrived
        return next(iter(arrived))

    def release(self) -> None:
        self._connection.close()

    def _waiters(self) -> set[int]:
        rows = self._site.rows(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND (classid::bigint << 32) + objid::bigint = %s",
            [self._key],
        )
        return {row["pid"] for row in rows}


class Site:
    """The product with services of its own under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.services = Services(folder, postgres_options={**FAST, "max_connections": "100"})
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self._entries = {entry.name: entry for entry in procfile.read(ROOT / "Procfile")}
        self._browsers: dict[str, Browser] = {}
        self._tokens: dict[tuple[str, str], tuple[str, str]] = {}
        self._database = Database(lambda: self.dsn)
        self._valkey_process = 0
        self._valkey_trusted_from = 0.0

    @property
    def postgres(self) -> Any:
        return self.services.postgres

    @property
    def valkey(self) -> Any:
        return self.services.valkey

    @property
    def dsn(self) -> str:
        return str(self.postgres.url)

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
            **self.services.environment(),
            **SHORT_LIMITS,
            "PATH": path,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "TEST_STATIC_ROOT": str(self.folder / "static"),
            "SECRET_KEY": "only-for-the-tests-" + "x" * 40,
            "DEBUG": "false",
            "SECURE_TRANSPORT": "false",
            "ALLOWED_HOSTS": "127.0.0.1",
            "LOG_FORMAT": "text",
            "METRICS_ADDRESSES": "127.0.0.1",
            # Nobody is there to look; tests of the review ask for it.
            "IMPORT_REVIEW": "never",
            # Django's checks load every view, a fifth of a worker's start; `make lint` runs them.
            "CELERY_SKIP_CHECKS": "true",
            "PORT": str(self.port),
        }

    # --- its processes -----------------------------------------------------------------------

    def start(self) -> None:
        self.services.start()
        self._valkey_process = self.valkey.process.pid
        with (self.folder / "prepare.log").open("wb") as log:
            done = subprocess.run(
                [sys.executable, "-m", "tests.faults.prepare"],
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        assert done.returncode == 0, self.log("prepare")
        self.start_web()
        self.start_beat()

    def stop(self) -> None:
        """End everything at once: nothing of it is needed any more."""
        for name in list(self.children):
            self.kill(name)
        self._database.close()
        self.services.stop(seconds=3)

    def start_web(self) -> None:
        self._spawn("web", self._entries["web"].command)
        eventually(self._answers, what=f"gunicorn\n{self.log('web')}")

    def start_beat(self) -> None:
        self._spawn("beat", self._entries["beat"].command)

    def start_worker(self) -> None:
        """Start the worker, unless it lives; it may come up later than this returns."""
        child = self.children.get("worker")
        if child is not None and child.poll() is None:
            return
        entry = self._entries["worker"]
        self._spawn("worker", entry.command, entry.variables)

    def start_deliver(self, name: str = "deliver") -> None:
        """Start a process that publishes and sends, unless it lives, and wait until it is ready.

        Only tests of webhooks need one; any other `name` is one more of them.
        """
        child = self.children.get(name)
        if child is None or child.poll() is not None:
            entry = self._entries["deliver"]
            command = [word.replace("deliver@", f"{name}@") for word in entry.command]
            self._spawn(name, command, entry.variables)
        log = self.folder / f"{name}.log"
        eventually(lambda: " ready." in log.read_text(), what=f"{name}\n{self.log(name)}")

    def kill(self, name: str) -> None:
        """kill -9 a child together with its own children."""
        child = self.children.pop(name)
        for process in members([child.pid]):
            with contextlib.suppress(psutil.Error):
                process.kill()
        child.kill()
        child.wait()

    def terminate(self, *names: str, seconds: float) -> float:
        """SIGTERM to all of them at once, as a deploy does; the seconds until all had ended."""
        began = time.monotonic()
        children = [self.children.pop(name) for name in names]
        for child in children:
            child.send_signal(signal.SIGTERM)
        for name, child in zip(names, children, strict=True):
            try:
                child.wait(timeout=seconds - (time.monotonic() - began))
            except subprocess.TimeoutExpired:
                stop_all(children, seconds=0)
                raise AssertionError(f"{name} did not end:\n{self.log(name)}") from None
        return time.monotonic() - began

    def pool(self) -> list[psutil.Process]:
        """The worker's processes that run tasks."""
        child = self.children["worker"]
        eventually(lambda: psutil.Process(child.pid).children(), what="a pool process")
        found: list[psutil.Process] = psutil.Process(child.pid).children()
        return found

    def log(self, name: str) -> str:
        return tail(self.folder / f"{name}.log", lines=60)

    def _spawn(
        self, name: str, command: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> None:
        environment = {**self.environment(), **(variables or {})}
        program = Path(sys.executable).parent / command[0]
        with (self.folder / f"{name}.log").open("wb") as output:
            self.children[name] = spawn(
                [program, *command[1:]], environment=environment, output=output, directory=ROOT
            )

    def _answers(self) -> bool:
        assert self.children["web"].poll() is None, self.log("web")
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        return False

    # --- what a test sees --------------------------------------------------------------------

    def rows(self, query: str, parameters: Parameters = ()) -> list[dict[str, Any]]:
        return self._database.rows(query, parameters)

    def value(self, query: str, parameters: Parameters = ()) -> Any:
        (row,) = self.rows(query, parameters)
        return next(iter(row.values()))

    def job(self, pk: int) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM imports_importjob WHERE id = %s", [pk])
        return row

    def finished(self, pk: int, *, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait for the end of an import; returns its row."""
        if not wait_until(lambda: self.job(pk)["state"] in FINISHED, seconds=seconds):
            raise AssertionError(f"not ended: {self.job(pk)}\n{self.log('worker')}")
        return self.job(pk)

    def operation(self, pk: int) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM catalog_bulkoperation WHERE id = %s", [pk])
        return row

    def done(self, pk: int, *, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait for the end of a bulk operation; returns its row."""
        if not wait_until(lambda: self.operation(pk)["state"] in FINISHED, seconds=seconds):
            raise AssertionError(f"not ended: {self.operation(pk)}\n{self.log('worker')}")
        return self.operation(pk)

    def catalog(self) -> dict[str, Row]:
        """The products as the oracle knows them."""
        rows = self.rows(
            "SELECT lower(sku) AS key, sku, name, description, price, active FROM catalog_product"
        )
        return {row.pop("key"): Row(**row) for row in rows}

    def fold(self, sku: str) -> str:
        return str(self.value("SELECT lower(%s)", [sku]))

    def staging_tables(self) -> list[str]:
        rows = self.rows(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'r' AND relname LIKE 'imports\\_staging\\_%'"
        )
        return [row["relname"] for row in rows]

    def browser(self, user: str = "manager") -> Browser:
        """Somebody who is signed in; the same one for the whole life of the site."""
        if user not in self._browsers:
            self._browsers[user] = Browser(self.url)
            self._browsers[user].sign_in(user)
        return self._browsers[user]

    def token(self, user: str = "manager", *, scope: str = "manage") -> str:
        """An API token of somebody, the same one for the whole life of the site."""
        if (user, scope) not in self._tokens:
            self._tokens[user, scope] = get_digest_token()
        digest, secret = self._tokens[user, scope]
        # Again, if a test has removed it or let it expire.
        self.rows(
            "INSERT INTO accounts_apitoken (user_id, name, scope, token_key, digest, created)"
            " SELECT id, 'tests', %s, %s, %s, now() FROM accounts_user WHERE username = %s"
            " ON CONFLICT (digest) DO UPDATE SET expiry = NULL",
            [scope, secret[:15], digest, user],
        )
        return secret

    def close_browsers(self) -> None:
        """Give connections back; who is signed in stays so."""
        for browser in self._browsers.values():
            browser.session.close()

    @contextlib.contextmanager
    def hold(self, stop: str) -> Iterator[Held]:
        """Close a stop point of `prepare.STOPS`, or `merge`: just before the merge begins."""
        held = Held(self, CATALOG_LOCK if stop == "merge" else STOPS[stop])
        try:
            yield held
        finally:
            held.release()

    @contextlib.contextmanager
    def table_locked(self, table: str) -> Iterator[None]:
        """Keep a table from being dropped."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(f'LOCK TABLE "{table}" IN ACCESS SHARE MODE')
            yield
            connection.rollback()

    def quiet(self, *, seconds: float = PATIENCE) -> None:
        """Wait until the worker lives and no message is queued or being worked on."""

        log = self.folder / "worker.log"
        eventually(lambda: " ready." in log.read_text(), seconds=seconds, what="a worker")
        broker = self.broker()
        eventually(
            lambda: broker.llen("imports") == 0 and broker.hlen("unacked") == 0,
            seconds=seconds,
            what="an empty queue",
        )

    def wake(self, times: int, *, task: str = "imports.run_next", queue: str = "imports") -> None:
        """Publish the message that wakes a worker, as a broker does that delivers twice."""
        with Celery(broker=self.valkey.url) as app:
            for _ in range(times):
                app.send_task(task, queue=queue, ignore_result=True)

    # --- between tests -----------------------------------------------------------------------

    def reset(self) -> None:
        """Make the site as good as new: all processes alive, no products, no imports."""
        self.start_services()
        if self.valkey.process.pid != self._valkey_process:
            self._valkey_process = self.valkey.process.pid
            self._valkey_trusted_from = time.monotonic() + RETRY_SECONDS
        unfinished = self.value(
            "SELECT count(*) FROM (SELECT state FROM imports_importjob"
            " UNION ALL SELECT state FROM catalog_bulkoperation) AS work WHERE NOT state = ANY(%s)",
            [list(FINISHED)],
        )
        if unfinished and "worker" in self.children:
            self.kill("worker")
        self._still_deliver()
        for name, start in (("web", self.start_web), ("beat", self.start_beat)):
            if name not in self.children or self.children[name].poll() is not None:
                start()
        # Messages of killed workers, which would come back after hours; totals of what is gone.
        self.broker().delete("unacked", "unacked_index", "imports", "webhooks", "webhooks_slow")
        self.broker().delete("product-importer:1:catalog:version")
        for table in self.staging_tables():
            self.rows(f'DROP TABLE IF EXISTS "{table}"')
        self._empty()

    def _empty(self, *, tries: int = 10) -> None:
        """Empty the tables; a task of beat's that is in the middle of them has to end first."""
        try:
            self.rows(
                "TRUNCATE catalog_product, catalog_changeset, catalog_productchange,"
                " imports_importjob, imports_rejectedrow, imports_storedfile, imports_filepart,"
                " catalog_bulkoperation, imports_mapping, imports_resumableupload,"
                " imports_source, django_celery_beat_crontabschedule,"
                " webhooks_endpoint, webhooks_event CASCADE"
            )
        except psycopg.errors.DeadlockDetected:
            if not tries:
                raise
            self._empty(tries=tries - 1)

    def _still_deliver(self) -> None:
        """Nobody publishes or sends from now on; who is in the middle of it is killed."""
        self.rows("UPDATE webhooks_lane SET due_at = NULL")
        self.rows("UPDATE catalog_changeset SET published_at = now() WHERE published_at IS NULL")
        for name in [name for name in self.children if name.startswith("deliver")]:
            busy = self.value(
                "SELECT EXISTS (SELECT FROM webhooks_lane WHERE lease_token IS NOT NULL)"
                " OR EXISTS (SELECT FROM webhooks_publication)"
            )
            if busy or name != "deliver" or self.children[name].poll() is not None:
                self.kill(name)

    def trust_valkey(self) -> None:
        """Wait until no process believes any more that Valkey is away, for a test sees to totals.

        Who noted that, in the test before, keeps no totals and makes none worthless for a while.
        """
        time.sleep(max(0.0, self._valkey_trusted_from - time.monotonic()))

    def start_services(self) -> None:
        """Start whichever server was killed, at the URL it had."""
        for server, answers in (
            (self.postgres, self._has_postgres),
            (self.valkey, self._has_valkey),
        ):
            if not answers():
                server.start()

    def _has_postgres(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            return bool(self.value("SELECT 1"))
        return False

    def _has_valkey(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(self.broker().ping())
        return False

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.valkey.url, socket_timeout=5)
