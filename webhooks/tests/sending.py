"""A thread in place of a deliver process, for calls that wait for a test's result."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from webhooks.models import Delivery
from webhooks.trial import send_test


@contextmanager
def sender() -> Iterator[None]:
    """Sends tests as a deliver process does, for as long as it takes."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.02):
            for pk in Delivery.objects.filter(state="waiting").values_list("pk", flat=True):
                send_test(pk)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
