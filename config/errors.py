"""Errors that nobody expected, reported to Sentry: where and in which request or job.

No secrets and nobody's data go along. Nothing here runs, and Sentry's library is not loaded, as
long as SENTRY_DSN is empty.
"""

import logging
import re
from typing import Any, Final

import sentry_sdk
from sentry_sdk.integrations.argv import ArgvIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

#: By name: this is read with the settings, before any app.
EXPECTED: Final = (
    "core.leases.LeaseLost",
    "core.leases.Cancelled",
    "core.api.problems.Problem",
    "django.http.response.Http404",
    "django.core.exceptions.PermissionDenied",
)
HIDDEN: Final = "[Filtered]"
SECRET_NAMES: Final = ("x-csrftoken", "webhook-signature", "dsn")
#: What may stand in any text, a message of an exception above all.
SECRET_TEXTS: Final = (
    # Credentials in a URL; a receiver's address, whose path and query may be secrets too.
    (re.compile(r"(\w+://)[^/\s@'\"]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(https?://[^/\s'\"?]+)[/?][^\s'\"]*"), rf"\1/{HIDDEN}"),
    (re.compile(r"(with url: )\S+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b((?:bearer|basic|token) )[\w.~+/=-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(whsec_|pi_)[\w+/=-]{8,}"), rf"\1{HIDDEN}"),
    # PostgreSQL quotes the row that it refuses.
    (re.compile(r"(DETAIL: ).*"), rf"\1{HIDDEN}"),
)
KEPT_OF_A_REQUEST: Final = ("method", "url")


def report_to_sentry(dsn: str, *, environment: str, traces: float) -> None:
    """Report from now on what breaks in this process, be it web, worker, deliver or beat."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        traces_sample_rate=traces or None,
        integrations=[
            DjangoIntegration(),
            CeleryIntegration(),
            LoggingIntegration(level=logging.ERROR, event_level=logging.ERROR),
        ],
        # It would report the command line.
        disabled_integrations=[ArgvIntegration()],
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        # Statements, keys of Valkey, addresses of receivers.
        max_breadcrumbs=0,
        # Receivers of webhooks get no headers of Sentry's.
        trace_propagation_targets=[],
        event_scrubber=EventScrubber([*DEFAULT_DENYLIST, *SECRET_NAMES], recursive=True),
        ignore_errors=EXPECTED,
        before_send=_prepare,
        before_send_transaction=_prepare,
    )


def _prepare(event: Any, hint: dict[str, Any]) -> Any:
    """Say which request or job it was; take out what may be a secret or somebody's data."""
    from django.conf import settings

    from core.logs import current_ids

    _, error, _ = hint.get("exc_info") or (None, None, None)
    event.setdefault("tags", {}).update(
        {name: str(value) for name, value in current_ids(error).items()}
    )
    request = event.get("request")
    url = str(request.get("url", "")).partition("?")[0] if request else ""
    if request:
        event["request"] = {name: request[name] for name in KEPT_OF_A_REQUEST if name in request}
    own = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, settings.METRICS_TOKEN]
    own.append(settings.DATABASES["default"].get("PASSWORD"))
    event = _without_secrets(event, [text for text in own if text and len(text) >= 8])
    if request:
        # The site's own address is no receiver's.
        event["request"]["url"] = url
    return event


def _without_secrets(value: Any, own: list[str]) -> Any:
    if isinstance(value, str):
        for secret in own:
            value = value.replace(secret, HIDDEN)
        for pattern, instead in SECRET_TEXTS:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, dict):
        return {key: _without_secrets(each, own) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(each, own) for each in value]
    return value
