"""Settings, all from the environment (https://12factor.net/config), safe by default.

Every variable read here is named in `.env.example` with what it does; a test compares the two.
Times are seconds, sizes are bytes, unless the name says otherwise.
"""

import sys
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from environs import Env, ValidationError, validate

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Safety ---------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
# Former keys: what they signed or encrypted can still be read.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
PUBLIC_URL = (env.str("PUBLIC_URL", default=None) or "").rstrip("/")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Off only for plain http: the development runner, or a network where something else encrypts.
SECURE_TRANSPORT = env.bool("SECURE_TRANSPORT", default=not DEBUG)
SECURE_SSL_REDIRECT = SECURE_TRANSPORT
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000) if SECURE_TRANSPORT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_TRANSPORT
SECURE_HSTS_PRELOAD = SECURE_TRANSPORT
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = SECURE_TRANSPORT
CSRF_COOKIE_SECURE = SECURE_TRANSPORT
CSRF_COOKIE_HTTPONLY = True  # pages send the token by hx-headers, never from the cookie
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Application ----------------------------------------------------------------------------

INSTALLED_APPS = [
    "accounts",
    "core",
    "catalog",
    "imports",
    "webhooks",
    "template_partials",
    "django_htmx",
    "django_filters",
    "django_celery_results",
    "django_celery_beat",
    "django_guid",
    "corsheaders",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django_guid.middleware.guid_middleware",
    "core.middleware.observed",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.acting_user",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.vary_on_htmx",
    "core.middleware.htmx_sign_in",
    "accounts.middleware.time_zone",
    "accounts.middleware.too_many_tries",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = None

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "imports.context.running_imports",
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["accounts.sign_in.LimitedBackend"]
SIGN_IN_TRIES = env.int("SIGN_IN_TRIES", default=10)
SIGN_IN_WAIT_SECONDS = env.int("SIGN_IN_WAIT_SECONDS", default=300)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = False
USE_TZ = True
USE_THOUSAND_SEPARATOR = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- PostgreSQL -----------------------------------------------------------------------------

DATABASE_POOL_MAX = env.int("DATABASE_POOL_MAX", default=0)
DATABASE_SESSION_SETTINGS = env.bool("DATABASE_SESSION_SETTINGS", default=True)

# Guards of every short statement; the import's own long ones lift them with SET LOCAL. Behind
# PgBouncer turn DATABASE_SESSION_SETTINGS off and give the role the same values by ALTER ROLE.
POSTGRES_SESSION = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "client_connection_check_interval": "2s",
}

DATABASES = {"default": env.dj_db_url("DATABASE_URL", engine="django.db.backends.postgresql")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "product-importer",
}
# A server-side cursor lives on one server connection, which PgBouncer does not promise.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = not DATABASE_SESSION_SETTINGS
if DATABASE_SESSION_SETTINGS:
    DATABASES["default"]["OPTIONS"]["options"] = " ".join(
        f"-c {name}={value}" for name, value in POSTGRES_SESSION.items()
    )
if DATABASE_POOL_MAX:
    # CONN_MAX_AGE=0 caps nothing under ASGI: every thread opens a connection of its own.
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": DATABASE_POOL_MAX,
        "timeout": 10,
    }
    # Else every connection that a restart of PostgreSQL broke is a page that answers 500.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# --- Valkey and Celery: a hint, never the record --------------------------------------------

REDIS_URL = env.str("REDIS_URL")

