"""Settings, a page and a task that fail, with everything about them that must stay here."""

import os
from typing import Any

PASSWORD = "hunter2-of-the-receiver"
SECRETS = (
    PASSWORD,
    "path-of-the-receiver",
    "token-in-a-query",
    "whsec_c2lnbmluZy1zZWNyZXQ=",
    "bearer-of-somebody",
    "cookie-of-somebody",
    "body-of-a-request",
    "local-variable",
    "row-of-somebody",
)
MESSAGE = (
    f"https://shop:{PASSWORD}@shop.example.com/path-of-the-receiver?key=token-in-a-query"
    " whsec_c2lnbmluZy1zZWNyZXQ= Bearer bearer-of-somebody\nDETAIL:  Key (sku)=(row-of-somebody)"
)

if os.environ.get("DJANGO_SETTINGS_MODULE") == __name__:
    from config.settings import *  # noqa: F403

    ROOT_URLCONF = "tests.raising_pages"


def fail() -> Any:
    """Break in a way that nobody expected."""
    held = "local-" + "variable"
    raise RuntimeError(MESSAGE + held[:0])
