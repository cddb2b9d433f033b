"""The SIM. `FakeRadio` is one that writes to a file what it was told to send."""

from __future__ import annotations

import heapq
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from phone.clock import Clock

ResultType = Literal["part_sent", "part_failed", "part_delivered", "part_undelivered"]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What the radio is asked to send."""

    message_id: int
    attempt: int
    phone: str
    text: str
    parts: int
    sim: int  # slot


@dataclass(frozen=True, slots=True, order=True)
class RadioResult:
    """The radio's (sent, failed) or the network's (delivered, undelivered) word on one part."""

    message_id: int
    attempt: int
    part: int  # from 1
    parts: int
    type: ResultType
    code: str | None = None  # Android's result name in lower case


class Radio(Protocol):
    def blocked(self, sim: int | None) -> str | None:
        """Why nothing can be sent now (`no_service`, `no_sim`, `no_permission`…), or None."""

    def slot(self, sim: int | None) -> int:
        """The slot that a message for this SIM goes through; None is the default one."""

    def send(self, dispatch: Dispatch) -> None:
        """Hand a text to the modem. Whatever happens then comes as results, if it comes."""

    def results(self) -> list[RadioResult]:
        """What has become known since the last call."""

    def next_result_at(self) -> float | None:
        """Monotonic seconds at which it is worth asking again; None: nothing is awaited."""


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


class FakeRadio:
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
        self.sent: list[Dispatch] = []
        self._clock = clock
        self._outbox = outbox
        self._sims = sims
        self._show = show
        self._pending: list[tuple[float, RadioResult]] = []

    def blocked(self, sim: int | None) -> str | None:
        return self.plan.blocked or ("no_sim" if self.slot(sim) >= self._sims else None)

    def slot(self, sim: int | None) -> int:
        return sim or 0

    def send(self, dispatch: Dispatch) -> None:
        self.starts[dispatch.message_id, dispatch.attempt] += 1
        self.sent.append(dispatch)
        self._write(dispatch)
        now = self._clock.monotonic()
        for part in range(1, dispatch.parts + 1):
            self._plan_results(dispatch, part, now)

    def results(self) -> list[RadioResult]:
        now = self._clock.monotonic()
        due: list[RadioResult] = []
        while self._pending and self._pending[0][0] <= now:
            due.append(heapq.heappop(self._pending)[1])
        return due

    def next_result_at(self) -> float | None:
        return self._pending[0][0] if self._pending else None

    def _plan_results(self, dispatch: Dispatch, part: int, now: float) -> None:
        plan = self.plan
        key = dispatch.message_id, dispatch.attempt, part
        chance = random.Random(repr((plan.seed, key)))
        fails, is_silent, is_undelivered = chance.random(), chance.random(), chance.random()
        sent_at = now + plan.sent_after_seconds
        if len(self.sent) in plan.fail_nth or fails < plan.fail_rate:
            self._add(sent_at, RadioResult(*key, dispatch.parts, "part_failed", "generic_failure"))
            return
        if is_silent < plan.silent_rate:
            return
        self._add(sent_at, RadioResult(*key, dispatch.parts, "part_sent"))
        if plan.has_delivery_reports:
            word: ResultType = (
                "part_undelivered" if is_undelivered < plan.undelivered_rate else "part_delivered"
            )
            self._add(
                sent_at + plan.delivered_after_seconds, RadioResult(*key, dispatch.parts, word)
            )

    def _add(self, at: float, result: RadioResult) -> None:
        heapq.heappush(self._pending, (at, result))

    def _write(self, dispatch: Dispatch) -> None:
        parts = "1 part" if dispatch.parts == 1 else f"{dispatch.parts} parts"
        self._show(f"SIM {dispatch.sim + 1}: to {dispatch.phone} ({parts}): {dispatch.text}")
        if self._outbox is None:
            return
        line = {
            "at": self._clock.wall().isoformat(timespec="milliseconds"),
            "monotonic": round(self._clock.monotonic(), 3),
            "message_id": dispatch.message_id,
            "attempt": dispatch.attempt,
            "phone": dispatch.phone,
            "text": dispatch.text,
            "parts": dispatch.parts,
            "sim": dispatch.sim,
        }
        with self._outbox.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
