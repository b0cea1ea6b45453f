"""`make run`, `dev exec` and `dev test`: what they promise about processes, ports and statuses.

Most tests run a copy of `dev/` in a checkout whose product is a stand-in of a few lines.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import sample
from dev.locations import remove_outside
from dev.processes import wait_until
from dev.valkey import free_port
from tests.dev_services import Stand

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(tmp_path)
    yield stand
    for process in stand.started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)
    for process in stand.processes():
        process.kill()
    remove_outside(tmp_path / ".dev" / "postgres")


def finish(process: subprocess.Popen[str], *, seconds: float = 120) -> tuple[int, str, str]:
    """Wait for the end; returns the status, the rest of the output, and the errors."""
    output, errors = process.communicate(timeout=seconds)
    return process.returncode, output, errors


def timed(action: Callable[[], object]) -> float:
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def test_run_says_ready_once_the_web_process_answers(stand: Stand) -> None:
    process, line = stand.run()

    assert line == f"ready http://127.0.0.1:{stand.port}"
    assert stand.is_ready()
    process.terminate()
    status, rest, errors = finish(process)
    assert (status, rest) == (0, "")
    assert "manage.py webhook_receiver` prints what is sent to http://127.0.0.1:9000/\n" in errors


def test_links_in_webhooks_lead_to_the_run(stand: Stand) -> None:
    ask = "import os, pathlib; pathlib.Path('public').write_text(os.environ['PUBLIC_URL'])"
    stand.write("manage.py", ask)

    stand.run()

    assert (stand.root / "public").read_text() == f"http://127.0.0.1:{stand.port}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_process_and_grandchild(stand: Stand, number: signal.Signals) -> None:
    process, _ = stand.run()
    assert len(stand.processes()) == 4  # the runner, web, its child, worker

    process.send_signal(number)

    assert finish(process)[0] == 0
    assert stand.processes() == []


@pytest.mark.acceptance
def test_a_process_that_ignores_sigterm_is_gone_within_ten_seconds(stand: Stand) -> None:
    stand.procfile(worker="python stubborn.py")
    process, _ = stand.run()

    process.terminate()

    assert timed(lambda: finish(process)) < 10
    assert stand.processes() == []


def test_given_urls_start_no_service_and_add_no_user_and_no_sample(stand: Stand) -> None:
    process, line = stand.run()
    process.terminate()
    finish(process)

    assert "password" not in line
    assert (stand.root / "manage.log").read_text() == "migrate\n"
    assert not (stand.root / ".dev" / "postgres").exists()
    assert not (stand.root / ".dev" / "valkey").exists()


def test_a_taken_port_is_an_error_before_anything_starts(stand: Stand) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", stand.port))
        other.listen()
        status, output, errors = finish(stand.dev("run"))

    assert (status, output) == (1, "")
    assert f"port {stand.port} can't be used" in errors
    assert f"PORT={stand.port + 1} make run" in errors
    assert not (stand.root / "manage.log").exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_what_is_no_port_is_an_error(stand: Stand, port: str) -> None:
    stand.port = port  # type: ignore[assignment]

    status, _, errors = finish(stand.dev("run"))

    assert status == 1
    assert f"PORT={port} is not a port" in errors


def test_a_second_run_says_where_the_first_one_is(stand: Stand) -> None:
    first, _ = stand.run()

    status, _, errors = finish(stand.dev("run"))

    assert status == 1
    assert f"already running at http://127.0.0.1:{stand.port} (process {first.pid})" in errors
    assert stand.is_ready()


@pytest.mark.acceptance
def test_a_run_waits_for_one_that_is_stopping(stand: Stand) -> None:
    stand.procfile(worker="python stubborn.py")
    first, _ = stand.run()
    first.terminate()
    time.sleep(0.5)

    _, line = stand.run()

    assert line == f"ready http://127.0.0.1:{stand.port}"
    assert first.wait() == 0


def test_a_process_that_dies_is_named_with_the_end_of_its_log(stand: Stand) -> None:
    stand.procfile(worker="python short_lived.py")
    process, _ = stand.run()

    status, _, errors = finish(process)

    assert status == 1
    log = stand.root / ".dev" / "log" / "worker.log"
    assert f"worker ended with status 1; the end of {log}:\nout of nails" in errors
    assert stand.processes() == []


def test_a_failing_migration_is_named_with_the_end_of_its_log(stand: Stand) -> None:
    stand.write("manage.py", "raise SystemExit('no such column')")

    status, output, errors = finish(stand.dev("run"))

    assert (status, output) == (1, "")
    assert "release ended with status 1" in errors
    assert "no such column" in errors


def test_processes_and_grandchildren_of_a_killed_runner_are_ended_by_the_next(stand: Stand) -> None:
    process, _ = stand.run()
    process.kill()
    finish(process)

    second, line = stand.run()

    assert line == f"ready http://127.0.0.1:{stand.port}"
    assert len(stand.processes()) == 4
    second.terminate()
    assert finish(second)[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_processes_die_with_a_killed_runner(stand: Stand) -> None:
    process, _ = stand.run()

    process.kill()
    finish(process)

    def only_the_grandchild_is_left() -> bool:
        return len(stand.processes()) == 1

    assert wait_until(only_the_grandchild_is_left, seconds=20)


def test_a_run_ends_with_the_make_that_started_it(stand: Stand) -> None:
    stand.write("make.py", "import subprocess, sys; subprocess.call(sys.argv[1:])")
    make = subprocess.Popen(
        [sys.executable, "make.py", sys.executable, "-m", "dev", "run", "--with-parent"],
        cwd=stand.root,
        env=stand.environment(services=False),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert make.stdout is not None
    assert make.stdout.readline().startswith("ready")

    make.kill()
    make.communicate(timeout=60)

    assert wait_until(lambda: stand.processes() == [], seconds=30)


@pytest.mark.acceptance
def test_first_start_adds_a_user_and_a_sample_and_the_second_does_not(stand: Stand) -> None:
    first, line = stand.run(services=True)
    password = (stand.root / ".dev" / "admin_password").read_text()
    assert line == f"ready http://127.0.0.1:{stand.port} user=admin password={password}"
    first.terminate()
    assert finish(first)[0] == 0
    assert stand.processes() == []

    second, again = stand.run(services=True)
    second.terminate()
    finish(second)

    assert again == line
    products = stand.root / ".dev" / "sample.csv"
    assert (stand.root / "manage.log").read_text().splitlines() == [
        "migrate",
        "createsuperuser --noinput --username admin --email admin@localhost",
        f"import_products {products} --user admin",
        "migrate",
    ]
    assert products.read_text(encoding="utf-8").count("\n") == 10_001


@pytest.mark.acceptance
def test_secrets_are_readable_by_their_owner_only(stand: Stand) -> None:
    stand.run(services=True)

    private = ["admin_password", "secret_key", "state.json", "valkey/valkey.conf"]
    modes = {name: (stand.root / ".dev" / name).stat().st_mode & 0o777 for name in private}
    assert modes == dict.fromkeys(private, 0o600)


@pytest.mark.acceptance
def test_a_run_starts_again_after_runner_and_services_were_killed(stand: Stand) -> None:
    process, line = stand.run(services=True)
    for victim in [process, *stand.processes()]:
        victim.kill()
    finish(process)

    second, again = stand.run(services=True)

    assert again == line
    second.terminate()
    assert finish(second)[0] == 0


PRINT_URLS = "import os; print(*map(os.environ.get, ['DATABASE_URL', 'REDIS_URL', 'PUBLIC_URL']))"
ASK_DATABASE = (
    "import os, psycopg; c = psycopg.connect(os.environ['DATABASE_URL']); print(c.info.dbname)"
)


@pytest.mark.acceptance
def test_exec_without_a_run_starts_and_stops_the_services(stand: Stand) -> None:
    status, output, _ = finish(stand.dev("exec", "python", "-c", ASK_DATABASE, services=True))

    assert (status, output) == (0, "product_importer\n")
    assert stand.processes() == []


@pytest.mark.acceptance
def test_exec_beside_a_run_uses_its_services_and_leaves_them_up(stand: Stand) -> None:
    stand.run(services=True)
    state = json.loads((stand.root / ".dev" / "state.json").read_text())

    urls = finish(stand.dev("exec", "python", "-c", PRINT_URLS, services=True))
    name = finish(stand.dev("exec", "python", "-c", ASK_DATABASE, services=True))

    expected = "{DATABASE_URL} {REDIS_URL} {PUBLIC_URL}\n".format(**state["environment"])
    assert urls[:2] == (0, expected)
    assert name[:2] == (0, "product_importer\n")
    assert stand.is_ready()


@pytest.mark.acceptance
def test_two_execs_share_services_until_both_are_done(stand: Stand) -> None:
    stand.write(
        "first.py", "import os, time\nwhile not os.path.exists('begun'):\n    time.sleep(0.05)"
    )
    stand.write(
        "second.py", f"import time; open('begun', 'w').close(); time.sleep(1); {ASK_DATABASE}"
    )
    first = stand.dev("exec", "python", "first.py", services=True)
    assert wait_until((stand.root / ".dev" / "state.json").exists, seconds=60)
    second = stand.dev("exec", "python", "second.py", services=True)

    assert finish(second)[:2] == (0, "product_importer\n")
    assert finish(first)[0] == 0
    assert stand.processes() == []


@pytest.mark.acceptance
def test_a_run_is_refused_while_an_exec_holds_the_services(stand: Stand) -> None:
    held = stand.dev("exec", "python", "worker.py", services=True)
    assert wait_until((stand.root / ".dev" / "state.json").exists, seconds=60)

    status, _, errors = finish(stand.dev("run", services=True))

    assert status == 1
    assert f"in use by `python -m dev exec` (process {held.pid})" in errors


def test_webhooks_may_be_sent_to_this_machine(stand: Stand) -> None:
    ask = "import os; print(os.getenv('OUTBOUND_ALLOW_HTTP'), os.getenv('OUTBOUND_ALLOW_PRIVATE'))"

    assert finish(stand.dev("exec", "python", "-c", ask))[:2] == (0, "true true\n")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["no-such-command"], 127),
        (["true"], 0),
    ],
)
def test_exec_passes_the_exit_status_on(stand: Stand, command: list[str], status: int) -> None:
    assert finish(stand.dev("exec", *command))[0] == status


def test_exec_passes_sigterm_on(stand: Stand) -> None:
    stand.write("waits.py", "print('here', flush=True)\nimport time; time.sleep(600)")
    process = stand.dev("exec", "python", "waits.py")
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"

    process.terminate()

    assert finish(process)[0] == 128 + signal.SIGTERM


def test_exec_passes_standard_input_on(stand: Stand) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dev", "exec", "cat"],
        cwd=stand.root,
        env=stand.environment(services=False),
        input="nails\n",
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "nails\n"


@pytest.mark.acceptance
def test_dev_test_has_services_of_its_own_and_passes_the_status_on(stand: Stand) -> None:
    stand.write("test_ok.py", f"def test_it():\n    {ASK_DATABASE}\n    c.close()")
    stand.write("test_bad.py", "def test_it():\n    assert False")
    plain = ["-p", "no:randomly", "-p", "no:django", "-q"]

    runs = [
        stand.dev("test", *plain, name, services=True) for name in ("test_ok.py", "test_bad.py")
    ]

    assert [finish(run)[0] for run in runs] == [0, 1]
    assert not (stand.root / ".dev").exists()


def test_sample_is_the_same_for_the_same_seed_and_has_no_sku_twice() -> None:
    rows = list(sample.rows(2_000, seed=7))

    assert rows == list(sample.rows(2_000, seed=7))
    assert rows != list(sample.rows(2_000, seed=8))
    assert len({sku for sku, *_ in rows}) == 2_000


def test_wrong_usage_has_status_2(stand: Stand) -> None:
    for arguments in ([], ["walk"], ["exec"], ["run", "--fast"]):
        assert finish(stand.dev(*arguments))[0] == 2


@pytest.mark.acceptance
def test_the_product_itself_starts_imports_its_sample_and_stops(tmp_path: Path) -> None:
    port = free_port()
    without = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
    environment = {name: value for name, value in os.environ.items() if name not in without}
    environment |= {"DEV_DIRECTORY": str(tmp_path), "PORT": str(port)}
    command = [sys.executable, "-m", "dev"]
    process = subprocess.Popen(
        [*command, "run"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        password = (tmp_path / "admin_password").read_text()
        assert line == f"ready http://127.0.0.1:{port} user=admin password={password}\n"
        count = "from catalog.models import Product; print(Product.objects.count())"
        products = subprocess.check_output(
            [*command, "exec", "python", "manage.py", "shell", "--no-imports", "-c", count],
            cwd=ROOT,
            env=environment,
            text=True,
        )
        assert products == "10000\n"
    finally:
        process.terminate()
        seconds = timed(lambda: process.communicate(timeout=20))
        remove_outside(tmp_path / "postgres")
    assert process.returncode == 0
    assert seconds < 10
