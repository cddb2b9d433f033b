"""A small world on one clock: two tenants, three phones, the real server on a real database.

Everything that happens is an event at a time; nothing runs on its own. A phone that waits for a late
reply lets the others live on meanwhile.
"""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from http_api import clock
from licenses import services
from licenses.models import Device, License
from messaging.models import Attempt, Event, InboundMessage, Message, StateChange
from messaging.sending_hours import SendingHours
from messaging.services import housekeeping
from messaging.states import FINAL, MessageState
from phone.radio import Plan
from phone.transport import Faults
from tests.simulation.history import (
    AttemptBecame,
    Became,
    Changed,
    Ended,
    History,
    Inbox,
    Inserted,
    Stored,
)
from tests.simulation.phones import SimPhone
from tests.simulation.server import Server

WARSAW = ZoneInfo("Europe/Warsaw")

# Afternoons, nights, and both changes between winter and summer time.
_BEGINNINGS = [
    dt.datetime(2026, 4, 9, 14, 32, tzinfo=dt.UTC),
    dt.datetime(2026, 4, 9, 17, 10, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 29, 0, 5, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 24, 23, 35, tzinfo=dt.UTC),
]
_UNFINISHED = sorted({state.value for state in MessageState} - FINAL - {MessageState.UNCERTAIN})
_HOURS = ["", "", "", "08:00-20:00", "22:00-02:30", "02:15-03:30"]

BUSY_SECONDS = 2 * 3600.0  # the time in which a scenario's actions happen
MONTH = 30 * 86_400.0


@dataclass(frozen=True)
class Tenant:
    name: str
    keys: services.Provisioned

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys.license_key}"}


