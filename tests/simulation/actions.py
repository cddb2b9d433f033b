"""What may happen to a world: each action draws its own chances, so that leaving one out of a
scenario leaves the others as they were (shrinking lives on that)."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from licenses.models import Device
from messaging.models import Message
from phone_simulator import wire
from phone_simulator.transport import Faults, TransportError
from tests.simulation.history import Answered, Peeked
from tests.simulation.phones import SimPhone
from tests.simulation.world import Tenant, World

Action = Callable[[World, random.Random], None]

RECIPIENTS = [f"+4850000000{n}" for n in range(4)]
_STORM = Faults(lose_requests=0.3, lose_replies=0.4, duplicate=0.3, cut=0.2, late=0.1, reorder=True)


# --- clients -------------------------------------------------------------------------------------


def post(world: World, chance: random.Random) -> None:
    """A program sends a message; without an answer, or just so, it asks the same thing again."""
    tenant = _tenant(world, chance)
    key = f"{chance.getrandbits(64):x}"
    body = _message(world, chance, key)
    headers = tenant.headers | {"Idempotency-Key": key}
    for _ in range(chance.choice([1, 1, 3])):
        response = world.server.client_calls("POST", "/api/messages/", body, headers)
        status = 0 if response is None else response.status_code
        made = status == 201 and response is not None
        name = world.name_of(response.json()["id"]) if made else None  # type: ignore[union-attr]
        if made and chance.random() < 0.2:  # the native API has no field for it; the dialects do
            Message.objects.filter(pk=world.id_of(name)).update(sim=1)  # type: ignore[arg-type]
        world.history.add(Answered(world.now, key, status, name))
    _tell_phones(world, tenant)


def post_bulk(world: World, chance: random.Random) -> None:
    """More than one phone takes at once, and one of them twice."""
    tenant = _tenant(world, chance)
    messages = [_message(world, chance, f"{chance.getrandbits(64):x}") for _ in range(9)]
    messages.append(messages[0])
    body = {"messages": messages}
    for _ in range(chance.choice([1, 2])):
        world.server.client_calls("POST", "/api/messages/bulk/", body, tenant.headers)
    _tell_phones(world, tenant)


def _message(world: World, chance: random.Random, external_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "external_id": external_id,
        "phone": chance.choice(RECIPIENTS),
        "message": "x" * chance.choice([1, 1, 1, 300, 1500]),
        "priority": chance.choice([10, 10, 0, 99]),
        "on_uncertain": chance.choice(["hold", "hold", "resend"]),
    }
    if chance.random() < 0.2:
        body["send_after"] = _moment(world, chance.choice([60, 600, 3600, 8 * 3600]))
    if chance.random() < 0.25:
        later = 8 * 3600 if "send_after" in body else 0
        body["send_before"] = _moment(world, later + chance.choice([30, 400, 1500]))
    return body


def _moment(world: World, seconds: float) -> str:
    return (world.time() + dt.timedelta(seconds=seconds)).isoformat()


def cancel(world: World, chance: random.Random) -> None:
    tenant = _tenant(world, chance)
    if (message := _any(chance, world.messages())) is not None:
        path = f"/api/messages/{message}/"
        world.server.client_calls("DELETE", path, None, tenant.headers)


def resolve(world: World, chance: random.Random) -> None:
    """The owner decides about an uncertain or a failed message; most want it sent."""
    if (message := _any(chance, world.messages("uncertain", "failed"))) is not None:
        wish = chance.choice(["again", "again", "again", "sent", "given_up"])
        path = f"/api/messages/{message}/resolve/"
        for tenant in world.tenants:
            world.server.client_calls("POST", path, {"as": wish}, tenant.headers)
            _tell_phones(world, tenant)


def opt_out(world: World, chance: random.Random) -> None:
    tenant, recipient = _tenant(world, chance), chance.choice(RECIPIENTS)
    world.server.client_calls("POST", "/api/opt-outs/", {"phone": recipient}, tenant.headers)


def opt_in(world: World, chance: random.Random) -> None:
    tenant, recipient = _tenant(world, chance), chance.choice(RECIPIENTS)
    world.server.client_calls("DELETE", f"/api/opt-outs/{recipient}/", None, tenant.headers)


def peek(world: World, chance: random.Random) -> None:
    """A tenant looks at the other one's messages."""
    tenant = _tenant(world, chance)
    for name in world.messages_of_others(tenant)[-3:]:
        path = f"/api/messages/{world.id_of(name)}/"
        response = world.server.client_calls("GET", path, None, tenant.headers)
        if response is not None:
            world.history.add(Peeked(world.now, name, response.status_code))


