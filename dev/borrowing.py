"""`python -m dev exec` and `python -m dev test`: one command with services around it."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from dev.checkout import PASSED_THROUGH, ROOT, Checkout, State, given_urls
from dev.processes import dying_with_parent, end_leftovers
from dev.servers import ServiceError, Services
from dev.stopping import Failed, say

TEST_FOLDER = "product-importer-test-"
# Data that is thrown away needs no safety from a loss of power.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def execute(command: Sequence[str]) -> int:
    """Run a command beside `make run`, or with services of its own; returns its exit status."""
    checkout = Checkout()
    try:
        with urls(checkout) as services:
            return pass_through(command, checkout.environment(services))
    except (Failed, ServiceError) as error:
        say(f"error: {error}")
        return 1


@contextlib.contextmanager
def urls(checkout: Checkout) -> Iterator[dict[str, str]]:
    """The URLs of services that stay up for the time of the context."""
    given = given_urls()
    if len(given) == len(PASSED_THROUGH):
        yield given
        return
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if checkout.claim():
            try:
                with owned(checkout, given) as own:
                    yield {**own, **given}
            finally:
                checkout.release()
            return
        with checkout.in_use():
            state = checkout.state()
            if state is not None and state.phase == "up":
                yield {**state.environment, **given}
                return
        time.sleep(0.1)
    message = f"the services of {checkout.directory} did not come up; see {checkout.logs}"
    raise Failed(message)


@contextlib.contextmanager
def owned(checkout: Checkout, given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Services of the checkout, started here and stopped when nobody uses them any more."""
    state = State(command="exec", pid=os.getpid(), phase="up")
    end_leftovers(checkout.remembered())
    with Services(
        checkout.directory,
        with_postgres="DATABASE_URL" not in given,
        with_valkey="REDIS_URL" not in given,
    ) as services:
        checkout.remember(services.records())
        own = services.environment()
        if services.postgres is not None and services.postgres.is_new:
            migrate(checkout, {**own, **given})
        checkout.publish(State(**{**vars(state), "environment": {**own, **given}}))
        try:
            yield own
        finally:
            with checkout.in_use(exclusive=True):
                checkout.publish(State(**{**vars(state), "phase": "stopping"}))
    checkout.remember([])


def migrate(checkout: Checkout, services: Mapping[str, str]) -> None:
    """Bring a database that was just made to the present schema."""
    say("migrating the new database")
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput"],
        cwd=ROOT,
        env=checkout.environment(services),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        say("migrate failed (see above): the command runs on an unfinished schema")


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with a PostgreSQL and a Valkey that exist for this one run; returns its status."""
    remove_abandoned()
    # Not in the folder of mkdtemp's own mode: as root, PostgreSQL runs as another user.
    folder = Path(tempfile.mkdtemp(prefix=TEST_FOLDER))
    folder.chmod(0o711)
    # Found by `remove_abandoned` of another run only once it is locked.
    lock = os.open(folder / "lock.new", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "lock.new").rename(folder / "lock")
    try:
        with Services(folder, postgres_options=FAST) as services:
            environment = {
                **os.environ,
                "PATH": os.pathsep.join(
                    [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
                ),
                "SECRET_KEY": "only-for-the-tests-" + "x" * 40,
                # Tests start the product dozens of times: it is compiled once.
                "PYTHONDONTWRITEBYTECODE": "",
                **services.environment(),
            }
            return pass_through([sys.executable, "-m", "pytest", *arguments], environment)
    except ServiceError as error:
        say(f"error: {error}")
        return 1
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove the folders of test runs that were killed: nobody holds their lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEST_FOLDER}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder / "lock", os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)


def pass_through(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command with our terminal, our standard streams and the signals we get.

    Returns its exit status as a shell does: 128 + the signal that killed it, 127 if there is none.
    """
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        say(f"error: {command[0]}: no such command")
        return 127
    child = subprocess.Popen(
        [program, *command[1:]],
        env=dict(environment),
        preexec_fn=dying_with_parent(signal.SIGTERM),
    )

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    def leave_to_the_child(number: int, frame: FrameType | None) -> None:
        """A Ctrl-C in the terminal reaches the child too, which decides what it means."""

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, leave_to_the_child),
        signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
        signal.SIGHUP: signal.signal(signal.SIGHUP, pass_on),
    }
    try:
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - status if status < 0 else status