# For what may be forgotten (core/remembering.py); a Valkey that hangs costs a page half a second.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "product-importer",
        "OPTIONS": {
            "serializer": "core.remembering.JsonSerializer",
            "socket_timeout": 0.5,
            "socket_connect_timeout": 0.5,
        },
    },
}

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = "django-db"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Messages only wake workers, so they are acknowledged at once and never fetched in advance: a
# worker that has one to acknowledge when the broker goes away dies of it, and the import with it
# (seen with Celery and kombu 5.7). What a lost worker leaves is found by its lease.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT", default=3600)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.float("WORKER_SOFT_SHUTDOWN_TIMEOUT", default=20.0)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the task time limit, so that a message of a running task is never handed out again.
    "visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
}
# A broker that is away costs a request at most one second: the row is what counts.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0.1, "interval_max": 0.4}
CELERY_TASK_ROUTES = {
    "accounts.*": {"queue": "imports"},
    "catalog.*": {"queue": "imports"},
    # It waits for strangers, as deliveries do, and holds up no import meanwhile.
    "imports.fetch_next": {"queue": "webhooks_slow"},
    "imports.*": {"queue": "imports"},
    "webhooks.*": {"queue": "webhooks"},
    "webhooks.drain_slow": {"queue": "webhooks_slow"},
}
CELERY_TIMEZONE = "UTC"

# --- Imports and operations -----------------------------------------------------------------

LEASE_SECONDS = env.float("LEASE_SECONDS", default=60.0)
HEARTBEAT_SECONDS = env.float("HEARTBEAT_SECONDS", default=1.0)
REAPER_SECONDS = env.float("REAPER_SECONDS", default=15.0)
MAX_ATTEMPTS = env.int("MAX_ATTEMPTS", default=3)
PRUNE_SECONDS = env.float("PRUNE_SECONDS", default=3600.0)

# How long, and how many at most, is kept of what happened; the older goes first.
CHANGE_RETENTION_DAYS = env.int("CHANGE_RETENTION_DAYS", default=90)
CHANGE_RETENTION_ROWS = env.int("CHANGE_RETENTION_ROWS", default=20_000_000)
JOB_RETENTION_DAYS = env.int("JOB_RETENTION_DAYS", default=365)
REJECTED_RETENTION_DAYS = env.int("REJECTED_RETENTION_DAYS", default=90)
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=365)

CELERY_BEAT_SCHEDULE = {
    f"{work}-{app}": {"task": f"{app}.{work}", "schedule": every, "options": {"expires": every}}
    for work, every, apps in (
        ("reap", REAPER_SECONDS, ("catalog", "imports")),
        ("prune", PRUNE_SECONDS, ("accounts", "catalog", "imports", "webhooks")),
    )
    for app in apps
}

# What is asked of an import by whoever does not choose.
IMPORT_MODE = env.str(
    "IMPORT_MODE", default="both", validate=validate.OneOf(["both", "create", "update"])
)
IMPORT_MISSING = env.str(
    "IMPORT_MISSING", default="keep", validate=validate.OneOf(["keep", "deactivate", "delete"])
)
IMPORT_EMPTY = env.str("IMPORT_EMPTY", default="keep", validate=validate.OneOf(["keep", "clear"]))
IMPORT_REVIEW = env.str(
    "IMPORT_REVIEW", default="risks", validate=validate.OneOf(["risks", "always", "never"])
)
# From what on a change is a risk: a price that moves, products that go, both in percent.
RISK_PRICE_PERCENT = env.int("RISK_PRICE_PERCENT", default=50)
RISK_CATALOG_PERCENT = env.int("RISK_CATALOG_PERCENT", default=20)
REVIEW_DAYS = env.int("REVIEW_DAYS", default=7)

UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=100 * 1024**2)
UPLOADS_A_MINUTE = env.int("UPLOADS_A_MINUTE", default=60)
UPLOAD_QUOTA_BYTES = env.int("UPLOAD_QUOTA_BYTES", default=10 * 1024**3)
UPLOAD_RETENTION_DAYS = env.int("UPLOAD_RETENTION_DAYS", default=7)
UPLOAD_PART_BYTES = 8 * 1024**2
RESUMABLE_MAX_BYTES = env.int("RESUMABLE_MAX_BYTES", default=1024**3)
RESUMABLE_HOURS = env.int("RESUMABLE_HOURS", default=24)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