# --- phones --------------------------------------------------------------------------------------


def kill(world: World, chance: random.Random) -> None:
    phone = _phone(world, chance)
    phone.kill()
    world.at(world.now + chance.choice([1, 60, 400, 1800]), phone.start)


def die_at_checkpoint(world: World, chance: random.Random) -> None:
    phone = _phone(world, chance)
    phone.dies_at = chance.choice(["claim", "reply", "accept", "journal", "radio", "result"])


def reboot(world: World, chance: random.Random) -> None:
    """At once, or when its battery is charged again; now and then where there is no network."""
    phone = _phone(world, chance)
    phone.reboot(chance.choice([5, 900]))
    if chance.random() < 0.5:
        _bad_weather(world, phone, Faults(lose_requests=1.0), 1200)


def reinstall(world: World, chance: random.Random) -> None:
    _phone(world, chance).reinstall()


def restore_a_backup(world: World, chance: random.Random) -> None:
    """A backup is put back minutes after it was made; for once while the phone sends."""
    phone = _phone(world, chance)
    phone.back_up()
    world.at(world.now + chance.choice([5, 25, 300]), phone.restore)


def double(world: World, chance: random.Random) -> None:
    _phone(world, chance).double()


def storm(world: World, chance: random.Random) -> None:
    """Its network is bad for a while, in one direction or in every way."""
    weather = chance.choice(
        [
            _STORM,
            _STORM,
            Faults(lose_requests=1.0),
            Faults(lose_replies=1.0),
            Faults(late=1.0),
            Faults(duplicate=1.0, reorder=True),
        ]
    )
    _bad_weather(world, _phone(world, chance), weather, chance.choice([20, 200, 900, 1500]))


def old_calls_come_again(world: World, chance: random.Random) -> None:
    """The network delivers calls a second time, long after."""
    seen = world.server.seen
    for _ in range(min(3, len(seen))):
        phone, token, content = chance.choice(seen)
        with suppress(TransportError):
            world.server.phone_calls(phone, "POST", wire.SYNC, token, content)


def stray_reports(world: World, chance: random.Random) -> None:
    """A phone speaks of messages that it never had: another tenant's, and none at all."""
    phone = _phone(world, chance)
    if not phone.is_alive or phone.is_busy or (token := phone.journal.get("token")) is None:
        return
    strangers = [world.id_of(name) for name in world.messages_of_others(phone.tenant)]
    events = [
        {
            "event_id": str(UUID(int=chance.getrandbits(128), version=4)),
            "type": kind,
            "wall_time": "2016-01-01T00:00:00+00:00",
            "message_id": message_id,
            "attempt": 1,
            "part": 1,
            "parts": 1,
        }
        for message_id in [*strangers[-3:], 2**62]
        for kind in ("released", "part_sent")
    ]
    body = {
        "claim_id": None,
        "capacity": 0,
        "boot_id": phone.clock.boot_id,
        "held": [],
        "events": events,
    }
    with suppress(TransportError):
        world.server.phone_calls(phone, "POST", wire.SYNC, token, wire.encode(body))


def radio_trouble(world: World, chance: random.Random) -> None:
    phone, well = _phone(world, chance), None
    if not phone.is_alive:
        return
    well, radio = phone.radio.plan, phone.radio
    radio.plan = (
        replace(well, blocked="no_service")
        if chance.random() < 0.5
        else replace(well, fail_rate=chance.choice([0.7, 1.0]))
    )

    def recover() -> None:
        radio.plan = well

    world.at(world.now + chance.choice([60, 700]), recover)


