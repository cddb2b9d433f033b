"""Celery is a clock and a pair of hands: the work lives in rows, losing the broker loses nothing."""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, worker_init

from smsgate.parent import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")
end_with_parent()

# In a container, or on a machine whose only user is root, the worker runs as root; it takes JSON only.
warnings.filterwarnings("ignore", category=SecurityWarning)

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
