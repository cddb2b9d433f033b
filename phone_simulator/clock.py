"""Time as the phone sees it. Leases and pace go by `monotonic`; `wall` only labels reports."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4, uuid5

_KERNEL_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    @property
    def boot_id(self) -> str:
        """Return the UUID of the boot that `monotonic` counts from; another one is another count."""

    def monotonic(self) -> float:
        """Return seconds since some moment of this boot, counting sleep, never set by anybody."""

    def wall(self) -> dt.datetime:
        """Return what the phone believes the time is, with an offset. It may be wrong by years."""

    def sleep(self, seconds: float) -> None:
        """Wait that many of this clock's own seconds."""


def _since_boot() -> float:
    # CLOCK_MONOTONIC stands still while a laptop sleeps, and so would every lease.
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class SystemClock:
    """The machine's clock. `speed` 60 makes a minute of every second; `skew` (seconds) moves only
    the wall clock. `rebooted` pretends that the machine was just started anew."""

    def __init__(self, speed: float = 1.0, skew: float = 0.0, *, rebooted: bool = False) -> None:
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self._speed = speed
        self._origin = _since_boot() if rebooted else 0.0
        self._wall_origin = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=skew)
        self._wall_origin -= dt.timedelta(seconds=self.monotonic())
        self._boot_id = str(uuid4()) if rebooted else _boot_id(speed)

    @property
    def boot_id(self) -> str:
        return self._boot_id

    def monotonic(self) -> float:
        return (_since_boot() - self._origin) * self._speed

    def wall(self) -> dt.datetime:
        return self._wall_origin + dt.timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / self._speed)


def _boot_id(speed: float) -> str:
    """Return the kernel's, or a random one, which makes each run a reboot: strict, but safe.

    Another speed is another count of seconds, so it is another boot as well.
    """
    try:
        kernel = UUID(_KERNEL_BOOT_ID.read_text().strip())
    except (OSError, ValueError):
        return str(uuid4())
    return str(kernel if speed == 1 else uuid5(kernel, f"speed {speed}"))


class ManualClock:
    """Stands still until told; for tests and simulators."""

    def __init__(self, start: float = 1000.0, wall: dt.datetime | None = None) -> None:
        self._now = start
        self._wall = wall or dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
        self._boots = 1

    @property
    def boot_id(self) -> str:
        return f"b0000000-0000-4000-8000-{self._boots:012d}"

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> dt.datetime:
        return self._wall

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._wall += dt.timedelta(seconds=seconds)

    def skew(self, seconds: float) -> None:
        """Set the wall clock wrong (or right again); nothing else may notice."""
        self._wall += dt.timedelta(seconds=seconds)

    def reboot(self) -> None:
        """Begin another boot, whose count of seconds starts again."""
        self._boots += 1
        self._now = 0.0