STREAM_MAX_SECONDS = env.float("STREAM_MAX_SECONDS", default=600.0)
STREAM_HEARTBEAT_SECONDS = env.float("STREAM_HEARTBEAT_SECONDS", default=15.0)

# --- Outbound HTTP --------------------------------------------------------------------------

OUTBOUND_DEADLINE_SECONDS = env.float("OUTBOUND_DEADLINE_SECONDS", default=15.0)
FETCH_DEADLINE_SECONDS = env.float("FETCH_DEADLINE_SECONDS", default=600.0)
OUTBOUND_ALLOW_HTTP = env.bool("OUTBOUND_ALLOW_HTTP", default=DEBUG)
OUTBOUND_ALLOW_PRIVATE = env.bool("OUTBOUND_ALLOW_PRIVATE", default=False)
OUTBOUND_CA_BUNDLE = env.str("OUTBOUND_CA_BUNDLE", default=None)

# --- Webhooks -------------------------------------------------------------------------------

WEBHOOK_TICK_SECONDS = env.float("WEBHOOK_TICK_SECONDS", default=2.0)
WEBHOOK_YIELD_SECONDS = env.float("WEBHOOK_YIELD_SECONDS", default=45.0)
WEBHOOK_RETENTION_DAYS = env.int("WEBHOOK_RETENTION_DAYS", default=14)
WEBHOOK_ROTATION_HOURS = env.int("WEBHOOK_ROTATION_HOURS", default=24)

CELERY_BEAT_SCHEDULE["tick-webhooks"] = {
    "task": "webhooks.tick",
    "schedule": WEBHOOK_TICK_SECONDS,
    "options": {"expires": WEBHOOK_TICK_SECONDS},
}

# --- API ------------------------------------------------------------------------------------

API_REQUESTS_A_MINUTE = env.int("API_REQUESTS_A_MINUTE", default=1000)
API_STRANGERS_REQUESTS_A_MINUTE = env.int("API_STRANGERS_REQUESTS_A_MINUTE", default=100)
IDEMPOTENCY_HOURS = env.int("IDEMPOTENCY_HOURS", default=24)

# Pages of other sites that may call the API from a browser, with a token: never with a session.
CORS_ALLOWED_ORIGINS: list[str] = env.list("ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api/|status/|upload$)"
CORS_ALLOW_HEADERS = (
    "authorization", "content-type", "idempotency-key", "if-match", "if-none-match",
    "last-event-id", "x-request-id",
    "tus-resumable", "upload-checksum", "upload-length", "upload-metadata", "upload-offset",
    "x-http-method-override",
)  # fmt: skip
CORS_EXPOSE_HEADERS = (
    "ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "X-Request-ID",
    "Tus-Checksum-Algorithm", "Tus-Extension", "Tus-Max-Size", "Tus-Resumable", "Tus-Version",
    "Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset", "X-Job-Id",
)  # fmt: skip

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerAuthentication",
        "accounts.api.authentication.PageAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.HasPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.JSONParser"],
    # An EventSource asks for events and a browser for pages; each call has one kind of answer.
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.OneAnswer",
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "core.api.problems.answer",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105  a model's name
REST_KNOX = {
    # 320 random bits, of which the 48 that are shown on the account page are known.
    "AUTH_TOKEN_CHARACTER_LENGTH": 80,
    "TOKEN_PREFIX": "pi_",
    "AUTH_HEADER_PREFIX": "Bearer",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Product Importer",
    "VERSION": "1",
    "DESCRIPTION": (
        "A catalog of products: lists, edits, imports of large CSV files with progress, the log of"
        " all changes and its undo, webhooks. Errors are problem details (RFC 9457)."
    ),
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ImportState": "imports.models.ImportJob.State",
        "FetchState": "imports.models.Fetch.State",
        "EventType": "webhooks.models.EventType",
        "SentEventType": "webhooks.log.TYPES",
        "WebhookState": "webhooks.api.serializers.STATES",
        "DeliveryState": "webhooks.models.Delivery.State",
        "ReplayState": "webhooks.resending.STATES",
    },
    "SORT_OPERATIONS": False,
    # Not its own hook for enums: it makes up names, and warns when two sets have one.
    "POSTPROCESSING_HOOKS": ["core.api.description.complete"],
    "SERVERS": [{"url": "/", "description": "This installation"}],
    "TAGS": [
        {"name": "Products", "description": "The catalog: one by one, many at once, as a file."},
        {"name": "Imports", "description": "CSV files on their way into the catalog."},
        {"name": "Sources", "description": "Addresses that files are fetched from, by a schedule."},
        {"name": "Change sets", "description": "What changed, by whom, and its undo."},
        {"name": "Operations", "description": "Work on many products, done in the background."},
        {"name": "Webhooks", "description": "Endpoints that are told of changes."},
        {"name": "Deliveries", "description": "What was sent to endpoints, attempt by attempt."},
    ],
}

