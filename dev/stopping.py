"""A request to stop, by signal or by the death of the parent, seen at the next look."""

import os
import signal
import sys
import time
from types import FrameType


class Stopped(Exception):
    """Someone asked the runner to stop."""


class Failed(Exception):
    """Something the runner needs did not work; the message is for its user."""


class StopRequest:
    """Turns SIGINT, SIGTERM and SIGHUP into a flag.

    A handler that raised could do so between the start of a child and the note of its number, and
    the child would be left behind. `with_parent` watches for the end of the parent too: a `make`
    that was killed can't pass its signal on.
    """

    def __init__(self, *, with_parent: bool) -> None:
        self.requested = False
        self._parent = os.getppid() if with_parent else None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raise Stopped if there was a request."""
        if self._parent is not None and os.getppid() != self._parent:
            self.requested = True
        if self.requested:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait a moment; raises Stopped."""
        self.check()
        time.sleep(seconds)
        self.check()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


def say(message: str) -> None:
    """Tell the user something; standard output is kept for the one line that says `ready`."""
    print(message, file=sys.stderr, flush=True)
