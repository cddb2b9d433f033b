"""The radio: hands texts to the modem and tells what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

ReportType = Literal["part_sent", "part_failed", "part_delivered", "part_undelivered"]


@dataclass(frozen=True, slots=True)
class Sms:
    """An SMS for the radio to send."""

    message_id: int
    attempt: int
    phone: str
    text: str
    parts: int
    sim: int  # slot


@dataclass(frozen=True, slots=True, order=True)
class Report:
    """The radio's (sent, failed) or the network's (delivered, undelivered) report on one part."""

    message_id: int
    attempt: int
    part: int  # from 1
    parts: int
    type: ReportType
    code: str | None = None  # Android's result name in lower case


class SmsSender(Protocol):
    def blocked(self, sim: int | None) -> str | None:
        """Return why nothing can be sent now (`no_service`, `no_sim`, `no_permission`…), or None."""

    def slot(self, sim: int | None) -> int:
        """Return the slot that a message for this SIM goes through; None is the default one."""

    def send(self, sms: Sms) -> None:
        """Hand a text to the modem. Whatever happens then comes as reports, if it comes."""

    def reports(self) -> list[Report]:
        """Return what has become known since the last call; each report once."""

    def next_report_at(self) -> float | None:
        """Return the monotonic seconds at which it is worth asking again; None: nothing is awaited."""
