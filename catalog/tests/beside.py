"""Others who write products at the same time."""

import threading
from collections.abc import Callable

from django.db import connections, transaction


class Beside:
    """Somebody else at work in a transaction of their own, until they are told to commit."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._ready, self._go_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        try:
            with transaction.atomic():
                self._work()
                self._ready.set()
                self._go_on.wait(10)
        finally:
            connections.close_all()

    def commit(self) -> None:
        self._go_on.set()
        self._thread.join()
