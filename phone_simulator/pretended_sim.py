"""A SIM that shows what it was told to send, and appends it to a file."""

from __future__ import annotations

import heapq
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phone_simulator.clock import Clock
from phone_simulator.sms_sender import Report, ReportType, Sms


@dataclass(frozen=True, slots=True)
class Plan:
    """How the pretended network behaves; rates are probabilities per part, drawn from the seed
    and the message, so that they do not depend on the order of sending."""

    sent_after_seconds: float = 2.0
    delivered_after_seconds: float = 3.0  # after it was sent
    fail_rate: float = 0.0  # the radio refuses the part
    fail_nth: frozenset[int] = frozenset()  # counting messages from 1: these fail as a whole
    undelivered_rate: float = 0.0
    silent_rate: float = 0.0  # sent, and the radio never says so
    has_delivery_reports: bool = True
    blocked: str | None = None  # a reason for which nothing can be sent at all
    seed: int = 0


class PretendedSim:
    """Sends into a JSONL file, one line a start. `starts` counts them by (message_id, attempt)."""

    def __init__(
        self,
        clock: Clock,
        plan: Plan | None = None,
        outbox: Path | None = None,
        sims: int = 1,
        show: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.plan = plan or Plan()
        self.starts: Counter[tuple[int, int]] = Counter()
        self.sent: list[Sms] = []
        self._clock = clock
        self._outbox = outbox
        self._sims = sims
        self._show = show
        self._pending: list[tuple[float, Report]] = []

    def blocked(self, sim: int | None) -> str | None:
        return self.plan.blocked or ("no_sim" if self.slot(sim) >= self._sims else None)

    def slot(self, sim: int | None) -> int:
        return sim or 0

    def send(self, sms: Sms) -> None:
        self.starts[sms.message_id, sms.attempt] += 1
        self.sent.append(sms)
        self._write(sms)
        now = self._clock.monotonic()
        for part in range(1, sms.parts + 1):
            self._plan_reports(sms, part, now)

    def reports(self) -> list[Report]:
        now = self._clock.monotonic()
        due: list[Report] = []
        while self._pending and self._pending[0][0] <= now:
            due.append(heapq.heappop(self._pending)[1])
        return due

    def next_report_at(self) -> float | None:
        return self._pending[0][0] if self._pending else None

    def _plan_reports(self, sms: Sms, part: int, now: float) -> None:
        plan = self.plan
        key = sms.message_id, sms.attempt, part
        chance = random.Random(repr((plan.seed, key)))
        fails, is_silent, is_undelivered = chance.random(), chance.random(), chance.random()
        sent_at = now + plan.sent_after_seconds
        if len(self.sent) in plan.fail_nth or fails < plan.fail_rate:
            self._add(sent_at, Report(*key, sms.parts, "part_failed", "generic_failure"))
            return
        if is_silent < plan.silent_rate:
            return
        self._add(sent_at, Report(*key, sms.parts, "part_sent"))
        if plan.has_delivery_reports:
            outcome: ReportType = (
                "part_undelivered" if is_undelivered < plan.undelivered_rate else "part_delivered"
            )
            self._add(sent_at + plan.delivered_after_seconds, Report(*key, sms.parts, outcome))

    def _add(self, at: float, report: Report) -> None:
        heapq.heappush(self._pending, (at, report))

    def _write(self, sms: Sms) -> None:
        parts = "1 part" if sms.parts == 1 else f"{sms.parts} parts"
        self._show(f"SIM {sms.sim + 1}: to {sms.phone} ({parts}): {sms.text}")
        if self._outbox is None:
            return
        line = {
            "at": self._clock.wall().isoformat(timespec="milliseconds"),
            "monotonic": round(self._clock.monotonic(), 3),
            "message_id": sms.message_id,
            "attempt": sms.attempt,
            "phone": sms.phone,
            "text": sms.text,
            "parts": sms.parts,
            "sim": sms.sim,
        }
        with self._outbox.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
