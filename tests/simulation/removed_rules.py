"""The protocol without one of its rules: what each of them is there for.

Every entry takes a rule out of the shipped code, and names the invariant that falls with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from django.db import connection
from django.db.models import QuerySet

from http_api import clock
from licenses.lookup import LockedPhone
from licenses.models import Device
from messaging import leases, moves, transitions
from messaging.event_log import ReportedAttempt
from messaging.fold import Fold
from messaging.models import Attempt, Message
from messaging.moves import LockedMessage
from messaging.services import (
    endings,
    housekeeping,
    leasing,
    opt_outs,
    phones,
    reconcile,
    reports,
    timelines,
)
from messaging.services.delivery_window import DeliveryWindow
from messaging.states import WAITING, AttemptState, MessageState
from messaging.transitions import Cause, StateTransition
from phone_simulator.agent import Agent
from phone_simulator.journal import Journal
from phone_simulator.leased_message import LeasedMessage
from phone_simulator.pace import Pace
from phone_simulator.segments import count_parts

Removal = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Removed:
    rule: str
    falls: str  # the first words of the invariant, as checks.CHECKS names it
    seed: int  # one that shows it; were it to show nothing any more, others are tried
    without: Removal
    only: tuple[str, ...] = ()  # the actions that show it soonest, where it is rare among all
    with_losses: bool = False


def _patch(target: object, name: str, instead: Any) -> Removal:
    return lambda: mock.patch.object(target, name, instead)


def _sql(*changes: tuple[str, str]) -> Removal:
    """Statements of the server, with pieces of them replaced."""

    def rewrite(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        for old, new in changes:
            sql = sql.replace(old, new)
        return execute(sql, *rest)

    return lambda: connection.execute_wrapper(rewrite)


@contextmanager
def _both(first: Removal, second: Removal) -> Iterator[None]:
    with first(), second():
        yield


# --- on the server -------------------------------------------------------------------------------


def _as_it_comes(leased: Iterable[leases.LeasedMessage]) -> list[leases.LeasedMessage]:
    """RETURNING keeps no order: what it answers might as well come backwards."""
    return list(leased)[::-1]


def _make_pending(attempts: QuerySet[Attempt]) -> int:
    messages = Message.objects.filter(pk__in=attempts.values("message_id"), status="leased")
    wanted = [
        StateTransition(
            m.pk, m.license_id, MessageState.LEASED, MessageState.PENDING, Cause.RELEASED
        )
        for m in messages
    ]
    return len(moves.move(wanted, clock.now()))


def _back_by_time_alone() -> int:
    late = Attempt.objects.filter(
        state=AttemptState.LEASED, leased_until__lt=clock.now() - housekeeping.LEASE_GRACE
    )
    late.update(is_superseded=False)
    return _make_pending(late)


def _back_to_the_queue(device: Any, install_id: str) -> int:
    """What a reinstalled phone held is simply free again."""
    return _make_pending(
        Attempt.objects.filter(device=device, install_id=install_id, state="leased")
    )


_transition = reconcile._transition


def _failed_is_tried_again(
    message: LockedMessage, attempt: ReportedAttempt, folded: Fold, now: dt.datetime, **rest: bool
) -> StateTransition | None:
    is_current = attempt.key.n == message.attempt_n
    if is_current and folded.state is AttemptState.FAILED and message.status == "sending":
        return StateTransition(
            message.id,
            message.license_id,
            MessageState.SENDING,
            MessageState.PENDING,
            Cause.RELEASED,
        )
    return _transition(message, attempt, folded, now, **rest)


def _no_window(device: Any, now: dt.datetime) -> DeliveryWindow:
    return DeliveryWindow(device.is_paused)


def _no_deadline(message: Any, device: Any, window: Any, now: dt.datetime) -> int:
    return int(max(0.0, (message.leased_until - now).total_seconds()))


@contextmanager
def _cancelled_at_once() -> Iterator[None]:
    """Cancelled while a phone holds it: without asking that phone."""
    waiting = WAITING | {MessageState.LEASED}
    with mock.patch.object(transitions, "WAITING", waiting):
        yield


# --- on the phone --------------------------------------------------------------------------------


_accept = Journal.accept


def _no_lease(self: Journal, reply: Any) -> int:
    tomorrow_ms = self._now_ms() + 86_400_000
    patient = [replace(message, start_before_ms=tomorrow_ms) for message in reply.messages]
    return _accept(self, replace(reply, messages=patient))


def _held_over_a_reboot(self: Journal) -> Any:
    with self._transaction():
        unknown = self._give_up(not_after_ms=2**62)
        if self._is_other_boot(self._now_ms()):
            self._do("restart_pace", now_ms=self._now_ms())
        self._do("set", key="boot_id", value=self._clock.boot_id)
    return [], unknown


_recover = Journal.recover


def _started_are_tried_again(self: Journal) -> Any:
    with self._transaction():
        self._connection.execute(
            "UPDATE attempt SET state = 'held', phone = '+48500000000', text = 'again'"
            " WHERE state = 'started'"
        )
    return _recover(self)


_outbox = Journal.outbox


def _said_once(self: Journal, limit: int) -> list[str]:
    """Reports are forgotten when they are sent, whether or not they arrive."""
    events = _outbox(self, limit)
    with self._transaction():
        self._connection.execute("DELETE FROM event")
    return events


def _said_under_new_names(self: Journal, limit: int) -> list[str]:
    """A repeated report looks like another one."""
    with self._transaction():
        for (seq,) in self._connection.execute("SELECT seq FROM event").fetchall():
            self._connection.execute(
                "UPDATE event SET event_id = :id, body = json_set(body, '$.event_id', :id)"
                " WHERE seq = :seq",
                {"id": self._ids(), "seq": seq},
            )
    return _outbox(self, limit)


def _ready_whatever_the_sim_says(
    self: Agent, message: LeasedMessage, now_ms: int
) -> tuple[int, int]:
    parts = count_parts(message.text)
    return self._pace.sim_ready_at(self._sender.slot(message.sim), now_ms), parts


without_a_lock = _sql(("FOR UPDATE SKIP LOCKED),\n    leased AS", "),\n    leased AS"))


def _believe_it(device: Device, phone: LockedPhone, now: dt.datetime) -> None:
    """What a phone was given and the database does not know is of no interest."""
    timelines._let_go_on(device.license_id, phone.doubted_timeline)


def _ask_nobody_else(device: Device, phone: LockedPhone, now: dt.datetime) -> bool:
    """The first phone that calls goes on."""
    timelines._let_go_on(device.license_id, phone.doubted_timeline)
    return True


REMOVED = [
    Removed(
        "1 highest priority first",
        "rule 1",
        1,
        _sql(("ORDER BY priority DESC, id LIMIT", "ORDER BY id LIMIT")),
    ),
    Removed("1 sorted again", "rule 1", 0, _patch(leases, "in_order", _as_it_comes)),
    Removed("2 a lease says when to start", "I7", 2, _patch(Journal, "accept", _no_lease)),
    Removed(
        "2 a reboot ends all leases",
        "I7",
        0,
        _patch(Journal, "recover", _held_over_a_reboot),
        ("post_bulk", "reboot"),
    ),
    Removed(
        "3 a lease that ran out is doubtful",
        "I1",
        1,
        _patch(housekeeping, "doubt_expired_leases", _back_by_time_alone),
    ),
    Removed(
        "3 only by its owner's wish is it sent again",
        "I1",
        0,
        _patch(reconcile, "may_resend", lambda message, now: True),
    ),
    Removed(
        "3 doubt outlives a deadline",
        "I2 unsent",
        32,
        lambda: _both(
            _patch(endings, "is_in_doubt", lambda attempts: False),
            _patch(reconcile, "is_in_doubt", lambda attempts: False),
        ),
        ("post", "post_bulk", "storm", "resolve", "cancel"),
    ),
    Removed(
        "4 started before a crash is unknown",
        "I1",
        2,
        _patch(Journal, "recover", _started_are_tried_again),
    ),
    Removed(
        "5 reports are repeated", "I3 nothing guessed", 0, _patch(Journal, "outbox", _said_once)
    ),
    Removed(
        "5 with the same id",
        "I3 nothing guessed",
        0,
        _patch(Journal, "outbox", _said_under_new_names),
        ("sms_comes_in", "storm"),
    ),
    Removed(
        "6 a new install brings doubt",
        "rule 6",
        0,
        _patch(phones, "doubt_install", lambda device, install_id: 0),
    ),
    Removed(
        "6 what was lost is not free",
        "I1",
        10,
        _patch(phones, "doubt_install", _back_to_the_queue),
        ("post_bulk", "reinstall", "storm"),
    ),
    Removed(
        "7 an attempt belongs to one install",
        "I2",
        1,
        lambda: _both(
            _patch(reports, "_attempts_of", lambda device, attempts: attempts),
            _sql((" AND license_id = ANY (%(license_ids)s::bigint[])", "")),
        ),
        ("post_bulk", "stray_reports"),
    ),
    Removed(
        "8 service is checked before the start",
        "rule 8",
        0,
        _patch(Agent, "_ready_at", _ready_whatever_the_sim_says),
        ("post_bulk", "radio_trouble"),
    ),
    Removed(
        "8 nothing is retried after it",
        "I1",
        4,
        _patch(reconcile, "_transition", _failed_is_tried_again),
    ),
    Removed(
        "9 opt-outs count at the claim",
        "I7",
        0,
        lambda: _both(
            _patch(opt_outs, "_call_off", lambda *_: None),
            _sql(("o.account_id = m.account_id AND o.phone = m.phone", "false")),
        ),
    ),
    Removed(
        "9 a cancellation is asked of the phone",
        "I7",
        3,
        _cancelled_at_once,
        ("post_bulk", "cancel"),
    ),
    Removed(
        "9 sending hours count at the claim",
        "I8",
        0,
        _patch(DeliveryWindow, "of_phone", _no_window),
    ),
    Removed(
        "9 a deadline goes with the lease", "I7", 2, _patch(leasing, "start_within", _no_deadline)
    ),
    Removed(
        "10 ten seconds between two starts",
        "I9",
        0,
        _patch(Pace, "sim_ready_at", lambda self, sim, now_ms: now_ms),
    ),
    Removed(
        "10 24 segments a minute",
        "I9",
        2,
        _patch(Pace, "segments_ready_at", lambda self, segments, now_ms: now_ms),
    ),
    Removed("10 over restarts too", "I9", 6, _patch(Journal, "pace_history", lambda self: [])),
    Removed(
        "11 an answer that the database never gave shows a loss",
        "I1",
        0,
        _patch(timelines, "_hold_after_loss", _believe_it),
        with_losses=True,
    ),
    Removed(
        "11 a licence waits for its other phones",
        "I1",
        0,
        _patch(timelines, "_settle", _ask_nobody_else),
        ("post", "post_bulk", "kill", "server_is_away", "database_goes_back"),
        with_losses=True,
    ),
]
