"""gunicorn: its own asgi worker streams Server-Sent Events and sees when a client leaves."""

import os
from typing import Any

worker_class = "asgi"
# A platform's router comes from outside the container; the development runner sets HOST.
bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
asgi_lifespan = "off"
graceful_timeout = 20
control_socket_disable = True
accesslog = None


def post_worker_init(worker: Any) -> None:
    """Let event streams see SIGTERM: the worker waits for open connections, streams never end."""
    from core import streams

    streams.stop_when(lambda: not worker.alive)
