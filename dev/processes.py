"""Child processes that die with their parent, and the ones that a killed parent left behind.

Every child leads a session of its own, so that a Ctrl-C in the terminal reaches only the runner and
the runner can end a child together with its children, by process group.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class ProcessRecord:
    """What tells a process from a later one that was given the same number."""

    name: str
    pid: int
    created: float

    @classmethod
    def of(cls, name: str, pid: int) -> "ProcessRecord":
        """Record the living process `pid`; raises psutil.NoSuchProcess."""
        return cls(name=name, pid=pid, created=psutil.Process(pid).create_time())

    def owns_its_number(self) -> bool:
        """Whether the number is this very process's still, running or zombie, or nobody's."""
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.created) < 1)
        except psutil.NoSuchProcess:
            return True


def dying_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` that has the kernel send `death_signal` when the parent is gone (Linux only).

    The kernel watches the thread that forked, not the process: spawn from the main thread.
    """
    if _libc is None:
        return None
    parent = os.getpid()

    def ask_the_kernel() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel


def spawn(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | int | None = None,
    directory: Path | None = None,
    user: int | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `command` as the leader of a new session that dies with this process.

    `output` takes both its standard output and its standard error; `user` is a numeric user id to
    change to, with that user's group and no other.
    """
    return subprocess.Popen(
        [str(word) for word in command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        cwd=directory,
        start_new_session=True,
        preexec_fn=dying_with_parent(death_signal),
        user=user,
        group=None if user is None else group_of(user),
        extra_groups=None if user is None else [],
    )


def group_of(user: int) -> int:
    """The primary group of the user with this number."""
    return pwd.getpwuid(user).pw_gid


def members(groups: Iterable[int]) -> list[psutil.Process]:
    """The processes of these process groups, zombies left out."""
    wanted = set(groups)
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(process.pid) in wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every member of a process group, if any is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def wait_until(condition: Callable[[], bool], *, seconds: float, interval: float = 0.05) -> bool:
    """Whether `condition` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True


def stop_all(children: Sequence[subprocess.Popen[bytes]], *, seconds: float) -> None:
    """End these children and all of their process groups within about `seconds`.

    SIGTERM to each child first, and to the rest of its group once it has ended; again at half time,
    which makes a Celery worker cancel its tasks rather than wait for them; SIGKILL to whatever is
    left of the groups at the end.
    """
    groups = [child.pid for child in children]

    def all_gone() -> bool:
        if any(child.poll() is None for child in children):
            return False
        left = members(groups)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.terminate()
        return not left

    for _ in range(2):
        for child in children:
            if child.poll() is None:
                child.terminate()
        if wait_until(all_gone, seconds=seconds / 2):
            return
    for group in groups:
        signal_group(group, signal.SIGKILL)
    for child in children:
        child.wait()
    wait_until(lambda: not members(groups), seconds=1)


def end_leftovers(records: Iterable[ProcessRecord], *, seconds: float = 5) -> list[ProcessRecord]:
    """End what a killed runner left behind: the recorded processes and the rest of their groups.

    While a group has members, the kernel gives its number to no new process: the members of a group
    whose leader is gone are the leader's. Returns the records of which something still ran.
    """
    left = [record for record in records if record.owns_its_number() and members([record.pid])]
    groups = [record.pid for record in left]
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 2.0)):
        for group in groups:
            signal_group(group, number)
        if wait_until(lambda: not members(groups), seconds=patience):
            break
    return left