# --- Files ----------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Serve files from where they are written, without collectstatic: for development.
STATIC_FROM_SOURCE = env.bool("STATIC_FROM_SOURCE", default=DEBUG)
WHITENOISE_USE_FINDERS = STATIC_FROM_SOURCE
WHITENOISE_AUTOREFRESH = STATIC_FROM_SOURCE

STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if STATIC_FROM_SOURCE
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
    # Web and worker share no disk on most platforms, so uploads live where both reach them.
    "imports": {"BACKEND": "imports.storage.DatabaseStorage"},
}
if (
    env.str("IMPORTS_STORAGE", default="database", validate=validate.OneOf(["database", "s3"]))
    == "s3"
):
    STORAGES["imports"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.str("S3_BUCKET"),
            "endpoint_url": env.str("S3_ENDPOINT_URL", default=None),
            "region_name": env.str("S3_REGION", default=None),
            "access_key": env.str("S3_ACCESS_KEY_ID", default=None),
            "secret_key": env.str("S3_SECRET_ACCESS_KEY", default=None),
            "default_acl": None,
            "file_overwrite": False,
        },
    }

# --- Metrics --------------------------------------------------------------------------------


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise ValidationError(str(error)) from None


METRICS_TOKEN = env.str("METRICS_TOKEN", default=None)
METRICS_ADDRESSES: list[Any] = env.list("METRICS_ADDRESSES", default=[], subcast=_network)

# --- Errors ---------------------------------------------------------------------------------

SENTRY_DSN = env.str("SENTRY_DSN", default=None)
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")
SENTRY_TRACES_SAMPLE_RATE = env.float("SENTRY_TRACES_SAMPLE_RATE", default=0.0)
if SENTRY_DSN:
    from config.errors import report_to_sentry

    report_to_sentry(SENTRY_DSN, environment=SENTRY_ENVIRONMENT, traces=SENTRY_TRACES_SAMPLE_RATE)

# --- Logs -----------------------------------------------------------------------------------

LOG_FORMAT = env.str(
    "LOG_FORMAT",
    default="text" if DEBUG else "json",
    validate=validate.OneOf(["json", "text"]),
)
DJANGO_GUID = {
    "GUID_HEADER_NAME": "X-Request-ID",
    "VALIDATE_GUID": False,
    "RETURN_HEADER": True,
    "EXPOSE_HEADER": False,
    "INTEGRATIONS": [],
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"ids": {"()": "core.logs.Ids"}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
        "text": {
            "()": "core.logs.Text",
            "format": "%(asctime)s %(levelname)s %(name)s%(ids)s %(message)s",
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": LOG_FORMAT,
            "filters": ["ids"],
        },
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django_guid": {"level": "WARNING"},
        # It warns of strange answers by the whole URL, with the tokens that stand in it.
        "urllib3": {"level": "ERROR"},
    },
}
