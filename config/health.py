"""Whether this process lives, and whether it can serve.

`/readyz` fails only for what the process cannot serve without: the database and its migrations. The
broker and the workers are reported as degraded, or one outage of Valkey would take every web
process out of the load balancer.
"""

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when pages can be served, else 503; `degraded` names what is missing beside."""
    problems = _cannot_serve_without()
    degraded = [] if _broker_answers() else ["broker"]
    status = "unavailable" if problems else "degraded" if degraded else "ok"
    return JsonResponse(
        {"status": status, "problems": problems, "degraded": degraded},
        status=503 if problems else 200,
    )


def _cannot_serve_without() -> list[str]:
    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return ["database"]
    return ["migrations"] if pending else []


def _broker_answers() -> bool:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
