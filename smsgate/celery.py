"""Celery triggers the periodic jobs; their state is in PostgreSQL: losing the broker loses nothing."""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
import warnings
from typing import Any

import kombu
from celery import Celery
from celery.app.amqp import AMQP
from celery.exceptions import SecurityWarning
from celery.schedules import schedule
from celery.signals import (
    after_task_publish,
    beat_init,
    setup_logging,
    task_prerun,
    worker_init,
    worker_ready,
)

from smsgate.supervisor.parent import CANNOT_START, end_with_parent
from smsgate.supervisor.watch import Watch

logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")
end_with_parent()

# In a container, or on a machine whose only user is root, the worker runs as root; it takes JSON only.
warnings.filterwarnings("ignore", category=SecurityWarning)


class _Connection(kombu.Connection):
    """Tries again every two seconds; kombu's own waits grow to half a minute."""

    def ensure_connection(self, *arguments: Any, **options: Any) -> Any:
        return super().ensure_connection(*arguments, **{"interval_step": 0} | options)


class _Amqp(AMQP):
    Connection = _Connection


def _steady_now() -> dt.datetime:
    """Return a monotonic time: ticks must go on when the machine's clock is set back."""
    return dt.datetime.fromtimestamp(time.monotonic(), dt.UTC)


def _by_the_steady_clock(entries: dict[str, Any]) -> dict[str, Any]:
    return {
        name: entry | {"schedule": schedule(entry["schedule"], nowfun=_steady_now, app=app)}
        for name, entry in entries.items()
    }


STATEMENT_SECONDS = 25.0  # of a task; its next tick goes on

app = Celery("smsgate", amqp=_Amqp)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = _by_the_steady_clock(app.conf.beat_schedule)
app.autodiscover_tasks()


@setup_logging.connect
def _use_django_logging(**_: Any) -> None:
    """Being connected is enough: Celery then leaves logging as the settings made it."""


@worker_init.connect
def _wait_for_migrations(**_: Any) -> None:
    from django.db import connections

    from http_api.postgres import limit_statements
    from licenses.peppers import WrongPepper, check
    from messaging.services import timelines
    from smsgate.web.startup import wait_until_migrated

    wait_until_migrated()
    try:
        check()
    except WrongPepper as error:
        logger.error("%s", error)
        raise SystemExit(CANNOT_START) from None  # Celery goes on after any other exception
    limit_statements(STATEMENT_SECONDS)
    connections.close_all()
    timelines.watch()


watch = Watch()
task_prerun.connect(watch.is_at_work)
after_task_publish.connect(watch.is_at_work)


@worker_ready.connect
@beat_init.connect
def _watch_it(**_: Any) -> None:
    watch.start()
