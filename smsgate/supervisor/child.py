"""A process that the supervisor keeps alive: restarted with back-off, replaced, stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from smsgate.supervisor.embedded.service import log
from smsgate.supervisor.parent import CANNOT_START

BACK_OFF = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before the next try
HEALTHY_SECONDS = 60.0  # uptime after which a child's count of restarts is reset


class CannotLive(Exception):
    """Why the service stops, as one line."""


@dataclass(slots=True)
class Child:
    """A process that is kept alive."""

    name: str
    start: Callable[[], subprocess.Popen[str]]
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    failures: int = 0
    retry_at: float | None = None
    is_renewed: bool = False
    leaving: list[subprocess.Popen[str]] = field(default_factory=list)

    def launch(self) -> None:
        self.process = self.start()
        self.started_at = time.monotonic()
        self.retry_at = None
        self.is_renewed = False

    def renew(self) -> None:
        """End it; `look_after` starts it again, without a rest."""
        self.is_renewed = True
        self.end()

    def hand_over(self, new: subprocess.Popen[str]) -> None:
        """Let a new process be this child; the old one ends when it has answered everybody."""
        self.end()
        self.leaving += [self.process] if self.process else []
        self.process, self.started_at = new, time.monotonic()
        self.failures, self.retry_at = 0, None

    def look_after(self) -> None:
        """Restart it if it died and its rest is over. Raises CannotLive after too many tries."""
        now = time.monotonic()
        self.leaving = [process for process in self.leaving if process.poll() is None]
        if self.retry_at is not None:
            if now >= self.retry_at:
                self.launch()
            return
        if self.process is None or self.process.poll() is None:
            return
        if self.is_renewed:
            self.launch()
            return
        code = self.process.returncode
        if now - self.started_at > HEALTHY_SECONDS:
            self.failures = 0
        if code == CANNOT_START or self.failures == len(BACK_OFF):
            raise CannotLive(
                f"{self.name} cannot run ({_in_words(code)}); its last words are above"
            )
        rest = BACK_OFF[self.failures]
        self.failures += 1
        self.retry_at = now + rest
        log("up", "WARNING", f"{self.name} ended ({_in_words(code)}); again in {rest:.0f} s")

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def wait(self, deadline: float) -> None:
        for process in self.processes():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log("up", "WARNING", f"{self.name} does not stop: killed")
                process.kill()
                process.wait()

    def processes(self) -> list[subprocess.Popen[str]]:
        """Return the one that runs, and those that are about to end."""
        return [*self.leaving, *([self.process] if self.process else [])]


def _in_words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
