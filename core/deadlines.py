"""One total time limit for a piece of network work, whatever the peer does.

A socket's own time-out starts anew with every byte, so a peer that drips holds a caller for as
long as it likes (measured: 7 s under `timeout=2`). Here a watchdog shuts the socket down when the
time is up, which ends every blocking call on it at once.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Deadline:
    """The time that one request has, and the socket that it is talking over.

    `stage` says in words what is being done, for whoever reads why it took too long.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.started = time.monotonic()
        self.until = self.started + seconds
        self.stage = ""
        self._guarded: socket.socket | None = None
        self._cut = False
        self._lock = threading.Lock()

    @property
    def passed(self) -> bool:
        """Ask before an answer is believed: headers that were cut off look like whole ones."""
        return self._cut or time.monotonic() >= self.until

    @property
    def left(self) -> float:
        """Seconds, more than 0.

        Raises:
            TimeoutError: there are none left.
        """
        left = self.until - time.monotonic()
        if self._cut or left <= 0:
            raise TimeoutError(self.stage)
        return left

    def guard(self, connection: socket.socket) -> None:
        """Shut this socket down at the deadline.

        It is a duplicate that is kept: wrapping in TLS detaches the socket that was connected, and
        its number may be somebody else's file by the time the watchdog bites.
        """
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            earlier, self._guarded = self._guarded, duplicate
            if self._cut:
                _shut_down(duplicate)
        if earlier is not None:
            earlier.close()

    def cut(self) -> None:
        """The time is up."""
        with self._lock:
            self._cut = True
            if self._guarded is not None:
                _shut_down(self._guarded)

    def release(self) -> None:
        """The work is done; the socket is left as it is."""
        with self._lock:
            guarded, self._guarded = self._guarded, None
        if guarded is not None:
            guarded.close()


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the peer may have been quicker
        connection.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """A thread that cuts off what is still under way at its deadline.

    It sleeps until the earliest deadline that it knew of when it last looked, so that a request
    costs it nothing: later ones hardly ever have an earlier deadline.
    """

    def __init__(self) -> None:
        self._watched: set[Deadline] = set()
        self._wakes_at = float("inf")
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        with self._changed:
            self._watched.add(deadline)
            if self._thread is None or not self._thread.is_alive():
                self._closed = False
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.until < self._wakes_at:
                self._changed.notify()

    def forget(self, deadline: Deadline) -> None:
        with self._changed:
            self._watched.discard(deadline)
        deadline.release()

    def close(self) -> None:
        """End the thread once nothing is under way."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while self._watched or not self._closed:
                now = time.monotonic()
                due = {deadline for deadline in self._watched if deadline.until <= now}
                for deadline in due:
                    deadline.cut()
                self._watched -= due
                self._wakes_at = min((each.until for each in self._watched), default=float("inf"))
                if self._watched:
                    self._changed.wait(self._wakes_at - now)
                elif not self._closed:
                    self._changed.wait()
            self._thread = None


def bounded(work: Callable[[], Result], *, seconds: float) -> Result:
    """What `work` returns or raises, if it does so in time; for calls that nothing can interrupt.

    Looking up a name is one: the C library asks each name server for seconds. A thread that is
    left behind ends by itself and keeps no process from ending.

    Raises:
        TimeoutError: it is still at it.
    """
    returned: list[Result] = []
    raised: list[Exception] = []
    done = threading.Event()

    def run() -> None:
        try:
            returned.append(work())
        except Exception as error:  # noqa: BLE001 raised again where it was asked for
            raised.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="bounded", daemon=True).start()
    if not done.wait(seconds):
        raise TimeoutError
    if raised:
        raise raised[0]
    return returned[0]
