"""The fold from an attempt's events to its state. Pure.

The state of an attempt is a function of the SET of its events: duplicates, reordering and reports
that come a month late cannot matter. Per part: nothing < failed < sent < undelivered < delivered,
the highest wins, and a delivery report proves sending.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from messaging.events import EventType
from messaging.states import AttemptState, FailureReason


class Report(NamedTuple):
    """One event about an attempt. `part` counts from 1; `code` is the radio's or the phone's."""

    type: EventType
    part: int | None = None
    parts: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    state: AttemptState
    parts: int | None  # how many the phone split the text into, where it said so
    reason: str  # why it failed or was released; '' otherwise


_FAILED, _SENT, _UNDELIVERED, _DELIVERED = 1, 2, 3, 4


def fold(reports: Iterable[Report]) -> Fold:
    """Return the state that this set of reports amounts to."""
    told = _Told()
    for report in frozenset(reports):
        told.add(report)
    return told.result()


@dataclass(slots=True)
class _Told:
    """The sum of a set of reports, whatever their order."""

    ranks: dict[int, int] = field(default_factory=dict)  # by part: its highest
    parts: int | None = None
    failures: list[tuple[int, str]] = field(default_factory=list)  # part, code
    release_codes: set[str] = field(default_factory=set)
    is_started: bool = False
    is_unknown: bool = False
    is_undelivered: bool = False
    is_lease_over: bool = False

    def add(self, report: Report) -> None:
        if report.parts:
            self.parts = max(self.parts or 0, report.parts)
        match report.type:
            case EventType.STARTED:
                self.is_started = True
            case EventType.RELEASED:
                self.release_codes.add(report.code or "")
            case EventType.UNKNOWN:
                self.is_unknown = True
            case EventType.LEASE_EXPIRED:
                self.is_lease_over = True
            case EventType.PART_FAILED:
                self.failures.append((report.part or 0, report.code or ""))
                self._rank(report, _FAILED)
            case EventType.PART_SENT:
                self._rank(report, _SENT)
            case EventType.PART_UNDELIVERED:
                self.is_undelivered = True
                self._rank(report, _UNDELIVERED)
            case EventType.PART_DELIVERED:
                self._rank(report, _DELIVERED)
            case EventType.RECEIVED:
                raise ValueError("an SMS that came in says nothing of an attempt")
            case _:
                assert_never(report.type)

    def _rank(self, report: Report, rank: int) -> None:
        """Mark the attempt as started and raise its part's rank: a rank never falls."""
        self.is_started = True
        if report.part is not None:
            self.ranks[report.part] = max(rank, self.ranks.get(report.part, 0))

    def result(self) -> Fold:
        """`lease_expired` is the server's own doubt, so a release clears it; the phone's `unknown`
        stands."""
        if self._is_each_part_sent():
            return Fold(self._state_of_sent(), self.parts, "")
        if self.failures:  # also where that part was sent later: a rank never falls
            return Fold(AttemptState.FAILED, self.parts, self._failure_reason())
        if self.is_unknown:
            return Fold(AttemptState.UNCERTAIN, self.parts, EventType.UNKNOWN)
        if self.is_lease_over and (self.is_started or not self.release_codes):
            return Fold(AttemptState.UNCERTAIN, self.parts, EventType.LEASE_EXPIRED)
        if self.is_started:
            return Fold(AttemptState.SENDING, self.parts, "")
        if self.release_codes:
            return Fold(AttemptState.RELEASED, self.parts, min(self.release_codes))
        return Fold(AttemptState.LEASED, self.parts, "")

    def _is_each_part_sent(self) -> bool:
        total = max(self.parts or 0, max(self.ranks, default=0))
        return 0 < total == len(self.ranks) and min(self.ranks.values()) >= _SENT

    def _state_of_sent(self) -> AttemptState:
        """`undelivered` also where that part arrived after all, but not yet each: a rank never falls."""
        if set(self.ranks.values()) == {_DELIVERED}:
            return AttemptState.DELIVERED
        return AttemptState.UNDELIVERED if self.is_undelivered else AttemptState.SENT

    def _failure_reason(self) -> str:
        """Return `partially_sent` or the first failed part's code, whatever the reports' order."""
        if max(self.ranks.values(), default=_FAILED) > _FAILED:
            return FailureReason.PARTIALLY_SENT
        _part, code = min(self.failures)
        return code
