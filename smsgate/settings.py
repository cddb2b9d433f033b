"""Django's settings. Every value that differs between machines comes from `smsgate.config`.

Code that runs under Django reads `django.conf.settings` alone; what runs without Django (supervisor,
server, backup) is given the Config.
"""

from __future__ import annotations

import logging
import os
from typing import Any
from urllib.parse import urlsplit

from psycopg2 import ProgrammingError as _ProgrammingError
from psycopg2.extensions import parse_dsn as _parse_dsn

from http_api.postgres import FACTORIES as _FACTORIES
from smsgate import config as _config
from smsgate.version import VERSION as VERSION
from smsgate.web import self_signed_tls as _tls

_loaded = _config.load(beside_supervisor=True)

SECRET_KEY = _config.secret("SECRET_KEY", _loaded)
# Keys are stored as HMAC digests under a pepper. Digests carry the version they were made with, so
# a new pepper can be added (PEPPER_2, …) while keys made under the old one go on working.
PEPPERS = _config.peppers(_loaded)

PROCESS = os.environ.get("SMSGATE_PROCESS", "manage")
# Set by whoever forks several web processes: prometheus_client shares their figures in this folder.
METRICS_ARE_SHARED = "PROMETHEUS_MULTIPROC_DIR" in os.environ
# Worker and beat pair nobody and show no metrics, and may have no place to write to.
_is_worker = PROCESS in {"worker", "beat"}


def _metrics_token() -> str:
    """Return '' where there can be none: there are no metrics then."""
    try:
        return _config.secret("METRICS_TOKEN", _loaded)
    except _config.ConfigError:
        return ""


METRICS_TOKEN = "" if _is_worker else _metrics_token()

DEBUG = _loaded.debug
DATA_DIR = _loaded.data_dir
EMBEDDED_POSTGRES = _loaded.embedded_postgres
WEB_PROCESSES = _loaded.web_processes
WEB_THREADS = _loaded.web_threads
PUBLIC_URL = _loaded.public_url
PAIRING_URL, PAIRING_FINGERPRINT = (PUBLIC_URL, "") if _is_worker else _tls.pairing_base(_loaded)
# A phone cannot reach this machine's loopback address.
PAIRING_IS_LOCAL = _config.is_loopback(urlsplit(PAIRING_URL).hostname or "")
TRUSTED_PROXIES = _loaded.trusted_proxies
WEBHOOK_PRIVATE_NETWORKS = _loaded.webhook_private_networks
BITRIX24_OAUTH_URL = _loaded.bitrix24_oauth_url
MAIL_SERVER = _loaded.email_url
LICENSE_RATE_PER_MINUTE = _loaded.license_rate_per_minute
DEVICE_RATE_PER_MINUTE = _loaded.device_rate_per_minute
FAILED_KEYS_PER_MINUTE = _loaded.failed_keys_per_minute
DETAIL_DAYS = _loaded.detail_days
EVENT_DAYS = _loaded.event_days

# The API is key-based and answers to whatever name the phones and programs reach it by; the Host
# header is never used to build a link (PUBLIC_URL is).
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = False
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "smsgate.pages.error_pages.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
X_FRAME_OPTIONS = "DENY"

# `manage.py check --deploy`: TLS ends at the proxy in front (deploy/Caddyfile), which sends HSTS
# (W004) and redirects browsers (W008); here nothing may be redirected, since a POST loses its body. W001
# to W003 look for Django's middleware by name; smsgate.pages.middleware has subclasses of it.
SILENCED_SYSTEM_CHECKS = [
    "security.W001", "security.W002", "security.W003", "security.W004", "security.W008",
]  # fmt: skip

INSTALLED_APPS = [
    "smsgate.apps.SmsgateConfig",  # its templates go before the admin's
    "smsgate.apps.RecordedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular_sidecar",
    "http_api",
    "licenses",
    "members",
    "outbox",
    "messaging",
    "contacts",
    "companion_api",
    "webhooks",
    "privacy",
    "bitrix24",
    "dialects",
    "console",
    "allauth",
    "smsgate.apps.LogInConfig",
    "allauth.mfa",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "http_api.middleware.RequestMiddleware",
    "smsgate.pages.error_pages.BodyLimit",
    "smsgate.pages.middleware.Security",
    "smsgate.pages.middleware.Pages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "smsgate.pages.middleware.Sessions",
    "smsgate.pages.middleware.Csrf",
    "smsgate.pages.middleware.Logins",
    "smsgate.pages.middleware.Messages",
    "smsgate.pages.middleware.LogInPages",
    "smsgate.pages.middleware.Frames",
    "smsgate.pages.error_pages.Refusals",
]

AUTHENTICATION_BACKENDS = ["smsgate.pages.logins.CountedLogins"]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/console/"
ACCOUNT_ADAPTER = "smsgate.pages.logins.Adapter"
ACCOUNT_FORMS = {"reset_password": "smsgate.pages.logins.PasswordReset"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_CHANGE_EMAIL = True  # each has one address, which changes once the new one is confirmed
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody makes us mail strangers
ACCOUNT_PREVENT_ENUMERATION = "strict"  # also by an address that is another's
PASSWORD_RESET_TIMEOUT = 86_400
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_PRESERVE_USERNAME_CASING = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "smsgate"

ROOT_URLCONF = "smsgate.urls"
WSGI_APPLICATION = "smsgate.wsgi.application"
APPEND_SLASH = False  # a redirected POST loses its body: every route answers with and without

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.i18n",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.context.shell",
            ]
        },
    }
]


