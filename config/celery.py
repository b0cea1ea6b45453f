"""The Celery application: its messages are wake-ups, the rows in PostgreSQL are the queue."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun
from django_guid import clear_guid, set_guid
from kombu.transport import redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("product_importer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Else a worker that loses the broker while it works tries to give its message back through the lost
# connection, and dies of it with the import (seen with Celery and kombu 5.7). Rows are the queue.
redis.Channel.do_restore = False


@setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """Leave LOGGING of the settings in force: a receiver here stops Celery from replacing it."""


@task_prerun.connect
def take_request_id(task_id: str, **kwargs: Any) -> None:
    """Log lines of a task carry its id where those of a request carry the request's."""
    set_guid(task_id)


@task_postrun.connect
def drop_request_id(**kwargs: Any) -> None:
    clear_guid()


@task_postrun.connect
def hand_in_what_was_counted(**kwargs: Any) -> None:
    """At once: a worker that is told to end leaves no second for the thread that does it."""
    from core.metrics import flush

    flush()
