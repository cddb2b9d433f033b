"""The clock: Celery's beat, which starts the worker's jobs by name. `python -m smsgate.beat`"""

from __future__ import annotations

import logging.config

from celery.apps.beat import Beat
from django.conf import settings

from smsgate.celery import app


class Clock(Beat):
    def init_loader(self) -> None:
        """Load no tasks: a name is all that is published of them, and with them came all of Django."""
        logging.config.dictConfig(settings.LOGGING)


if __name__ == "__main__":
    Clock(app=app, quiet=True).run()
