"""gunicorn: its own asgi worker streams Server-Sent Events and sees when a client leaves."""

import os
from typing import Any

worker_class = "asgi"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
asgi_lifespan = "off"
graceful_timeout = 20
control_socket_disable = True
accesslog = None


def post_worker_init(worker: Any) -> None:
    """Let event streams see SIGTERM: the worker waits for open connections, streams never end."""
    from core import streams

    streams.stop_when(lambda: not worker.alive)
