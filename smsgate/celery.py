"""Celery is a clock and a pair of hands: the work lives in rows, losing the broker loses nothing."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")

app = Celery("smsgate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _use_django_logging(**_: Any) -> None:
    """Being connected is enough: Celery then leaves logging as the settings made it."""


@worker_init.connect
def _wait_for_migrations(**_: Any) -> None:
    from smsgate.startup import wait_until_migrated

    wait_until_migrated()
