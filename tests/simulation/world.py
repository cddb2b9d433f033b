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
from unittest import mock
from zoneinfo import ZoneInfo

from django.db import connection

from http_api import clock, redis
from licenses import lookup, services
from licenses.models import Device, License
from licenses.sending_hours import SendingHours
from messaging.services import housekeeping, timelines
from messaging.states import FINAL, MessageState
from phone_simulator.pretended_sim import Plan
from phone_simulator.transport import Faults
from tests.simulation.history import History, Inserted
from tests.simulation.observer import Observer
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
_HOURS = [
    "", "", "", "08:00-20:00", "22:00-02:30", "02:15-03:30",
    "Mo-Fr 08:00-12:00,13:00-20:00; Sa 10:00-14:00", "Mo-We 00:00-12:00; Su 22:00-06:00",
]  # fmt: skip

BUSY_SECONDS = 4800.0  # the time in which a scenario's actions happen
MONTH = 30 * 86_400.0


@dataclass(frozen=True)
class Tenant:
    name: str
    keys: services.Provisioned

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys.license_key}"}


class World:
    """Its rows are those of a transaction that whoever makes it undoes; others do not see them."""

    def __init__(self, seed: int, folder: Path, skew: float = 0.0) -> None:
        """`skew`: by how many seconds all phones' wall clocks are wrong."""
        self.chance = random.Random(f"world {seed}")
        self.now = 0.0
        self.history = History()
        self.folder = folder
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._begin = self.chance.choice(_BEGINNINGS)
        self._stack = ExitStack()
        self._stack.enter_context(clock.replaced_by(self.time))
        redis.client().flushdb()  # throttles count there, which no transaction undoes
        self.server = Server(self)
        self._is_losing = False
        self._stack.enter_context(mock.patch.object(timelines, "_known", None))
        timelines.look()
        self._observer = Observer(self.history, self._seconds)
        self._stack.enter_context(connection.execute_wrapper(self._observer.note_write))
        self.tenants = [self._tenant(name, seed) for name in ("A", "B")]
        for tenant in self.tenants:
            self._observer.introduce(tenant.name, tenant.keys)
        self.phones: list[SimPhone] = []
        for name, owner in (("A1", 0), ("A2", 0), ("B1", 1)):
            phone = self.add_phone(name, self.tenants[owner])
            phone.clock.skew = skew
            phone.start()
            phone.tend()
        self._beat_seconds = self.chance.choice([60.0, 180.0, 600.0])
        self.at(self._beat_seconds, self._beat)

    def close(self) -> None:
        for phone in self.phones:
            phone.kill()
        self.set_redis_gone(False)
        self._stack.close()

    def _tenant(self, name: str, seed: int) -> Tenant:
        hours = self.chance.choice(_HOURS) if name == "A" else ""
        rules: dict[str, Any] = {
            "max_daily_sms": self.chance.choice([None, None, 20]),
            "kept_sms": "all",  # so that the check finds all that came in
        }
        if hours:
            self.history.hours[name] = hours
            rules["sending_hours"] = hours
        # Worlds that are simulated side by side would wait for each other over the same name.
        return Tenant(name, services.provision(f"{name}-{seed}", **rules))

    def add_phone(self, name: str, tenant: Tenant) -> SimPhone:
        phone = SimPhone(self, name, tenant, self.chance.getrandbits(32))
        self.phones.append(phone)
        return phone

    # --- time ---

    def time(self) -> dt.datetime:
        return self._begin + dt.timedelta(seconds=self.now)

    def local_time(self) -> str:
        return f"{self.time().astimezone(WARSAW):%u %H:%M}"

    def _seconds(self, moment: dt.datetime | None) -> float | None:
        return None if moment is None else (moment - self._begin).total_seconds()

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

    def lose(self, seconds: float) -> None:
        """Let a standby take over in so many seconds that has received nothing from now on."""
        if self._is_losing:
            return
        self._is_losing = True
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT received")

        def take_over() -> None:
            self._is_losing = False
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK TO SAVEPOINT received")
                cursor.execute("UPDATE licenses_timeline SET number = number - 1")
            lookup.clear_cache()
            self._observer.go_back(self.now)
            timelines.look()

        self.at(self.now + seconds, take_over)

    def set_redis_gone(self, is_gone: bool) -> None:
        redis._gone_since = 0.0 if is_gone else None

    def rest(self) -> None:
        """Faults end, phones are switched on, and there is time enough for everything."""
        self.server.is_away = self.server.dies_before_commit = False
        for phone in self.phones:
            phone.weather, phone.dies_at, phone.pages = Faults(), None, None
            phone.plan = phone.radio.plan = _well(phone.plan)
            phone.kill()
        Device.objects.update(is_paused=False, failing_sims=[], refusals={})
        self._beat_seconds = 600.0
        self.advance(self.now + 60)
        for phone in self.phones:
            phone.start()
            if phone.is_alive:
                phone.journal.resume_sims()
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

    # --- names and rows ---

    def name_of(self, message_id: int) -> int:
        return self._observer.names[message_id]

    def id_of(self, name: int) -> int:
        return self._observer.ids[name]

    def messages(self, *states: str) -> list[int]:
        """Ids of the messages in one of these states (none given: in any), oldest first."""
        return [pk for pk, s in self._observer.states.items() if not states or s in states]

    def messages_of_others(self, tenant: Tenant) -> list[int]:
        return [m.message for m in self.history.all(Inserted) if m.tenant != tenant.name]

    def new_pairing_code(self, tenant: Tenant, device_id: int | None = None) -> str:
        license = License.objects.get(pk=tenant.keys.license_id)
        replaces = None if device_id is None else Device.objects.get(pk=device_id)
        return services.new_pairing_code(license, replaces=replaces).code

    def observe(self) -> None:
        """Write down what has changed in the database since the last time."""
        self._observer.look(self.now)

    def end(self) -> None:
        self._observer.end(self.now)


def _well(plan: Plan) -> Plan:
    """The SIM of a phone that works."""
    return replace(plan, fail_rate=0.0, silent_rate=0.0, blocked=None)