def _in_libpqs_words(url: str) -> dict[str, str]:
    try:
        return _parse_dsn(url)
    except _ProgrammingError:  # its message may quote the password
        raise _config.ConfigError(
            "DATABASE_URL: expected postgresql://user:password@host/name, and options of libpq after ?"
        ) from None


def _database() -> dict[str, Any]:
    options: dict[str, Any] = {
        "application_name": "smsgate",
        **_FACTORIES,
        # Time-outs for an unresponsive server, in seconds (connecting: of each host), the last in
        # milliseconds. DATABASE_URL may override them (`?connect_timeout=20`); on a Unix socket only
        # the first has an effect.
        "connect_timeout": 4,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": 8_000,
    }
    if EMBEDDED_POSTGRES:
        where: dict[str, Any] = {
            "NAME": "smsgate",
            "USER": "smsgate",
            "PASSWORD": _config.read_or_create_secret(_loaded.secrets_dir / "postgres_password"),
            "HOST": str(_loaded.postgres_socket_dir),
        }
    else:
        given = _in_libpqs_words(_loaded.database_url)
        where = {
            "NAME": given.pop("dbname", ""),
            "USER": given.pop("user", ""),
            "PASSWORD": given.pop("password", ""),
            "HOST": given.pop("host", ""),
            "PORT": given.pop("port", ""),
        }
        if "," in where["HOST"]:
            options["target_session_attrs"] = "read-write"  # whichever is the primary
        options |= given
    return {
        "ENGINE": "django.db.backends.postgresql",
        **where,
        # One connection a thread, kept. The ASGI root notices a dead one before a request uses it,
        # for less than the `SELECT 1` a request of CONN_HEALTH_CHECKS.
        "CONN_MAX_AGE": None,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": options,
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _loaded.effective_redis_url()
# What allauth counts and remembers for minutes: failed log-ins, codes that were used.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pl", "Polski")]  # of pages; the API's messages are English
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["smsgate.formats"]  # a locale's own formats win over DATETIME_FORMAT

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # serves straight from the packages: no collectstatic step
WHITENOISE_AUTOREFRESH = False

# The whole request is in memory already, bounded by http_api.body_limits before Django sees it.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
# Django's own would write the files of a form into /tmp. Which address takes how much is known before
# (smsgate.paths).
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**24  # more than any takes

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["http_api.rendering.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["http_api.parsing.StrictParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "http_api.rendering.AlwaysJson",
    "EXCEPTION_HANDLER": "smsgate.pages.error_pages.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

CELERY_BROKER_URL, CELERY_BROKER_USE_SSL = _loaded.broker()
# Detect half-open connections, for which Celery's defaults wait for ever: idle ones by a ping within
# `health_check_interval` × 2 seconds, busy ones by the socket time-out.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 3.0,
    "socket_connect_timeout": 3.0,
    "socket_keepalive": True,
    "health_check_interval": 3,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # else it ends after a hundred
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # Redis is full, or a replica by now

# Do not collect source line, thread and process of log records: it costs more than writing the line.
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
logging._srcfile = None  # as "Optimization" in Python's logging documentation has it

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "http_api.logs.LineFormatter"},
        "json": {"()": "http_api.logs.JsonFormatter"},
    },
    "filters": {"without_the_broker": {"()": "http_api.logs.WithoutTheBroker"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": _loaded.log_format}},
    "root": {"handlers": ["stderr"], "level": _loaded.log_level},
    "loggers": {
        # Both would print request paths or query strings, in which a phone number can stand.
        "django.request": {"level": "CRITICAL"},
        "django.security": {"level": "CRITICAL"},
        "uvicorn.access": {"level": "CRITICAL"},
        "uvicorn.error": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        # a logger's filter is not asked for its children's records
        **{
            name: {"filters": ["without_the_broker"]}
            for name in ("celery.beat", "celery.worker.consumer.consumer", "kombu.transport.redis")
        },
    },
}

CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # the next tick does their work
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"  # a lost tick is followed by the next
CELERY_BEAT_SCHEDULER = (
    "smsgate.leading_beat:LeadingScheduler"  # no file: the schedule is this table
)
CELERY_BEAT_SCHEDULE = {
    task.rpartition(".")[2]: {
        "task": task,
        "schedule": seconds,
        # a tick that nobody ran in time is worth nothing
        "options": {"expires": seconds},
    }
    for task, seconds in {
        "messaging.tasks.look_at_timeline": 10.0,
        "messaging.tasks.promote": 10.0,
        "messaging.tasks.expire": 30.0,
        "messaging.tasks.doubt_expired_leases": 30.0,
        "messaging.tasks.mark_silent_devices": 60.0,
        "messaging.tasks.send_mail": 5.0,
        "messaging.tasks.count_states": 10.0,
        "messaging.tasks.erase_old": 60.0,
        "messaging.tasks.write_exports": 3.0,
        "contacts.tasks.run_imports": 2.0,
        "contacts.tasks.delete_old_imports": 60.0,
        "privacy.tasks.erase_people": 2.0,
        "dialects.tasks.deliver_webhooks": 10.0,
        "webhooks.tasks.delete_old_events": 60.0,
        "bitrix24.tasks.tend_bitrix24": 5.0,
    }.items()
}
