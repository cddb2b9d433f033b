"""Stories of a machine whose clock is set by hours while everything runs. `make network`"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from messaging.tasks import HEARTBEAT
from tests.network.calls import NOTICED_SECONDS, ready, send
from tests.smsgate.processes import Up, private_config, up, wait_until

pytestmark = pytest.mark.timeout(300)

HOURS_5 = 5 * 3600


class Machine:
    """A service, and the clock that all of its processes see."""

    def __init__(self, folder: Path) -> None:
        self._shift = folder / "shift"
        self.set_clock(0)
        library = folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
        self.environ = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._shift)}

    def set_clock(self, seconds: int) -> None:
        draft = self._shift.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.chmod(0o644)  # the two servers may run as another user
        draft.replace(self._shift)


@pytest.fixture
def machine() -> Iterator[Machine]:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler to make a clock that can be set")
    with tempfile.TemporaryDirectory(prefix="sms-clock-") as folder:
        Path(folder).chmod(0o755)
        yield Machine(Path(folder))


def ticks(service: Up) -> None:
    with redis.Redis.from_url(private_config(service.data_dir).effective_redis_url()) as direct:
        direct.delete(HEARTBEAT)
        wait_until(lambda: direct.exists(HEARTBEAT), "beat and worker went on", NOTICED_SECONDS)


def test_a_clock_put_forward_and_back_by_hours_stops_nothing(
    machine: Machine, tmp_path: Path
) -> None:
    machine.set_clock(HOURS_5)
    environ = machine.environ | {"LICENSE_RATE_PER_MINUTE": "60"}
    with tempfile.TemporaryDirectory(prefix="sms-") as folder:
        data_dir = Path(folder) / "data"
        with up(data_dir, user=None, before=(), **environ) as service:
            service.wait_until_ready()
            ticks(service)
            for number in range(100):  # of the 120 that it may at once
                send(service, f"ahead {number}")
            machine.set_clock(0)
            ticks(service)
            send(service, "right again")
            ticks(service)
            machine.set_clock(-HOURS_5)
            ticks(service)
            send(service, "behind")
            machine.set_clock(0)
            ticks(service)
            send(service, "right for good")
            assert ready(service)["worker"] == "ok"
            # libpq reckons `connect_timeout` by the wall clock: one that is set in that moment is a try
            assert not service.said("Traceback")
            assert not service.said("incident")