def full_disk(world: World, chance: random.Random) -> None:
    """The phone starts again with a journal that cannot grow, until there is room."""
    phone = _phone(world, chance)
    phone.kill()
    phone.pages = chance.choice([1, 12])
    world.at(world.now + 1, phone.start)

    def room() -> None:
        phone.pages = None
        phone.kill()
        world.at(world.now + 1, phone.start)

    world.at(world.now + chance.choice([100, 700]), room)


def clock_is_set(world: World, chance: random.Random) -> None:
    _phone(world, chance).clock.skew += chance.choice([-1, 1]) * 10 * 365 * 86_400


def pause(world: World, chance: random.Random) -> None:
    device = Device.objects.filter(install_id=_phone(world, chance).install_id)
    device.update(is_paused=True)
    world.at(world.now + chance.choice([100, 900]), lambda: device.update(is_paused=False))


def sms_comes_in(world: World, chance: random.Random) -> None:
    """Now and then one that says STOP."""
    phone, recipient = _phone(world, chance), chance.choice(RECIPIENTS)
    phone.receive(recipient, chance.choice(["hello", "hello", "STOP"]))


# --- the server ----------------------------------------------------------------------------------


def server_dies_before_commit(world: World, chance: random.Random) -> None:
    world.server.dies_before_commit = True


def server_is_away(world: World, chance: random.Random) -> None:
    world.server.is_away = True

    def back() -> None:
        world.server.is_away = False

    world.at(world.now + chance.choice([30, 400, 1500]), back)


def redis_is_gone(world: World, chance: random.Random) -> None:
    world.set_redis_gone(True)
    world.at(world.now + chance.choice([60, 900]), lambda: world.set_redis_gone(False))


def database_goes_back(world: World, chance: random.Random) -> None:
    """A standby takes over that lacks the last moments."""
    world.lose(chance.choice([1.2, 5, 40, 400]))


WEIGHTS: dict[Action, int] = {
    post: 24,
    post_bulk: 10,
    cancel: 8,
    resolve: 10,
    opt_out: 3,
    opt_in: 2,
    peek: 1,
    kill: 6,
    die_at_checkpoint: 12,
    reboot: 5,
    reinstall: 4,
    restore_a_backup: 2,
    double: 1,
    storm: 10,
    old_calls_come_again: 6,
    stray_reports: 2,
    radio_trouble: 4,
    full_disk: 2,
    clock_is_set: 2,
    pause: 2,
    sms_comes_in: 4,
    server_dies_before_commit: 5,
    server_is_away: 3,
    redis_is_gone: 1,
}

# Where the database goes back, too. No phone forgets what it was given besides, or is two: nobody could
# know then.
WEIGHTS_WITH_LOSSES = {
    action: weight
    for action, weight in WEIGHTS.items()
    if action not in {reinstall, restore_a_backup, double}
} | {database_goes_back: 8}

BY_NAME = {action.__name__: action for action in WEIGHTS | WEIGHTS_WITH_LOSSES}


def _tenant(world: World, chance: random.Random) -> Tenant:
    return world.tenants[0] if chance.random() < 0.75 else world.tenants[1]


def _phone(world: World, chance: random.Random) -> SimPhone:
    """Rather one that has something to do."""
    busy = [phone for phone in world.phones if phone.has_work]
    return chance.choice(busy if busy and chance.random() < 0.7 else world.phones)


def _bad_weather(world: World, phone: SimPhone, weather: Faults, seconds: float) -> None:
    phone.weather = weather

    def calm() -> None:
        phone.weather = Faults()

    world.at(world.now + seconds, calm)


def _any(chance: random.Random, messages: list[int]) -> int | None:
    return chance.choice(messages) if messages else None


def _tell_phones(world: World, tenant: Tenant) -> None:
    for phone in world.phones:
        if phone.tenant is tenant:
            world.at(world.now + 0.1, phone.poke)