class World:
    def __init__(self, seed: int, folder: Path, skew: float = 0.0) -> None:
        """`skew`: by how many seconds all phones' wall clocks are wrong."""
        self.chance = random.Random(f"world {seed}")
        self.now = 0.0
        self.history = History()
        self.server = Server(self)
        self.opted_out: set[tuple[str, str]] = set()
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._begin = self.chance.choice(_BEGINNINGS)
        self._stack = ExitStack()
        self._stack.enter_context(clock.replaced_by(self.time))
        self._names: dict[int, int] = {}
        self._ids: dict[int, int] = {}
        self._states: dict[int, str] = {}
        self._attempts: dict[tuple[int, int], tuple[str, bool]] = {}
        self._last_change = self._last_event = 0
        self.is_over = False
        self.tenants = [self._tenant(name) for name in ("A", "B")]
        self.phones = [
            SimPhone(self, name, self.tenants[owner], self.chance.getrandbits(32), folder)
            for name, owner in (("A1", 0), ("A2", 0), ("B1", 1))
        ]
        self._skip_what_was()
        for phone in self.phones:
            phone.clock.skew = skew
            phone.start()
            phone.tend()
        self._beat_seconds = self.chance.choice([60.0, 60.0, 300.0])
        self.at(self._beat_seconds, self._beat)

    def close(self) -> None:
        for phone in self.phones:
            phone.kill()
        self._stack.close()

    def _tenant(self, name: str) -> Tenant:
        hours = self.chance.choice(_HOURS) if name == "A" else ""
        rules: dict[str, Any] = {"max_daily_sms": self.chance.choice([None, 12])}
        if hours:
            self.history.hours[name] = hours
            parsed = SendingHours.parse(hours, WARSAW)
            rules |= {"opens_at": parsed.opens, "closes_at": parsed.closes}
        return Tenant(name, services.provision(name, **rules))

    def _skip_what_was(self) -> None:
        """Rows of other tests, should there be any."""
        self._last_change = (
            StateChange.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        )
        self._last_event = Event.objects.order_by("pk").values_list("pk", flat=True).last() or 0

    # --- time ---

    def time(self) -> dt.datetime:
        return self._begin + dt.timedelta(seconds=self.now)

    def local_time(self) -> str:
        return f"{self.time().astimezone(WARSAW):%H:%M}"

    def at(self, when: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), what))

    def advance(self, until: float) -> None:
        """Let everything happen that is due until then. May be called from within an event."""
        while self._events and self._events[0][0] <= until:
            when, _, what = heapq.heappop(self._events)
            self.now = max(self.now, when)
            what()
        self.now = max(self.now, until)

    def _beat(self) -> None:
        """What Celery does, as late as it may be."""
        if not self.server.is_away:
            housekeeping.promote_due()
            housekeeping.expire_overdue()
            housekeeping.doubt_expired_leases()
            housekeeping.mark_silent_devices()
            self.observe()
        for phone in self.phones:
            phone.tend()
            phone.poke()
        self.at(self.now + self._beat_seconds, self._beat)

    def rest(self) -> None:
        """Faults end, phones are switched on, and there is time enough for everything."""
        self.server.is_away = self.server.dies_before_commit = False
        for phone in self.phones:
            phone.weather, phone.dies_at, phone.pages = Faults(), None, None
            phone.plan = phone.radio.plan = _well(phone.plan)
            phone.kill()
        Device.objects.update(is_paused=False)
        self._beat_seconds = 600.0
        self.advance(self.now + 60)
        for phone in self.phones:
            phone.start()
        self.advance(self.now + 1800)  # all leases, all graces, and a poll of each phone
        for _ in range(12):
            if not self.messages(*_UNFINISHED):
                break
            self._sleep_until_open()
            self.advance(self.now + 3600)

    def _sleep_until_open(self) -> None:
        """Nights pass at once: no phone starts anything then."""
        for hours in self.history.hours.values():
            opening = SendingHours.parse(hours, WARSAW).next_opening(self.time())
            self.now = max(self.now, (opening - self._begin).total_seconds())

    def end(self) -> None:
        self.observe()
        for message_id, name in self._names.items():
            state = self._states[message_id]
            self.history.add(Ended(self.now, name, state))
        texts = InboundMessage.objects.order_by("pk").values_list("text", flat=True)
        self.history.add(Inbox(self.now, tuple(texts)))

    # --- names and rows ---

    def name_of(self, message_id: int) -> int:
        return self._names[message_id]

    def id_of(self, name: int) -> int:
        return self._ids[name]

    def messages(self, *states: str) -> list[int]:
        """Ids of the messages in one of these states, oldest first."""
        return [pk for pk, state in self._states.items() if not states or state in states]

    def new_pairing_code(self, tenant: Tenant, device_id: int | None = None) -> str:
        license = License.objects.get(pk=tenant.keys.license_id)
        replaces = None if device_id is None else Device.objects.get(pk=device_id)
        return services.new_pairing_code(license, replaces=replaces).code

    def observe(self) -> None:
        """Write down what has changed in the database since the last time."""
        rows = list(Message.objects.order_by("pk"))
        for row in rows:
            if row.pk not in self._names:
                self._note_message(row)
        self._note_changes()
        for row in rows:
            if row.status != self._states[row.pk]:
                self._states[row.pk] = row.status
                self.history.add(Became(self.now, self._names[row.pk], row.status))
        self._note_events()
        self._note_attempts()

    def _note_message(self, row: Message) -> None:
        name = len(self._names)
        self._names[row.pk], self._ids[name] = name, row.pk
        # Were it inserted and claimed at one look, its first state would be that of its history.
        first = StateChange.objects.filter(message_id=row.pk).order_by("pk").first()
        self._states[row.pk] = first.from_state if first else row.status
        tenant = next(t for t in self.tenants if t.keys.license_id == row.license_id)
        before = row.send_before
        self.history.add(
            Inserted(
                self.now,
                name,
                tenant.name,
                row.external_id or "",
                row.phone,
                row.on_uncertain == "resend",
                row.any_hour,
                None if before is None else (before - self._begin).total_seconds(),
                self._states[row.pk],
            )
        )

    def _note_changes(self) -> None:
        new = StateChange.objects.filter(pk__gt=self._last_change)
        # What one statement changes has no order among messages.
        for change in sorted(new, key=lambda change: (change.message_id, change.pk)):
            self._last_change = max(change.pk, self._last_change)
            self.history.add(
                Changed(
                    self.now,
                    self._names[change.message_id],
                    change.from_state,
                    change.to_state,
                    change.cause,
                )
            )

    def _note_events(self) -> None:
        events = Event.objects.filter(pk__gt=self._last_event).order_by("pk")
        for event in events:
            self._last_event = event.pk
            if event.quarantine or event.message_id is None or event.attempt is None:
                continue
            self.history.add(
                Stored(
                    self.now,
                    self._names[event.message_id],
                    event.attempt,
                    event.type,
                    event.part,
                    event.parts,
                    event.code,
                )
            )

    def _note_attempts(self) -> None:
        by_license = {tenant.keys.license_id: tenant.name for tenant in self.tenants}
        attempts = Attempt.objects.order_by("message_id", "n").values_list(
            "message_id", "n", "state", "is_superseded", "device__license_id"
        )
        for message_id, n, state, is_superseded, license_id in attempts:
            if self._attempts.get((message_id, n)) != (state, is_superseded):
                self._attempts[message_id, n] = state, is_superseded
                name, tenant = self._names[message_id], by_license[license_id]
                self.history.add(AttemptBecame(self.now, name, n, state, is_superseded, tenant))


def _well(plan: Plan) -> Plan:
    """The SIM of a phone that works."""
    return replace(plan, fail_rate=0.0, silent_rate=0.0, blocked=None)
