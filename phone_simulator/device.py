"""The phone's description of itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from phone_simulator import __version__
from phone_simulator.failing_sims import SIM_FAILING


@dataclass(frozen=True, slots=True)
class Sim:
    sub_id: int
    slot: int
    carrier: str

    def as_json(self) -> dict[str, Any]:
        return {"sub_id": self.sub_id, "slot": self.slot, "carrier": self.carrier}


def pretended_sims(count: int) -> tuple[Sim, ...]:
    return tuple(
        Sim(sub_id=slot + 1, slot=slot, carrier=f"Demo {slot + 1}") for slot in range(count)
    )


@dataclass(frozen=True, slots=True)
class Device:
    name: str = "shipped phone"
    android: str = "none (Python)"
    sims: tuple[Sim, ...] = pretended_sims(1)

    def description(self) -> dict[str, Any]:
        """Return what it says of itself when it pairs."""
        return {
            "name": self.name,
            "android": self.android,
            "app_version": __version__,
            "sims": [sim.as_json() for sim in self.sims],
        }

    def health(self, queue: int, failing: Collection[int] = ()) -> dict[str, Any]:
        """Return what it says with each sync, with `queue` messages leased and these SIMs failing."""
        return {
            "battery": 87,
            "charging": True,
            "network": "wifi",
            "app_version": __version__,
            "queue": queue,
            "sims": [
                sim.as_json() | ({"paused": SIM_FAILING} if sim.slot in failing else {})
                for sim in self.sims
            ],
            "permissions": {"send_sms": True, "receive_sms": True, "notifications": True},
        }
