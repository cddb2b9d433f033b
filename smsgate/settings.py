"""Django's settings. Every value that differs between machines comes from `smsgate.config`."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from smsgate import config as _config
from smsgate import own_tls as _own_tls
from smsgate.version import VERSION as VERSION

CONFIG = _config.load(beside_supervisor=True)

SECRET_KEY = _config.secret("SECRET_KEY", CONFIG)
# Keys are stored as HMAC digests under a pepper. Digests carry the version they were made with, so
# a new pepper can be added (PEPPER_2, …) while keys made under the old one go on working.
PEPPERS = _config.peppers(CONFIG)

DEBUG = CONFIG.debug
PUBLIC_URL = CONFIG.public_url
PAIRING_URL, PAIRING_FINGERPRINT = _own_tls.pairing_base(CONFIG)
TRUSTED_PROXIES = CONFIG.trusted_proxies
WEBHOOK_PRIVATE_NETWORKS = CONFIG.webhook_private_networks
LICENSE_RATE_PER_MINUTE = CONFIG.license_rate_per_minute
FAILED_KEYS_PER_MINUTE = CONFIG.failed_keys_per_minute

# The API is key-based and answers to whatever name the phones and programs reach it by; the Host
# header is never used to build a link (PUBLIC_URL is).
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = False
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "http_api.errors.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
X_FRAME_OPTIONS = "DENY"

# `manage.py check --deploy`: TLS ends at the proxy in front (deploy/Caddyfile), which sends HSTS
# (W004) and redirects browsers (W008); here nothing may be redirected, since a POST loses its body. W001
# to W003 look for Django's middleware by name; smsgate.middleware has subclasses of it.
SILENCED_SYSTEM_CHECKS = [
    "security.W001", "security.W002", "security.W003", "security.W004", "security.W008",
]  # fmt: skip

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular_sidecar",
    "smsgate",
    "http_api",
    "licenses",
    "messaging",
    "contacts",
    "companion_api",
    "dialects",
]

MIDDLEWARE = [
    "http_api.middleware.RequestMiddleware",
    "dialects.middleware.DialectMiddleware",
    "http_api.middleware.BodyLimitMiddleware",
    "smsgate.middleware.Security",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "smsgate.middleware.Sessions",
    "smsgate.middleware.Csrf",
    "smsgate.middleware.Logins",
    "smsgate.middleware.Messages",
    "smsgate.middleware.Frames",
]

ROOT_URLCONF = "smsgate.urls"
WSGI_APPLICATION = "smsgate.wsgi.application"
APPEND_SLASH = False  # a redirected POST loses its body: every route answers with and without

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database() -> dict[str, Any]:
    options: dict[str, Any] = {"application_name": "smsgate"}
    if CONFIG.embedded_postgres:
        where: dict[str, Any] = {
            "NAME": "smsgate",
            "USER": "smsgate",
            "PASSWORD": _config.read_or_create_secret(CONFIG.secrets_dir / "postgres_password"),
            "HOST": str(CONFIG.postgres_socket_dir),
        }
    else:
        url = urlsplit(CONFIG.database_url)
        query = dict(parse_qsl(url.query))
        where = {
            "NAME": unquote(url.path.lstrip("/")),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": query.pop("host", unquote(url.hostname or "")),
            "PORT": str(url.port or query.pop("port", "")),
        }
        options |= query
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

REDIS_URL = CONFIG.effective_redis_url()

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
DATETIME_FORMAT = "Y-m-d H:i:s e"  # in the admin, whose operators may live anywhere
DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # serves straight from the packages: no collectstatic step
WHITENOISE_AUTOREFRESH = False

# The whole request is in memory already, bounded by http_api.limits before Django sees it.
DATA_UPLOAD_MAX_MEMORY_SIZE = None

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
    "EXCEPTION_HANDLER": "http_api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://")

# No line says from which source line, thread or process number it comes; finding out costs more than
# writing it.
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
logging._srcfile = None  # as "Optimization" in Python's logging documentation has it

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "http_api.logs.LineFormatter"},
        "json": {"()": "http_api.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": CONFIG.log_format}},
    "root": {"handlers": ["stderr"], "level": CONFIG.log_level},
    "loggers": {
        # Both would print request paths or query strings, in which a phone number can stand.
        "django.request": {"level": "CRITICAL"},
        "django.security": {"level": "CRITICAL"},
        "uvicorn.access": {"level": "CRITICAL"},
        "uvicorn.error": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
    },
}

CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # the next tick does their work
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"  # a lost tick is followed by the next
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # keeps no file: the schedule is this table
CELERY_BEAT_SCHEDULE = {
    task.rpartition(".")[2]: {
        "task": task,
        "schedule": seconds,
        # a tick that nobody ran in time is worth nothing
        "options": {"expires": seconds},
    }
    for task, seconds in {
        "messaging.tasks.promote": 10.0,
        "messaging.tasks.expire": 30.0,
        "messaging.tasks.doubt_expired_leases": 30.0,
        "messaging.tasks.mark_silent_devices": 60.0,
        "messaging.tasks.erase_old": 3600.0,
        "dialects.tasks.deliver_webhooks": 10.0,
    }.items()
}
