"""`make restart`: new processes for the service that `make up` runs, with no request refused.
`python -m smsgate.supervisor.restart`
"""

from __future__ import annotations

import os
import signal
import sys
import time

from smsgate import config as configuration
from smsgate.config import ConfigError
from smsgate.supervisor.running import running

PATIENCE = 120.0  # seconds
_POLL_SECONDS = 0.1


def main() -> int:
    """Return 0 once new processes have taken over; else say why they have not, and return 1."""
    try:
        data_dir = configuration.load().data_dir
        before = running(data_dir)
        if before is None:
            return _fail(f"it does not run on {data_dir}: `make up` starts it")
        os.kill(before.pid, signal.SIGUSR1)
    except ConfigError as error:
        return _fail(str(error))
    except PermissionError:
        return _fail("another user runs it: only that one may restart it")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        now = running(data_dir)
        if now is None:
            continue
        if now.pid != before.pid or now.not_renewed > before.not_renewed:
            return _fail("the new processes did not start; its log says why")
        if now.renewed > before.renewed:
            print("smsgate: new processes have taken over")
            return 0
    return _fail("it does not answer")


def _fail(why: str) -> int:
    print(f"smsgate: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
