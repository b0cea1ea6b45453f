"""The web process: Django behind a guard that caps what a request may send."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Under ASGI each thread would open a connection of its own; the worker and commands need no pool.
os.environ.setdefault("DATABASE_POOL_MAX", "10")

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import DEFAULT_DB_ALIAS

from core.body_limit import BodyLimit
from core.pool import renew_broken_pool

django_application = get_asgi_application()
renew_broken_pool(DEFAULT_DB_ALIAS)

from imports.resumable.asgi import ResumableUploads  # noqa: E402  asks for models

# Room for the multipart frame around the largest file.
guarded = BodyLimit(django_application, max_bytes=settings.UPLOAD_MAX_BYTES + 64 * 1024)
application = ResumableUploads(django_application, others=guarded)
