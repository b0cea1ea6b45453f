"""System checks: each names the setting and the remedy."""

import re
from collections.abc import Sequence
from typing import Any, Final

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import OperationalError, connections


@register(Tags.compatibility)
def lease_outlives_heartbeats(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.LEASE_SECONDS >= 3 * settings.HEARTBEAT_SECONDS:
        return []
    return [
        Error(
            f"LEASE_SECONDS ({settings.LEASE_SECONDS:g}) is less than three times "
            f"HEARTBEAT_SECONDS ({settings.HEARTBEAT_SECONDS:g}): one late beat loses the work.",
            hint="Set LEASE_SECONDS to 60 and HEARTBEAT_SECONDS to 1, the defaults.",
            id="core.E001",
        )
    ]


@register(Tags.compatibility)
def lease_outlives_requests(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Who sends renews its lease before and after a request, not during it."""
    if settings.LEASE_SECONDS > settings.OUTBOUND_DEADLINE_SECONDS:
        return []
    return [
        Error(
            f"LEASE_SECONDS ({settings.LEASE_SECONDS:g}) is not above "
            f"OUTBOUND_DEADLINE_SECONDS ({settings.OUTBOUND_DEADLINE_SECONDS:g}): a request that "
            "takes its whole time loses the work.",
            hint="Set LEASE_SECONDS to 60 and OUTBOUND_DEADLINE_SECONDS to 15, the defaults.",
            id="core.E004",
        )
    ]


@register(Tags.security, deploy=True)
def private_networks_are_out_of_reach(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.OUTBOUND_ALLOW_PRIVATE:
        return []
    return [
        Warning(
            "OUTBOUND_ALLOW_PRIVATE is on: whoever may enter a URL can call whatever this machine "
            "reaches, its own services and the cloud's metadata among them.",
            hint="Leave it off, unless receivers stand in your own network and you trust all "
            "managers.",
            id="core.W002",
        )
    ]


#: What a browser sends in Origin: no path, no upper case, no port that goes without saying.
ORIGIN: Final = re.compile(
    r"(?!http:.*:80$|https:.*:443$)https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"
)


@register(Tags.security)
def allowed_origins_are_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An entry that no browser sends lets nobody in; `null` lets everybody in."""
    return [
        Error(
            f"ALLOWED_ORIGINS has {origin!r}, which is no origin of a site.",
            hint="Write it as https://shop.example.com: scheme and host in lower case, a port only"
            " if it is not the usual one, nothing behind it.",
            id="core.E005",
        )
        for origin in settings.CORS_ALLOWED_ORIGINS
        if not ORIGIN.fullmatch(origin)
    ]


@register(Tags.database)
def database_folds_case_by_unicode(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Two spellings of a SKU are one product by PostgreSQL's lower(), which the locale decides."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    "SELECT lower('É') = 'é', current_setting('server_version_num')::int"
                )
                folds, version = cursor.fetchone()
        except OperationalError:
            continue  # migrate and readyz say it better
        if not folds:
            found.append(
                Error(
                    "The database does not fold letters outside ASCII: lower('É') is not 'é', so "
                    "'É-1' and 'é-1' would be two products.",
                    hint="Create the database with ENCODING 'UTF8' and LC_CTYPE 'C.UTF-8' or any "
                    "language's UTF-8 locale.",
                    id="core.E002",
                )
            )
        if version < 150000:
            found.append(
                Error(
                    f"PostgreSQL {version // 10000} is too old.",
                    hint="Use PostgreSQL 15 or later.",
                    id="core.E003",
                )
            )
    return found


@register(Tags.database)
def valkey_keeps_what_it_is_given(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A full Valkey that evicts drops queued wake-ups without a word."""
    if not databases:
        return []
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        policy = client.info("memory").get("maxmemory_policy", "noeviction")
    except redis.RedisError:
        return []  # readyz reports it; imports go on without
    finally:
        client.close()
    if policy == "noeviction":
        return []
    return [
        Warning(
            f"Valkey's maxmemory-policy is {policy}: when it is full it evicts queued tasks.",
            hint="Start it with --maxmemory-policy noeviction.",
            id="core.W001",
        )
    ]
