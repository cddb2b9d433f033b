"""Celery's worker. `python -m smsgate.worker`

Started without Celery's command line, which loads much for a terminal that is not there.
"""

from __future__ import annotations

import os
import sys

from smsgate.celery import app


def main() -> int:
    # System checks load every page and form; the tests run them.
    os.environ["CELERY_SKIP_CHECKS"] = "1"
    worker = app.Worker(
        pool_cls="threads",
        concurrency=8,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())
