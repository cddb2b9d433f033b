"""When a SIM that cannot send is paused, and tried again. Pure; times are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from protocol import constant, constant_list

REFUSALS = constant("sim_refusals")
NUMBERS = constant("sim_refused_numbers")
PROBE_AFTER_MS = tuple(minutes * 60_000 for minutes in constant_list("sim_pause_minutes"))
SIM_FAILING = "sim_failing"


@dataclass(frozen=True, slots=True)
class Refused:
    """Refusals of one SIM in a row: how many, and the first NUMBERS different recipients."""

    count: int = 0
    numbers: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str | None) -> Refused:
        count, *numbers = (text or "0").split(" ")
        return cls(int(count), tuple(numbers))

    def __str__(self) -> str:
        return " ".join([str(self.count), *self.numbers])

    def once_more(self, number: str) -> Refused:
        numbers = dict.fromkeys((*self.numbers, number))
        return Refused(self.count + 1, tuple(numbers)[:NUMBERS])

    @property
    def is_enough(self) -> bool:
        return self.count >= REFUSALS and len(self.numbers) >= NUMBERS


@dataclass(frozen=True, slots=True)
class Pause:
    """`probes`: how many messages were tried since it began. From `until_ms` on one more may be."""

    probes: int
    until_ms: int

    @classmethod
    def begin(cls, now_ms: int, probes: int = 0) -> Pause:
        return cls(probes, now_ms + PROBE_AFTER_MS[min(probes, len(PROBE_AFTER_MS) - 1)])

    @classmethod
    def read(cls, text: str) -> Pause:
        probes, until_ms = text.split(" ")
        return cls(int(probes), int(until_ms))

    def __str__(self) -> str:
        return f"{self.probes} {self.until_ms}"

    def probed(self, now_ms: int) -> Pause:
        """Return the pause while it is tried: unless this message is sent, the next waits longer."""
        return Pause.begin(now_ms, self.probes + 1)

    def rebooted(self, now_ms: int) -> Pause:
        """Return the pause after a reboot: nobody knows how long ago it began, so it counts anew."""
        return Pause.begin(now_ms, self.probes)
